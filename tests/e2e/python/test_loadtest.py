"""The load generator, in small: what it finds out must be true of two calls too."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

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


async def test_more_calls_than_the_bound_are_refused():
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "calls", "--calls", "501", "--json"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, _ = await run.communicate()
    assert (run.returncode, said) == (2, b"")
