"""A text-only session: a data channel and no microphone."""

import asyncio

import pytest

from gateway.terms import EndReason, SessionKind

from .stage import MICROS_PER_SECOND

pytestmark = pytest.mark.e2e

SECONDS = 18
CONSENT_S_MAX = 6
"""aioice asks for consent every 4 to 6 s; what follows the last one of an idle leg is not billed."""


async def test_a_text_session_counts_seconds_and_carries_lines_both_ways(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk(SessionKind.TEXT)
    assert not caller.peer.has_voice
    assert (await caller.say("are you there?")).seq == 1
    assert (await called.next_line()).text == "are you there?"
    assert (await called.say("I am")).seq == 2
    assert (await caller.next_line()).text == "I am"

    await caller.until_tick(SECONDS)
    await called.hang_up()
    ended = await caller.until_ended()
    await called.until_ended()
    assert ended.reason is EndReason.HANGUP_PROVIDER
    receipt = await stage.settled(caller)
    assert receipt["kind"] == "text"
    assert SECONDS - CONSENT_S_MAX <= receipt["billed_s"] <= SECONDS + 1
    assert receipt["billed_s"] + receipt["unwitnessed_s"] >= SECONDS
    assert receipt["charge_micros"] == receipt["billed_s"] * MICROS_PER_SECOND
    lines = await stage.client.messages(caller.session)
    assert [line["text"] for line in lines] == ["are you there?", "I am"]


async def test_the_same_line_by_both_paths_is_one_line(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk(SessionKind.TEXT)
    first = await caller.say("once", name="line-1")
    again = await caller.signal.request("chat.send", id="line-1", session=caller.session, text="once")
    assert first.seq == again["seq"] == 1
    await caller.say("twice", name="line-2")
    seen = [await called.next_line(), await called.next_line()]
    assert [(line.seq, line.text) for line in seen] == [(1, "once"), (2, "twice")]
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())
    receipt = await stage.settled(caller)
    assert receipt["charge_micros"] == 0
