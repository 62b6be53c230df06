"""The one thread that writes, and how commands share a commit.

Decides how commands are grouped: whatever is queued goes into one transaction,
up to 256 commands or 5 ms of work; while the disk syncs, the next group gathers.
Each command has a savepoint of its own, so one that fails is undone alone; neighbours
that can share statements (`SharedWork`) have one together, and where that fails all
of them are undone and done again one by one.
Never answers before COMMIT has returned; never runs again what has been committed.
Keeps: commands take effect in the order they were handed in.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import structlog

from gateway.errors import StoreDown
from gateway.limits import STORE_BATCH_MAX, STORE_BATCH_NS_MAX, STORE_QUEUE_MAX
from gateway.store.connection import is_failing_world
from gateway.store.ports import Refused, SharedWork

_log = structlog.get_logger()
_AFRESH = ("ROLLBACK", "BEGIN IMMEDIATE")
_BACK = ("ROLLBACK TO neighbours", "RELEASE neighbours")


@dataclass(slots=True)
class _Command:
    """Work that waits for its commit."""

    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    failure: BaseException | None = None

    def resolve(self) -> None:
        """Tell the caller; one that was cancelled meanwhile is not told."""
        if self.future.done():
            return
        if self.failure is None:
            self.future.set_result(self.result)
        elif isinstance(self.failure, StopIteration):
            # A future cannot carry StopIteration; the caller would wait for ever.
            self.future.set_exception(RuntimeError("the work raised StopIteration"))
        else:
            self.future.set_exception(self.failure)


class _TransactionLostError(Exception):
    """SQLite undid the whole transaction, so no companion may be told that it committed."""


class Writer:
    """Owns the writing connection; made on the event loop, works in its own thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Command | None] = queue.SimpleQueue()
        self._is_closing = False
        self._counts = {
            "commands": 0,
            "commands_failed": 0,
            "commands_shared": 0,
            "commits": 0,
            "commits_failed": 0,
            "batch_last": 0,
            "batch_max": 0,
            "commit_ns_last": 0,
            "commit_ns_max": 0,
        }
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> asyncio.Future[Any]:
        """Queue `work`; the future is resolved after its commit, or with what went wrong.

        Raises:
            StoreDown: the queue is full, or the store is closing.
        """
        if self._is_closing:
            raise StoreDown("the store is closed")
        # Only the event loop adds to the queue, so it cannot grow between the look and the put.
        if self._queue.qsize() >= STORE_QUEUE_MAX:
            raise StoreDown(f"{STORE_QUEUE_MAX} commands already wait for the disk")
        command = _Command(work, self._loop.create_future())
        self._queue.put(command)
        return command.future

    def stats(self) -> dict[str, int]:
        """Counters since opening, and how many commands wait now."""
        return {**self._counts, "queue_depth": self._queue.qsize()}

    def close(self) -> None:
        """Finish what is queued, checkpoint and close the connection; blocks until then."""
        self._is_closing = True
        self._queue.put(None)
        self._thread.join()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._connection.close()

    def refuse_more(self) -> None:
        """From now on `submit` refuses; what is queued still commits."""
        self._is_closing = True

    def _run(self) -> None:
        is_running = True
        while is_running:
            first = self._queue.get()
            if first is None:
                return
            batch: list[_Command] = []
            is_running = self._commit(first, batch)
            self._tell(batch)

    def _commit(self, first: _Command, batch: list[_Command]) -> bool:
        """One transaction; fills `batch` and answers False when the end of the queue was met."""
        gathering = _Gathering(self._queue, first)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for neighbours in gathering:
                is_first = not batch
                batch += neighbours
                if len(neighbours) == 1 or not self._have_done_together(neighbours, is_first=is_first):
                    for command in neighbours:
                        self._do(command)
            self._sync(len(batch))
        except (sqlite3.Error, _TransactionLostError) as error:
            self._lose(batch or [first], batch, error)
        return not gathering.has_met_the_end

    def _do(self, command: _Command) -> None:
        self._counts["commands"] += 1
        execute = self._connection.execute
        execute("SAVEPOINT command")
        try:
            command.result = command.work(self._connection)
        except BaseException as error:
            # Whatever it was, it is the caller's to hear; this thread goes on.
            command.failure = _mapped(error)
            self._counts["commands_failed"] += 1
            if not self._connection.in_transaction:
                raise _TransactionLostError(str(error)) from error
            execute("ROLLBACK TO command")
        execute("RELEASE command")

    def _have_done_together(self, neighbours: list[_Command], *, is_first: bool) -> bool:
        """Whether all of them were done in one go; where not, none of them left anything.

        The first of a transaction need no savepoint: nothing before them would be lost with it.
        """
        execute = self._connection.execute
        if not is_first:
            execute("SAVEPOINT neighbours")
        try:
            works = [command.work for command in neighbours]
            outcomes = cast("SharedWork", works[0]).together(self._connection, works)
        except BaseException as error:
            if not self._connection.in_transaction:
                raise _TransactionLostError(str(error)) from error
            for undo in _AFRESH if is_first else _BACK:
                execute(undo)
            _log.warning("store_neighbours_part", commands=len(neighbours), error=str(error))
            return False
        if not is_first:
            execute("RELEASE neighbours")
        self._counts["commands"] += len(neighbours)
        self._counts["commands_shared"] += len(neighbours)
        for command, outcome in zip(neighbours, outcomes, strict=True):
            if isinstance(outcome, Refused):
                command.failure = _mapped(outcome.error)
                self._counts["commands_failed"] += 1
            else:
                command.result = outcome
        return True

    def _sync(self, size: int) -> None:
        began_ns = time.perf_counter_ns()
        self._connection.execute("COMMIT")
        spent_ns = time.perf_counter_ns() - began_ns
        counts = self._counts
        counts["commits"] += 1
        counts["batch_last"], counts["commit_ns_last"] = size, spent_ns
        counts["batch_max"] = max(counts["batch_max"], size)
        counts["commit_ns_max"] = max(counts["commit_ns_max"], spent_ns)

    def _lose(self, lost: list[_Command], batch: list[_Command], error: Exception) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._counts["commits_failed"] += 1
        _log.error("store_commit_failed", commands=len(lost), error=str(error))
        batch[:] = lost
        for command in lost:
            if command.failure is None:
                command.failure = StoreDown(f"the commit failed: {error}")

    def _tell(self, batch: list[_Command]) -> None:
        def resolve_all() -> None:
            for command in batch:
                command.resolve()

        try:
            self._loop.call_soon_threadsafe(resolve_all)
        except RuntimeError:
            # The loop has closed: nobody is left to tell, and the commit stands.
            _log.warning("store_answer_unheard", commands=len(batch))


class _Gathering(Iterator[list[_Command]]):
    """A first command and its companions, while they are there and there is time, neighbours together."""

    def __init__(self, waiting: "queue.SimpleQueue[_Command | None]", first: _Command) -> None:
        self._waiting = waiting
        self._next: _Command | None = first
        self._taken = 0
        self._deadline_ns = time.perf_counter_ns() + STORE_BATCH_NS_MAX
        self.has_met_the_end = False

    def __next__(self) -> list[_Command]:
        first = self._next or self._one_more(self._deadline_ns)
        if first is None:
            raise StopIteration
        neighbours, company, self._next = [first], _company_of(first), None
        while company is not None and (command := self._one_more(None)) is not None:
            if _company_of(command) != company:
                # It belongs to this transaction whatever the time: it has left the queue.
                self._next = command
                break
            neighbours.append(command)
        return neighbours

    def _one_more(self, deadline_ns: int | None) -> _Command | None:
        is_late = deadline_ns is not None and time.perf_counter_ns() >= deadline_ns
        if self.has_met_the_end or is_late or self._taken + 1 >= STORE_BATCH_MAX:
            return None
        try:
            command = self._waiting.get_nowait()
        except queue.Empty:
            return None
        self.has_met_the_end = command is None
        self._taken += command is not None
        return command


def _company_of(command: _Command) -> object:
    """Whom the command may be done together with; None where it is done alone."""
    return getattr(command.work, "company", None)


def _mapped(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.Error) and is_failing_world(error):
        down = StoreDown(f"the database does not answer: {error}")
        down.__cause__ = error
        return down
    return error
