"""What seconds may be billed, by the plainest reading of the rule.

Every piece of evidence is kept for ever and every second is looked up in all of
it. Shares nothing with the meter but the two gaps, written here once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SECOND_NS = 1_000_000_000
MEDIA_GAP_NS = 8 * SECOND_NS
APP_GAP_NS = 15 * SECOND_NS


def bracketed(instants: Sequence[int], from_ns: int, until_ns: int, gap_ns: int) -> bool:
    """Whether evidence lies at or before the start and at or after the end, without too long a gap between."""
    before = [at_ns for at_ns in instants if at_ns <= from_ns]
    after = [at_ns for at_ns in instants if at_ns >= until_ns]
    if not before or not after:
        return False
    chain = sorted({max(before), min(after), *(at for at in instants if from_ns < at < until_ns)})
    return all(later - sooner <= gap_ns for sooner, later in pairwise(chain))


@dataclass
class Incarnation:
    """What one process could see of the session."""

    media: dict[str, list[int]] = field(default_factory=lambda: {"client": [], "provider": []})
    apps: dict[str, list[int]] = field(default_factory=lambda: {"client": [], "provider": []})
    pauses: list[list[int | None]] = field(default_factory=list)
    """[from, until], until None while it lasts."""
    began_at_ns: int = 0
    """When both witnesses had come, or both parties were back."""
    stopped_at_ns: int | None = None

    def may_bill(self, ended_at_ns: int) -> bool:
        """Whether the second that ended then may cost anything."""
        from_ns = ended_at_ns - SECOND_NS
        if from_ns < self.began_at_ns or (self.stopped_at_ns or ended_at_ns) < ended_at_ns:
            return False
        for paused_ns, resumed_ns in self.pauses:
            assert paused_ns is not None
            if paused_ns < ended_at_ns and (resumed_ns is None or resumed_ns > from_ns):
                return False
        return all(
            bracketed(self.media[side], from_ns, ended_at_ns, MEDIA_GAP_NS)
            and bracketed(self.apps[side], from_ns, ended_at_ns, APP_GAP_NS)
            for side in ("client", "provider")
        )
