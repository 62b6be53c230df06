"""The audit chain in SQLite.

Decides how the chain is laid out in a table. The number and the hash of the
entry before are read and the new entry written in one transaction of the one
writer, so that the chain has no forks; the database refuses to change or delete.
Never decides what is worth an entry (service.py). Docs: docs/operations.md.
"""

import sqlite3
from collections.abc import Sequence

from gateway.admin.audit import GENESIS, AuditCheck, AuditEntry, AuditRecord, check_chain, sealed
from gateway.store.migration import Migration
from gateway.store.ports import Store

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "admin",
        1,
        """
        CREATE TABLE admin_audit (
            number INTEGER PRIMARY KEY,
            who TEXT NOT NULL,
            what TEXT NOT NULL,
            subject TEXT NOT NULL,
            why TEXT NOT NULL,
            at_wall_ns INTEGER NOT NULL,
            hash TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE TRIGGER admin_audit_stays BEFORE DELETE ON admin_audit
            BEGIN SELECT RAISE(ABORT, 'the audit log is never cut'); END;
        CREATE TRIGGER admin_audit_stands BEFORE UPDATE ON admin_audit
            BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END;
        """,
    ),
)


class AuditTable:
    """The `AuditLog` of one database."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def append(self, entry: AuditEntry) -> AuditRecord:
        """Seal and store an entry."""

        def insert(connection: sqlite3.Connection) -> AuditRecord:
            last = connection.execute(
                "SELECT number, hash FROM admin_audit ORDER BY number DESC LIMIT 1"
            ).fetchone()
            number, before = (last["number"], last["hash"]) if last else (0, GENESIS)
            record = sealed(number + 1, entry, before=before)
            connection.execute(
                "INSERT INTO admin_audit (number, who, what, subject, why, at_wall_ns, hash) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    record.number,
                    entry.who,
                    entry.what,
                    entry.subject,
                    entry.why,
                    entry.at_wall_ns,
                    record.hash,
                ),
            )
            return record

        return await self._database.write(insert)

    async def newest(self, *, before: int | None, limit: int) -> Sequence[AuditRecord]:
        """Up to `limit` entries with numbers below `before`, newest first."""

        def select(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            return connection.execute(
                "SELECT * FROM admin_audit WHERE ?1 IS NULL OR number < ?1 ORDER BY number DESC LIMIT ?2",
                (before, limit),
            ).fetchall()

        return [_record(row) for row in await self._database.read(select)]

    async def check(self, *, head: str | None = None) -> AuditCheck:
        """Walk the whole chain; `head` is the hash its last entry must have, if known."""

        def walk(connection: sqlite3.Connection) -> AuditCheck:
            rows = connection.execute("SELECT * FROM admin_audit ORDER BY number")
            return check_chain((_record(row) for row in rows), head=head)

        return await self._database.read(walk)


def _record(row: sqlite3.Row) -> AuditRecord:
    entry = AuditEntry(
        who=row["who"],
        what=row["what"],
        subject=row["subject"],
        why=row["why"],
        at_wall_ns=row["at_wall_ns"],
    )
    return AuditRecord(number=row["number"], entry=entry, hash=row["hash"])
