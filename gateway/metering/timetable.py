"""The prices in force during a session, as its receipt lists them.

Decides what of the schedule a receipt repeats: for each anchor that ties wall
instants to the monotonic clock (acceptance and every restart) the periods that
came into force until its last second; and which seconds lie in another period
than that. Never prices (`tariff.py`) and never judges a second.
Keeps: everything is recomputed from anchors and slots; tariffs without windows
have an empty timetable and only period 0.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import NS, rfc3339
from gateway.metering.evidence import Anchor, AnchorKind
from gateway.metering.schedule import OffsetAt, Switch, period_at, switches
from gateway.metering.tariff import Tariff
from gateway.metering.tick import Tick, TickFinding

Timetable = Sequence[Mapping[str, Any]]
"""`{"after_tick", "periods": [{"at", "at_wall_ns", "period"}]}` for each tie, as the receipt writes it."""
_WITNESSED = (TickFinding.BILLED, TickFinding.FREE)


@dataclass(slots=True)
class _Stretch:
    """What followed one tie."""

    tie: Anchor
    ticks: list[Tick] = field(default_factory=list)

    def wall_ns(self, at_ns: int) -> int:
        """The wall instant of a monotonic one, as the tie reads it."""
        return self.tie.wall_ns + at_ns - self.tie.at_ns


def timetable(tariff: Tariff, found: Iterable[Tick | Anchor], offset_s_at: OffsetAt) -> list[dict[str, Any]]:
    """The timetable of a session's decoded entries; empty where the tariff has no hours of its own."""
    if not tariff.windows:
        return []
    return [_listed(tariff, stretch, offset_s_at) for stretch in _stretches(found)]


def strays(found: Iterable[Tick | Anchor], listed: Timetable) -> list[int]:
    """Numbers of the witnessed seconds whose period is not the listed one."""
    stray = []
    stretches = list(_stretches(found))
    for index, stretch in enumerate(stretches):
        plan = _plan(listed[index]) if index < len(listed) else ()
        stray += [
            tick.number
            for tick in stretch.ticks
            if tick.period != period_at(plan, stretch.wall_ns(tick.ended_at_ns - NS))
        ]
    return stray


def _listed(tariff: Tariff, stretch: _Stretch, offset_s_at: OffsetAt) -> dict[str, Any]:
    tie = stretch.tie
    until_ns = stretch.ticks[-1].ended_at_ns if stretch.ticks else tie.at_ns
    plan = switches(
        tariff,
        from_wall_ns=tie.wall_ns,
        until_wall_ns=stretch.wall_ns(until_ns),
        offset_s_at=offset_s_at,
    )
    return {
        "after_tick": tie.after_tick,
        "periods": [
            {"at": rfc3339(switch.at_wall_ns), "at_wall_ns": switch.at_wall_ns, "period": switch.period}
            for switch in plan
        ],
    }


def _plan(listed: Mapping[str, Any]) -> tuple[Switch, ...]:
    return tuple(Switch(entry["at_wall_ns"], entry["period"]) for entry in listed["periods"])


def _stretches(found: Iterable[Tick | Anchor]) -> Iterator[_Stretch]:
    """Ties and the witnessed seconds after each; seconds before any tie have the base price and no place here."""
    stretch: _Stretch | None = None
    for entry in found:
        if isinstance(entry, Anchor):
            if entry.kind in (AnchorKind.ACCEPTED, AnchorKind.RESTART):
                if stretch is not None:
                    yield stretch
                stretch = _Stretch(entry)
        elif stretch is not None and entry.finding in _WITNESSED:
            stretch.ticks.append(entry)
    if stretch is not None:
        yield stretch
