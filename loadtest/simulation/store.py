"""The `Store` of one process over a shared disk, with faults at every edge of a commit.

Decides when the commands that wait are committed together and which edge breaks.
As the real writer does: one transaction for a group, a savepoint for each
command, no answer before the commit. Here all of it happens at one instant.
Never loses a part of a transaction, and never says that nothing was written when
something was: only a crash may keep an answer back.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gateway.errors import StoreDown
from gateway.limits import STORE_BATCH_MAX
from loadtest.simulation.disk import Disk
from loadtest.simulation.faults import Fault, Swarm
from loadtest.simulation.loop import INCARNATION, Incarnation, VirtualLoop

T = TypeVar("T")
READ_NS = 400_000
"""What a query takes."""


class SimulatedStore:
    """One process's database."""

    def __init__(self, disk: Disk, loop: VirtualLoop, swarm: Swarm) -> None:
        self._disk = disk
        self._loop = loop
        self._swarm = swarm
        self._waiting: list[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]] = []
        self._is_committing = False
        self._is_closed = False
        self.crash_at: Fault | None = None
        """The edge of the next commit at which the process dies."""

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the next group."""
        self._check()
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append((work, future))
        self._schedule()
        return await future

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query` a moment later."""
        self._check()
        await asyncio.sleep(READ_NS / 1e9)
        if (hung_ns := self._disk.hung_until_ns - self._loop.now_ns) > 0:
            await asyncio.sleep(hung_ns / 1e9)
        self._check()
        return query(self._disk.connection)

    def stats(self) -> Mapping[str, int]:
        """As the real database has them."""
        return {
            "commands": 0,
            "commits": self._disk.commits,
            "queue_depth": len(self._waiting),
            "commit_ns_last": 0,
        }

    async def close(self) -> None:
        """Commit what waits and refuse what comes later."""
        while self._waiting or self._is_committing:  # noqa: ASYNC110 virtual time costs nothing
            await asyncio.sleep(0.001)
        self._is_closed = True

    def _check(self) -> None:
        if self._is_closed:
            raise StoreDown("the store is closed")
        if self._loop.now_ns < self._disk.down_until_ns:
            raise StoreDown("the simulated disk is away")

    def _schedule(self) -> None:
        if self._waiting and not self._is_committing:
            self._is_committing = True
            self._loop.call_later(self._disk.commit_ns(self._loop.now_ns) / 1e9, self._commit)

    def _commit(self) -> None:
        disk = self._disk
        if self._loop.now_ns < disk.hung_until_ns:
            self._is_committing = False
            self._schedule()
            return
        group, self._waiting = self._waiting[:STORE_BATCH_MAX], self._waiting[STORE_BATCH_MAX:]
        if self._dies(Fault.CRASH_BEFORE_COMMIT):
            return
        if self._loop.now_ns < disk.down_until_ns or disk.errors_due > 0:
            disk.errors_due = max(0, disk.errors_due - 1)
            answers: list[Any] = [StoreDown("the simulated commit failed")] * len(group)
            self._swarm.note(Fault.STORE_ERROR)
        else:
            answers = self._run([work for work, _ in group])
            disk.committed()
            if self._dies(Fault.CRASH_AFTER_COMMIT):
                return
        self._is_committing = False
        for (_, future), answer in zip(group, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._schedule()

    def _run(self, works: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        connection = self._disk.connection
        execute = connection.execute
        answers: list[Any] = []
        execute("BEGIN IMMEDIATE")
        if len(works) == 1:
            # One command needs no savepoint: the transaction is it.
            try:
                answers.append(works[0](connection))
            except Exception as error:
                execute("ROLLBACK")
                return [error]
            execute("COMMIT")
            return answers
        for work in works:
            execute("SAVEPOINT command")
            try:
                answers.append(work(connection))
            except Exception as error:
                answers.append(error)
                execute("ROLLBACK TO command")
            execute("RELEASE command")
        execute("COMMIT")
        return answers

    def _dies(self, edge: Fault) -> bool:
        if self.crash_at is not edge:
            return False
        self.crash_at = None
        owner = INCARNATION.get()
        assert isinstance(owner, Incarnation), "only a process commits"
        self._swarm.note(edge)
        self._loop.on_doom(owner)
        return True
