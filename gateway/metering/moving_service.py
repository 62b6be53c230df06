"""Writes a session's moves in the order they happened, however the store fares.

Drives one queue per session: a move waits for the one before it, and while the
store is down it is tried again. A settlement waits until the queue is empty.
Never decides a move (`meter.py`) nor whether it is legal (signalling's store).
Keeps: a later state is never written before an earlier one; a session that is
somebody else's is not moved any more.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from gateway.errors import Fenced, StoreDown
from gateway.ids import SessionId
from gateway.metering.ports import Journal, Moves
from gateway.terms import EndReason, SessionState, SuspendReason
from gateway.work import Work

log = structlog.get_logger(__name__)

RETRY_S = 1.0
"""Between tries while the store is down."""


class Mover:
    """The moves that metering makes."""

    def __init__(
        self, *, journal: Journal, moves: Moves, on_lost: Callable[[Sequence[SessionId], str], None]
    ) -> None:
        """`on_lost` is told of a session that is somebody else's."""
        self._journal = journal
        self._moves = moves
        self._on_lost = on_lost
        self._queues: dict[SessionId, deque[tuple[SessionState, Work]]] = {}
        self._tasks: dict[SessionId, asyncio.Task[None]] = {}

    def move(
        self, session: SessionId, state: SessionState, reason: EndReason | SuspendReason | None = None
    ) -> None:
        """Write the move after those that wait."""
        self._queues.setdefault(session, deque()).append((state, self._moves.move(session, state, reason)))
        if session not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._write_all(session))
            self._tasks[session] = task
            task.add_done_callback(lambda done: self._done(session, done))

    async def written(self, session: SessionId) -> None:
        """Return when every move of the session is written."""
        while task := self._tasks.get(session):
            await asyncio.wait({task})
            await asyncio.sleep(0)

    def forget(self, session: SessionId) -> None:
        """Write no more of its moves."""
        self._queues.pop(session, None)
        if task := self._tasks.pop(session, None):
            task.cancel()

    async def close(self, within_s: float) -> None:
        """Give the moves that wait a last chance."""
        tasks = set(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        for task in tasks:
            task.cancel()

    def _done(self, session: SessionId, task: asyncio.Task[None]) -> None:
        if self._tasks.get(session) is task:
            del self._tasks[session]

    async def _write_all(self, session: SessionId) -> None:
        queue = self._queues[session]
        while queue:
            state, work = queue[0]
            try:
                await self._journal.commit(work)
            except StoreDown as error:
                log.error("move_waits", session=session, state=state, why=error.detail, retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)
                continue
            except Fenced as refusal:
                queue.clear()
                self._on_lost([session], refusal.detail)
                break
            except Exception as error:
                # Refused by the table: the record keeps the state it has, the settlement decides.
                log.error("move_refused", session=session, state=state, why=str(error))
            queue.popleft()
        if self._queues.get(session) is queue:
            del self._queues[session]
