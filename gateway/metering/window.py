"""Hours of the week in which another price holds.

Decides whether a window holds at a reading of the local clock: weekday and
minute. A window that passes midnight belongs to the day it begins on.
Never knows zones or instants (`schedule.py`) nor what a second costs (`rate.py`).
Keeps: an hour that the clock skips never holds, an hour it repeats holds twice,
because only the reading of the clock is asked.
"""

from dataclasses import dataclass

from gateway.metering.rate import Tier

DAY_MIN = 24 * 60
DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of local hours on some days of the week."""

    days: tuple[int, ...]
    """ISO weekdays, Monday 1 to Sunday 7, ascending."""
    from_min: int
    """Minute of the day it begins at, 0 to 1439."""
    until_min: int
    """Minute of the day it ends before, 1 to 1440; below `from_min` it ends on the next day."""
    tiers: tuple[Tier, ...]
    """Its price; like the base price it counts chargeable seconds from the session's first."""

    def holds(self, weekday: int, minute: int) -> bool:
        """Whether it holds at `minute` of ISO `weekday`."""
        if self.from_min < self.until_min:
            return weekday in self.days and self.from_min <= minute < self.until_min
        if minute >= self.from_min:
            return weekday in self.days
        return minute < self.until_min and (weekday - 2) % DAYS + 1 in self.days


def period_of(windows: tuple[Window, ...], weekday: int, minute: int) -> int:
    """The rate period at a local time: 1 + index of the first window that holds, else 0."""
    for index, window in enumerate(windows):
        if window.holds(weekday, minute):
            return index + 1
    return 0
