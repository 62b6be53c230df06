"""Ownership of sessions on disk: a row per process, a row per unfinished session.

Decides the tables and what refuses a write: a session belongs to the process
whose start number stands in its row, and to nobody once it is settled.
A row of evidence is checked without looking at its sessions as long as nobody
took one from its process (`taken`), so that a thousand sessions cost one look.
Keeps: start numbers only grow; an epoch grows by one with each take-over.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from gateway.errors import Fenced
from gateway.ids import SessionId
from gateway.limits import LEASE_NS
from gateway.metering.owner_ports import Orphan, RowKey
from gateway.store.migration import Migration
from gateway.store.ports import Store
from gateway.work import Work

MIGRATIONS = (
    Migration(
        "metering.owners",
        1,
        """
        CREATE TABLE meter_owners (
            number INTEGER PRIMARY KEY,
            node TEXT NOT NULL,
            boot TEXT NOT NULL,
            lease_ends_wall_ns INTEGER NOT NULL,
            is_over INTEGER NOT NULL DEFAULT 0,
            taken INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE session_owners (
            session TEXT PRIMARY KEY,
            owner INTEGER NOT NULL REFERENCES meter_owners (number),
            epoch INTEGER NOT NULL CHECK (epoch > 0)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX session_owners_by_owner ON session_owners (owner);
        INSERT INTO meter_owners (number, node, boot, lease_ends_wall_ns, is_over) VALUES (0, '', '', 0, 1);
        INSERT INTO session_owners (session, owner, epoch)
            SELECT session, 0, 1 FROM meter_orders
            WHERE NOT EXISTS (SELECT 1 FROM receipts WHERE receipts.session = meter_orders.session);
        """,
    ),
)

_ORPHANS = """
    SELECT session, owner = :me AS is_ours FROM session_owners JOIN meter_owners ON number = owner
    WHERE owner = :me OR is_over OR lease_ends_wall_ns < :silent_since_wall_ns
    ORDER BY session
"""


class OwnerStore:
    """Satisfies `Owners` of `owner_ports.py`, and is the fence of signalling's moves."""

    def __init__(self, database: Store, *, node: str, boot: str) -> None:
        self._database = database
        self._node = node
        self._boot = boot
        self._number = 0

    @property
    def number(self) -> int:
        """This process's start number."""
        return self._number

    async def begin(self, *, now_wall_ns: int) -> None:
        """Take a start number; earlier processes of this node are over (only one may hold its store)."""

        def insert(tx: sqlite3.Connection) -> int:
            tx.execute("UPDATE meter_owners SET is_over = 1 WHERE node = ?", (self._node,))
            (number,) = tx.execute(
                "INSERT INTO meter_owners (number, node, boot, lease_ends_wall_ns)"
                " VALUES ((SELECT max(number) + 1 FROM meter_owners), ?, ?, ?) RETURNING number",
                (self._node, self._boot, now_wall_ns + LEASE_NS),
            ).fetchone()
            return int(number)

        self._number = await self._database.write(insert)

    async def renew(self, *, now_wall_ns: int) -> None:
        """Lengthen the lease."""
        number = self._number
        await self._database.write(lambda tx: _renew(tx, number, now_wall_ns + LEASE_NS))

    async def orphans(self, *, now_wall_ns: int) -> Sequence[Orphan]:
        """Unfinished sessions of owners that are gone, and our own."""
        values = {"me": self._number, "silent_since_wall_ns": now_wall_ns - LEASE_NS}
        rows = await self._database.read(lambda tx: tx.execute(_ORPHANS, values).fetchall())
        return [Orphan(session=SessionId(session), is_ours=bool(is_ours)) for session, is_ours in rows]

    async def take_over(self, sessions: Sequence[SessionId], *, now_wall_ns: int) -> Sequence[SessionId]:
        """Make those ours that are unfinished and whose owner is gone (or is ourselves)."""
        number = self._number

        def take(tx: sqlite3.Connection) -> list[SessionId]:
            _renew(tx, number, now_wall_ns + LEASE_NS)
            return [session for session in sessions if _take(tx, session, number, now_wall_ns - LEASE_NS)]

        return await self._database.write(take)

    def claim(self, session: SessionId) -> Work:
        """A work that makes a new session ours; raises `Fenced` where this process is over."""
        number = self._number

        def insert(tx: sqlite3.Connection) -> None:
            _renew(tx, number, 0)
            tx.execute(
                "INSERT INTO session_owners (session, owner, epoch) VALUES (?, ?, 1)", (session, number)
            )

        return insert

    def guard(self, session: SessionId) -> Work:
        """A work that raises `Fenced` unless the session is ours."""
        number = self._number

        def check(tx: sqlite3.Connection) -> None:
            _epoch(tx, session, number)

        return check

    def release(self, session: SessionId) -> Work:
        """A work that ends ownership."""
        number = self._number

        def delete(tx: sqlite3.Connection) -> None:
            _epoch(tx, session, number)
            tx.execute("DELETE FROM session_owners WHERE session = ?", (session,))

        return delete

    def epoch(self, transaction: sqlite3.Connection, session: SessionId) -> int:
        """The session's epoch, for a transition row; raises `Fenced` unless it is ours."""
        return _epoch(transaction, session, self._number)

    def is_ours(self, connection: sqlite3.Connection, session: SessionId) -> bool:
        """Whether this process acts for the session."""
        row = connection.execute("SELECT owner FROM session_owners WHERE session = ?", (session,)).fetchone()
        return row is not None and row[0] == self._number


def admit(tx: sqlite3.Connection, key: RowKey, sessions: Iterable[SessionId]) -> None:
    """Let the row of that key in and lengthen its process's lease.

    Raises:
        Fenced: some of its sessions are not its process's any more; `sessions` names them.
    """
    if _renew(tx, key.owner, key.lease_ends_wall_ns) == 0:
        return
    lost = [session for session in sessions if _owner(tx, session) != key.owner]
    if lost:
        raise Fenced(f"{len(lost)} sessions are not process {key.owner}'s any more", sessions=lost)


def _renew(tx: sqlite3.Connection, number: int, lease_ends_wall_ns: int) -> int:
    """Lengthen the lease of a process that is not over; answers how many sessions others took from it."""
    row = tx.execute(
        "UPDATE meter_owners SET lease_ends_wall_ns = max(lease_ends_wall_ns, ?)"
        " WHERE number = ? AND is_over = 0 RETURNING taken",
        (lease_ends_wall_ns, number),
    ).fetchone()
    if row is None:
        raise Fenced(f"process {number} is over: another one of its node has begun")
    return int(row[0])


def _owner(tx: sqlite3.Connection, session: SessionId) -> int | None:
    row = tx.execute("SELECT owner FROM session_owners WHERE session = ?", (session,)).fetchone()
    return None if row is None else int(row[0])


def _epoch(tx: sqlite3.Connection, session: SessionId, number: int) -> int:
    row = tx.execute("SELECT owner, epoch FROM session_owners WHERE session = ?", (session,)).fetchone()
    if row is None or row[0] != number:
        owner = "nobody" if row is None else f"process {row[0]}"
        raise Fenced(f"{session} is {owner}'s, not process {number}'s", sessions=[session])
    return int(row[1])


def _take(tx: sqlite3.Connection, session: SessionId, number: int, silent_since_wall_ns: int) -> bool:
    before = tx.execute(
        "SELECT owner, is_over OR lease_ends_wall_ns < ? FROM session_owners"
        " JOIN meter_owners ON number = owner WHERE session = ?",
        (silent_since_wall_ns, session),
    ).fetchone()
    if before is None or not (before[0] == number or before[1]):
        return False
    tx.execute("UPDATE session_owners SET owner = ?, epoch = epoch + 1 WHERE session = ?", (number, session))
    if before[0] != number:
        tx.execute("UPDATE meter_owners SET taken = taken + 1 WHERE number = ?", (before[0],))
    return True
