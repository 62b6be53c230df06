"""A disk that outlives processes: one SQLite database in memory, and what is wrong with it just now.

Decides how long a commit takes and whether it comes about; what SQLite promises
it keeps: a transaction is there whole or not at all, and a crash loses what had
not committed.
Never runs a command by itself (`store.py` does, for one process).
"""

import random
import sqlite3
from collections.abc import Callable
from functools import cache
from typing import Any

from gateway.app import MIGRATIONS
from gateway.clock import NS
from gateway.store.schema import migrate

COMMIT_NS = (1_000_000, 9_000_000)
"""How long a healthy commit takes, from and to."""
SLOW_NS = (200_000_000, 2 * NS)
"""How long one takes while the disk is slow."""


class Disk:
    """What every incarnation of a gateway in one world writes to."""

    def __init__(self, dice: random.Random) -> None:
        self.connection = _connected()
        self.connection.deserialize(_template())
        self.dice = dice
        self.down_until_ns = 0
        """Everything fails before this instant."""
        self.slow_until_ns = 0
        self.hung_until_ns = 0
        """Nothing is answered before this instant."""
        self.errors_due = 0
        """Commits that will fail yet."""
        self.commits = 0
        self.on_commit: Callable[[], None] = lambda: None
        """Told after each commit."""
        self._reader = self.connection.cursor()
        self._reader.row_factory = None

    def commit_ns(self, now_ns: int) -> int:
        """How long the next commit will take."""
        if now_ns < self.hung_until_ns:
            return self.hung_until_ns - now_ns + self.dice.randint(*COMMIT_NS)
        span = SLOW_NS if now_ns < self.slow_until_ns else COMMIT_NS
        return self.dice.randint(*span)

    def query(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """What is stored now, for whoever looks from outside."""
        return self._reader.execute(sql, values).fetchall()

    def committed(self) -> None:
        """A transaction is durable."""
        self.commits += 1
        self.on_commit()

    def close(self) -> None:
        """Let go of the memory."""
        self.connection.close()


def _connected() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    return connection


@cache
def _template() -> bytes:
    """A database with every table and no row."""
    connection = _connected()
    migrate(connection, MIGRATIONS)
    content = connection.serialize()
    connection.close()
    return content
