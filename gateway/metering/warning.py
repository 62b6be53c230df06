"""Near-end warnings: which limit is nearest and when to speak.

Decides when a warning is due: at each threshold once, re-armed when time left
rises clearly above it (a top-up). Never computes what money lasts
(`allowance.py`) and never sends.
"""

from dataclasses import dataclass, field

from gateway.limits import WARN_AT_S, WARN_REARM_S
from gateway.terms import WarningReason


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Seconds until a limit, and which limit it is."""

    seconds: int
    reason: WarningReason


def nearest(
    *,
    funds_s: int,
    duration_s: int,
    slot_s: int | None,
    spend_s: int | None = None,
    block_s: int | None = None,
) -> TimeLeft:
    """The limit that comes first, None being far away; of limits at one second the earlier in this order."""
    limits = (
        (funds_s, WarningReason.FUNDS),
        (spend_s, WarningReason.SPEND_LIMIT),
        (block_s, WarningReason.BLOCK_END),
        (duration_s, WarningReason.MAX_DURATION),
        (slot_s, WarningReason.SLOT_END),
    )
    candidates = [TimeLeft(seconds, reason) for seconds, reason in limits if seconds is not None]
    return min(candidates, key=lambda left: left.seconds)


@dataclass(slots=True)
class NearEnd:
    """The thresholds of one session that have not spoken yet."""

    armed: set[int] = field(default_factory=lambda: set(WARN_AT_S))

    def due(self, left: TimeLeft) -> TimeLeft | None:
        """The warning to give now, or None."""
        self.armed.update(at_s for at_s in WARN_AT_S if left.seconds > at_s + WARN_REARM_S)
        passed = {at_s for at_s in self.armed if left.seconds <= at_s}
        self.armed -= passed
        return left if passed else None
