"""A few reading connections, each used by one thread at a time.

Decides where queries run: in reader threads, each query in a read transaction of
its own, so that it sees one committed state from its first row to its last.
Never writes and never checkpoints: the connections are read-only and `query_only`.
Keeps: the event loop is never blocked; the number of waiting queries is bounded.
"""

import asyncio
import queue
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from gateway.errors import StoreDown
from gateway.limits import STORE_QUEUE_MAX
from gateway.store.connection import is_failing_world, open_reader

T = TypeVar("T")

READERS = 3
"""Connections: two for requests and one that a long audit or backup may occupy."""


class Readers:
    """Reads a database file that this or another process writes."""

    def __init__(self, path: Path) -> None:
        """Open the connections; blocks, so call it off the event loop.

        Raises:
            StoreDown: there is no such database.
        """
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for _ in range(READERS):
            self._idle.put(open_reader(path))
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._waiting = 0
        self._reads = 0
        self._is_closed = False

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What `query` answers; it must fetch all it needs, the connection is lent only.

        Raises:
            StoreDown: too many queries wait, the store is closed, or the file cannot be read.
        """
        if self._is_closed:
            raise StoreDown("the store is closed")
        if self._waiting >= STORE_QUEUE_MAX:
            raise StoreDown(f"{STORE_QUEUE_MAX} queries already wait")
        self._waiting += 1
        self._reads += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)
        finally:
            self._waiting -= 1

    def stats(self) -> dict[str, int]:
        """Queries since opening, and how many run or wait now."""
        return {"reads": self._reads, "reads_waiting": self._waiting}

    def close(self) -> None:
        """Finish running queries and close the connections; blocks until then."""
        self._is_closed = True
        self._threads.shutdown(wait=True)
        for _ in range(READERS):
            self._idle.get().close()

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._idle.get()
        try:
            connection.execute("BEGIN")
            return query(connection)
        except sqlite3.Error as error:
            if is_failing_world(error):
                raise StoreDown(f"the database cannot be read: {error}") from error
            raise
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.put(connection)
