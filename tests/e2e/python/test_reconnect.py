"""A lost socket and a reloaded app: the same session goes on."""

import asyncio

import pytest

from gateway.sdk.event import Welcome
from gateway.terms import EndReason, SessionState

pytestmark = pytest.mark.e2e


async def test_a_client_whose_socket_breaks_comes_back_into_the_same_session(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    await caller.until_tick(3)
    caller.signal.drop()
    welcome = await caller.signal.wait(Welcome)
    assert [(live.id, live.state) for live in welcome.sessions] == [(caller.session, SessionState.METERING)]

    await caller.until_tick(13)
    await caller.hang_up()
    ended = await caller.until_ended()
    await called.until_ended()
    assert ended.reason is EndReason.HANGUP_CLIENT
    assert [type(event).__name__ for event in called.record.legs] == ["LegLost", "LegBack"]
    receipt = await stage.settled(caller)
    assert receipt["billed_s"] >= 12
    assert receipt["unwitnessed_s"] == 0


async def test_a_reloaded_page_rejoins_with_a_new_leg_and_is_heard_again(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    await caller.until_tick(3)
    resume = caller.signal.welcome.resume_token
    await caller.leave()

    reloaded = await stage.join(stage.client, speech=stage.speeches[0], resume=resume)
    (live,) = reloaded.signal.welcome.sessions
    await reloaded.rejoin(live)
    heard = called.peer.hearing.voiced_frames
    await reloaded.until_tick(13)
    assert called.peer.hearing.voiced_frames > heard + 50
    assert reloaded.peer.hearing.voiced_frames > 50
    await reloaded.hang_up()
    ended = await reloaded.until_ended()
    await called.until_ended()
    assert ended.session == called.session
    receipt = await stage.settled(reloaded)
    assert receipt["billed_s"] >= 11


async def test_a_second_device_takes_the_session_and_the_first_is_told(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    await caller.until_tick(2)
    other = await stage.join(stage.client, speech=stage.speeches[0])
    (live,) = other.signal.welcome.sessions
    await asyncio.gather(other.rejoin(live), caller.signal.wait("leg.replaced", session=live.id))
    await other.until_tick(11)
    await other.hang_up()
    await asyncio.gather(other.until_ended(), called.until_ended())
    receipt = await stage.settled(other)
    assert receipt["billed_s"] >= 10
