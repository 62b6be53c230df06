"""A blocked event loop is seen."""

import asyncio
import time

import pytest

from gateway.admin.adapters.loop_lag import LoopLag

pytestmark = pytest.mark.adapter


class Listener:
    """Hears measurements and can be waited for."""

    def __init__(self, count: int) -> None:
        self.heard: list[float] = []
        self.has_enough = asyncio.Event()
        self._count = count

    def __call__(self, lag_ms: float) -> None:
        self.heard.append(lag_ms)
        if len(self.heard) >= self._count:
            self.has_enough.set()


def block_the_loop(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


async def test_a_stall_shows_as_the_peak() -> None:
    listener = Listener(1)
    lag = LoopLag(on_lag=listener, every_s=0.001)
    lag.start()

    block_the_loop(0.02)
    await listener.has_enough.wait()
    lag.stop()

    assert listener.heard[0] >= 15
    assert lag.lag_ms() >= 15


async def test_it_goes_on_measuring_until_it_is_stopped() -> None:
    listener = Listener(3)
    lag = LoopLag(on_lag=listener, every_s=0.001)
    lag.start()
    lag.start()

    await listener.has_enough.wait()
    lag.stop()
    lag.stop()

    assert all(lag_ms >= 0 for lag_ms in listener.heard)


async def test_nothing_measured_is_no_lag() -> None:
    assert LoopLag().lag_ms() == 0.0
