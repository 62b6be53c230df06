"""A timer whose time passes only when a test says so."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.clock import NS, ManualClock


@dataclass(order=True)
class Deadline:
    """One action that waits for its time."""

    due_ns: int
    number: int
    action: Callable[[], Awaitable[None]] = field(compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Let go of the action, as the loop's own timers do."""
        self.is_cancelled = True
        self.action = _nothing


async def _nothing() -> None:
    pass


class ManualTimer:
    """A timer whose time passes only in `pass_time`."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self._waiting: list[Deadline] = []
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()

    def after(self, delay_ns: int, action: Callable[[], Awaitable[None]]) -> Deadline:
        deadline = Deadline(self.clock.monotonic_ns() + delay_ns, next(self._numbers), action)
        heapq.heappush(self._waiting, deadline)
        return deadline

    def spawn(self, action: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await action()

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Let everything that was spawned come to its end."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def pass_time(self, seconds: float) -> None:
        """Let time run on, stopping at every deadline on the way."""
        until_ns = self.clock.monotonic_ns() + round(seconds * NS)
        while self._waiting and self._waiting[0].due_ns <= until_ns:
            deadline = heapq.heappop(self._waiting)
            self.clock.advance(ns=max(0, deadline.due_ns - self.clock.monotonic_ns()))
            if not deadline.is_cancelled:
                await deadline.action()
        self.clock.advance(ns=until_ns - self.clock.monotonic_ns())

    @property
    def waiting(self) -> int:
        """Deadlines that are set."""
        return sum(not deadline.is_cancelled for deadline in self._waiting)
