"""A database in memory whose process dies at a chosen operation."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from typing import TypeVar

from gateway import app
from gateway.errors import StoreDown
from gateway.store.schema import migrate

T = TypeVar("T")


def empty_disk() -> sqlite3.Connection:
    """A database with every table of the gateway, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    migrate(connection, app.MIGRATIONS)
    return connection


def copied(disk: sqlite3.Connection) -> sqlite3.Connection:
    """A disk with the same content."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    disk.backup(connection)
    return connection


class MortalStore:
    """Satisfies `Store`; from the fatal operation on nothing is answered any more."""

    def __init__(
        self, disk: sqlite3.Connection, *, dies_at: int | None = None, after_effect: bool = False
    ) -> None:
        self.disk = disk
        self.operations = 0
        self.is_dead = False
        self.is_down = False
        """Every operation is refused."""
        self.is_hung = False
        """Every operation waits until `is_hung` is taken back and `awake` is set."""
        self.awake = asyncio.Event()
        self._dies_at = dies_at
        self._after_effect = after_effect

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction."""
        await self._begin()
        self.disk.execute("BEGIN IMMEDIATE")
        try:
            answer = work(self.disk)
        except BaseException:
            self.disk.execute("ROLLBACK")
            raise
        self.disk.execute("COMMIT")
        await self._end()
        return answer

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """One query."""
        await self._begin()
        return query(self.disk)

    def stats(self) -> Mapping[str, int]:
        """Nothing to tell."""
        return {}

    async def close(self) -> None:
        """The disk stays."""

    async def _begin(self) -> None:
        await asyncio.sleep(0)
        self.operations += 1
        if self._dies_at == self.operations and not self._after_effect:
            self.is_dead = True
        await self._die_if_dead()
        if self.is_hung:
            await self.awake.wait()
        if self.is_down:
            raise StoreDown("the disk is away")

    async def _end(self) -> None:
        if self._dies_at is not None and self.operations >= self._dies_at and self._after_effect:
            self.is_dead = True
        await self._die_if_dead()

    async def _die_if_dead(self) -> None:
        if self.is_dead:
            await asyncio.Event().wait()
