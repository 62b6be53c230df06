"""A provider whose app is killed outright: nobody says goodbye."""

import asyncio
import sys
from pathlib import Path

import pytest

from gateway import selftest
from gateway.terms import EndReason, SessionKind

pytestmark = pytest.mark.e2e

APP = Path(__file__).parent / "provider_process.py"


async def test_a_killed_provider_is_paid_to_the_last_evidence_and_no_further(stage_with_seconds):
    stage = await stage_with_seconds(300)
    app = await asyncio.create_subprocess_exec(
        *(sys.executable, str(APP), stage.url, str(stage.provider.token), str(selftest.SPEECH_FILE)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert await app.stdout.readline() == b"online\n"
        caller = await stage.join(stage.client, speech=stage.speeches[0])
        await caller.invite(stage.provider_id, SessionKind.VOICE, await stage.tariff_hash(SessionKind.VOICE))
        await caller.connect()
        await caller.until_started()
        before = await caller.until_tick(12)
        app.kill()
        await app.wait()
        ended = await caller.until_ended(timeout_s=30)
    finally:
        if app.returncode is None:
            app.kill()
            await app.wait()

    assert ended.reason is EndReason.LOST_PROVIDER
    receipt = await stage.settled(caller)
    assert 10 <= receipt["billed_s"] <= before.tick + 1
    assert receipt["unwitnessed_s"] > 0
    assert [type(event).__name__ for event in caller.record.legs] == ["LegLost"]
