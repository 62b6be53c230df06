"""What takes time for a session: its holds and its settlement, under way.

Drives tasks by session, so that all of them can be dropped with it.
Never decides what they do. Keeps: a task that fails is logged, and nobody else
fails with it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

import structlog

from gateway.ids import SessionId

log = structlog.get_logger(__name__)


class Tasks:
    """Running tasks by session."""

    def __init__(self) -> None:
        self._tasks: defaultdict[SessionId, set[asyncio.Task[None]]] = defaultdict(set)

    def begin(self, session: SessionId, doing: Coroutine[Any, Any, None]) -> None:
        """Let it run beside everything else."""
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks[session].add(task)
        task.add_done_callback(lambda done: self._done(session, done))

    def drop(self, session: SessionId) -> None:
        """Cancel what runs for that session, but for the task that asks for it."""
        for task in self._tasks.get(session, set()) - {asyncio.current_task()}:
            task.cancel()

    async def wait(self, *, within_s: float) -> None:
        """Let what runs come to its end."""
        running = {task for tasks in self._tasks.values() for task in tasks}
        if running:
            await asyncio.wait(running, timeout=within_s)

    def _done(self, session: SessionId, task: asyncio.Task[None]) -> None:
        theirs = self._tasks[session]
        theirs.discard(task)
        if not theirs:
            del self._tasks[session]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("metering_task_failed", session=session, error=repr(error))
