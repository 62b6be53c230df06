"""Virtual time: order by the seed alone, and death without a last word."""

import asyncio
import contextvars
from collections.abc import Iterator

import pytest

from gateway.clock import NS
from loadtest.simulation.loop import INCARNATION, Incarnation, VirtualLoop, context_of

pytestmark = pytest.mark.core

HOUR_NS = 3_600 * NS


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop(seed=7)
    yield made
    made.remains().clear()


def order_of(seed: int, *, is_shuffled: bool = True) -> list[int]:
    loop = VirtualLoop(seed, is_shuffled=is_shuffled)
    seen: list[int] = []

    async def steps(name: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(name)

    for name in range(6):
        loop.create_task(steps(name))
    loop.run_until(loop.now_ns + NS)
    return seen


def test_the_order_of_steps_depends_on_the_seed_alone() -> None:
    assert order_of(1) == order_of(1)
    assert len({tuple(order_of(seed)) for seed in range(20)}) > 10


def test_unshuffled_steps_run_in_the_order_they_were_asked_for() -> None:
    assert order_of(1, is_shuffled=False) == list(range(6)) * 3


def test_an_hour_of_sleep_takes_an_hour_of_virtual_time(loop: VirtualLoop) -> None:
    began_ns = loop.now_ns
    loop.run(asyncio.sleep(3_600), within_ns=2 * HOUR_NS)
    assert HOUR_NS <= loop.now_ns - began_ns < HOUR_NS + NS


def test_a_deadline_of_asyncio_passes_in_virtual_time(loop: VirtualLoop) -> None:
    async def wait_too_long() -> None:
        async with asyncio.timeout(5):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        loop.run(wait_too_long(), within_ns=HOUR_NS)
    assert loop.now_ns < 1_010 * NS


def test_what_would_run_in_a_thread_runs_a_moment_later(loop: VirtualLoop) -> None:
    began_ns = loop.now_ns
    assert loop.run(asyncio.to_thread(lambda: loop.now_ns > began_ns), within_ns=NS) is True


def test_a_killed_incarnation_runs_nothing_more_not_even_its_finally_blocks(loop: VirtualLoop) -> None:
    seen: list[str] = []

    async def live() -> None:
        try:
            seen.append("began")
            await asyncio.sleep(1)
            seen.append("went on")
        finally:
            seen.append("cleaned up")

    life = Incarnation("node")
    loop.create_task(live(), context=context_of(life))
    loop.call_later(0.5, loop.kill, life)
    loop.run_until(loop.now_ns + 10 * NS)
    assert seen == ["began"]
    assert loop.dropped == 1


def test_tasks_of_a_process_belong_to_it_even_in_a_context_of_their_own(loop: VirtualLoop) -> None:
    owners: list[Incarnation | None] = []

    async def look() -> None:
        owners.append(INCARNATION.get())

    async def begin() -> None:
        loop.create_task(look(), context=context_of(None).copy())
        loop.create_task(look(), context=contextvars.Context())

    life = Incarnation("node")
    loop.create_task(begin(), context=context_of(life))
    loop.run_until(loop.now_ns + NS)
    assert sorted(owners, key=str) == sorted([None, life], key=str)


def test_a_doomed_incarnation_dies_after_its_last_step(loop: VirtualLoop) -> None:
    seen: list[int] = []

    async def count() -> None:
        for number in range(100):
            seen.append(number)
            await asyncio.sleep(0.1)

    life = Incarnation("node", steps_left=5)
    loop.on_doom = loop.kill
    loop.create_task(count(), context=context_of(life))
    loop.run_until(loop.now_ns + 60 * NS)
    assert not life.is_alive
    assert 0 < len(seen) < 6
