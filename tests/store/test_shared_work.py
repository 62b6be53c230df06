"""Work that neighbours share: done together where it can be, undone and answered each for itself."""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.errors import StoreDown
from gateway.store.database import Database
from gateway.store.ports import Refused
from tests.store.conftest import note, notes
from tests.store.test_database import Gate

pytestmark = pytest.mark.adapter


@dataclass
class Round:
    """What happened to the works of one test."""

    together: list[list[str]] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)


@dataclass
class Line:
    """A note that can be written with others; some texts misbehave."""

    text: str
    round: Round
    company: str = "lines"

    def __call__(self, transaction: sqlite3.Connection) -> str:
        self.round.alone.append(self.text)
        note(self.text)(transaction)
        if self.text == "fails after writing":
            raise ValueError(self.text)
        return f"alone: {self.text}"

    def together(self, transaction: sqlite3.Connection, works: Sequence["Line"]) -> Sequence[Any]:
        self.round.together.append([work.text for work in works])
        outcomes: list[Any] = []
        for work in works:
            if work.text == "commits by itself":
                transaction.execute("COMMIT")
            if work.text == "is refused":
                outcomes.append(Refused(LookupError(work.text)))
                continue
            note(work.text)(transaction)
            if work.text.startswith("fails"):
                raise ValueError(work.text)
            outcomes.append(f"together: {work.text}")
        return outcomes


async def _at_once(database: Database, *works: Any) -> list[Any]:
    """What works answer or raise that all wait while the writer is busy."""
    gate = Gate()
    blocked = asyncio.ensure_future(database.write(gate))
    await asyncio.to_thread(gate.is_reached.wait, 10)
    waiting = [asyncio.ensure_future(database.write(work)) for work in works]
    await asyncio.sleep(0)
    gate.open()
    _gate, *answers = await asyncio.gather(blocked, *waiting, return_exceptions=True)
    return answers


async def test_neighbours_are_done_together_and_each_hears_its_own_answer(database: Database) -> None:
    seen = Round()
    answers = await _at_once(database, *(Line(text, seen) for text in "abc"))
    assert answers == ["together: a", "together: b", "together: c"]
    assert (seen.together, seen.alone) == ([["a", "b", "c"]], [])
    assert database.stats()["commands_shared"] == 3


async def test_a_work_without_neighbours_is_done_alone(database: Database) -> None:
    seen = Round()
    assert await database.write(Line("a", seen)) == "alone: a"
    assert seen.together == []


async def test_order_is_kept_where_other_work_stands_between(database: Database) -> None:
    seen = Round()
    other = [Line(text, seen, company="others") for text in ("f", "g")]
    works = [Line("a", seen), Line("b", seen), note("c"), Line("d", seen), Line("e", seen), *other]
    await _at_once(database, *works)
    assert await database.read(notes) == list("abcdefg")
    assert seen.together == [["a", "b"], ["d", "e"], ["f", "g"]]


async def test_a_refused_work_is_heard_by_its_caller_only(database: Database) -> None:
    seen = Round()
    answers = await _at_once(database, *(Line(text, seen) for text in ("a", "is refused", "c")))
    assert answers[::2] == ["together: a", "together: c"]
    assert isinstance(answers[1], LookupError)
    assert await database.read(notes) == ["a", "c"]
    assert database.stats()["commands_failed"] == 1


@pytest.fixture(params=["after another", "first of its transaction"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where in a transaction the neighbours stand: undoing them differs."""
    if request.param == "first of its transaction":
        monkeypatch.setattr("gateway.store.writer.STORE_BATCH_NS_MAX", 0)
    return str(request.param)


@pytest.mark.usefixtures("place")
async def test_where_sharing_fails_all_is_undone_and_each_is_done_alone(database: Database) -> None:
    seen = Round()
    answers = await _at_once(database, *(Line(text, seen) for text in ("a", "fails together", "c")))
    assert answers == ["alone: a", "alone: fails together", "alone: c"]
    assert await database.read(notes) == ["a", "fails together", "c"]


@pytest.mark.usefixtures("place")
async def test_one_that_fails_halfway_is_undone_alone(database: Database) -> None:
    seen = Round()
    answers = await _at_once(database, *(Line(text, seen) for text in ("a", "fails after writing", "c")))
    assert [type(answer) for answer in answers] == [str, ValueError, str]
    assert await database.read(notes) == ["a", "c"]
    assert seen.alone == ["a", "fails after writing", "c"]


@pytest.mark.usefixtures("place")
async def test_sharing_that_commits_by_itself_is_never_told_as_a_success(database: Database) -> None:
    seen = Round()
    answers = await _at_once(database, *(Line(text, seen) for text in ("commits by itself", "b")))
    assert all(isinstance(answer, StoreDown) for answer in answers)
    await database.write(note("the writer goes on"))
    assert (await database.read(notes))[-1] == "the writer goes on"


async def test_what_was_done_before_the_neighbours_outlives_their_undoing(database: Database) -> None:
    seen = Round()
    works = [note("before"), *(Line(text, seen) for text in ("a", "fails after writing"))]
    answers = await _at_once(database, *works)
    assert [type(answer) for answer in answers] == [type(None), str, ValueError]
    assert await database.read(notes) == ["before", "a"]


async def test_no_more_than_a_batch_shares_a_commit(database: Database) -> None:
    seen = Round()
    await _at_once(database, *(Line(str(number), seen) for number in range(300)))
    assert max(map(len, seen.together)) <= 256
    assert await database.read(notes) == [str(number) for number in range(300)]
