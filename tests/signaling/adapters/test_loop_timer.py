"""Deadlines on the running event loop."""

import asyncio

import pytest

from gateway.signaling.adapters.loop_timer import LoopTimer

pytestmark = pytest.mark.adapter


async def test_an_action_runs_once_at_its_time_and_a_cancelled_one_never() -> None:
    timer, ran = LoopTimer(), asyncio.Queue[str]()

    async def note(word: str) -> None:
        ran.put_nowait(word)

    cancelled = timer.after(1, lambda: note("cancelled"))
    cancelled.cancel()
    timer.after(2_000_000, lambda: note("later"))
    timer.after(1, lambda: note("soon"))

    assert [await ran.get(), await ran.get()] == ["soon", "later"]
    assert ran.empty()
    await timer.close()


async def test_an_action_that_fails_hurts_nobody_else() -> None:
    timer, done = LoopTimer(), asyncio.Event()

    async def fail() -> None:
        raise RuntimeError("the test says so")

    async def succeed() -> None:
        done.set()

    timer.spawn(fail)
    timer.after(1, succeed)

    await done.wait()
    await timer.close()


async def test_closing_cancels_what_runs_and_silences_what_waits() -> None:
    timer, ran = LoopTimer(), []
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()
        ran.append("hang")

    async def late() -> None:
        ran.append("late")

    timer.spawn(hang)
    await begun.wait()
    timer.after(1, late)
    await timer.close()
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, passed.set)
    await passed.wait()

    assert ran == []
