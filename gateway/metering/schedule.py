"""When which of a tariff's prices holds: its windows resolved to instants.

Decides the rate period of every wall instant of a span, once, when a session
is accepted or recovered; from then on the meter keeps them on its monotonic
clock. The zone's offset from UTC is handed in (`adapters/zones.py`).
Never prices (`tariff.py`). The period of a second is the one in force when the
second begins.
Keeps: what holds depends on the local clock's reading alone, so an hour skipped
in spring never holds and one repeated in autumn holds both times.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.clock import NS
from gateway.metering.tariff import Tariff
from gateway.metering.usage import Usage
from gateway.metering.window import DAY_MIN, DAYS, period_of

OffsetAt = Callable[[str, int], int]
"""(IANA zone, Unix second) → seconds that its clocks are ahead of UTC."""
DAY_S = 24 * 3600
PROBE_S = 3600
"""No zone changes its offset twice within it."""
_MONDAY = 3
"""1970-01-01 was a Thursday."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A rate period comes into force."""

    at_wall_ns: int
    period: int


def switches(
    tariff: Tariff, *, from_wall_ns: int, until_wall_ns: int, offset_s_at: OffsetAt
) -> tuple[Switch, ...]:
    """The period in force at `from_wall_ns` and every change before `until_wall_ns`."""
    if not tariff.windows:
        return (Switch(from_wall_ns, 0),)
    made = [Switch(from_wall_ns, _period_at(tariff, from_wall_ns // NS, offset_s_at))]
    for at_s in _candidates(tariff, from_wall_ns // NS, -(-until_wall_ns // NS), offset_s_at):
        period = _period_at(tariff, at_s, offset_s_at)
        if period != made[-1].period and from_wall_ns < at_s * NS < until_wall_ns:
            made.append(Switch(at_s * NS, period))
    return tuple(made)


def check_zone(tariff: Tariff, offset_s_at: OffsetAt) -> None:
    """Refuse a tariff whose zone is none; asked before anybody agrees to it.

    Raises:
        Unprocessable: code `tariff_invalid`, field `zone`.
    """
    if tariff.zone:
        offset_s_at(tariff.zone, 0)


def period_at(found: Sequence[Switch], wall_ns: int) -> int:
    """The period in force at an instant; before the first switch that of the first."""
    period = found[0].period if found else 0
    for switch in found:
        if switch.at_wall_ns > wall_ns:
            break
        period = switch.period
    return period


def ahead(found: Sequence[Switch], wall_ns: int) -> tuple[tuple[int, int], ...]:
    """(seconds from now, period): the one in force at 0, then those to come, as `allowance.Spend` takes them.

    A second belongs to the period in force when it begins, so a switch within a
    second takes effect with the next one.
    """
    if len(found) <= 1:
        return ()
    coming = [
        (-(-(switch.at_wall_ns - wall_ns) // NS), switch.period)
        for switch in found
        if switch.at_wall_ns > wall_ns
    ]
    return ((0, period_at(found, wall_ns)), *coming)


def usage_from(found: Sequence[Switch], wall_ns: int, seconds: int) -> Usage:
    """`seconds` in a row from `wall_ns` on, each in its period."""
    usage, at_s, period = Usage(), 0, period_at(found, wall_ns)
    for in_s, to_period in ahead(found, wall_ns):
        until_s = min(max(in_s, at_s), seconds)
        usage, at_s, period = usage.plus(period, until_s - at_s), until_s, to_period
    return usage.plus(period, seconds - at_s)


def _period_at(tariff: Tariff, unix_s: int, offset_s_at: OffsetAt) -> int:
    local_s = unix_s + offset_s_at(tariff.zone, unix_s)
    weekday = (local_s // DAY_S + _MONDAY) % DAYS + 1
    return period_of(tariff.windows, weekday, local_s % DAY_S // 60)


def _candidates(tariff: Tariff, from_s: int, until_s: int, offset_s_at: OffsetAt) -> Iterator[int]:
    """Seconds at which the period may change: window edges on the local clock, and steps of that clock."""
    edges = sorted({edge % DAY_MIN * 60 for w in tariff.windows for edge in (w.from_min, w.until_min)} | {0})
    at_s = from_s
    while at_s < until_s:
        offset_s, next_s = _steady_until(tariff.zone, at_s, min(at_s + PROBE_S, until_s), offset_s_at)
        yield from _edges_between(edges, at_s, next_s, offset_s)
        yield next_s
        at_s = next_s


def _edges_between(edges: Sequence[int], from_s: int, until_s: int, offset_s: int) -> Iterator[int]:
    midnight_s = (from_s + offset_s) // DAY_S * DAY_S - offset_s
    for day in (0, DAY_S):
        for edge_s in edges:
            if from_s < midnight_s + day + edge_s < until_s:
                yield midnight_s + day + edge_s


def _steady_until(zone: str, from_s: int, until_s: int, offset_s_at: OffsetAt) -> tuple[int, int]:
    """(offset at `from_s`, the first second at which it is another one, or `until_s`)."""
    offset_s = offset_s_at(zone, from_s)
    if offset_s_at(zone, until_s) == offset_s:
        return offset_s, until_s
    same, other = from_s, until_s
    while other - same > 1:
        middle = (same + other) // 2
        same, other = (middle, other) if offset_s_at(zone, middle) == offset_s else (same, middle)
    return offset_s, other
