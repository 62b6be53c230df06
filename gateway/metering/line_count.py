"""Lines of text by the second they were sent in.

Decides how many billable lines a second carries until it is found. Whose lines
are billable the tariff says, what they cost too; whether the second was
witnessed `judgement.py` does.
Keeps: a line counts in one second only.
"""

from collections.abc import Callable

LINES_PER_TICK_MAX = 0xFFFF
"""What a slot can hold; the chat's own limit is far below it."""


class LineCount:
    """Billable lines of seconds that are not yet found."""

    __slots__ = ("_by_tick", "pending")

    def __init__(self) -> None:
        self._by_tick: dict[int, int] = {}
        self.pending = 0
        """Lines in all seconds that are not yet found."""

    def note(self, tick: int) -> None:
        """One billable line was sent in second `tick`."""
        sent = self._by_tick.get(tick, 0)
        if sent < LINES_PER_TICK_MAX:
            self._by_tick[tick] = sent + 1
            self.pending += 1

    def outside(self, is_free: Callable[[int], bool]) -> int:
        """Lines in seconds that are not yet found and not free."""
        return sum(count for tick, count in self._by_tick.items() if not is_free(tick))

    def of(self, tick: int) -> int:
        """Billable lines of second `tick`."""
        return self._by_tick.get(tick, 0) if self.pending else 0

    def found(self, tick: int) -> None:
        """Second `tick` is found; its lines are in its slot or free."""
        if self.pending:
            self.pending -= self._by_tick.pop(tick, 0)
