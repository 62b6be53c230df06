"""What of a session carries a price: witnessed seconds by rate period, and messages.

Decides how witnessed seconds are written down for the price rule: runs of equal
rate period in the order they were witnessed. Which period a second lies in is
`schedule.py`'s, what usage costs is `tariff.py`'s; this file knows no money.
Keeps: neighbouring runs have different periods, no run is empty, so equal usage
is equal and hashes equally.
"""

from typing import NamedTuple


class Usage(NamedTuple):
    """Witnessed seconds (billed and free) in order, and billable messages."""

    runs: tuple[tuple[int, int], ...] = ()
    """(rate period, witnessed seconds); period 0 is the tariff's base price."""
    messages: int = 0

    @classmethod
    def plain(cls, seconds: int, messages: int = 0) -> "Usage":
        """Seconds in period 0 only."""
        return cls(((0, seconds),) if seconds else (), messages)

    @property
    def seconds(self) -> int:
        """All witnessed seconds; the n of C(n)."""
        runs = self.runs
        if len(runs) == 1:
            return runs[0][1]
        return sum([seconds for _, seconds in runs])

    def plus(self, period: int, seconds: int = 1, messages: int = 0) -> "Usage":
        """This usage and then `seconds` more in `period`, with `messages` in them."""
        runs = self.runs
        if seconds:
            if runs and runs[-1][0] == period:
                runs = (*runs[:-1], (period, runs[-1][1] + seconds))
            else:
                runs = (*runs, (period, seconds))
        return Usage(runs, self.messages + messages)
