"""Percentiles of what was measured.

Decides one thing: the nearest rank, so that every percentile is a value that was
really seen. Nothing measured is infinite, because silence must not pass a bound.
Never interpolates.
"""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], rank: int) -> float:
    """The smallest value that `rank` percent of `values` do not exceed; infinite without values."""
    if not values:
        return math.inf
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * rank / 100) - 1)]
