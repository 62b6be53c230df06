"""The crash run, in small: a real gateway is killed a few times with real calls on it."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

KEYS = {
    "ok",
    "kills",
    "live_sessions_hit",
    "drift_micros",
    "double_charges",
    "stuck_holds",
    "lost_s_max",
    "overbilled_s",
}


async def test_three_kills_lose_no_money_and_at_most_one_second_of_a_session():
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "crash", "--kills", "3", "--seed", "5", "--json"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, progress = await run.communicate()
    assert said, progress.decode()
    found = json.loads(said)
    assert set(found) >= KEYS
    assert found["problems"] == []
    assert (found["kills"], found["drift_micros"], found["double_charges"]) == (3, 0, 0)
    assert (found["stuck_holds"], found["unsettled"], found["overbilled_s"]) == (0, 0, 0)
    assert found["lost_s_max"] <= 1
    assert found["receipts_verified"] >= 1
    assert b"kill 3 of 3" in progress
    assert (found["ok"], run.returncode) == (True, 0)
