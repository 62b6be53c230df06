"""What a call's receipt must say.

Decides when a bill is the truth: as many seconds counted as the generator's own clock and its own packets
and acknowledgements allow, and money that follows from them by arithmetic of its own.
Never asks the gateway; the receipt is all that is taken from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.sdk.receipt import problems_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A receipt beside what is known of the call."""

    receipt: Mapping[str, Any] | None
    least_s: int
    """Whole seconds that there were at least."""
    most_s: int
    """And at most; the same where the end did not fall on a second's boundary."""
    early_ns: int = 0
    """By how much the first second began before both had said that they hear each other."""

    @property
    def counted_s(self) -> int:
        """Seconds that the receipt counts, billed and free ones."""
        return 0 if self.receipt is None else int(self.receipt["billed_s"]) + int(self.receipt["free_s"])


def faults(told: Told) -> list[str]:
    """What is wrong with it, in sentences."""
    if told.receipt is None:
        return ["ended without a receipt"]
    found = problems_of(dict(told.receipt))
    if not told.least_s <= told.counted_s <= told.most_s:
        found.append(f"{told.counted_s} s counted, {told.least_s} to {told.most_s} s were metered")
    if told.early_ns > 0:
        found.append(f"counted from {told.early_ns / 1e9:.3f} s before both had confirmed")
    return found
