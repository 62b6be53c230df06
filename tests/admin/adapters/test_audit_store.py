"""The chain in the database cannot be changed unseen."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.admin.adapters.audit_store import MIGRATIONS, AuditTable
from gateway.admin.audit import AuditEntry
from gateway.store.database import Database

pytestmark = pytest.mark.adapter


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "audit.db", MIGRATIONS)
    yield opened
    await opened.close()


def entry(number: int) -> AuditEntry:
    return AuditEntry(
        who="acc_operator",
        what="session.end",
        subject=f"ses_{number}",
        why=f"原因 {number}",
        at_wall_ns=number,
    )


async def filled(database: Database, count: int) -> AuditTable:
    table = AuditTable(database)
    for number in range(1, count + 1):
        await table.append(entry(number))
    return table


async def forge(database: Database, *statements: str) -> None:
    """Do what somebody with the file and no respect for triggers would do."""

    def run(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TRIGGER admin_audit_stands")
        connection.execute("DROP TRIGGER admin_audit_stays")
        for statement in statements:
            connection.execute(statement)

    await database.write(run)


async def test_entries_are_numbered_and_verify(database: Database) -> None:
    table = await filled(database, 3)

    check = await table.check()

    assert (check.ok, check.entries) == (True, 3)
    assert check.head == (await table.newest(before=None, limit=1))[0].hash


async def test_entries_written_at_once_make_one_chain(database: Database) -> None:
    table = AuditTable(database)

    await asyncio.gather(*(table.append(entry(number)) for number in range(20)))

    assert (await table.check()).entries == 20


async def test_pages_go_from_the_newest_back(database: Database) -> None:
    table = await filled(database, 5)

    first = await table.newest(before=None, limit=2)
    second = await table.newest(before=first[-1].number, limit=10)

    assert [record.number for record in first] == [5, 4]
    assert [record.number for record in second] == [3, 2, 1]
    assert first[0].entry == entry(5)


@pytest.mark.parametrize("statement", ["UPDATE admin_audit SET why = 'x'", "DELETE FROM admin_audit"])
async def test_the_database_refuses_to_change_or_cut_it(database: Database, statement: str) -> None:
    table = await filled(database, 2)

    with pytest.raises(sqlite3.IntegrityError, match="never"):
        await database.write(lambda connection: connection.execute(statement))

    assert (await table.check()).entries == 2


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE admin_audit SET why = 'another' WHERE number = 2", 2),
        ("UPDATE admin_audit SET who = 'acc_other' WHERE number = 1", 1),
        ("DELETE FROM admin_audit WHERE number = 3", 3),
        ("DELETE FROM admin_audit WHERE number = 1", 1),
        ("UPDATE admin_audit SET number = 9 WHERE number = 4", 4),
    ],
)
async def test_tampering_past_the_triggers_is_found(
    database: Database, statement: str, broken_at: int
) -> None:
    table = await filled(database, 4)

    await forge(database, statement)

    check = await table.check()
    assert (check.ok, check.broken_at) == (False, broken_at)


async def test_a_chain_cut_at_its_end_is_found_with_the_head_from_the_log(database: Database) -> None:
    table = await filled(database, 4)
    head = (await table.check()).head

    await forge(database, "DELETE FROM admin_audit WHERE number = 4")

    assert (await table.check(head=head)).broken_at == 4
