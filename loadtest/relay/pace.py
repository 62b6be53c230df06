"""When the crowd speaks: at even instants, and never twice as fast to catch up.

Decides what being late means: a little is made up for at the next instant; more, and
everything that is still to be said moves by it, because a burst would be another
load than the one that is measured. Never reads a clock.
"""

PACKETS_PER_S = 50
TICKS = 80
"""Instants in 20 ms at which somebody speaks: every quarter of a millisecond."""
TURN_NS = 1_000_000_000 // PACKETS_PER_S
TICK_NS = TURN_NS // TICKS
STALL_NS = 5_000_000
"""Being late by more than that moves everything."""


class Pace:
    """The instants of one round."""

    __slots__ = ("due_ns", "stalled_ns")

    def __init__(self, first_ns: int) -> None:
        self.due_ns = first_ns
        """When is spoken next, monotonic."""
        self.stalled_ns = 0
        """By how much everything was moved, all in all."""

    def keep(self, now_ns: int) -> None:
        """It is spoken now."""
        late_ns = now_ns - self.due_ns
        if late_ns > STALL_NS:
            self.stalled_ns += late_ns
            self.due_ns = now_ns
        self.due_ns += TICK_NS
