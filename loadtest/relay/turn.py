"""One server's turn: started, filled with legs, spoken through, ended; and its turns together.

Decides when a turn was disturbed: packets were lost, the machine's host took much
of the server's core, or the crowd itself was held up. Such turns are told apart,
not left out. A server's cost is the median of its undisturbed turns.
What the figures must be is `run.py`'s.
"""

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from loadtest.percentile import percentile
from loadtest.relay import aiortc_relay, janus, own
from loadtest.relay.contender import Contender
from loadtest.relay.crowd import Crowd
from loadtest.relay.pace import PACKETS_PER_S
from loadtest.relay.process import cpu_ns, rss_kb, stolen_s

DELIVERED_MIN = 0.999
STOLEN_SHARE_MAX = 0.05
STALLED_SHARE_MAX = 0.05

CONTENDERS: Mapping[str, Contender] = {
    "floor": own.contender("floor"),
    "native": own.contender("native"),
    "python": own.contender("python"),
    "janus": janus.opened,
    "aiortc": aiortc_relay.opened,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn showed."""

    cpu_us_per_packet: float
    """Processor time of the server, all threads, for each packet that arrived."""
    delivered: float
    """Share of the counted packets that came back."""
    stolen_share: float
    """Share of the server's core that the machine's host took meanwhile."""
    stalled_share: float
    """Share of the time for which the crowd was held up."""
    rss_kb_per_call: float
    """What the legs added to the server's memory, for each call."""
    delays_us: tuple[float, ...] = field(repr=False)
    """From being sent to being read, of each packet."""

    @property
    def is_disturbed(self) -> bool:
        """Whether it says more about the machine than about the server."""
        return (
            self.delivered < DELIVERED_MIN
            or self.stolen_share > STOLEN_SHARE_MAX
            or self.stalled_share > STALLED_SHARE_MAX
        )


@dataclass(slots=True)
class Seen:
    """All turns of one server."""

    calls: int
    """Calls at the same time."""
    turns: list[Turn] = field(default_factory=list)
    """In the order in which they were taken."""

    @property
    def undisturbed(self) -> list[Turn]:
        """Those that count."""
        return [turn for turn in self.turns if not turn.is_disturbed]

    @property
    def cpu_us_per_packet(self) -> float:
        """The median; of disturbed turns where there are no others."""
        return statistics.median(turn.cpu_us_per_packet for turn in self.undisturbed or self.turns)

    def told(self) -> dict[str, object]:
        """What is printed."""
        kept, cost_us = self.undisturbed or self.turns, self.cpu_us_per_packet
        delays_us = [delay for turn in kept for delay in turn.delays_us]
        return {
            "calls": self.calls,
            "cpu_us_per_packet": round(cost_us, 2),
            "delivered": round(statistics.mean(turn.delivered for turn in kept), 5),
            "p50_ms": round(percentile(delays_us, 50) / 1_000, 2) if delays_us else None,
            "p99_ms": round(percentile(delays_us, 99) / 1_000, 2) if delays_us else None,
            "calls_per_core": int(1e6 / (cost_us * 2 * PACKETS_PER_S)),
            "rss_kb_per_call": round(statistics.median(turn.rss_kb_per_call for turn in kept), 1),
            "turns_undisturbed": len(self.undisturbed),
            "turns_disturbed": [_brief(turn) for turn in self.turns if turn.is_disturbed],
        }


def take(name: str, *, calls: int, seconds: int, core: int, is_spinning: bool) -> Turn:
    """One turn of that server, pinned to that core.

    Raises:
        Unready: it could not be started, or did not take every leg.
    """
    crowd = Crowd(calls, seconds, is_spinning=is_spinning)
    try:
        with CONTENDERS[name](crowd, core) as server:
            stolen_before_s = stolen_s(core)
            heard = crowd.speak(server.lines, lambda: cpu_ns(server.pid))
            taken_s = stolen_s(core) - stolen_before_s
            grown_kb = rss_kb(server.pid) - server.rss_kb
    finally:
        crowd.close()
    return Turn(
        cpu_us_per_packet=heard.cpu_us_per_packet,
        delivered=heard.delivered,
        stolen_share=taken_s * 1e9 / heard.span_ns,
        stalled_share=heard.stalled_ns / heard.span_ns,
        rss_kb_per_call=grown_kb / calls,
        delays_us=tuple(heard.delays_us),
    )


def _brief(turn: Turn) -> dict[str, float]:
    told = asdict(turn)
    del told["delays_us"], told["rss_kb_per_call"]
    return {name: round(value, 4) for name, value in told.items()}
