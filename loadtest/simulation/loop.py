"""An event loop whose time is virtual and whose order is a seed's.

Decides which ready step runs next and lets time jump when nothing is ready. What
would run in a thread runs here, a moment later. Every step belongs to the
process incarnation that asked for it; once that one is dead, no instruction of
it runs any more, `finally` blocks included.
Never waits, never looks at a real clock, file or socket.
Keeps: the same seed and the same calls give the same order.
"""

import asyncio
import contextvars
import heapq
import random
from asyncio import events
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass
from typing import Any, cast

from gateway.clock import NS

set_running = events._set_running_loop  # noqa: SLF001 made for those who write event loops
START_NS = 1_000 * NS
"""Where monotonic time begins."""
JITTER_BITS = 20
"""A timer may fire up to 2^20 ns, a millisecond, late."""
THREAD_NS = 200_000
"""What a call in a worker thread takes."""


@dataclass(slots=True, eq=False)
class Incarnation:
    """One life of a process."""

    name: str
    is_alive: bool = True
    steps_left: int = -1
    """Steps until it dies; -1 while it is not doomed."""


INCARNATION: ContextVar[Incarnation | None] = ContextVar("incarnation", default=None)
"""Whose step is running; None for the world around the gateway."""


class Step:
    """Something to be run, until it is cancelled; what the loop answers as a handle."""

    __slots__ = ("args", "callback", "context", "is_cancelled", "when_ns")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None, when_ns: int
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = contextvars.copy_context() if context is None else context
        self.when_ns = when_ns
        self.is_cancelled = False

    def cancel(self) -> None:
        """Let it not happen."""
        self.is_cancelled = True

    def cancelled(self) -> bool:
        """Whether it will not happen."""
        return self.is_cancelled

    def when(self) -> float:
        """Its due time in seconds of the loop's `time`."""
        return self.when_ns / NS


class VirtualLoop:
    """As much of an event loop as services and asyncio's own parts use."""

    def __init__(self, seed: int, *, is_shuffled: bool = True) -> None:
        # Duck typing: asyncio asks a loop for no more than what stands here.
        self._itself = cast("asyncio.AbstractEventLoop", self)
        self.now_ns = START_NS
        self.steps = 0
        """Steps run so far."""
        self.dropped = 0
        """Steps of dead incarnations that were not run."""
        self.failures: list[str] = []
        """What reached the loop's exception handler."""
        self.on_doom: Callable[[Incarnation], None] = lambda _incarnation: None
        """Told when a doomed incarnation has run its last step."""
        self._random = random.Random(seed)
        self._is_shuffled = is_shuffled
        self._ready: list[Step] = []
        self._timers: list[tuple[int, int, Step]] = []
        self._serial = 0
        self._graveyard: list[asyncio.Task[Any]] = []
        self._is_closed = False

    # What asyncio and the services call

    def time(self) -> float:
        """Virtual seconds."""
        return self.now_ns / NS

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Always, as far as anybody who asks can tell."""
        return True

    def is_closed(self) -> bool:
        """Whether `bury` was called."""
        return self._is_closed

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Step:
        """Run `callback` at this instant, in an order of the seed's."""
        step = Step(callback, args, context, self.now_ns)
        self._ready.append(step)
        return step

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Step:
        """Run `callback` in `delay` seconds or up to a millisecond later."""
        return self._at(self.now_ns + round(delay * NS), callback, args, context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Step:
        """Run `callback` at `when`, in seconds of `time`, or up to a millisecond later."""
        return self._at(round(when * NS), callback, args, context)

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self._itself)

    def create_task(
        self,
        coro: Any,
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        """A task that belongs to whoever makes it."""
        if context is not None and INCARNATION not in context:
            context.run(INCARNATION.set, INCARNATION.get())
        return asyncio.Task(coro, loop=self._itself, name=name, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Run `func` on this thread, a little later."""
        future = self.create_future()

        def run() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)

        self._at(self.now_ns + THREAD_NS, run, (), None)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what went wrong; the world counts it as a failure."""
        if not self._is_closed:
            self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")

    # What the world calls

    def run_until(self, until_ns: int, is_over: Callable[[], bool] = lambda: False) -> None:
        """Run steps until virtual time reaches `until_ns` or `is_over` says so between two instants."""
        with self.current():
            while True:
                while self._ready:
                    self._step(self._pick())
                if is_over():
                    return
                if not self._timers or self._timers[0][0] > until_ns:
                    break
                self._advance()
        self.now_ns = max(self.now_ns, until_ns)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Be what `asyncio.get_running_loop` answers."""
        set_running(self._itself)
        try:
            yield
        finally:
            set_running(None)

    def run(self, coroutine: Coroutine[Any, Any, Any], *, within_ns: int) -> Any:
        """Run until the coroutine is done; what it raises is raised."""
        task = self.create_task(coroutine)
        self.run_until(self.now_ns + within_ns, task.done)
        if not task.done():
            raise TimeoutError(f"not done within {within_ns} ns of virtual time")
        return task.result()

    def stall(self, ns: int) -> None:
        """Let time pass while nothing runs, as when the machine is overloaded."""
        self.now_ns += ns

    def kill(self, incarnation: Incarnation) -> None:
        """Nothing of it runs any more; what it had begun stays as it is."""
        incarnation.is_alive = False
        # Collected tasks would run their `finally` blocks; kept ones never do.
        self._graveyard.extend(asyncio.all_tasks(self._itself))

    def bury(self) -> None:
        """Let go of everything at the end of the world."""
        self._is_closed = True
        self._ready.clear()
        self._timers.clear()

    def remains(self) -> list[asyncio.Task[Any]]:
        """Tasks of the dead, to be kept until nobody can notice their end."""
        return self._graveyard

    def _at(
        self, when_ns: int, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> Step:
        when_ns = max(when_ns, self.now_ns) + self._random.getrandbits(JITTER_BITS)
        step = Step(callback, args, context, when_ns)
        self._serial += 1
        heapq.heappush(self._timers, (when_ns, self._serial, step))
        return step

    def _advance(self) -> None:
        self.now_ns = max(self.now_ns, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self.now_ns:
            self._ready.append(heapq.heappop(self._timers)[2])

    def _pick(self) -> Step:
        ready = self._ready
        if len(ready) == 1:
            return ready.pop()
        if not self._is_shuffled:
            return ready.pop(0)
        index = int(self._random.random() * len(ready))
        ready[index], ready[-1] = ready[-1], ready[index]
        return ready.pop()

    def _step(self, step: Step) -> None:
        if step.is_cancelled:
            return
        owner = step.context.get(INCARNATION)
        if owner is not None:
            if not owner.is_alive:
                self.dropped += 1
                return
            if owner.steps_left >= 0:
                if owner.steps_left == 0:
                    self.on_doom(owner)
                    return
                owner.steps_left -= 1
        self.steps += 1
        try:
            step.context.run(step.callback, *step.args)
        except Exception as error:
            self.call_exception_handler({"message": "a step failed", "exception": error})


def context_of(incarnation: Incarnation | None) -> Context:
    """A context whose steps belong to `incarnation`."""
    context = contextvars.Context()
    context.run(INCARNATION.set, incarnation)
    return context
