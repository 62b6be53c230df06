"""The load generator, in small: what it finds out must be true of two calls too."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

KEYS = {
    "ok",
    "calls",
    "delivered",
    "added_p99_ms",
    "tick_lag_p99_ms",
    "billing_errors",
    "ledger_ok",
    "setups_per_s",
    "first_audio_p95_ms",
    "rss_kb_per_call",
    "rss_kb_grown_second_round",
    "rss_kb_rounds",
    "setup_gateway_cpu_ms",
    "gateway_cpu_share",
}


async def test_two_calls_are_measured_billed_and_audited():
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "calls", "--calls", "2", "--seconds", "12", "--json"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, progress = await run.communicate()
    found = json.loads(said)
    assert set(found) >= KEYS, progress.decode()
    assert found["problems"] == []
    assert (found["calls"], found["billing_errors"], found["ledger_ok"]) == (2, 0, True)
    assert found["delivered"] > 0.99
    assert b"2 of 2 calls are up" in progress


async def test_a_leg_that_roams_loses_nothing_and_one_that_dies_is_billed_to_its_last_evidence():
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "calls", "--calls", "3", "--seconds", "12", "--json"),
        *("--roam", "0.1", "--kill", "0.1", "--mute", "0.1", "--dtx", "--loss", "2", "--jitter", "10"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, progress = await run.communicate()
    assert said, progress.decode()
    found = json.loads(said)
    assert found["problems"] == []
    assert (found["calls"], found["billing_errors"], found["ledger_ok"]) == (3, 0, True)
    assert found["roamed_lost_s_max"] == 0
    assert found["roamed_heard_ms_max"] > 0
    assert (found["killed"], found["killed_billing_errors"]) == (1, 0)


async def test_more_calls_than_the_bound_are_refused():
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "calls", "--calls", "501", "--json"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, _ = await run.communicate()
    assert (run.returncode, said) == (2, b"")
