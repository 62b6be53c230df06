"""When each command of an open loop falls due, and who gives it.

Decides the instants (a fixed rate, whatever becomes of the commands before) and wakes, every
millisecond, as many of those who wait as commands fell due meanwhile.
Never gives a command early, nor a due time that hides how late it is: one that found
everybody busy has been due since its own instant.
"""

import asyncio
import time
from collections import deque

WAKE_S = 0.001
"""Between two looks; one timer for all, since a timer for each command costs what half a command does."""


class Pace:
    """Hands out the due times of `count` commands, `per_s` of them every second from now on."""

    def __init__(self, *, per_s: int, count: int) -> None:
        self.began_ns = time.perf_counter_ns()
        self._per_s = per_s
        self._count = count
        self._given = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def next(self) -> int | None:
        """The due time of the next command, once that has come; None when all have been given."""
        loop = asyncio.get_running_loop()
        while self._given < self._count:
            due_ns = self._due_ns(self._given)
            if due_ns <= time.perf_counter_ns():
                self._given += 1
                return due_ns
            future = loop.create_future()
            self._waiting.append(future)
            await future
        return None

    async def keep(self) -> None:
        """Wake those who wait, until all commands have been given."""
        while self._given < self._count:
            await asyncio.sleep(WAKE_S)
            spent_ns = time.perf_counter_ns() - self.began_ns
            fell_due = min(self._count, spent_ns * self._per_s // 1_000_000_000 + 1)
            self._wake(fell_due - self._given)
        self._wake(len(self._waiting))

    def _due_ns(self, number: int) -> int:
        return self.began_ns + number * 1_000_000_000 // self._per_s

    def _wake(self, most: int) -> None:
        for _ in range(min(most, len(self._waiting))):
            self._waiting.popleft().set_result(None)
