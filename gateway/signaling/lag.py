"""How late things were in the last few seconds, as a percentile.

Decides how lags are kept: counted in bins of LAG_BIN_MS, one set of bins for
each second, so that a thousand lags a second cost an addition each and a look
costs a few hundred. Never reads a clock.
Keeps: what a look answers is never less than the true percentile, and at most
one bin more; lags beyond the last bin count as that bin.
"""

from gateway.clock import NS

WINDOW_S = 5
"""How many seconds are looked back on, the one that runs included."""
LAG_BIN_MS = 10
"""Width of a bin."""
BINS = 300
"""The last one begins at 2,990 ms, where nobody asks for more."""


class LagWindow:
    """Lags of the last seconds; they come in the order of their instants."""

    __slots__ = ("_bins", "_seconds")

    def __init__(self) -> None:
        self._bins = [[0] * BINS for _ in range(WINDOW_S)]
        self._seconds = [-1] * WINDOW_S

    def note(self, now_ns: int, lag_ms: float) -> None:
        """Take a lag that was measured at this instant."""
        second = now_ns // NS
        place = second % WINDOW_S
        if self._seconds[place] != second:
            self._seconds[place] = second
            self._bins[place] = [0] * BINS
        self._bins[place][min(BINS - 1, max(0, int(lag_ms // LAG_BIN_MS)))] += 1

    def percentile(self, now_ns: int, share: float, *, least: int = 1) -> float:
        """The lag in milliseconds that `share` of them did not exceed; 0 with fewer than `least` of them."""
        second = now_ns // NS
        kept = [
            bins
            for bins, began in zip(self._bins, self._seconds, strict=True)
            if second - WINDOW_S < began <= second
        ]
        total = sum(map(sum, kept))
        if total < least or not total:
            return 0.0
        below = 0
        for place in range(BINS):
            below += sum(bins[place] for bins in kept)
            if below >= share * total:
                return float((place + 1) * LAG_BIN_MS)
        return float(BINS * LAG_BIN_MS)
