"""An operator watches, pauses and ends; moderation and mute take effect at once."""

import asyncio

import pytest

from gateway.terms import EndReason

pytestmark = pytest.mark.e2e


async def test_an_operator_sees_the_live_call_and_ends_it_with_a_reason(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    await caller.until_tick(11)

    (live,) = (await stage.operator.live())["sessions"]
    assert (live["session"], live["state"]) == (caller.session, "metering")
    assert live["billed_s"] + live["provisional_s"] >= 11
    for leg in live["legs"].values():
        assert leg["connected"]
        assert leg["socket"]
        assert leg["rtp_age_ms"] < 1_000
        assert leg["ack_age_ms"] < 3_000
        assert leg["packets_in"] > 100
    assert all(item["ok"] for item in (await stage.operator.invariants())["items"])

    await stage.operator.intervene(caller.session, "end", "caught in a test")
    ended, _ = await asyncio.gather(caller.until_ended(), called.until_ended())
    assert ended.reason is EndReason.OPERATOR
    assert (await stage.settled(caller))["end_reason"] == "operator"
    (entry,) = [
        item
        for item in (await stage.operator.get("/v1/admin/audit"))["items"]
        if item["why"] == "caught in a test"
    ]
    assert (entry["what"], entry["subject"]) == ("session.end", caller.session)


async def test_a_paused_call_costs_nothing_and_goes_on(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    await caller.until_tick(3)
    await stage.operator.intervene(caller.session, "pause", "looking into it")
    await asyncio.sleep(1)
    heard = called.peer.hearing.frames
    await asyncio.sleep(2)
    assert called.peer.hearing.frames <= heard + 5
    await stage.operator.intervene(caller.session, "resume", "all is well")
    await caller.until_tick(12)
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())

    receipt = await stage.settled(caller)
    assert 3 <= receipt["paused_s"] <= 5
    assert receipt["gaps"][0]["why"] == "operator"


async def test_a_line_that_must_end_the_session_stops_the_meter_with_it(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    before = await caller.until_tick(11)

    await caller.say("I am a minor")
    ended, _ = await asyncio.gather(caller.until_ended(), called.until_ended())

    assert ended.reason is EndReason.MODERATION
    receipt = await stage.settled(caller)
    assert receipt["billed_s"] <= before.tick + 1
    assert called.record.lines == []


async def test_a_muted_voice_is_not_forwarded_and_the_seconds_still_count(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    await caller.until_tick(2)
    await caller.mute(muted=True)
    await asyncio.sleep(0.5)
    heard = called.peer.hearing.frames
    await asyncio.sleep(2)
    assert called.peer.hearing.frames <= heard + 5
    assert called.record.mutes[-1].muted

    await caller.mute(muted=False)
    await caller.until_tick(12)
    assert called.peer.hearing.frames > heard + 50
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())
    assert (await stage.settled(caller))["unwitnessed_s"] == 0
