"""A whole call between two of aiortc's own peer connections through a whole gateway."""

import asyncio

import pytest

from gateway.sdk.event import ChatMessage
from gateway.sdk.participant import Path
from gateway.sdk.receipt import problems_of
from gateway.terms import EndReason

from .stage import MICROS_PER_SECOND

pytestmark = pytest.mark.e2e


async def test_a_voice_call_is_heard_chatted_warned_billed_and_settled(stage_with_seconds):
    stage = await stage_with_seconds(60)
    caller, called = await stage.talk()

    await asyncio.gather(caller.peer.until_open(), called.peer.until_open())
    assert (await caller.say("hello by channel")).state == "sent"
    assert (await called.next_line()).text == "hello by channel"
    assert (await called.say("hello by socket", by=Path.SOCKET)).state == "sent"
    line = await caller.next_line()
    assert isinstance(line, ChatMessage)
    assert (line.text, line.seq) == ("hello by socket", 2)

    await caller.until_tick(13)
    await caller.hang_up()
    ended = await caller.until_ended()
    await called.until_ended()
    await asyncio.gather(caller.report(), called.report())

    assert ended.reason is EndReason.HANGUP_CLIENT
    assert caller.peer.hearing.voiced_frames > 100
    assert called.peer.hearing.voiced_frames > 100
    assert [tick.tick for tick in caller.record.ticks] == list(range(1, len(caller.record.ticks) + 1))
    assert [tick.head for tick in called.record.ticks] == [tick.head for tick in caller.record.ticks]
    assert {warning.reason for warning in caller.record.warnings} == {"funds"}
    assert [warning.seconds_left for warning in called.record.warnings] == [
        warning.seconds_left for warning in caller.record.warnings
    ]
    assert caller.record.problems == called.record.problems == []
    assert caller.record.first_audio_ms < 1_500

    receipt = await stage.settled(caller)
    assert receipt == ended.receipt
    assert 12 <= receipt["billed_s"] <= 14
    assert receipt["grade"] == "A"
    assert receipt["charge_micros"] == receipt["billed_s"] * MICROS_PER_SECOND
    assert await stage.client.available_micros() == 60 * MICROS_PER_SECOND - receipt["charge_micros"]
    earnings = await stage.provider.earnings()
    assert earnings["pending"]["micros"] == receipt["earned_micros"]
    assert problems_of({**receipt, "billed_s": receipt["billed_s"] - 1}) != []


async def test_a_muted_caller_is_not_heard_and_the_seconds_count(stage_with_seconds):
    stage = await stage_with_seconds(60)
    caller, called = await stage.talk()
    await caller.until_tick(1)
    await caller.mute(muted=True)
    (mute,) = await _mutes(called)
    assert mute.muted
    await asyncio.sleep(0.5)
    heard_before = called.peer.hearing.voiced_frames
    await caller.until_tick(12)
    assert called.peer.hearing.voiced_frames - heard_before < 5
    await called.hang_up()
    ended = await called.until_ended()
    assert ended.reason is EndReason.HANGUP_PROVIDER
    receipt = await stage.settled(caller)
    assert receipt["billed_s"] >= 11


async def _mutes(participant):
    async with asyncio.timeout(5):
        while not participant.record.mutes:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return participant.record.mutes
