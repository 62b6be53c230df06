"""What reaches the meter through the service beside packets: consents, lines, clocks, schedules, reports."""

import json
from typing import Any

import pytest

from gateway import facts
from gateway.clock import NS
from gateway.metering.adapters.receipt_key import is_signed
from gateway.metering.receipt import signed_part
from gateway.metering.status import ConsentStatus, OpenStatus
from gateway.terms import ConsentKind, EndReason, SessionKind, Side, TariffSnapshot
from gateway.work import nothing
from tests.metering.bench import order, terms
from tests.metering.service_world import World

pytestmark = pytest.mark.service


def priced(**changes: Any) -> TariffSnapshot:
    """A tariff of version 2 at 6 CNY a minute with some terms changed."""
    plain = {
        "tiers": [{"from_s": 0, "price_micros_per_minute": 6_000_000}],
        "rounding": "down",
        "zone": "",
        "windows": [],
        "block": None,
        "session_micros": 0,
        "message_micros": 0,
        "messages_free": 0,
        "messages_from": "client",
        "spend_notify_micros": None,
        "spend_consent_micros": None,
        "spend_stop_micros": None,
    }
    return TariffSnapshot.of(terms(version=2, **{**plain, **changes}))


BLOCKS = {
    "kind": "block",
    "block": {"length_s": 60, "price_micros": 5_000_000, "overrun": "ask"},
    "tiers": [],
}


async def test_an_unanswered_question_ends_the_session_before_a_second_passes_the_limit() -> None:
    world = World()
    made = await world.call(order(tariff=priced(spend_consent_micros=4_000_000)))

    receipt = await world.settled(made.session)

    (asked,) = world.sink.of(facts.ConsentAsked)
    assert (asked.kind, asked.seconds_left, asked.currency) == (ConsentKind.SPEND, 30, "CNY")
    assert receipt["end_reason"] == "funds"
    assert receipt["charge_micros"] == 4_000_000


async def test_a_yes_of_the_client_lets_it_go_on_and_is_told_and_in_the_evidence() -> None:
    world = World()
    made = await world.call(order(tariff=priced(spend_consent_micros=4_000_000)))
    consent = world.service.consent
    assert consent(made.session, Side.CLIENT, ConsentKind.SPEND) is ConsentStatus.NOT_ASKED
    await world.run(15)

    assert consent(made.session, Side.PROVIDER, ConsentKind.SPEND) is ConsentStatus.NOT_THE_PAYER
    assert consent(made.session, Side.CLIENT, ConsentKind.BLOCK) is ConsentStatus.NOT_ASKED
    assert consent(made.session, Side.CLIENT, ConsentKind.SPEND) is ConsentStatus.GIVEN
    assert consent(order(session="ses_x").session, Side.CLIENT, ConsentKind.SPEND) is (
        ConsentStatus.UNKNOWN_SESSION
    )
    await world.run(35)

    assert [fact.kind for fact in world.sink.of(facts.ConsentGiven)] == [ConsentKind.SPEND]
    assert world.sink.of(facts.MeterStopped) == []
    await world.restart()
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    await world.service.recover([made.session])
    for side in Side:
        world.service.socket_back(made.session, side)
    await world.run(10)
    assert len(world.sink.of(facts.ConsentAsked)) == 1, "what was agreed stays agreed after a restart"


async def test_a_block_that_is_not_bought_again_ends_at_its_end() -> None:
    world = World()
    made = await world.call(order(tariff=priced(**BLOCKS)))

    receipt = await world.settled(made.session)

    assert (receipt["end_reason"], receipt["billed_s"]) == ("slot_end", 60)
    assert receipt["charge_micros"] == 5_000_000


async def test_spending_is_noticed_at_each_multiple() -> None:
    world = World()
    await world.call(order(tariff=priced(spend_notify_micros=1_000_000)))
    await world.run(35)

    assert [fact.spent_micros for fact in world.sink.of(facts.SpendNoticed)] == [
        1_000_000,
        2_000_000,
        3_000_000,
    ]


async def test_a_tariff_that_does_not_suit_the_kind_is_refused_before_money_is_touched() -> None:
    world = World()
    per_message = priced(kind="per_message", message_micros=500_000, tiers=[])

    status = await world.service.open(order(tariff=per_message), also=nothing)

    assert status is OpenStatus.TARIFF_INVALID
    assert world.purse.holds == {}
    text = order(SessionKind.TEXT, tariff=per_message)
    assert await world.service.open(text, also=nothing) is OpenStatus.OPENED


async def test_a_line_is_covered_by_the_hold_or_not() -> None:
    world = World(available_micros=100_000_000)
    made = order(SessionKind.TEXT, tariff=priced(kind="per_message", message_micros=500_000, tiers=[]))
    await world.call(made)
    await world.run(1)
    assert world.service.covers_line(made.session, Side.CLIENT)
    assert not world.service.covers_line(order(session="ses_x").session, Side.CLIENT)

    world.service.line_sent(made.session, Side.CLIENT)
    world.service.line_sent(made.session, Side.PROVIDER)
    await world.run(2)
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)

    assert receipt["charge_micros"] == 500_000


async def test_the_price_of_an_hour_is_resolved_by_the_tariffs_own_zone() -> None:
    world = World()
    dear = {
        "days": [1, 2, 3, 4, 5, 6, 7],
        "from": "00:00",
        "until": "24:00",
        "tiers": [{"from_s": 0, "price_micros_per_minute": 12_000_000}],
    }
    made = await world.call(order(tariff=priced(zone="Asia/Shanghai", windows=[dear])))
    await world.run(30)

    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)

    assert receipt["charge_micros"] == 6_000_000


async def test_a_wall_clock_set_back_while_both_are_awaited_sets_the_prices_hour_as_well() -> None:
    world = World()
    dear = {
        "days": [1, 2, 3, 4, 5, 6, 7],
        "from": "22:10",
        "until": "23:00",
        "tiers": [{"from_s": 0, "price_micros_per_minute": 12_000_000}],
    }
    made = await world.call(order(tariff=priced(zone="Asia/Shanghai", windows=[dear])))
    await world.run(10)
    await world.restart()
    await world.service.recover([made.session])
    await world.run(1)
    world.clock.step_wall(ns=-600 * NS)
    await world.run(2)
    for side in Side:
        world.service.socket_back(made.session, side)
    await world.until(lambda: world.moves.states[-1] == "metering")
    await world.run(10)

    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)

    assert [line["period"] for line in receipt["usage"]] == [1, 0]


async def test_a_report_after_a_restart_is_held_against_the_receipt_and_noted_on_it() -> None:
    world = World()
    made = await world.call()
    await world.run(10)
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    before = await world.settled(made.session)
    await world.restart()

    world.service.report(made.session, Side.CLIENT, seconds=15)
    await world.rest()
    world.service.report(made.session, Side.CLIENT, seconds=16)
    await world.rest()
    world.service.report(made.session, Side.PROVIDER, seconds=10)
    await world.rest()

    (review,) = world.sink.of(facts.ReviewOpened)
    assert "15 s" in review.why
    (note,) = world.journal.notes
    body = json.loads(note)
    assert (body["receipt"], body["grade"]) == (before["receipt"], "B")
    key, signature = bytes.fromhex(body["issuer"]["public_key"]), bytes.fromhex(body["signature"])
    assert is_signed(key, signed_part(body), signature)
    assert json.loads(world.journal.closed[made.session][0]) == before


async def test_an_apps_clock_that_runs_short_costs_the_provider_not_the_client() -> None:
    world = World()
    made = await world.call()
    for second in range(1, 31):
        await world.run(1)
        ticks = world.sink.of(facts.TickCounted)
        for side in Side:
            clock_ms = second * 1_000 if side is Side.PROVIDER else second * 800
            world.service.acknowledge(
                made.session, side, tick=ticks[-1].tick, head=ticks[-1].head, clock_ms=clock_ms
            )
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)

    assert 22 <= receipt["billed_s"] <= 27
    assert receipt["grade"] == "B"
    assert world.sink.of(facts.ReviewOpened)
