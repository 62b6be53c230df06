"""Verdicts stay, without the text they judge."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.moderation.adapters.verdict_store import MIGRATIONS, VerdictTable
from gateway.moderation.policy import Mode
from gateway.moderation.ports import VerdictRecord
from gateway.moderation.verdict import Action, Category, Verdict
from gateway.store.database import Database
from tests.moderation.fakes import SESSION, sample, verdict

pytestmark = pytest.mark.adapter


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "watch.db", MIGRATIONS)
    yield opened
    await opened.close()


def record(number: int, judged: Verdict, *, mode: Mode = Mode.ENFORCE) -> VerdictRecord:
    judged_sample = sample("my secret line")
    return VerdictRecord(
        id=f"vrd_{number}",
        sample=judged_sample,
        digest=judged_sample.digest(b"key"),
        hook="terms",
        mode=mode,
        verdict=judged,
        judged_wall_ns=number,
    )


async def test_verdicts_read_back_as_they_were_given(database: Database) -> None:
    table = VerdictTable(database)
    masking = verdict(Action.MASK, Category.CONTACT, spans=((1, 4), (6, 9)))
    blocking = verdict(Action.BLOCK, Category.THREAT, severity=3)

    await table.keep([record(1, masking), record(2, blocking, mode=Mode.SHADOW)])

    assert await table.of_session(SESSION) == [(Mode.ENFORCE, masking), (Mode.SHADOW, blocking)]


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_the_text_is_nowhere_in_the_file(database: Database, tmp_path: Path) -> None:
    await VerdictTable(database).keep([record(1, verdict(Action.MASK))])

    stored = everything_in(tmp_path)

    assert b"vrd_1" in stored
    assert b"secret" not in stored


@pytest.mark.parametrize(
    "statement", ["UPDATE moderation_verdicts SET action = 'allow'", "DELETE FROM moderation_verdicts"]
)
async def test_the_database_refuses_to_change_or_delete_a_verdict(database: Database, statement: str) -> None:
    table = VerdictTable(database)
    await table.keep([record(1, verdict(Action.BLOCK))])

    with pytest.raises(sqlite3.IntegrityError, match="never"):
        await database.write(lambda connection: connection.execute(statement))

    assert len(await table.of_session(SESSION)) == 1
