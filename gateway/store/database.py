"""The database: commands go to one writer thread, queries to readers.

Decides nothing about what is stored. Opening takes the lock file, brings the
tables up to date and starts the threads; closing undoes that in reverse.
Never blocks the event loop and never answers a command before its COMMIT.
Keeps: readers close before the writer, so that only the writer checkpoints.
See `writer.py` for group commit, `connection.py` for durability.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import structlog

from gateway.errors import StoreDown
from gateway.store.connection import open_writer, undo_in_memory
from gateway.store.lock import FileLock
from gateway.store.migration import Migration
from gateway.store.readers import Readers
from gateway.store.schema import SchemaReport, describe, migrate
from gateway.store.writer import Writer

T = TypeVar("T")
_log = structlog.get_logger()


class Database:
    """One SQLite file that this process owns."""

    def __init__(self, *, path: Path, lock: FileLock, writer: Writer, readers: Readers) -> None:
        self.path = path
        self._lock = lock
        self._writer = writer
        self._readers = readers
        self._is_closed = False

    @classmethod
    async def open(cls, path: Path, migrations: Sequence[Migration]) -> "Database":
        """Open or create the file at `path` and bring its tables up to date.

        Raises:
            StoreDown: another process has it open, it is no database, or a migration failed.
        """
        lock, connection, readers, steps = await asyncio.to_thread(_prepare, path, migrations)
        _log.info("store_opened", file=path.name, sqlite=sqlite3.sqlite_version, migrations_run=steps)
        return cls(path=path, lock=lock, writer=Writer(connection), readers=readers)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside the next transaction and answer what it answers, once committed.

        `work` runs in the writer thread between SAVEPOINT and RELEASE: what it raises undoes
        it alone and is raised here. It must neither commit nor begin. Cancelling the caller
        does not cancel the command.

        Raises:
            StoreDown: nothing was written: queue full, store closed, or the commit failed.
        """
        result: T = await self._writer.submit(work)
        return result

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query` on a read-only connection in a reader thread; it sees committed data only.

        Raises:
            StoreDown: the file cannot be read, or the store is closed.
        """
        return await self._readers.read(query)

    async def backup(self, path: Path) -> None:
        """Copy the committed state into a new file at `path`, while work goes on.

        Raises:
            StoreDown: there is a file already, or it cannot be written.
        """
        await self._readers.read(lambda source: copy_into(source, path))
        _log.info("store_backed_up", file=path.name)

    async def examine(self) -> SchemaReport:
        """Tables, migrations and the result of SQLite's own checks, for `gateway doctor`."""
        return await self._readers.read(describe)

    def stats(self) -> Mapping[str, int]:
        """Counters since opening: commands, commits, queue_depth, commit_ns_last, reads and more."""
        return {**self._writer.stats(), **self._readers.stats()}

    async def close(self) -> None:
        """Commit what is queued, refuse what comes later, and give the file back. May be repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        self._writer.refuse_more()
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        try:
            self._readers.close()
            self._writer.close()
        finally:
            self._lock.release()


def copy_into(source: sqlite3.Connection, path: Path) -> None:
    """Copy what `source` sees into a new file at `path`, synced before it takes its name.

    Raises:
        StoreDown: there is a file already, or it cannot be written.
    """
    if path.exists():
        raise StoreDown(f"{path} exists; a backup never overwrites")
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        target = sqlite3.connect(partial, isolation_level=None)
        try:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        finally:
            target.close()
        descriptor = os.open(partial, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        partial.rename(path)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise StoreDown(f"the backup {path} cannot be written: {error}") from error


def _prepare(
    path: Path, migrations: Sequence[Migration]
) -> tuple[FileLock, sqlite3.Connection, Readers, int]:
    """Everything of opening that blocks."""
    lock = FileLock(path)
    try:
        connection = open_writer(path)
        try:
            steps = migrate(connection, migrations)
            undo_in_memory(connection)
            return lock, connection, Readers(path), steps
        except BaseException:
            connection.close()
            raise
    except BaseException:
        lock.release()
        raise
