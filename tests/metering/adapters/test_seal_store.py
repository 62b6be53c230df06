"""Sealing and archiving on a real database file."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest

from gateway.clock import ManualClock
from gateway.errors import Malformed
from gateway.ids import SessionId
from gateway.metering import receipt as receipts
from gateway.metering.adapters import evidence_archive, journal_store, seal_store
from gateway.metering.adapters.receipt_key import is_signed
from gateway.metering.adapters.seal_store import SealStore
from gateway.metering.seal import NO_SEAL, proofs_body
from gateway.metering.seal_verification import problems_of_seals
from gateway.metering.sealing_service import DAY_NS, Sealer
from gateway.store.database import Database
from tests.metering.fakes import FakeSigner

pytestmark = pytest.mark.adapter

ONE, TWO = SessionId("ses_1"), SessionId("ses_2")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "g.db", journal_store.MIGRATIONS)
    yield opened
    await opened.close()


@pytest.fixture
def seals(database: Database, tmp_path: Path) -> SealStore:
    return SealStore(database, signer=FakeSigner(), folder=tmp_path / "archive")


async def journal(database: Database, *rows: dict[SessionId, bytes]) -> None:
    """Rows as the journal writes them."""
    for second, row in enumerate(rows):
        body = msgpack.packb(list(row.items()))
        await database.write(
            lambda tx, second=second, body=body: tx.execute(
                "INSERT INTO meter_seconds (second, body) VALUES (?, ?)", (second, body)
            )
        )


def bundle(session: SessionId, entries: list[bytes]) -> bytes:
    """An evidence bundle."""
    return receipts.canonical(
        {"version": 1, "session": session, "entries": [entry.hex() for entry in entries]}
    )


async def test_each_session_proves_its_own_evidence_across_seals(
    database: Database, seals: SealStore
) -> None:
    await journal(database, {ONE: b"a1", TWO: b"b1"}, {ONE: b"a2"})
    first = await seals.seal_next(now_wall_ns=1)
    await journal(database, {ONE: b"a3", TWO: b"b2"})
    second = await seals.seal_next(now_wall_ns=2)

    assert first is not None
    assert second is not None
    assert (first.number, first.leaves, first.previous) == (1, 2, NO_SEAL)
    assert (second.number, second.previous) == (2, first.digest)
    for session, entries in ((ONE, [b"a1", b"a2", b"a3"]), (TWO, [b"b1", b"b2"])):
        proofs = receipts.canonical(proofs_body(session, await seals.proofs(session)))
        finding = problems_of_seals(bundle(session, entries), proofs, check_signature=is_signed)
        assert finding.problems == ()
        assert finding.unsealed_bytes == 0


async def test_what_is_sealed_is_kept_compact_and_read_back(database: Database, seals: SealStore) -> None:
    await journal(database, {ONE: b"a1", TWO: b"b1"}, {ONE: b"a2" * 50})
    await seals.seal_next(now_wall_ns=1)
    await journal(database, {ONE: b"a3"})

    assert await database.read(lambda tx: seal_store.sealed(tx, ONE)) == b"a1" + b"a2" * 50
    assert await database.read(seal_store.last_sealed_row) == 2


async def test_nothing_new_makes_no_seal(database: Database, seals: SealStore) -> None:
    assert await seals.seal_next(now_wall_ns=1) is None
    await journal(database, {ONE: b"a1"})
    await seals.seal_next(now_wall_ns=1)

    assert await seals.seal_next(now_wall_ns=1) is None
    assert await seals.proofs(SessionId("ses_unknown")) == []


async def test_the_database_refuses_to_change_what_is_sealed(database: Database, seals: SealStore) -> None:
    await journal(database, {ONE: b"a1"})
    await seals.seal_next(now_wall_ns=1)

    for statement in (
        "UPDATE evidence_seals SET root = ''",
        "DELETE FROM evidence_seals",
        "UPDATE evidence_chunks SET body = x''",
        "DELETE FROM evidence_chunks",
        "DELETE FROM meter_seconds",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(lambda tx, statement=statement: tx.execute(statement))


async def test_old_sealed_rows_move_to_a_file_that_proves_itself(
    database: Database, seals: SealStore, tmp_path: Path
) -> None:
    await journal(database, {ONE: b"a1", TWO: b"b1"}, {ONE: b"a2"})
    await seals.seal_next(now_wall_ns=1)
    await journal(database, {ONE: b"a3"})
    await seals.seal_next(now_wall_ns=1)
    await journal(database, {ONE: b"a4"})

    assert await seals.archive(before_wall_ns=2) == 3

    left = await database.read(lambda tx: tx.execute("SELECT row FROM meter_seconds").fetchall())
    assert [row[0] for row in left] == [4]
    (file,) = (tmp_path / "archive").iterdir()
    batches = evidence_archive.read_archive(file)
    assert evidence_archive.problems_of_archive(batches, check_signature=is_signed) == []
    assert await seals.archive(before_wall_ns=2) == 0
    assert await database.read(lambda tx: seal_store.sealed(tx, ONE)) == b"a1a2a3"


async def test_a_changed_archive_is_found_out(database: Database, seals: SealStore, tmp_path: Path) -> None:
    await journal(database, {ONE: b"a1"}, {ONE: b"a2"})
    await seals.seal_next(now_wall_ns=1)
    await journal(database, {ONE: b"a3"})
    await seals.archive(before_wall_ns=2)
    (file,) = (tmp_path / "archive").iterdir()
    (batch,) = evidence_archive.read_archive(file)
    row = (*batch.rows[0][:2], msgpack.packb([(ONE, b"xx")]))

    changed = replace(batch, rows=(row, *batch.rows[1:]))
    problems = evidence_archive.problems_of_archive([changed], check_signature=is_signed)
    foreign = evidence_archive.problems_of_archive([batch], check_signature=is_signed, expected_key=bytes(32))
    file.write_bytes(file.read_bytes()[:-7])

    assert problems == ["seal 1: its rows do not lead to its root"]
    assert foreign == ["seal 1: it was made with another key than the one expected"]
    with pytest.raises(Malformed):
        evidence_archive.read_archive(file)


async def test_the_sealer_seals_what_there_is_and_archives_what_is_old(
    database: Database, seals: SealStore, tmp_path: Path
) -> None:
    clock = ManualClock()
    sealer = Sealer(seals, clock=clock, keep_days=30)
    await journal(database, {ONE: b"a1"})
    assert await sealer.seal() == 1
    assert await sealer.archive() == 0
    clock.advance(ns=31 * DAY_NS)
    assert await sealer.archive() == 0, "the newest row stays"

    await journal(database, {ONE: b"a2"})
    assert await sealer.archive() == 1
    await sealer.close()

    assert sealer.sealed == 2
