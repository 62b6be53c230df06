"""What really happened, sorted by session: the truth as the meter reads it.

Decides how events become timelines: flows, mutes, acknowledgements, pauses, lines,
clocks, the instants at which a gateway lived.
Never judges a second; meter.py does.
Keeps true: only events of truth.py go in, nothing that the database says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from loadtest.auditor import truth
from loadtest.auditor.span import EVER, Span, common, switched, united

Changes = list[tuple[int, bool]]


@dataclass(slots=True, kw_only=True)
class Life:
    """Everything that happened to one session."""

    session: str
    asked: truth.Asked | None = None
    accepted_at_ns: int | None = None
    accepted_wall_ns: int | None = None
    flows: dict[tuple[str, str], Changes] = field(default_factory=dict)
    """By (side, plane)."""
    mutes: dict[str, Changes] = field(default_factory=dict)
    sockets: dict[str, Changes] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)
    acks: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """(arrival, tick) by side."""
    pauses: dict[str, Changes] = field(default_factory=dict)
    said_to_former: set[int] = field(default_factory=set)
    """Instants of pauses to which a process said yes that another had begun to replace."""
    lines: list[tuple[int, str]] = field(default_factory=list)
    clocks: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)
    """(instant, parts per million) by (side, clock)."""
    stops: list[tuple[int, str]] = field(default_factory=list)
    consents: list[tuple[int, str]] = field(default_factory=list)
    asks: list[truth.ConsentAskedShown] = field(default_factory=list)
    warnings: list[truth.WarningShown] = field(default_factory=list)
    reports: dict[str, int] = field(default_factory=dict)

    @property
    def terms(self) -> dict[str, Any]:
        """The tariff both sides were shown."""
        return self.asked.tariff if self.asked else {}

    @property
    def is_text(self) -> bool:
        """There is no voice to hear."""
        return self.asked is not None and self.asked.kind == "text"

    def presence(self, side: str) -> list[Span]:
        """When the packets that show this leg's presence reached the gateway."""
        path = switched(self.flows.get((side, "path"), ()))
        if self.is_text:
            return path
        rtp = switched(self.flows.get((side, "rtp"), ()))
        if side == "provider":
            path = common(path, self.muted(side))
        return united([*rtp, *path])

    def muted(self, side: str) -> list[Span]:
        """When this participant had declared itself muted."""
        return switched(self.mutes.get(side, ()))

    def paused(self) -> list[Span]:
        """When metering was paused from outside."""
        return united(span for changes in self.pauses.values() for span in switched(changes))


class World:
    """All sessions, the gateways and the wall clock."""

    def __init__(self) -> None:
        self.lives: dict[str, Life] = {}
        self.gateways: dict[str, Changes] = {}
        self.downs: list[int] = []
        self.turns: list[int] = []
        """When a gateway came or went: what was just being done by another may be undone then."""
        self.steps: list[tuple[int, int]] = []
        """(instant, how far the wall clock was set)."""
        self.stalls: list[Span] = []
        """When no process got to run."""
        self.outages: Changes = []
        self.newest: str | None = None
        """The process that began last."""
        self.walls: list[tuple[int, int]] = []
        """(instant, wall clock less monotonic) since then."""
        self._hears: dict[type[truth.Event], Callable[[Any], None]] = {
            truth.GatewayUp: self._up,
            truth.GatewayOpens: self._opens,
            truth.GatewayDown: self._down,
            truth.WallStepped: self._step,
            truth.Stalled: lambda event: self.stalls.append((event.at_ns, event.at_ns + event.for_ns)),
            truth.StoreFailed: lambda event: self.outages.append((event.at_ns, event.is_down)),
        }

    def hear(self, event: truth.Event) -> None:
        """Sort one event in."""
        if isinstance(event, truth.SessionEvent):
            life = self.lives.get(event.session)
            if life is None:
                life = self.lives[event.session] = Life(session=event.session)
            if isinstance(event, truth.Paused) and event.owner and event.owner != self.newest:
                life.said_to_former.add(event.at_ns)
            note = _NOTES.get(type(event))
            if note is not None:
                note(life, event)
            return
        hears = self._hears.get(type(event))
        if hears is not None:
            hears(event)

    def late(self) -> list[Span]:
        """When the store was late or away, for one reason or several at once."""
        found: list[Span] = []
        reasons, since_ns = 0, 0
        for at_ns, is_down in self.outages:
            if is_down and not reasons:
                since_ns = at_ns
            reasons = max(0, reasons + (1 if is_down else -1))
            if not is_down and not reasons:
                found.append((since_ns, at_ns))
        return united([*found, *([(since_ns, EVER)] if reasons else [])])

    def wall_ns(self, at_ns: int) -> int:
        """The gateway's wall clock at an instant."""
        offset = 0
        for since_ns, each in self.walls:
            if since_ns > at_ns:
                break
            offset = each
        return at_ns + offset

    def up(self) -> list[Span]:
        """When at least one gateway lived; always, if nobody told."""
        if not self.gateways:
            return [(0, 1 << 62)]
        return united(span for changes in self.gateways.values() for span in switched(changes))

    def _opens(self, event: truth.GatewayOpens) -> None:
        self.newest = event.owner
        self.turns.append(event.at_ns)

    def _up(self, event: truth.GatewayUp) -> None:
        self.newest = event.owner
        self.gateways.setdefault(event.owner, []).append((event.at_ns, True))
        self.walls.append((event.at_ns, event.wall_ns - event.at_ns))
        self.turns.append(event.at_ns)

    def _down(self, event: truth.GatewayDown) -> None:
        self.gateways.setdefault(event.owner, []).append((event.at_ns, False))
        self.downs.append(event.at_ns)
        self.turns.append(event.at_ns)

    def _step(self, event: truth.WallStepped) -> None:
        self.steps.append((event.at_ns, event.by_ns))
        before = self.walls[-1][1] if self.walls else 0
        self.walls.append((event.at_ns, before + event.by_ns))


def _accepted(life: Life, event: truth.Accepted) -> None:
    life.accepted_at_ns, life.accepted_wall_ns = event.at_ns, event.wall_ns


def _once(notes: dict[str, int], side: str, value: int) -> None:
    notes.setdefault(side, value)


_NOTES: dict[type[truth.Event], Callable[[Life, Any], None]] = {
    truth.Asked: lambda life, event: setattr(life, "asked", event),
    truth.Accepted: _accepted,
    truth.Flow: lambda life, event: life.flows.setdefault((event.side, event.plane), []).append(
        (event.at_ns, event.is_on)
    ),
    truth.Muted: lambda life, event: life.mutes.setdefault(event.side, []).append(
        (event.at_ns, event.is_muted)
    ),
    truth.SocketChanged: lambda life, event: life.sockets.setdefault(event.side, []).append(
        (event.at_ns, event.is_there)
    ),
    truth.Confirmed: lambda life, event: _once(life.confirmed, event.side, event.at_ns),
    truth.Acked: lambda life, event: life.acks.setdefault(event.side, []).append((event.at_ns, event.tick)),
    truth.Paused: lambda life, event: life.pauses.setdefault(event.reason, []).append(
        (event.at_ns, event.is_on)
    ),
    truth.LineSent: lambda life, event: life.lines.append((event.at_ns, event.side)),
    truth.ClockRan: lambda life, event: life.clocks.setdefault((event.side, event.clock), []).append(
        (event.at_ns, event.rate_ppm)
    ),
    truth.Stopped: lambda life, event: life.stops.append((event.at_ns, event.reason)),
    truth.Consented: lambda life, event: life.consents.append((event.at_ns, event.kind)),
    truth.ConsentAskedShown: lambda life, event: life.asks.append(event),
    truth.WarningShown: lambda life, event: life.warnings.append(event),
    truth.Reported: lambda life, event: _once(life.reports, event.side, event.seconds),
}
