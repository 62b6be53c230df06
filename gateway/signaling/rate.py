"""How often something may happen: a sustained rate with a burst.

Decides by the generic cell rate algorithm (ITU-T I.371, annex A): one integer
says when the allowance would be full again, so there is nothing to refill.
Never waits and never reads a clock.
Keeps: over any span at most burst + span ÷ interval events pass.
"""


class Rate:
    """The allowance of one source."""

    __slots__ = ("_burst", "_full_at_ns", "_interval_ns")

    def __init__(self, *, interval_ns: int, burst: int) -> None:
        """One event every `interval_ns`, and `burst` of them at once after a rest."""
        self._interval_ns = interval_ns
        self._burst = burst
        self._full_at_ns = 0

    def take(self, now_ns: int) -> bool:
        """Whether one more event may happen now; taken if so."""
        full_at_ns = max(self._full_at_ns, now_ns) + self._interval_ns
        if full_at_ns - now_ns > self._burst * self._interval_ns:
            return False
        self._full_at_ns = full_at_ns
        return True
