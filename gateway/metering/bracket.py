"""A witness's evidence as runs without a gap, and what they bracket.

Decides whether a span of time has evidence at or before its start and at or
after its end with no gap longer than allowed (docs/metering.md, "When a second
is billed"). Never says what counts as evidence (`presence.py`).
Keeps: runs are disjoint and ascending; a note in the past changes nothing.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class Run:
    """Evidence from `first_ns` to `last_ns` without too long a gap."""

    first_ns: int
    last_ns: int


class Bracket:
    """All runs of one witness that may still matter."""

    __slots__ = ("_runs", "gap_ns")

    def __init__(self, *, gap_ns: int) -> None:
        self.gap_ns = gap_ns
        self._runs: deque[Run] = deque()

    @property
    def last_ns(self) -> int | None:
        """The newest evidence; None before any."""
        return self._runs[-1].last_ns if self._runs else None

    def note(self, at_ns: int) -> None:
        """Take evidence at `at_ns`; evidence older than the newest adds nothing."""
        if self._runs:
            newest = self._runs[-1]
            since_ns = at_ns - newest.last_ns
            if since_ns <= 0:
                return
            if since_ns <= self.gap_ns:
                newest.last_ns = at_ns
                return
        self._runs.append(Run(at_ns, at_ns))

    def covers(self, from_ns: int, until_ns: int) -> bool:
        """Whether one run holds the whole span."""
        for run in self._runs:
            if run.last_ns >= until_ns:
                return run.first_ns <= from_ns
        return False

    def can_cover(self, from_ns: int, until_ns: int, *, now_ns: int) -> bool:
        """Whether the span is covered or evidence still to come could cover it."""
        if self.covers(from_ns, until_ns):
            return True
        if not self._runs:
            return False
        newest = self._runs[-1]
        return newest.first_ns <= from_ns and now_ns - newest.last_ns <= self.gap_ns

    def is_stale(self, now_ns: int) -> bool:
        """Whether the silence has already outlasted the gap."""
        return not self._runs or now_ns - self._runs[-1].last_ns > self.gap_ns

    def forget_before(self, at_ns: int) -> None:
        """Drop runs that ended before `at_ns`; they can bracket nothing later."""
        while len(self._runs) > 1 and self._runs[0].last_ns < at_ns:
            self._runs.popleft()
