"""Lines of text in a real SQLite file."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import ManualClock
from gateway.ids import SessionId
from gateway.signaling.adapters.chat_store import ChatStore
from gateway.signaling.adapters.migrations import MIGRATIONS
from gateway.signaling.adapters.session_store import SessionStore
from gateway.signaling.chat_ports import ChatMark, Line
from gateway.store.database import Database
from gateway.terms import Side
from tests.signaling.adapters.test_session_store import row

pytestmark = pytest.mark.adapter

SESSION = SessionId("ses_1")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    sessions = SessionStore(database, clock=ManualClock())
    await sessions.commit(sessions.create(row()))
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> ChatStore:
    return ChatStore(database)


def line(seq: int, *, side: Side = Side.CLIENT, line_id: str | None = None) -> Line:
    return Line(
        session=SESSION,
        seq=seq,
        side=side,
        line_id=line_id or f"m{seq}",
        text=f"语音 {seq}",
        at_wall_ns=seq,
        is_masked=seq % 2 == 0,
    )


async def test_lines_are_read_back_in_order_from_either_end(store: ChatStore) -> None:
    for seq in range(1, 6):
        assert await store.append(line(seq)) == line(seq)

    assert await store.after(SESSION, 3, 10) == [line(4), line(5)]
    assert await store.after(SESSION, 0, 2) == [line(1), line(2)]
    assert await store.before(SESSION, None, 2) == [line(4), line(5)]
    assert await store.before(SESSION, 4, 2) == [line(2), line(3)]


async def test_a_line_stored_before_is_answered_and_not_stored_again(store: ChatStore) -> None:
    await store.append(line(1))

    again = await store.append(replace(line(1), seq=2, text="other words"))

    assert again == line(1)
    assert await store.mark(SESSION) == ChatMark(last_seq=1, read={})


async def test_both_sides_may_use_the_same_id(store: ChatStore) -> None:
    await store.append(line(1, line_id="a"))
    await store.append(line(2, side=Side.PROVIDER, line_id="a"))

    assert (await store.mark(SESSION)).last_seq == 2


async def test_a_number_is_given_once(store: ChatStore) -> None:
    await store.append(line(1))

    with pytest.raises(sqlite3.IntegrityError):
        await store.append(line(1, line_id="another"))


async def test_a_read_mark_only_moves_forward(store: ChatStore) -> None:
    await store.note_read(SESSION, Side.CLIENT, 4)
    await store.note_read(SESSION, Side.CLIENT, 2)
    await store.note_read(SESSION, Side.PROVIDER, 1)

    assert (await store.mark(SESSION)).read == {Side.CLIENT: 4, Side.PROVIDER: 1}


@pytest.mark.parametrize("statement", ["UPDATE chat_lines SET text = ''", "DELETE FROM chat_lines"])
async def test_a_line_cannot_be_rewritten(database: Database, store: ChatStore, statement: str) -> None:
    await store.append(line(1))

    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda transaction: transaction.execute(statement).close())
