"""Who may act for a session: the shapes of ownership and of the spool.

Declares shapes only; `adapters/owner_store.py` and `adapters/spool_file.py` fill
them. A session is owned by one process at a time; every write for it is refused
(`Fenced`) once another process owns it. See docs/metering.md, "Restart".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.ids import SessionId
from gateway.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKey:
    """Names one row of evidence for ever, so that writing it twice is writing it once."""

    owner: int
    """Start number of the process that wrote it (see `Owners.number`)."""
    number: int
    """Of the row within that process, from 1 without gaps."""
    lease_ends_wall_ns: int
    """Until when the process is the owner of its sessions if this row is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledRow:
    """A row of evidence that could not be written when it was due."""

    key: RowKey
    second: int
    entries: tuple[tuple[SessionId, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An unfinished session that nobody seems to act for."""

    session: SessionId
    is_ours: bool
    """It is this process's own, as far as the store knows."""


class Owners(Protocol):
    """Which process owns which session."""

    @property
    def number(self) -> int:
        """This process's start number: higher than that of every process before it; 0 before `begin`."""
        ...

    async def begin(self, *, now_wall_ns: int) -> None:
        """Take a start number; earlier processes of the same node are over.

        Raises:
            StoreDown: nothing was written.
        """
        ...

    async def renew(self, *, now_wall_ns: int) -> None:
        """Lengthen the lease while there is no row to do it.

        Raises:
            Fenced: this process has been declared over.
            StoreDown: nothing was written.
        """
        ...

    async def orphans(self, *, now_wall_ns: int) -> Sequence[Orphan]:
        """Unfinished sessions of owners that are over or silent for two leases, and our own ones.

        Raises:
            StoreDown: they cannot be read.
        """
        ...

    async def take_over(self, sessions: Sequence[SessionId], *, now_wall_ns: int) -> Sequence[SessionId]:
        """Make those sessions ours in a new epoch; answers the ones that were still to be had.

        Raises:
            StoreDown: nothing was written.
        """
        ...

    def claim(self, session: SessionId) -> Work:
        """A work that makes a new session ours, in its first epoch.

        It raises `Fenced` where this process has been declared over.
        """
        ...

    def guard(self, session: SessionId) -> Work:
        """A work that raises `Fenced` unless the session is ours."""
        ...

    def release(self, session: SessionId) -> Work:
        """A work that ends ownership with the session; raises `Fenced` unless it is ours."""
        ...


class Spool(Protocol):
    """Rows of evidence beside a store that does not answer."""

    async def append(self, row: SpooledRow) -> None:
        """Keep a row; it is on the disk when this returns.

        Raises:
            StoreDown: it is not.
        """
        ...

    async def waiting(self) -> Sequence[SpooledRow]:
        """Every row kept, in order; what was torn at the end by a crash is left out."""
        ...

    async def clear(self) -> None:
        """Forget every row: all are in the journal."""
        ...
