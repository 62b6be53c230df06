"""The database as its users see it: durable, grouped, alone, and never half done."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.errors import StoreDown
from gateway.limits import STORE_BATCH_MAX, STORE_QUEUE_MAX
from gateway.store.database import Database
from gateway.store.readers import Readers
from tests.store.conftest import NOTES, note, notes

pytestmark = pytest.mark.adapter

_DIES_BEFORE_COMMIT = """
import asyncio, os, sys
from pathlib import Path
from gateway.store.database import Database
from gateway.store.migration import Migration

def write_and_die(transaction):
    transaction.execute("INSERT INTO note (text) VALUES ('never')")
    os._exit(9)

async def main():
    database = await Database.open(
        Path(sys.argv[1]),
        [Migration("notes", 1, "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;")],
    )
    await database.write(lambda transaction: transaction.execute("INSERT INTO note (text) VALUES ('kept')"))
    await database.write(write_and_die)

asyncio.run(main())
"""
_OPENS = """
import asyncio, sys
from pathlib import Path
from gateway.errors import StoreDown
from gateway.store.database import Database

try:
    asyncio.run(Database.open(Path(sys.argv[1]), []))
except StoreDown as refusal:
    print(refusal.detail)
    sys.exit(3)
"""


def _python(script: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=30, check=False
    )


class Gate:
    """Work that keeps the writer busy until it is let go."""

    def __init__(self) -> None:
        self.is_reached = threading.Event()
        self._may_go = threading.Event()

    def __call__(self, _transaction: sqlite3.Connection) -> None:
        self.is_reached.set()
        assert self._may_go.wait(10)

    def open(self) -> None:
        self._may_go.set()


async def test_a_command_answers_what_its_work_answers(database: Database) -> None:
    answer = await database.write(
        lambda transaction: transaction.execute(
            "INSERT INTO note (text) VALUES ('a') RETURNING id"
        ).fetchone()["id"]
    )
    assert answer == 1


async def test_many_commands_share_few_commits(database: Database) -> None:
    await asyncio.gather(*(database.write(note(str(number))) for number in range(1_000)))
    stats = database.stats()
    assert stats["commands"] == 1_000
    assert stats["commits"] <= 100
    assert 1 < stats["batch_max"] <= STORE_BATCH_MAX


async def test_commands_run_in_the_order_they_came(database: Database) -> None:
    await asyncio.gather(*(database.write(note(str(number))) for number in range(300)))
    assert await database.read(notes) == [str(number) for number in range(300)]


async def test_a_failing_command_leaves_its_companions_alone(database: Database) -> None:
    def write_then_fail(transaction: sqlite3.Connection) -> None:
        note("undone")(transaction)
        raise ValueError("after writing")

    results = await asyncio.gather(
        database.write(note("before")),
        database.write(write_then_fail),
        database.write(note("after")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), ValueError, type(None)]
    assert await database.read(notes) == ["before", "after"]


async def test_a_constraint_that_refuses_is_the_callers_to_hear(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        await database.write(lambda transaction: transaction.execute("INSERT INTO note (text) VALUES (NULL)"))


async def test_work_that_stops_iterating_is_heard_as_an_error(database: Database) -> None:
    def exhaust(_transaction: sqlite3.Connection) -> None:
        next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await database.write(exhaust)


async def test_work_that_commits_by_itself_fails_its_whole_batch(database: Database) -> None:
    def commit(transaction: sqlite3.Connection) -> None:
        transaction.execute("COMMIT")

    with pytest.raises(StoreDown):
        await database.write(commit)
    await database.write(note("the writer goes on"))
    assert await database.read(notes) == ["the writer goes on"]


async def test_when_the_transaction_is_lost_no_companion_is_told_that_it_committed(
    database: Database,
) -> None:
    gate = Gate()
    blocked = asyncio.ensure_future(database.write(gate))
    await asyncio.to_thread(gate.is_reached.wait, 10)

    def lose(transaction: sqlite3.Connection) -> None:
        transaction.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    companions = [asyncio.ensure_future(database.write(work)) for work in (note("first"), lose, note("last"))]
    await asyncio.sleep(0)
    gate.open()
    results = await asyncio.gather(blocked, *companions, return_exceptions=True)
    kept = await database.read(notes)
    for text, result in (("first", results[1]), ("last", results[3])):
        assert (result is None) == (text in kept)
    assert isinstance(results[2], sqlite3.OperationalError)


async def test_when_the_commit_fails_nobody_is_told_that_it_succeeded(database: Database) -> None:
    def make_a_family(transaction: sqlite3.Connection) -> None:
        transaction.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT")
        transaction.execute(
            "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED) STRICT"
        )

    def leave_an_orphan(transaction: sqlite3.Connection) -> None:
        note("with an orphan")(transaction)
        transaction.execute("INSERT INTO child (id) VALUES (7)")

    await database.write(make_a_family)
    with pytest.raises(StoreDown, match="FOREIGN KEY"):
        await database.write(leave_an_orphan)
    await database.write(note("afterwards"))
    assert await database.read(notes) == ["afterwards"]
    assert database.stats()["commits_failed"] == 1


async def test_readers_see_only_what_is_committed(database: Database) -> None:
    await database.write(note("old"))
    gate = Gate()

    def write_and_wait(transaction: sqlite3.Connection) -> None:
        note("new")(transaction)
        gate(transaction)

    writing = asyncio.ensure_future(database.write(write_and_wait))
    await asyncio.to_thread(gate.is_reached.wait, 10)
    seen_meanwhile = await database.read(notes)
    gate.open()
    await writing
    assert seen_meanwhile == ["old"]
    assert await database.read(notes) == ["old", "new"]


async def test_one_query_sees_one_state(database: Database) -> None:
    between = threading.Event()
    has_read_once = threading.Event()

    def twice(connection: sqlite3.Connection) -> tuple[int, int]:
        first = len(notes(connection))
        has_read_once.set()
        assert between.wait(10)
        return first, len(notes(connection))

    reading = asyncio.ensure_future(database.read(twice))
    await asyncio.to_thread(has_read_once.wait, 10)
    await database.write(note("meanwhile"))
    between.set()
    assert await reading == (0, 0)


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises((sqlite3.OperationalError, StoreDown)):
        await database.read(note("no"))
    assert await database.read(notes) == []


async def test_a_full_queue_is_refused_instead_of_growing(database: Database) -> None:
    gate = Gate()
    blocked = asyncio.ensure_future(database.write(gate))
    await asyncio.to_thread(gate.is_reached.wait, 10)
    waiting = [asyncio.ensure_future(database.write(note("waits"))) for _ in range(STORE_QUEUE_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(StoreDown, match="already wait"):
        await database.write(note("one too many"))
    gate.open()
    await asyncio.gather(blocked, *waiting)
    assert len(await database.read(notes)) == STORE_QUEUE_MAX


async def test_a_caller_that_gave_up_does_not_undo_its_command(database: Database) -> None:
    gate = Gate()
    blocked = asyncio.ensure_future(database.write(gate))
    await asyncio.to_thread(gate.is_reached.wait, 10)
    given_up = asyncio.ensure_future(database.write(note("still written")))
    await asyncio.sleep(0)
    given_up.cancel()
    gate.open()
    await blocked
    await database.write(note("later"))
    assert await database.read(notes) == ["still written", "later"]


async def test_closing_commits_what_is_queued_and_refuses_what_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    database = await Database.open(path, NOTES)
    queued = [asyncio.ensure_future(database.write(note(str(number)))) for number in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*queued)
    with pytest.raises(StoreDown):
        await database.write(note("late"))
    with pytest.raises(StoreDown):
        await database.read(notes)
    again = await Database.open(path, NOTES)
    assert len(await again.read(notes)) == 50
    await again.close()
    await again.close()


async def test_a_second_opening_in_this_process_is_refused(database: Database) -> None:
    with pytest.raises(StoreDown, match="another process"):
        await Database.open(database.path, NOTES)
    await database.write(note("the first goes on"))


async def test_a_second_process_is_refused_with_a_sentence(database: Database) -> None:
    result = await asyncio.to_thread(_python, _OPENS, database.path)
    assert result.returncode == 3, result.stderr
    assert "another process (pid" in result.stdout


async def test_a_process_killed_before_its_commit_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    result = await asyncio.to_thread(_python, _DIES_BEFORE_COMMIT, path)
    assert result.returncode == 9, result.stderr
    database = await Database.open(path, NOTES)
    assert await database.read(notes) == ["kept"]
    await database.close()


async def test_a_file_that_is_no_database_is_refused_and_the_lock_given_back(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"this is a letter to my aunt, not a database" * 100)
    for _attempt in range(2):
        with pytest.raises(StoreDown, match=r"gateway\.db"):
            await Database.open(path, NOTES)


async def test_an_onlooker_reads_a_file_that_is_open_or_that_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    database = await Database.open(path, NOTES)
    await database.write(note("seen"))
    onlooker = await asyncio.to_thread(Readers, path)
    assert await onlooker.read(notes) == ["seen"]
    await asyncio.to_thread(onlooker.close)
    await database.close()
    afterwards = await asyncio.to_thread(Readers, path)
    assert await afterwards.read(notes) == ["seen"]
    await asyncio.to_thread(afterwards.close)


def test_an_onlooker_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreDown, match="cannot be read"):
        Readers(tmp_path / "nothing.db")
    assert list(tmp_path.iterdir()) == []


async def test_a_backup_taken_while_work_goes_on_can_be_opened(database: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    await database.write(note("backed up"))
    await asyncio.gather(database.backup(copy), *(database.write(note("more")) for _ in range(20)))
    restored = await Database.open(copy, NOTES)
    assert (await restored.read(notes))[0] == "backed up"
    assert (await restored.examine()).problems == ()
    await restored.close()


async def test_a_backup_never_overwrites(database: Database, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StoreDown, match="never overwrites"):
        await database.backup(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


async def test_commits_are_durable_by_setting(database: Database) -> None:
    def pragmas(transaction: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        return [transaction.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1, 1]


async def test_the_event_loop_runs_on_while_the_disk_is_busy(database: Database) -> None:
    gate = Gate()
    writing = asyncio.ensure_future(database.write(gate))
    await asyncio.to_thread(gate.is_reached.wait, 10)
    turns = 0
    for _ in range(100):
        await asyncio.sleep(0)
        turns += 1
    assert turns == 100
    assert not writing.done()
    gate.open()
    await writing
