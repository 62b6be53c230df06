"""Sealed evidence on disk: seals, one compact chunk per session and seal, archive files.

Decides the tables of sealing: a batch of journal rows is regrouped by session,
each session's part is kept compressed (the compact record that recovery and
export read), its leaf beside it, and the batch's root is signed in the same
transaction. Rows leave the journal only for a synced archive file.
Never reads an entry's meaning (`evidence.py`); the tree is `seal.py`'s.
Keeps: chunks of a session follow each other without a gap.
"""

import asyncio
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path

from gateway.errors import StoreDown
from gateway.ids import SessionId
from gateway.metering.adapters.evidence_archive import Batch, by_session, write_archive
from gateway.metering.ports import Signer
from gateway.metering.seal import NO_SEAL, Proof, Seal, leaf, path_of, root_of
from gateway.store.migration import Migration
from gateway.store.ports import Store

MIGRATIONS = (
    Migration(
        "metering.seals",
        1,
        """
        CREATE TABLE evidence_seals (
            number INTEGER PRIMARY KEY,
            first_row INTEGER NOT NULL,
            last_row INTEGER NOT NULL CHECK (last_row >= first_row),
            leaves INTEGER NOT NULL,
            root TEXT NOT NULL,
            previous TEXT NOT NULL,
            at_wall_ns INTEGER NOT NULL,
            key_id TEXT NOT NULL,
            public_key TEXT NOT NULL,
            signature TEXT NOT NULL
        ) STRICT;
        CREATE TABLE evidence_chunks (
            session TEXT NOT NULL,
            seal INTEGER NOT NULL REFERENCES evidence_seals (number),
            position INTEGER NOT NULL,
            first_byte INTEGER NOT NULL,
            length INTEGER NOT NULL,
            leaf BLOB NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (session, seal)
        ) STRICT;
        CREATE INDEX evidence_chunks_by_seal ON evidence_chunks (seal, position);
        CREATE TABLE evidence_archives (
            first_row INTEGER PRIMARY KEY,
            last_row INTEGER NOT NULL,
            file TEXT NOT NULL UNIQUE,
            sha256 TEXT NOT NULL,
            at_wall_ns INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER evidence_seals_stay BEFORE UPDATE ON evidence_seals
            BEGIN SELECT RAISE(ABORT, 'a seal is never changed'); END;
        CREATE TRIGGER evidence_seals_remain BEFORE DELETE ON evidence_seals
            BEGIN SELECT RAISE(ABORT, 'a seal is never deleted'); END;
        CREATE TRIGGER evidence_chunks_stay BEFORE UPDATE ON evidence_chunks
            BEGIN SELECT RAISE(ABORT, 'sealed evidence is never changed'); END;
        CREATE TRIGGER evidence_chunks_remain BEFORE DELETE ON evidence_chunks
            BEGIN SELECT RAISE(ABORT, 'sealed evidence is never deleted'); END;
        CREATE TRIGGER meter_seconds_leave_for_the_archive BEFORE DELETE ON meter_seconds
        WHEN NOT EXISTS (SELECT 1 FROM evidence_archives WHERE OLD.row BETWEEN first_row AND last_row)
            BEGIN SELECT RAISE(ABORT, 'evidence leaves the journal for the archive only'); END;
        """,
    ),
)

BATCH_BYTES_MAX = 1 << 20
"""Journal bytes under one seal: about 17 s of a thousand sessions, sealed in some 30 ms."""
BATCH_ROWS_MAX = 600
"""Rows under one seal."""
ARCHIVE_ROWS_MAX = 3_600
"""Rows in one archive file: an hour."""


class SealStore:
    """Satisfies `Seals` of `seal_ports.py`."""

    def __init__(self, database: Store, *, signer: Signer, folder: Path) -> None:
        self._database = database
        self._signer = signer
        self._folder = folder

    async def seal_next(self, *, now_wall_ns: int) -> Seal | None:
        """Seal the oldest rows that have no seal."""
        return await self._database.write(lambda tx: _seal_next(tx, self._signer, now_wall_ns))

    async def proofs(self, session: SessionId) -> Sequence[Proof]:
        """Where the session's evidence is sealed, in order."""
        return await self._database.read(lambda tx: proofs_of(tx, session))

    async def archive(self, *, before_wall_ns: int) -> int:
        """Move the rows of old seals into a file of the archive folder."""
        batches = await self._database.read(lambda tx: _archivable(tx, before_wall_ns))
        if not batches:
            return 0
        first, last = batches[0].seal.first_row, batches[-1].seal.last_row
        file = self._folder / f"evidence-{first:012d}-{last:012d}.xz"
        try:
            digest = await asyncio.to_thread(write_archive, file, batches)
        except OSError as error:
            raise StoreDown(f"the archive {file} cannot be written: {error.strerror}") from error

        def remove(tx: sqlite3.Connection) -> int:
            tx.execute(
                "INSERT INTO evidence_archives (first_row, last_row, file, sha256, at_wall_ns)"
                " VALUES (?, ?, ?, ?, ?)",
                (first, last, file.name, digest, before_wall_ns),
            )
            return tx.execute("DELETE FROM meter_seconds WHERE row BETWEEN ? AND ?", (first, last)).rowcount

        return await self._database.write(remove)


def sealed(tx: sqlite3.Connection, session: SessionId) -> bytes:
    """The session's entries that are under seals, concatenated."""
    rows = tx.execute("SELECT body FROM evidence_chunks WHERE session = ? ORDER BY seal", (session,))
    return b"".join(zlib.decompress(row[0]) for row in rows)


def last_sealed_row(tx: sqlite3.Connection) -> int:
    """The newest journal row that is under a seal; 0 before the first."""
    (row,) = tx.execute("SELECT coalesce(max(last_row), 0) FROM evidence_seals").fetchone()
    return int(row)


def proofs_of(tx: sqlite3.Connection, session: SessionId) -> Sequence[Proof]:
    """The session's proofs, in order."""
    chunks = tx.execute(
        "SELECT seal, position, first_byte, length FROM evidence_chunks WHERE session = ? ORDER BY seal",
        (session,),
    ).fetchall()
    proofs = []
    for number, position, first_byte, length in chunks:
        leaves = [
            bytes(row[0])
            for row in tx.execute(
                "SELECT leaf FROM evidence_chunks WHERE seal = ? ORDER BY position", (number,)
            )
        ]
        path = tuple(sibling.hex() for sibling in path_of(leaves, position))
        seal = _seal_from(tx.execute("SELECT * FROM evidence_seals WHERE number = ?", (number,)).fetchone())
        proofs.append(Proof(seal=seal, position=position, first_byte=first_byte, length=length, path=path))
    return proofs


def _seal_next(tx: sqlite3.Connection, signer: Signer, now_wall_ns: int) -> Seal | None:
    before = tx.execute("SELECT * FROM evidence_seals ORDER BY number DESC LIMIT 1").fetchone()
    rows = _batch(tx, after=before["last_row"] if before is not None else 0)
    if not rows:
        return None
    number = before["number"] + 1 if before is not None else 1
    chunks = _chunks(tx, by_session(body for _, body in rows))
    leaves = [leaf(session, first_byte, body) for session, first_byte, body in chunks]
    unsigned = Seal(
        number=number,
        first_row=rows[0][0],
        last_row=rows[-1][0],
        leaves=len(leaves),
        root=root_of(leaves).hex(),
        previous=_seal_from(before).digest if before is not None else NO_SEAL,
        at_wall_ns=now_wall_ns,
        key_id=signer.key_id,
        public_key=signer.public_key.hex(),
    )
    seal = _signed(unsigned, signer)
    _insert(tx, seal, chunks, leaves)
    return seal


def _batch(tx: sqlite3.Connection, *, after: int) -> list[tuple[int, bytes]]:
    rows: list[tuple[int, bytes]] = []
    size = 0
    query = "SELECT row, body FROM meter_seconds WHERE row > ? ORDER BY row LIMIT ?"
    for row, body in tx.execute(query, (after, BATCH_ROWS_MAX)):
        rows.append((row, body))
        size += len(body)
        if size >= BATCH_BYTES_MAX:
            break
    return rows


def _chunks(tx: sqlite3.Connection, parts: dict[SessionId, bytes]) -> list[tuple[SessionId, int, bytes]]:
    query = "SELECT first_byte + length FROM evidence_chunks WHERE session = ? ORDER BY seal DESC LIMIT 1"
    chunks = []
    for session, body in parts.items():
        row = tx.execute(query, (session,)).fetchone()
        chunks.append((session, 0 if row is None else int(row[0]), body))
    return chunks


def _signed(unsigned: Seal, signer: Signer) -> Seal:
    fields = {name: getattr(unsigned, name) for name in Seal.__dataclass_fields__}
    return Seal(**{**fields, "signature": signer.sign(unsigned.signed_part()).hex()})


def _insert(
    tx: sqlite3.Connection,
    seal: Seal,
    chunks: Sequence[tuple[SessionId, int, bytes]],
    leaves: Sequence[bytes],
) -> None:
    names = list(Seal.__dataclass_fields__)
    marks = ", ".join(f":{name}" for name in names)
    tx.execute(
        f"INSERT INTO evidence_seals ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 our own field names
        {name: getattr(seal, name) for name in names},
    )
    tx.executemany(
        "INSERT INTO evidence_chunks (session, seal, position, first_byte, length, leaf, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (session, seal.number, position, first_byte, len(body), leaves[position], zlib.compress(body, 1))
            for position, (session, first_byte, body) in enumerate(chunks)
        ],
    )


def _seal_from(row: sqlite3.Row) -> Seal:
    return Seal(**{name: row[name] for name in Seal.__dataclass_fields__})


def _archivable(tx: sqlite3.Connection, before_wall_ns: int) -> list[Batch]:
    """The oldest seals whose rows are still in the journal, up to an archive file's worth.

    The newest row always stays: SQLite would give its number out again.
    """
    seals = tx.execute(
        "SELECT * FROM evidence_seals WHERE at_wall_ns < ?"
        " AND first_row > (SELECT coalesce(max(last_row), 0) FROM evidence_archives)"
        " AND last_row < (SELECT max(row) FROM meter_seconds) ORDER BY number",
        (before_wall_ns,),
    )
    batches: list[Batch] = []
    rows_so_far = 0
    for found in seals.fetchall():
        seal = _seal_from(found)
        span = (seal.first_row, seal.last_row)
        rows = tx.execute("SELECT row, second, body FROM meter_seconds WHERE row BETWEEN ? AND ?", span)
        starts = tx.execute("SELECT session, first_byte FROM evidence_chunks WHERE seal = ?", (seal.number,))
        batch = Batch(
            seal=seal,
            rows=tuple((row, second, bytes(body)) for row, second, body in rows),
            starts={SessionId(session): first_byte for session, first_byte in starts},
        )
        batches.append(batch)
        rows_so_far += len(batch.rows)
        if rows_so_far >= ARCHIVE_ROWS_MAX:
            break
    return batches
