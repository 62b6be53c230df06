"""How fast one leg may send: the generic cell rate algorithm in one integer.

Decides whether a packet still fits a rate with a burst. Counting what was
refused, and what a refusal means, is the caller's.
Keeps: over any length of time no more than `rate * seconds + burst` pass.
See ITU-T I.371 annex A; the rate itself is in `gateway/limits.py`.
"""

from gateway.clock import NS


class Throttle:
    """A rate with a burst; holds one instant and allocates nothing per packet."""

    __slots__ = ("_burst_ns", "_due_at_ns", "_step_ns")

    def __init__(self, *, per_s: int, burst: int) -> None:
        self._step_ns = NS // per_s
        self._burst_ns = self._step_ns * burst
        self._due_at_ns = 0

    def admits(self, now_ns: int, units: int = 1) -> bool:
        """Whether one more packet, of so many units, fits now; a refused one does not use the rate up."""
        due, step_ns = self._due_at_ns, self._step_ns * units
        if due <= now_ns:
            self._due_at_ns = now_ns + step_ns
            return True
        if due - now_ns + step_ns > self._burst_ns:
            return False
        self._due_at_ns = due + step_ns
        return True
