"""The plain way to write: one transaction and one commit for each command.

Decides nothing: it is what the product's store is compared with. The caller's own
thread begins, works and commits, with the same settings of the same database, so
that nothing but the sharing of commits and statements differs.
Never used by the product.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from gateway.store.connection import open_writer, undo_in_memory
from gateway.store.migration import Migration
from gateway.store.schema import migrate

T = TypeVar("T")


class InlineStore:
    """A `Store` on one connection, for one caller at a time."""

    def __init__(self, path: Path, migrations: Sequence[Migration]) -> None:
        self._connection = open_writer(path)
        migrate(self._connection, migrations)
        undo_in_memory(self._connection)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Begin, work, commit."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            answer = work(self._connection)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return answer

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """On the same connection."""
        return query(self._connection)

    def stats(self) -> Mapping[str, int]:
        """None are kept."""
        return {}

    async def close(self) -> None:
        """Give the file back."""
        self._connection.close()
