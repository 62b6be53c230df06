"""Phones that change networks in the middle of a call, and one that is gone at once."""

import time
from datetime import datetime

import pytest

from gateway.clock import NS
from gateway.terms import EndReason

from .light_pair import LightPair

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

PACKETS_PER_S = 50
STOP_ALLOWANCE_S = 0.25
"""The gateway looks at evidence four times a second."""

relays = pytest.mark.parametrize("relay", ["native", "python"])


@relays
async def test_a_leg_that_changes_its_address_is_heard_within_a_second_and_loses_no_billed_second(
    stage_with_seconds, relay
):
    stage = await stage_with_seconds(120, relay=relay)
    pair = await LightPair.talking(stage)
    await pair.caller.until_tick(2)

    pair.count(is_counting=True)
    await pair.caller.leg.roam()
    await pair.caller.until_tick(6)
    await pair.called.leg.roam()
    await pair.caller.until_tick(10)
    pair.count(is_counting=False)
    await pair.caller.until_tick(12)
    await pair.caller.hang_up()
    await pair.caller.until_ended()
    await pair.called.until_ended()

    for person in (pair.caller, pair.called):
        stamps = person.leg.stamps
        assert stamps.sent > 6 * PACKETS_PER_S
        assert stamps.sent - stamps.delivered < PACKETS_PER_S
        assert person.record.problems == []
        assert person.record.suspensions == []
    receipt = await stage.settled(pair.caller)
    assert receipt["billed_s"] >= 11
    assert (receipt["unwitnessed_s"], receipt["gaps"], receipt["grade"]) == (0, [], "A")


@relays
async def test_a_leg_that_is_killed_outright_is_billed_to_its_last_evidence(stage_with_seconds, relay):
    stage = await stage_with_seconds(120, relay=relay)
    pair = await LightPair.talking(stage)
    await pair.caller.until_tick(8)

    pair.called.leg.vanish()
    ended = await pair.caller.until_ended(timeout_s=40)

    assert ended.reason is EndReason.LOST_PROVIDER
    began_s = datetime.fromisoformat(pair.caller.record.started.at).timestamp()
    said_s = time.time() - (time.monotonic_ns() - pair.called.leg.last_said_ns) / NS - began_s
    receipt = await stage.settled(pair.caller)
    assert said_s - 2 < receipt["billed_s"] < said_s + STOP_ALLOWANCE_S
    # The other app heard silence and went on acknowledging; what nobody witnessed costs nothing.
    assert len(pair.caller.record.ticks) >= receipt["billed_s"] + 5
    assert receipt["unwitnessed_s"] > 0
    assert "media_provider" in receipt["gaps"][-1]["why"]
