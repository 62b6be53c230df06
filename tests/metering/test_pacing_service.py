"""The loop wakes on the grid and never before it."""

import pytest

from gateway.clock import ManualClock
from gateway.metering.pacing_service import until_next

pytestmark = pytest.mark.service


class HurriedClock(ManualClock):
    """Each reading is a little later, as if every timer fired early."""

    def monotonic_ns(self) -> int:
        self.advance(ns=30)
        return super().monotonic_ns()


async def test_a_timer_that_fires_early_is_waited_out() -> None:
    clock = HurriedClock(monotonic_ns=0)

    due_ns = await until_next(clock, 1_000)

    assert due_ns == 1_000
    assert clock.monotonic_ns() >= due_ns


async def test_each_wait_ends_at_the_next_step() -> None:
    clock = HurriedClock(monotonic_ns=0)

    assert [await until_next(clock, 1_000) for _ in range(3)] == [1_000, 2_000, 3_000]
