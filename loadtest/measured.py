"""What a run of `calls` found, and whether that is good enough.

Decides the figures and their bounds: the share of packets delivered, what a packet's way took, how late
ticks are, whether each bill is the truth, whether the ledger balances, whether memory stays flat.
Never measures (`loadtest/calls.py`). What was never seen is infinite, because silence must not pass a bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtest.call import Outcome
from loadtest.percentile import percentile

DELIVERED_MIN = 0.999
ADDED_P99_MS_MAX = 20.0
TICK_LAG_P99_MS_MAX = 100.0
FIRST_AUDIO_P95_MS_MAX = 1_000.0
ROAMED_HEARD_MS_MAX = 1_000.0
SETUPS_PER_S_MIN = 30.0
SETUP_CALLS_MIN = 100
"""With fewer calls the last one's way to its first voice is most of what the rate measures."""
ARRIVALS_MIN = 40.0
"""With fewer invitations in a second the rate is theirs."""
FLAT_ROUNDS_MIN = 3
"""What the allocator and the caches still settle is in the rounds before."""
FLAT_SHARE_MAX = 0.25
"""What the last of several rounds may add to memory, as a share of what the first did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Figures of the run that no call knows."""

    seconds: int
    added_p50_ms: float
    added_p99_ms: float
    arrivals_per_s: float
    setups_per_s: float
    setup_gateway_cpu_ms: float
    setup_generator_cpu_ms: float
    rss_kb: Sequence[int]
    """The gateway's memory after sign-in, then after each round's counted span."""
    gateway_cpu_share: float
    generator_cpu_share: float
    generator_late_ms_max: float
    generator_dropped: int
    """Packets and datagrams that the generator itself lost."""
    host_stolen_share: float
    ledger_ok: bool

    @property
    def grown_kb(self) -> list[int]:
        """What each round added to the gateway's memory."""
        return [after - before for before, after in pairwise(self.rss_kb)]

    @property
    def is_flat(self) -> bool:
        """Whether memory stays where it is; not asked after fewer than FLAT_ROUNDS_MIN rounds."""
        first_kb, *more_kb = self.grown_kb
        return len(more_kb) + 1 < FLAT_ROUNDS_MIN or more_kb[-1] <= FLAT_SHARE_MAX * first_kb


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The run in numbers; printed as one JSON object."""

    ok: bool
    """Whether every bound held."""
    calls: int
    """Calls that were set up, in all rounds."""
    seconds: int
    """Length of the counted span."""
    delivered: float
    """Share of the packets counted that arrived, both ways."""
    added_p50_ms: float
    """A packet's way through the gateway, both sockets included: the median."""
    added_p99_ms: float
    """The same, 99th percentile."""
    tick_lag_p50_ms: float
    """From the end of a second to its tick's arrival: the median."""
    tick_lag_p99_ms: float
    """The same, 99th percentile."""
    billing_errors: int
    """Calls whose bill or receipt is not what it should be, those that failed included."""
    ledger_ok: bool
    """Every invariant of the ledger holds at the end."""
    setups_per_s: float
    """Calls from the first invitation until the last had voice both ways, in a second."""
    setup_gateway_cpu_ms: float
    """Processor time the gateway took for one set-up, whatever else it did meanwhile included."""
    setup_generator_cpu_ms: float
    """The same of this process."""
    first_audio_p50_ms: float
    """From acceptance to the first packet heard: the median."""
    first_audio_p95_ms: float
    """The same, 95th percentile."""
    rss_kb_per_call: float
    """Memory the gateway grew by from sign-in to the end of the first counted span, per call."""
    rss_kb_grown_second_round: int | None
    """What a second round of as many calls added to that, in all; None after one round."""
    rss_kb_rounds: Sequence[int]
    """What each round added to the gateway's memory; the first holds what the calls of a round take."""
    gateway_cpu_share: float
    """Processor share of the gateway in the counted span, all threads; 1 = one core."""
    generator_cpu_share: float
    """The same of this process, without what it does to keep its processor awake."""
    generator_late_ms_max: float
    """How late this generator sent a packet at worst; large means that it measured itself."""
    generator_dropped: int
    """Packets and datagrams that this generator itself lost."""
    host_stolen_share: float
    """Processor share that the machine's host took away meanwhile; where it is large, latencies are the host's."""
    packets_unknown: int
    """Packets that came and were nothing that the other leg had said."""
    roamed_heard_ms_max: float | None
    """A leg at a new address heard the other again after so long at worst; None where none roamed."""
    roamed_lost_s_max: int | None
    """Seconds that a roaming leg's call lost at worst."""
    killed: int
    """Calls in which one side died."""
    killed_billing_errors: int
    """Of those, how many were not billed to the last evidence; they are among `billing_errors`."""
    problems: tuple[str, ...]
    """Up to ten sentences about what was wrong."""


def judged(outcomes: Sequence[Outcome], span: Span, *, wanted: int) -> Measured:
    """All figures; `wanted` calls were to be set up."""
    lags_ms = [lag for each in outcomes for lag in each.tick_lag_ms]
    audio_ms = [ms for each in outcomes for ms in each.first_audio_ms]
    roamed_ms = [ms for each in outcomes for ms in each.roamed_heard_ms]
    lost_s = [s for each in outcomes for s in each.roamed_lost_s]
    delivered = sum(each.delivered for each in outcomes) / max(1, sum(each.sent for each in outcomes))
    errors, calls = sum(each.wrong for each in outcomes), sum(each.calls for each in outcomes)
    bounds = (
        calls == wanted,
        delivered >= DELIVERED_MIN,
        span.added_p99_ms <= ADDED_P99_MS_MAX,
        percentile(lags_ms, 99) <= TICK_LAG_P99_MS_MAX,
        percentile(audio_ms, 95) <= FIRST_AUDIO_P95_MS_MAX,
        span.setups_per_s >= SETUPS_PER_S_MIN
        or calls < SETUP_CALLS_MIN
        or span.arrivals_per_s < ARRIVALS_MIN,
        max(roamed_ms, default=0.0) <= ROAMED_HEARD_MS_MAX,
        not any(each.problems for each in outcomes),
        errors == 0,
        span.ledger_ok,
        span.is_flat,
    )
    first_kb, *more_kb = span.grown_kb
    return Measured(
        ok=all(bounds),
        calls=calls,
        seconds=span.seconds,
        delivered=round(delivered, 6),
        added_p50_ms=round(span.added_p50_ms, 3),
        added_p99_ms=round(span.added_p99_ms, 3),
        tick_lag_p50_ms=round(percentile(lags_ms, 50), 1),
        tick_lag_p99_ms=round(percentile(lags_ms, 99), 1),
        billing_errors=errors,
        ledger_ok=span.ledger_ok,
        setups_per_s=round(span.setups_per_s, 2),
        setup_gateway_cpu_ms=round(span.setup_gateway_cpu_ms, 2),
        setup_generator_cpu_ms=round(span.setup_generator_cpu_ms, 2),
        first_audio_p50_ms=round(percentile(audio_ms, 50), 1),
        first_audio_p95_ms=round(percentile(audio_ms, 95), 1),
        rss_kb_per_call=round(first_kb * len(span.grown_kb) / wanted, 1),
        rss_kb_grown_second_round=more_kb[0] if more_kb else None,
        rss_kb_rounds=(first_kb, *more_kb),
        gateway_cpu_share=round(span.gateway_cpu_share, 3),
        generator_cpu_share=round(span.generator_cpu_share, 3),
        generator_late_ms_max=round(span.generator_late_ms_max, 1),
        generator_dropped=span.generator_dropped,
        host_stolen_share=round(span.host_stolen_share, 3),
        packets_unknown=sum(each.unknown for each in outcomes),
        roamed_heard_ms_max=round(max(roamed_ms), 1) if roamed_ms else None,
        roamed_lost_s_max=max(lost_s, default=None),
        killed=sum(each.killed for each in outcomes),
        killed_billing_errors=sum(each.killed_wrong for each in outcomes),
        problems=tuple(problem for each in outcomes for problem in each.problems)[:10],
    )
