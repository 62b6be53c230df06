"""Work that must commit together although two packages own it.

A package's adapter makes a `Work` (a closure over one database transaction); a
service hands it through another package's port, whose adapter runs it inside
its own transaction. So a state transition and its money effect are one commit
and neither package knows the other's tables.
"""

from collections.abc import Callable
from typing import Any

Work = Callable[[Any], None]
"""Takes the open transaction (a `sqlite3.Connection`); raising undoes the whole command."""
SumWork = Callable[[Any, int], None]
"""A work that learns an amount which is only known inside the transaction."""


def nothing(_transaction: Any, *_found: Any) -> None:
    """The work of a command that has no companion."""


def together(*works: Work) -> Work:
    """One work that does each in order."""

    def do_all(transaction: Any) -> None:
        for work in works:
            work(transaction)

    return do_all
