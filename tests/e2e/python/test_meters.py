"""The run with many meters, in small, and what a simulated media plane may not do."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from gateway import app
from gateway.config import Settings
from gateway.errors import InvariantBroken
from loadtest.meters.plane import simulated_plane

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

KEYS = {
    "ok",
    "sessions",
    "ticks",
    "tick_lag_p50_ms",
    "tick_lag_p99_ms",
    "commits_per_s",
    "cpu_share",
    "billed_s_wrong",
}


async def test_twenty_meters_tick_in_time_commit_once_a_second_and_bill_the_truth():
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "meters", "--sessions", "20", "--seconds", "5", "--json"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, progress = await run.communicate()
    assert said, progress.decode()
    found = json.loads(said)
    assert set(found) >= KEYS
    assert found["problems"] == []
    assert (found["sessions"], found["billed_s_wrong"], found["ledger_ok"]) == (20, 0, True)
    assert found["ticks"] >= 2 * 20 * 4
    # Other tests run beside this one, so the bound for a thousand sessions is given to twenty.
    assert found["tick_lag_p99_ms"] < 1_000


async def test_a_simulated_media_plane_is_refused_outside_a_demonstration(tmp_path):
    settings = Settings(
        environment="production",
        is_behind_tls_proxy=True,
        data_dir=tmp_path,
        http_port=0,
        media_port=0,
    )
    with pytest.raises(InvariantBroken, match="silence"):
        await app.start(app.Opening(settings=settings, media=simulated_plane))
