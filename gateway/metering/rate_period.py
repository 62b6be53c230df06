"""Which of the tariff's prices holds in which second, by the monotonic clock.

Decides the rate period of a second from the schedule's wall instants, tied to
the monotonic clock by an anchor: the acceptance, and after a restart the anchor
of the new segment. A later step of the wall clock moves nothing.
Never reads a calendar (`schedule.py`) and never prices (`tariff.py`).
Keeps: the period of a second is the one in force when it begins.
"""

from bisect import bisect_right
from collections.abc import Sequence

from gateway.clock import NS
from gateway.metering.evidence import Anchor
from gateway.metering.schedule import Switch


class RatePeriods:
    """The switch points of one session; period 0 throughout where there are none."""

    __slots__ = ("_points_ns", "_switches")

    def __init__(self) -> None:
        self._switches: Sequence[Switch] = ()
        self._points_ns: list[int] = []

    def plan(self, switches: Sequence[Switch]) -> None:
        """Take the schedule; it holds from the next `tie` on."""
        self._switches = switches if len(switches) > 1 or any(s.period for s in switches) else ()

    def tie(self, anchor: Anchor) -> None:
        """From now on wall instants are read as monotonic ones by `anchor`."""
        self._points_ns = [anchor.at_ns + switch.at_wall_ns - anchor.wall_ns for switch in self._switches]

    @property
    def is_plain(self) -> bool:
        """Whether every second lies in period 0."""
        return not self._points_ns

    def at(self, begin_ns: int) -> int:
        """The period of a second that begins at `begin_ns`; before the first switch that of the first."""
        if not self._points_ns:
            return 0
        return self._switches[max(0, bisect_right(self._points_ns, begin_ns) - 1)].period

    def ahead(self, begin_ns: int) -> tuple[tuple[int, int], ...]:
        """(seconds from `begin_ns`, period): the one in force, then those to come."""
        if not self._points_ns:
            return ()
        first = bisect_right(self._points_ns, begin_ns)
        coming = zip(self._points_ns[first:], self._switches[first:], strict=True)
        return (
            (0, self.at(begin_ns)),
            *((-(-(at_ns - begin_ns) // NS), switch.period) for at_ns, switch in coming),
        )
