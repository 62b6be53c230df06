"""What the rest of the product takes for a database, and work that can be shared.

Declares shapes only: adapters are handed a `Store` and never ask which one.
`database.py` fills it with a file; a simulation may fill it with one in memory
that runs each command at once and fails at its edges.
Keeps: work given to `write` is one transaction, undone alone by what it raises,
and is answered only once it can no longer be lost.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Store(Protocol):
    """A database that takes one command after the other and answers queries meanwhile."""

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside a transaction and answer what it answers, once committed.

        What `work` raises undoes it alone and is raised here; it neither commits nor begins. A store
        may run it again after undoing it: what it does, it does to the transaction.

        Raises:
            StoreDown: nothing was written.
        """
        ...

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query`, which fetches all it needs; it sees committed data only.

        Raises:
            StoreDown: the data cannot be read.
        """
        ...

    def stats(self) -> Mapping[str, int]:
        """Counters since opening; their names are the implementation's."""
        ...

    async def close(self) -> None:
        """Commit what is queued and refuse what comes later; may be repeated."""
        ...


@dataclass(frozen=True, slots=True)
class Refused:
    """The outcome of work that raised before it changed anything."""

    error: Exception
    """What its caller is to hear."""


class SharedWork(Protocol):
    """Work that neighbours in the queue may be done together with, for fewer statements.

    A store that does not know of this runs it as any other work. Which of the two happened cannot
    be told from the answers or from what is stored.
    """

    def __call__(self, transaction: sqlite3.Connection) -> Any:
        """Do this one alone."""
        ...

    def together(self, transaction: sqlite3.Connection, works: Sequence[Any]) -> Sequence[Any]:
        """Do `works`, all of this one's class and this one the first, in order; an outcome for each.

        What it raises undoes all of them, and each is then done alone.
        """
        ...

    @property
    def company(self) -> object:
        """Works of equal company may be done together; by this name a store knows shared work."""
        ...
