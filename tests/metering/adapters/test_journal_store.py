"""The evidence journal on a real database file."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.ids import SessionId
from gateway.metering.adapters.journal_store import MIGRATIONS, JournalStore
from gateway.store.database import Database
from gateway.terms import Side
from gateway.work import together
from tests.metering.bench import order

pytestmark = pytest.mark.adapter

ONE, TWO = SessionId("ses_1"), SessionId("ses_2")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    yield opened
    await opened.close()


async def test_a_session_is_read_back_as_it_was_written(database: Database) -> None:
    journal = JournalStore(database)
    await journal.append(1, [(TWO, b"before")])
    await journal.commit(together(journal.register(order()), journal.held(ONE, ordinal=1, micros=5)))
    await journal.append(2, [(ONE, b"a"), (TWO, b"x")])
    await journal.append(3, [(ONE, b"b")])
    await journal.commit(journal.held(ONE, ordinal=2, micros=7))

    record = await journal.load(ONE)

    assert record is not None
    assert record.order == order()
    assert (record.entries, record.held_micros, record.holds) == (b"ab", 12, 2)


async def test_a_settled_session_is_not_loaded_again_and_its_receipt_is_kept(database: Database) -> None:
    journal = JournalStore(database)
    await journal.commit(journal.register(order()))
    await journal.commit(journal.close(ONE, receipt=b"r", evidence=b"e"))

    assert await journal.load(ONE) is None
    assert (await journal.receipt(ONE), await journal.bundle(ONE)) == (b"r", b"e")
    assert await journal.receipt(TWO) is None


async def test_a_second_receipt_is_refused_and_undoes_its_companions(database: Database) -> None:
    journal = JournalStore(database)
    await journal.commit(journal.register(order()))
    await journal.commit(journal.close(ONE, receipt=b"r", evidence=b"e"))

    with pytest.raises(sqlite3.IntegrityError):
        await journal.commit(
            together(journal.held(ONE, ordinal=9, micros=1), journal.close(ONE, receipt=b"2", evidence=b""))
        )

    rows = await database.read(lambda tx: tx.execute("SELECT count(*) FROM meter_holds").fetchone()[0])
    assert rows == 0


@pytest.mark.parametrize(
    "change",
    ["UPDATE receipts SET receipt = x'00'", "DELETE FROM receipts", "UPDATE meter_seconds SET second = 0"],
)
async def test_the_database_itself_refuses_to_change_evidence(database: Database, change: str) -> None:
    journal = JournalStore(database)
    await journal.commit(journal.register(order()))
    await journal.append(1, [(ONE, b"a")])
    await journal.commit(journal.close(ONE, receipt=b"r", evidence=b"e"))

    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda tx: tx.execute(change))


async def test_an_apps_first_report_stands_and_so_does_its_note(database: Database) -> None:
    journal = JournalStore(database)
    await journal.commit(journal.register(order()))
    await journal.commit(journal.close(ONE, receipt=b"r", evidence=b"e"))

    assert await journal.report(ONE, Side.CLIENT, seconds=10, why="differs", note=b"first")
    assert not await journal.report(ONE, Side.CLIENT, seconds=99, why="changed its mind", note=b"second")
    assert await journal.report(ONE, Side.PROVIDER, seconds=10, why=None, note=None)

    rows = await database.read(lambda tx: tx.execute("SELECT seconds FROM session_reports").fetchall())
    assert [row[0] for row in rows] == [10, 10]
    assert await journal.notes(ONE) == [b"first"]
    for change in ("UPDATE receipt_notes SET body = x'00'", "DELETE FROM receipt_notes"):
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(lambda tx, change=change: tx.execute(change))
