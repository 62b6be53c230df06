"""Money that comes in while two people talk, and money that runs out.

The first hold is a minute's money, so a call that is cut for want of it lasts a minute.
"""

import pytest

from gateway.sdk.problem import ProblemAnswer
from gateway.terms import EndReason, SessionKind

from .stage import MICROS_PER_SECOND

pytestmark = pytest.mark.e2e

TOP_UP_MICROS = 1_000_000
SECONDS = 60 + TOP_UP_MICROS // MICROS_PER_SECOND


@pytest.mark.timeout(150)
async def test_a_call_is_warned_extended_by_a_top_up_and_cut_at_the_exact_second(stage_with_seconds):
    stage = await stage_with_seconds(60)
    caller, called = await stage.talk()

    await caller.until_tick(32, timeout_s=40)
    assert 30 in [warning.seconds_left for warning in caller.record.warnings]
    left_before = caller.record.ticks[-1].time_left_s
    topped = await stage.client.top_up(TOP_UP_MICROS)
    assert topped["state"] == "succeeded"
    tick = await caller.until_tick(35)
    assert tick.time_left_s > left_before + 10

    ended = await caller.until_ended(timeout_s=60)
    await called.until_ended()

    assert ended.reason is EndReason.FUNDS
    assert [warning.seconds_left for warning in caller.record.warnings].count(30) == 2
    assert caller.record.warnings[-1].seconds_left == 10
    assert {warning.reason for warning in caller.record.warnings} == {"funds"}
    receipt = await stage.settled(caller)
    assert receipt["billed_s"] == SECONDS
    assert receipt["charge_micros"] == SECONDS * MICROS_PER_SECOND
    assert await stage.client.available_micros() == 0


async def test_nobody_rings_for_a_client_without_a_minutes_money(stage_with_seconds):
    stage = await stage_with_seconds(59)
    caller = await stage.join(stage.client)
    called = await stage.join(stage.provider)
    await called.go_online()
    with pytest.raises(ProblemAnswer) as refused:
        await caller.invite(stage.provider_id, SessionKind.VOICE, await stage.tariff_hash(SessionKind.VOICE))
    assert refused.value.code == "insufficient_funds"
    assert await stage.client.available_micros() == 59 * MICROS_PER_SECOND
