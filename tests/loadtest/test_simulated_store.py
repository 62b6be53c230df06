"""The simulated store keeps SQLite's promises at every edge of a commit."""

import random
import sqlite3
from collections.abc import Iterator

import pytest

from gateway.clock import NS
from gateway.errors import StoreDown
from loadtest.simulation.disk import Disk
from loadtest.simulation.faults import Fault, Swarm
from loadtest.simulation.loop import Incarnation, VirtualLoop, context_of
from loadtest.simulation.store import SimulatedStore

pytestmark = pytest.mark.service


class Bench:
    """A disk and one process that writes to it."""

    def __init__(self) -> None:
        self.loop = VirtualLoop(seed=3)
        self.disk = Disk(random.Random(1))
        self.disk.connection.execute("CREATE TABLE notes (text TEXT UNIQUE)")
        self.life = Incarnation("node")
        self.loop.on_doom = self.loop.kill
        self.store = SimulatedStore(self.disk, self.loop, Swarm(random.Random(1)))
        self.answers: list[object] = []

    def write(self, *texts: str) -> None:
        async def run(text: str) -> None:
            try:
                self.answers.append(await self.store.write(lambda tx: insert(tx, text)))
            except (StoreDown, sqlite3.IntegrityError) as error:
                self.answers.append(type(error))

        for text in texts:
            self.loop.create_task(run(text), context=context_of(self.life))
        self.loop.run_until(self.loop.now_ns + 5 * NS)

    def stored(self) -> list[str]:
        return sorted(row[0] for row in self.disk.query("SELECT text FROM notes"))


def insert(transaction: sqlite3.Connection, text: str) -> str:
    transaction.execute("INSERT INTO notes VALUES (?)", (text,))
    return text


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.loop.bury()
    with made.loop.current():
        made.loop.remains().clear()
    made.disk.close()


def test_commands_that_wait_together_commit_together(bench: Bench) -> None:
    bench.write("a", "b", "c")
    assert bench.stored() == ["a", "b", "c"]
    assert bench.disk.commits == 1


def test_a_command_that_fails_is_undone_alone(bench: Bench) -> None:
    bench.write("a", "a", "b")
    assert bench.stored() == ["a", "b"]
    assert sqlite3.IntegrityError in bench.answers


def test_a_crash_before_the_commit_loses_the_group_and_answers_nobody(bench: Bench) -> None:
    bench.store.crash_at = Fault.CRASH_BEFORE_COMMIT
    bench.write("a", "b")
    assert (bench.stored(), bench.answers, bench.life.is_alive) == ([], [], False)


def test_a_crash_after_the_commit_keeps_the_group_and_answers_nobody(bench: Bench) -> None:
    bench.store.crash_at = Fault.CRASH_AFTER_COMMIT
    bench.write("a", "b")
    assert (bench.stored(), bench.answers, bench.life.is_alive) == (["a", "b"], [], False)


def test_a_failed_commit_writes_nothing_and_says_so(bench: Bench) -> None:
    bench.disk.errors_due = 1
    bench.write("a")
    assert (bench.stored(), bench.answers) == ([], [StoreDown])


def test_a_store_that_is_away_refuses_at_once(bench: Bench) -> None:
    bench.disk.down_until_ns = bench.loop.now_ns + 60 * NS
    bench.write("a")
    assert (bench.stored(), bench.answers) == ([], [StoreDown])


def test_a_store_that_hangs_answers_when_it_is_back(bench: Bench) -> None:
    bench.disk.hung_until_ns = bench.loop.now_ns + 6 * NS
    bench.write("a")
    assert (bench.stored(), bench.answers) == ([], [])
    bench.write("b")
    assert bench.stored() == ["a", "b"]
