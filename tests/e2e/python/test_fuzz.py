"""The storm of broken datagrams, in small: a running gateway and the calls on it do not notice."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

DATAGRAMS = 20_000
REACHED = {"noise", "short", "oversized", "stranger_rtp", "stranger_rtcp", "stranger_dtls", "stun_malformed"}
"""Rules that so many datagrams certainly meet."""


async def test_a_small_storm_disturbs_nobody():
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "fuzz", "--datagrams", str(DATAGRAMS), "--seed", "7", "--json"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, progress = await run.communicate()
    assert said, progress.decode()
    found = json.loads(said)
    assert (found["problems"], found["failures"]) == ([], 0)
    assert found["datagrams"] >= DATAGRAMS
    assert min(found["unauthentic"], found["authentic"], found["messages"], found["offers"]) > 0
    assert set(found["drops"]) >= REACHED
    assert (found["calls"], found["billing_errors"], found["ledger_ok"]) == (3, 0, True)
    assert found["answers"]
    assert found["delivered"] > 0.99
