"""Deadlines on the running event loop.

Decides nothing; it is the `Timer` of production. Tests have one that moves only
when told.
Keeps: an action that fails is logged and hurts nobody else; no action outlives
`close`, and none is collected before it has run.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.clock import NS

_log = structlog.get_logger()

Action = Callable[[], Awaitable[None]]


class LoopTimer:
    """Timers of the loop it is used on."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def after(self, delay_ns: int, action: Action) -> asyncio.TimerHandle:
        """Run `action` once in `delay_ns`; what it raises is logged."""
        return asyncio.get_running_loop().call_later(delay_ns / NS, self.spawn, action)

    def spawn(self, action: Action) -> None:
        """Run `action` now, beside the caller; what it raises is logged."""
        if self._is_closed:
            return
        task = asyncio.get_running_loop().create_task(_run(action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Run nothing more and cancel what runs; alarms that are still set do nothing."""
        self._is_closed = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _run(action: Action) -> None:
    try:
        await action()
    except Exception:
        _log.exception("timer_action_failed", action=getattr(action, "__qualname__", "?"))
