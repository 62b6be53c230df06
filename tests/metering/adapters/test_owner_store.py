"""Ownership of sessions on a real database file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import ManualClock
from gateway.errors import Fenced
from gateway.ids import SessionId
from gateway.limits import LEASE_NS
from gateway.metering.adapters.journal_store import MIGRATIONS, JournalStore
from gateway.metering.adapters.owner_store import OwnerStore
from gateway.metering.owner_ports import RowKey
from gateway.store.database import Database
from tests.metering.bench import order

pytestmark = pytest.mark.adapter

ONE, TWO = SessionId("ses_1"), SessionId("ses_2")
T0 = ManualClock().wall_ns()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    yield opened
    await opened.close()


async def begun(database: Database, node: str, *, at_ns: int = T0) -> tuple[OwnerStore, JournalStore]:
    owners = OwnerStore(database, node=node, boot="boot-1")
    await owners.begin(now_wall_ns=at_ns)
    return owners, JournalStore(database, owners=owners)


def key(owners: OwnerStore, number: int, *, at_ns: int = T0) -> RowKey:
    return RowKey(owner=owners.number, number=number, lease_ends_wall_ns=at_ns + LEASE_NS)


async def rows(database: Database) -> int:
    return await database.read(lambda tx: tx.execute("SELECT count(*) FROM meter_seconds").fetchone()[0])


async def test_start_numbers_only_grow(database: Database) -> None:
    first, _ = await begun(database, "node-1")
    second, _ = await begun(database, "node-1")
    third, _ = await begun(database, "node-2")

    assert 0 < first.number < second.number < third.number


async def test_a_row_under_one_key_is_one_row(database: Database) -> None:
    owners, journal = await begun(database, "node-1")
    await journal.commit(journal.register(order()))

    for _ in range(3):
        await journal.append(7, [(ONE, b"a")], key=key(owners, 1))

    assert await rows(database) == 1


async def test_a_later_run_of_the_node_takes_over_at_once_and_the_earlier_one_writes_nothing_more(
    database: Database,
) -> None:
    old, old_journal = await begun(database, "node-1")
    await old_journal.commit(old_journal.register(order()))
    new, new_journal = await begun(database, "node-1")

    (orphan,) = await new.orphans(now_wall_ns=T0)
    assert (orphan.session, orphan.is_ours) == (ONE, False)
    assert await new.take_over([ONE], now_wall_ns=T0) == [ONE]

    with pytest.raises(Fenced):
        await old_journal.append(1, [(ONE, b"late")], key=key(old, 1))
    with pytest.raises(Fenced):
        await old_journal.commit(old_journal.held(ONE, ordinal=2, micros=1))
    with pytest.raises(Fenced):
        await old_journal.commit(old_journal.close(ONE, receipt=b"", evidence=b""))
    with pytest.raises(Fenced):
        await old.renew(now_wall_ns=T0)
    await new_journal.append(1, [(ONE, b"mine")], key=key(new, 1))
    assert await rows(database) == 1


async def test_another_node_keeps_its_sessions_until_its_lease_is_over_for_a_lease(
    database: Database,
) -> None:
    _, silent = await begun(database, "node-1")
    await silent.commit(silent.register(order()))
    other, _ = await begun(database, "node-2")

    for silence_ns, found in ((LEASE_NS, 0), (2 * LEASE_NS, 0), (2 * LEASE_NS + 1, 1)):
        orphans = await other.orphans(now_wall_ns=T0 + silence_ns)
        taken = await other.take_over([ONE], now_wall_ns=T0 + silence_ns)
        assert (len(orphans), len(taken)) == (found, found)


async def test_a_row_lengthens_the_lease_of_its_process(database: Database) -> None:
    owners, journal = await begun(database, "node-1")
    await journal.commit(journal.register(order()))
    await journal.append(1, [(ONE, b"a")], key=key(owners, 1, at_ns=T0 + LEASE_NS))
    other, _ = await begun(database, "node-2")

    assert await other.orphans(now_wall_ns=T0 + 3 * LEASE_NS - 1) == []
    assert len(await other.orphans(now_wall_ns=T0 + 3 * LEASE_NS + 1)) == 1


async def test_a_refused_row_names_the_sessions_that_are_lost_and_no_others(database: Database) -> None:
    owners, journal = await begun(database, "node-1")
    await journal.commit(journal.register(order()))
    await journal.commit(journal.register(order(session=TWO)))
    other, _ = await begun(database, "node-2")
    await other.take_over([TWO], now_wall_ns=T0 + 3 * LEASE_NS)

    with pytest.raises(Fenced) as refusal:
        await journal.append(1, [(ONE, b"a"), (TWO, b"b")], key=key(owners, 1))

    assert refusal.value.extensions["sessions"] == [TWO]
    assert await rows(database) == 0
    await journal.append(1, [(ONE, b"a")], key=key(owners, 1))
    assert await rows(database) == 1


async def test_a_settled_session_is_nobodys_and_cannot_be_taken(database: Database) -> None:
    owners, journal = await begun(database, "node-1")
    await journal.commit(journal.register(order()))
    await journal.commit(journal.close(ONE, receipt=b"r", evidence=b"e"))

    assert await owners.orphans(now_wall_ns=T0) == []
    assert await owners.take_over([ONE], now_wall_ns=T0) == []
    with pytest.raises(Fenced):
        await journal.commit(journal.held(ONE, ordinal=2, micros=1))


async def test_each_take_over_is_a_new_epoch(database: Database) -> None:
    for expected in (1, 2, 3):
        owners, journal = await begun(database, "node-1")
        if expected == 1:
            await journal.commit(journal.register(order()))
        else:
            await owners.take_over([ONE], now_wall_ns=T0)
        assert await database.read(lambda tx, owners=owners: owners.epoch(tx, ONE)) == expected
