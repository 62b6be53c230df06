"""The highest of the last few seconds' values.

Decides how long a peak is shown, so that an operator who looks once a second
sees a spike that lasted a millisecond. Never reads a clock.
Keeps: only values that can still become the peak, so memory stays small.
"""

from collections import deque

from gateway.clock import NS

PEAK_WINDOW_NS = 5 * NS
"""How long a peak stays visible."""
VALUES_MAX = 4_096
"""Values remembered at most."""


class RecentPeak:
    """A sliding maximum; values come in the order of their instants."""

    def __init__(self, window_ns: int = PEAK_WINDOW_NS) -> None:
        self._window_ns = window_ns
        self._falling: deque[tuple[int, float]] = deque(maxlen=VALUES_MAX)

    def note(self, now_ns: int, value: float) -> None:
        """Take a value measured at this instant."""
        while self._falling and self._falling[-1][1] <= value:
            self._falling.pop()
        self._falling.append((now_ns, value))
        self._forget(now_ns)

    def value(self, now_ns: int) -> float:
        """The highest value of the window that ends now; 0 where there is none."""
        self._forget(now_ns)
        return self._falling[0][1] if self._falling else 0.0

    def _forget(self, now_ns: int) -> None:
        while self._falling and now_ns - self._falling[0][0] > self._window_ns:
            self._falling.popleft()
