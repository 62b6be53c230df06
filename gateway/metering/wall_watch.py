"""Whether the wall clock and the monotonic clock still run together.

Decides when they have parted by more than a second: somebody set the clock, or
the machine slept. Never corrects either; `service.py` suspends metering.
"""

from gateway.limits import CLOCK_STEP_NS


class WallWatch:
    """Compares two clocks from reading to reading."""

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self.read_at_ns = 0

    def step_ns(self, now_ns: int, wall_ns: int) -> int:
        """How far the wall stepped since the last reading; 0 within the tolerance."""
        known_ns, self._offset_ns = self._offset_ns, wall_ns - now_ns
        self.read_at_ns = now_ns
        if known_ns is None or abs(self._offset_ns - known_ns) <= CLOCK_STEP_NS:
            return 0
        return self._offset_ns - known_ns
