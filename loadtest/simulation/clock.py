"""The clocks of a simulated machine.

Decides what a gateway process reads: monotonic time is the loop's, the wall runs
beside it and can be stepped. Every machine of a world shares both, as its
monotonic values are compared by the auditor.
Never waits.
"""

from gateway.clock import NS
from loadtest.simulation.loop import VirtualLoop

WALL_NS = 1_790_000_000 * NS
"""Where the wall begins: some day in September 2026, plus each world's own offset."""


class Wall:
    """How far the wall is ahead of monotonic time."""

    def __init__(self, ahead_ns: int) -> None:
        self.ahead_ns = ahead_ns


class WorldClock:
    """The `Clock` of one boot."""

    def __init__(self, loop: VirtualLoop, wall: Wall, *, boot: str) -> None:
        self._loop = loop
        self._wall = wall
        self.boot_id = boot

    def monotonic_ns(self) -> int:
        """Virtual time."""
        return self._loop.now_ns

    def wall_ns(self) -> int:
        """Virtual time as people read it."""
        return self._loop.now_ns + self._wall.ahead_ns
