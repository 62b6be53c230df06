"""A price per minute in tiers, as a sum over seconds that is never rounded.

Decides what a count of chargeable seconds comes to, as a numerator over 60, and
the other way round how many seconds a numerator buys. The one division is
`tariff.py`'s. Never knows periods (`course.py`) or money of a wallet.
Keeps: the numerator never falls; both directions are closed forms over the tiers.
"""

from dataclasses import dataclass, field
from itertools import accumulate

SECONDS_MAX = 24 * 3600
"""No session comes near it; what lasts that long lasts for good."""
_ENDLESS_S = 1 << 40


@dataclass(frozen=True, slots=True)
class Tier:
    """A price that holds from a second on."""

    from_s: int
    """First chargeable second of the tier, from 0."""
    price_micros_per_minute: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Tiers, ready to be added up."""

    tiers: tuple[Tier, ...]
    """Ascending, the first from 0."""
    _spans: tuple[tuple[int, int, int, int], ...] = field(init=False, repr=False, compare=False)
    """(from second, until second, price, numerator before it) of each tier."""

    def __post_init__(self) -> None:
        starts = [tier.from_s for tier in self.tiers]
        prices = [tier.price_micros_per_minute for tier in self.tiers]
        ends = [*starts[1:], _ENDLESS_S]
        sums = accumulate(
            (end - start) * price for start, end, price in zip(starts, ends, prices, strict=True)
        )
        before = [0, *sums][: len(starts)]
        object.__setattr__(self, "_spans", tuple(zip(starts, ends, prices, before, strict=True)))

    def numerator(self, seconds: int) -> int:
        """Σ price × seconds of the first `seconds` chargeable ones: sixty times their micros."""
        for from_s, until_s, price, before in self._spans:
            if seconds <= until_s:
                return before + (seconds - from_s) * price
        raise AssertionError("seconds beyond any session")

    def affords_s(self, numerator: int) -> int:
        """The most seconds whose numerator is at most `numerator`."""
        for from_s, until_s, price, before in self._spans:
            if price and before + (until_s - from_s) * price > numerator:
                return from_s + (numerator - before) // price
        return _ENDLESS_S
