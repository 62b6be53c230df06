"""Waiting for the node's grid.

Drives the loop to wake at whole steps of the monotonic clock, never before: a
timer may fire a little early, and a poll just before a second ends would close
that second a quarter late.
Never does anything at the step (`service.py` does).
"""

import asyncio

from gateway.clock import NS, Clock

METERS_PER_TURN = 50
"""Meters that a poll advances before the event loop gets a turn."""


async def until(clock: Clock, due_ns: int) -> None:
    """Return at or after `due_ns`."""
    while (left_ns := due_ns - clock.monotonic_ns()) > 0:  # noqa: ASYNC110 a clock sets no event
        await asyncio.sleep(left_ns / NS)


async def until_next(clock: Clock, step_ns: int) -> int:
    """Return at or after the next whole multiple of `step_ns`; answers that multiple."""
    due_ns = (clock.monotonic_ns() // step_ns + 1) * step_ns
    await until(clock, due_ns)
    return due_ns
