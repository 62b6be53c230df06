"""Evidence on disk: one row per node and second, orders, holds, receipts.

Decides the tables of metering and how entries of many sessions share a row
(msgpack). Rows are never changed; triggers refuse it.
Never reads an entry's meaning (`evidence.py`) and never decides who may write
(`owner_store.py`, whose guard runs in the same transaction as each write).
Keeps: a row written twice under one key is one row.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import msgpack

from gateway.ids import AccountId, SessionId
from gateway.metering.adapters import owner_store, seal_store
from gateway.metering.owner_ports import Owners, RowKey
from gateway.metering.ports import MeterRecord
from gateway.store.migration import Migration
from gateway.store.ports import Store
from gateway.terms import MeterOrder, SessionKind, Side, TariffSnapshot
from gateway.work import Work, nothing

MIGRATIONS = (
    Migration(
        "metering",
        1,
        """
        CREATE TABLE meter_orders (
            session TEXT PRIMARY KEY,
            first_row INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE TABLE meter_holds (
            session TEXT NOT NULL REFERENCES meter_orders (session),
            ordinal INTEGER NOT NULL,
            micros INTEGER NOT NULL CHECK (micros >= 0),
            PRIMARY KEY (session, ordinal)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE meter_seconds (
            row INTEGER PRIMARY KEY,
            second INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE TABLE receipts (
            session TEXT PRIMARY KEY,
            receipt BLOB NOT NULL,
            evidence BLOB NOT NULL
        ) STRICT;
        CREATE TABLE session_reports (
            session TEXT NOT NULL,
            side TEXT NOT NULL,
            seconds INTEGER NOT NULL,
            why TEXT,
            PRIMARY KEY (session, side)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER meter_seconds_stay BEFORE UPDATE ON meter_seconds
            BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
        CREATE TRIGGER receipts_stay BEFORE UPDATE ON receipts
            BEGIN SELECT RAISE(ABORT, 'a receipt is never changed'); END;
        CREATE TRIGGER receipts_remain BEFORE DELETE ON receipts
            BEGIN SELECT RAISE(ABORT, 'a receipt is never deleted'); END;
        """,
    ),
    Migration(
        "metering",
        2,
        """
        ALTER TABLE meter_seconds ADD COLUMN owner INTEGER;
        ALTER TABLE meter_seconds ADD COLUMN number INTEGER;
        CREATE UNIQUE INDEX meter_seconds_once ON meter_seconds (owner, number);
        CREATE TABLE receipt_notes (
            session TEXT NOT NULL REFERENCES receipts (session),
            number INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (session, number)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER receipt_notes_stay BEFORE UPDATE ON receipt_notes
            BEGIN SELECT RAISE(ABORT, 'a note is never changed'); END;
        CREATE TRIGGER receipt_notes_remain BEFORE DELETE ON receipt_notes
            BEGIN SELECT RAISE(ABORT, 'a note is never deleted'); END;
        """,
    ),
    *owner_store.MIGRATIONS,
    *seal_store.MIGRATIONS,
)


class JournalStore:
    """The evidence journal in the gateway's database."""

    def __init__(self, database: Store, *, owners: Owners | None = None) -> None:
        """`owners` guards every write; without it nobody else can be writing."""
        self._database = database
        self._owners = owners

    def register(self, order: MeterOrder) -> Work:
        """A work that stores the order and from which row on its evidence may lie, and makes it ours."""
        body = _packed(order)
        claim = nothing if self._owners is None else self._owners.claim(order.session)

        def insert(tx: sqlite3.Connection) -> None:
            claim(tx)
            tx.execute(
                "INSERT INTO meter_orders (session, first_row, body)"
                " VALUES (?, (SELECT coalesce(max(row), 0) FROM meter_seconds), ?)",
                (order.session, body),
            )

        return insert

    def held(self, session: SessionId, *, ordinal: int, micros: int) -> Work:
        """A work that notes a hold; noting it again changes nothing."""
        guard = self._guard(session)

        def insert(tx: sqlite3.Connection) -> None:
            guard(tx)
            if not tx.execute("SELECT 1 FROM meter_orders WHERE session = ?", (session,)).fetchone():
                return
            tx.execute(
                "INSERT INTO meter_holds (session, ordinal, micros) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (session, ordinal, micros),
            )

        return insert

    async def append(
        self, second: int, entries: Sequence[tuple[SessionId, bytes]], *, key: RowKey | None = None
    ) -> None:
        """One row with the new entries of all live sessions, in one commit; once per key."""
        body = msgpack.packb(list(entries))
        owner, number = (None, None) if key is None else (key.owner, key.number)

        def insert(tx: sqlite3.Connection) -> None:
            if key is not None:
                owner_store.admit(tx, key, (session for session, _ in entries))
            tx.execute(
                "INSERT INTO meter_seconds (second, body, owner, number) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (owner, number) DO NOTHING",
                (second, body, owner, number),
            )

        await self._database.write(insert)

    def close(self, session: SessionId, *, receipt: bytes, evidence: bytes) -> Work:
        """A work that stores the receipt and the evidence bundle; the session is nobody's from then on."""
        release = nothing if self._owners is None else self._owners.release(session)

        def insert(tx: sqlite3.Connection) -> None:
            release(tx)
            tx.execute(
                "INSERT INTO receipts (session, receipt, evidence) VALUES (?, ?, ?)",
                (session, receipt, evidence),
            )

        return insert

    async def report(
        self, session: SessionId, side: Side, *, seconds: int, why: str | None, note: bytes | None
    ) -> bool:
        """Store an app's own count and the note that it leads to; the first one of a side stands."""

        def insert(tx: sqlite3.Connection) -> bool:
            is_first = tx.execute(
                "INSERT INTO session_reports (session, side, seconds, why) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (session, side, seconds, why),
            ).rowcount
            if is_first and note is not None:
                tx.execute(
                    "INSERT INTO receipt_notes (session, number, body)"
                    " VALUES (?, (SELECT count(*) + 1 FROM receipt_notes WHERE session = ?), ?)",
                    (session, session, note),
                )
            return bool(is_first)

        return await self._database.write(insert)

    async def notes(self, session: SessionId) -> Sequence[bytes]:
        """What was noted on the receipt since it was issued, in order (canonical JSON)."""
        rows = await self._database.read(
            lambda tx: tx.execute(
                "SELECT body FROM receipt_notes WHERE session = ? ORDER BY number", (session,)
            ).fetchall()
        )
        return [bytes(row[0]) for row in rows]

    async def commit(self, work: Work) -> None:
        """Run one work in a transaction of its own."""
        await self._database.write(work)

    async def load(self, session: SessionId) -> MeterRecord | None:
        """Order, entries and holds of a session without a receipt."""
        return await self._database.read(lambda tx: _load(tx, session))

    async def receipt(self, session: SessionId) -> bytes | None:
        """The stored receipt."""
        return await self._one("SELECT receipt FROM receipts WHERE session = ?", session)

    async def bundle(self, session: SessionId) -> bytes | None:
        """The stored evidence bundle."""
        return await self._one("SELECT evidence FROM receipts WHERE session = ?", session)

    async def billed_seconds(self, sessions: Sequence[SessionId]) -> dict[SessionId, int]:
        """Billed seconds on the receipts of those sessions that have one."""
        marks = ",".join("?" * len(sessions))
        rows = await self._database.read(
            lambda tx: tx.execute(
                f"SELECT session, receipt FROM receipts WHERE session IN ({marks})",  # noqa: S608 marks only
                tuple(sessions),
            ).fetchall()
        )
        return {SessionId(row[0]): int(json.loads(row[1])["billed_s"]) for row in rows}

    def _guard(self, session: SessionId) -> Work:
        return nothing if self._owners is None else self._owners.guard(session)

    async def _one(self, query: str, session: SessionId) -> bytes | None:
        def first(tx: sqlite3.Connection) -> bytes | None:
            row = tx.execute(query, (session,)).fetchone()
            return None if row is None else bytes(row[0])

        return await self._database.read(first)


def _load(tx: sqlite3.Connection, session: SessionId) -> MeterRecord | None:
    order = tx.execute(
        "SELECT first_row, body FROM meter_orders WHERE session = ?"
        " AND NOT EXISTS (SELECT 1 FROM receipts WHERE receipts.session = meter_orders.session)",
        (session,),
    ).fetchone()
    if order is None:
        return None
    # What is sealed is kept by session; only what came after it must be picked out of the rows.
    after = max(order[0], seal_store.last_sealed_row(tx))
    rows = tx.execute("SELECT body FROM meter_seconds WHERE row > ? ORDER BY row", (after,))
    fresh = (entry for row in rows for owner, entry in msgpack.unpackb(row[0]) if owner == session)
    entries = seal_store.sealed(tx, session) + b"".join(fresh)
    holds = tx.execute("SELECT micros FROM meter_holds WHERE session = ?", (session,)).fetchall()
    return MeterRecord(
        order=_unpacked(order[1]),
        entries=entries,
        held_micros=sum(row[0] for row in holds),
        holds=len(holds),
    )


def _packed(order: MeterOrder) -> bytes:
    body: bytes = msgpack.packb(
        {
            "session": order.session,
            "client": order.client,
            "provider": order.provider,
            "kind": str(order.kind),
            "tariff": order.tariff.canonical,
            "tariff_hash": order.tariff.hash,
            "fee_bp": order.fee_bp,
            "duration_s_max": order.duration_s_max,
            "slot_ends_wall_ns": order.slot_ends_wall_ns,
            "nonce_client": order.nonce_client,
            "nonce_provider": order.nonce_provider,
        }
    )
    return body


def _unpacked(body: bytes) -> MeterOrder:
    stored: dict[str, Any] = msgpack.unpackb(body)
    tariff = TariffSnapshot(canonical=stored.pop("tariff"), hash=stored.pop("tariff_hash"))
    return MeterOrder(
        session=SessionId(stored.pop("session")),
        client=AccountId(stored.pop("client")),
        provider=AccountId(stored.pop("provider")),
        kind=SessionKind(stored.pop("kind")),
        tariff=tariff,
        **stored,
    )
