"""A video session between two legs of the SDK: voices as evidence, the price of video on the bill."""

import pytest

from gateway.sdk.signal import ProblemAnswer
from gateway.terms import EndReason, SessionKind

from .stage import MICROS_PER_SECOND

pytestmark = pytest.mark.e2e

SECONDS = 12
"""Longer than what a short call has for nothing."""


async def test_a_video_session_is_billed_by_its_own_tariff(stage_with_seconds):
    stage = await stage_with_seconds(240)
    caller, called = await stage.talk(SessionKind.VIDEO)

    await caller.until_tick(SECONDS)
    await caller.hang_up()
    ended = await caller.until_ended()
    await called.until_ended()
    receipt = await stage.settled(caller)

    assert ended.reason is EndReason.HANGUP_CLIENT
    assert receipt["kind"] == "video"
    assert SECONDS - 1 <= receipt["billed_s"] <= SECONDS + 1
    assert receipt["charge_micros"] == receipt["billed_s"] * 2 * MICROS_PER_SECOND


async def test_the_price_of_voice_is_not_the_price_of_video(stage_with_seconds):
    stage = await stage_with_seconds(240)
    caller = await stage.join(stage.client, speech=stage.speeches[0])
    called = await stage.join(stage.provider, speech=stage.speeches[1])
    await called.go_online()
    price_of_voice = await stage.tariff_hash(SessionKind.VOICE)

    with pytest.raises(ProblemAnswer, match="tariff_changed"):
        await caller.invite(stage.provider_id, SessionKind.VIDEO, price_of_voice)
