"""The metering service with fakes and manual time."""

import asyncio
import json

import pytest

from gateway import facts
from gateway.clock import NS
from gateway.ids import AccountId, SessionId
from gateway.metering.adapters.receipt_key import is_signed
from gateway.metering.effect import Ack
from gateway.metering.status import ConfirmStatus, OpenStatus
from gateway.metering.verification import problems_of
from gateway.terms import EndReason, Side, SuspendReason, TariffSnapshot
from gateway.work import nothing
from tests.metering.bench import Person, order
from tests.metering.service_world import SIX_A_MINUTE, World

pytestmark = pytest.mark.service


async def test_a_call_from_first_hold_to_signed_receipt() -> None:
    world = World()
    made = await world.call()
    await world.run(30)

    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)

    assert receipt["billed_s"] == 30
    assert receipt["charge_micros"] == 3_000_000
    assert receipt["fee_micros"] == 600_000
    assert world.purse.available_micros == 97_000_000
    assert world.moves.states == ["metering", "ending", "rated", "settled"]
    files = world.journal.closed[made.session]
    assert problems_of(*files, check_signature=is_signed) == []
    (issued,) = world.sink.of(facts.ReceiptIssued)
    assert (issued.billed_s, issued.reason) == (30, EndReason.HANGUP_CLIENT)


async def test_no_hold_no_ring() -> None:
    world = World(available_micros=5_000_000)

    status = await world.service.open(order(tariff=SIX_A_MINUTE), also=nothing)

    assert status is OpenStatus.INSUFFICIENT_FUNDS
    assert world.journal.orders == {}
    assert world.service.live() == []


async def test_a_broken_tariff_is_refused_before_money_is_touched() -> None:
    world = World()

    status = await world.service.open(order(tariff=TariffSnapshot.of({"version": 9})), also=nothing)

    assert status is OpenStatus.TARIFF_INVALID
    assert world.purse.holds == {}


async def test_opening_twice_places_one_hold() -> None:
    world = World()
    await world.service.open(order(), also=nothing)

    assert await world.service.open(order(), also=nothing) is OpenStatus.EXISTS
    assert len(world.purse.holds) == 1


async def test_a_session_nobody_took_gives_back_its_hold_and_a_zero_receipt() -> None:
    world = World()
    await world.service.open(order(), also=nothing)
    moved = []

    await world.service.void(order().session, EndReason.DECLINED, also=lambda _tx: moved.append("declined"))

    receipt = json.loads(world.journal.closed[order().session][0])
    assert (receipt["charge_micros"], receipt["end_reason"], moved) == (0, "declined", ["declined"])
    assert world.purse.available_micros == 100_000_000
    assert world.service.live() == []


async def test_a_session_that_is_ended_while_its_hold_is_being_placed_gives_it_back() -> None:
    world = World()
    world.purse.answers_from = asyncio.Event()
    opening = asyncio.create_task(world.service.open(order(), also=nothing))
    await asyncio.sleep(0)
    ending = asyncio.create_task(world.service.void(order().session, EndReason.SHUTDOWN, also=nothing))
    await asyncio.sleep(0)

    world.purse.answers_from.set()
    await asyncio.gather(opening, ending)

    assert world.purse.holds == {}
    assert world.purse.available_micros == 100_000_000
    assert order().session in world.journal.closed


async def test_a_stop_unlinks_the_relay_in_the_same_call() -> None:
    world = World()
    made = await world.call()
    assert made.session in world.gate.linked

    world.service.stop(made.session, EndReason.MODERATION)

    assert made.session not in world.gate.linked


async def test_a_freeze_unlinks_at_once_and_resume_links_again() -> None:
    world = World()
    made = await world.call()
    await world.run(5)

    world.service.pause(made.session, SuspendReason.MODERATION)
    assert made.session not in world.gate.linked
    world.service.pause(made.session, SuspendReason.SOS)
    await world.run(3)
    world.service.resume(made.session, SuspendReason.MODERATION)
    assert made.session not in world.gate.linked
    world.service.resume(made.session, SuspendReason.SOS)
    assert made.session in world.gate.linked

    await world.run(3)
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)
    # Three seconds that begin within a second touch four of them.
    assert receipt["paused_s"] == 4


async def test_a_client_whose_money_ends_is_warned_and_cut_at_the_exact_second() -> None:
    world = World(available_micros=13_000_000)
    made = await world.call()
    started_ns = world.sink.of(facts.MeterStarted)[0].at_ns

    receipt = await world.settled(made.session)

    (stopped,) = world.sink.of(facts.MeterStopped)
    assert stopped.reason is EndReason.FUNDS
    assert stopped.at_ns == started_ns + 130 * NS
    assert receipt["billed_s"] == 130
    assert receipt["charge_micros"] == 13_000_000
    warned = [(fact.seconds_left, str(fact.reason)) for fact in world.sink.of(facts.WarningDue)]
    assert warned == [(120, "funds"), (60, "funds"), (30, "funds"), (10, "funds")]


async def test_a_top_up_during_the_call_takes_effect_at_once() -> None:
    world = World(available_micros=7_000_000)
    made = await world.call()
    await world.run(65)
    world.purse.available_micros += 60_000_000
    world.service.wallet_changed(made.client, world.purse.available_micros)

    await world.run(40)

    assert world.sink.of(facts.MeterStopped) == []
    assert world.sink.of(facts.TickCounted)[-1].time_left_s > 500


async def test_two_sessions_on_one_wallet_share_the_time_that_is_left() -> None:
    world = World(available_micros=24_000_000)
    first = await world.call(order(tariff=SIX_A_MINUTE))
    alone_s = world.sink.of(facts.TickCounted)[-1].time_left_s if world.sink.of(facts.TickCounted) else 240
    await world.call(order(tariff=SIX_A_MINUTE, session=SessionId("ses_2"), provider=AccountId("acc_other")))
    await world.run(2)

    ticks = [fact for fact in world.sink.of(facts.TickCounted) if fact.session == first.session]
    assert alone_s > 200
    assert ticks[-1].time_left_s < 125


async def test_one_row_a_second_holds_all_sessions() -> None:
    world = World()
    await world.call()
    await world.call(order(session=SessionId("ses_2"), provider=AccountId("acc_other")))
    await world.run(3)
    before = len(world.journal.rows)

    await world.run(5)

    fresh = world.journal.rows[before:]
    assert len(fresh) == 5
    assert all({owner for owner, _ in row} == {"ses_1", "ses_2"} for row in fresh)


async def test_while_the_journal_is_down_the_call_goes_on_and_nothing_is_lost() -> None:
    world = World()
    made = await world.call()
    await world.run(5)
    world.journal.is_down = True
    await world.run(5)
    world.journal.is_down = False
    await world.run(5)

    world.service.stop(made.session, EndReason.HANGUP_PROVIDER)
    receipt = await world.settled(made.session)

    assert receipt["billed_s"] == 15
    stored = b"".join(entry for row in world.journal.rows for _, entry in row)
    evidence = json.loads(world.journal.closed[made.session][1])
    assert stored.hex() == "".join(evidence["entries"])


async def test_with_the_store_down_the_call_ends_inside_the_committed_hold() -> None:
    world = World()
    made = await world.call()
    world.purse.is_down = True
    await world.run(70)
    assert world.sink.of(facts.MeterStopped)[0].reason is EndReason.SHUTDOWN

    world.purse.is_down = False
    await asyncio.sleep(1.1)
    receipt = await world.settled(made.session)

    assert receipt["billed_s"] == 60
    assert receipt["charge_micros"] == 6_000_000


async def test_after_a_restart_the_session_goes_on_when_both_come_back() -> None:
    world = World()
    made = await world.call()
    await world.run(20)
    await world.restart()
    world.clock.advance(seconds=5)

    await world.service.recover([made.session])
    for side in Side:
        world.service.socket_back(made.session, side)
    await world.run(10)
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)

    assert receipt["billed_s"] in (28, 29, 30)
    assert problems_of(*world.journal.closed[made.session], check_signature=is_signed) == []


async def test_after_a_restart_alone_it_settles_at_the_last_slot_and_charges_once() -> None:
    world = World()
    made = await world.call()
    await world.run(20)
    written_s = sum(len(row) for row in world.journal.rows) - 1
    await world.restart()
    world.people.clear()
    world.gate.legs.clear()

    await world.service.recover([made.session])
    receipt = await world.settled(made.session)

    assert receipt["end_reason"] == "shutdown"
    assert receipt["billed_s"] <= written_s
    assert world.purse.available_micros == 100_000_000 - int(str(receipt["charge_micros"]))
    await world.restart()
    await world.service.recover([made.session])
    assert world.service.live() == []


async def test_a_stepped_wall_clock_suspends_and_says_so() -> None:
    world = World()
    await world.call()
    await world.run(3)

    world.clock.step_wall(ns=3600 * NS)
    await world.run(3)

    reasons = [fact.reason for fact in world.sink.of(facts.MeterSuspended)]
    assert reasons == [SuspendReason.CLOCK]
    assert world.sink.of(facts.MeterResumed)


async def test_confirmations_are_bound_to_nonce_and_tariff() -> None:
    world = World()
    made = order()
    await world.service.open(made, also=nothing)
    confirm = world.service.confirm

    assert (
        confirm(SessionId("ses_x"), Side.CLIENT, nonce="nc", tariff_hash="") is ConfirmStatus.UNKNOWN_SESSION
    )
    assert confirm(made.session, Side.CLIENT, nonce="nc", tariff_hash="") is ConfirmStatus.NOT_AWAITED
    world.service.connect(made.session)
    assert confirm(made.session, Side.CLIENT, nonce="np", tariff_hash="") is ConfirmStatus.NONCE_MISMATCH
    assert confirm(made.session, Side.CLIENT, nonce="nc", tariff_hash="x") is ConfirmStatus.TARIFF_MISMATCH
    good = confirm(made.session, Side.CLIENT, nonce="nc", tariff_hash=made.tariff.hash)
    assert good is ConfirmStatus.CONFIRMED


async def test_an_app_that_counted_otherwise_opens_a_review_and_never_raises_the_bill() -> None:
    world = World()
    made = await world.call()
    await world.run(10)
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    await world.settled(made.session)

    world.service.report(made.session, Side.PROVIDER, seconds=10)
    world.service.report(made.session, Side.CLIENT, seconds=15)
    await world.rest()

    assert [fact.session for fact in world.sink.of(facts.ReviewOpened)] == [made.session]
    assert [report[3] is None for report in world.journal.reports] == [True, False]


async def test_acknowledging_a_session_that_is_not_there_is_refused() -> None:
    world = World()

    assert world.service.acknowledge(SessionId("ses_x"), Side.CLIENT, tick=1, head="") is Ack.NOT_RUNNING


async def test_a_connection_that_never_comes_is_connect_failed_with_nothing_owed() -> None:
    world = World()
    made = order()
    await world.service.open(made, also=nothing)
    world.service.connect(made.session)

    receipt = await world.settled(made.session)

    assert (receipt["end_reason"], receipt["charge_micros"]) == ("connect_failed", 0)
    assert world.moves.states == ["connect_failed"]
    assert world.purse.available_micros == 100_000_000


async def test_a_lost_socket_alone_ends_a_counting_session_five_seconds_later_with_grade_b() -> None:
    world = World()
    made = await world.call()
    await world.run(10)
    world.people[made.session][0].acks = False
    await world.run(15)

    world.service.stop(made.session, EndReason.LOST_CLIENT)
    assert world.sink.of(facts.MeterStopped) == []
    receipt = await world.settled(made.session)

    assert (receipt["end_reason"], receipt["grade"]) == ("lost_client", "B")
    assert receipt["billed_s"] == 10


async def test_a_session_that_was_stopped_before_the_restart_stays_stopped_whoever_comes_back() -> None:
    world = World()
    made = await world.call()
    await world.run(10)
    world.purse.is_down = True
    world.service.stop(made.session, EndReason.MODERATION)
    await world.run(1)
    world.purse.is_down = False
    await world.restart()

    await world.service.recover([made.session])
    for side in Side:
        world.service.socket_back(made.session, side)
    receipt = await world.settled(made.session)

    assert receipt["end_reason"] == "moderation"
    assert receipt["billed_s"] == 10
    assert made.session not in world.gate.linked


async def test_a_stop_between_the_witnesses_and_the_first_second_is_no_shortcut_past_metering() -> None:
    world = World()
    made = await world.call()
    world.clock.advance(ns=NS // 10)
    late = order(session=SessionId("ses_2"), client=AccountId("acc_b"), provider=AccountId("acc_c"))
    await world.service.open(late, also=nothing)
    world.service.connect(late.session)
    world.people[late.session] = (Person(Side.CLIENT), Person(Side.PROVIDER))
    for side, nonce in ((Side.CLIENT, "nc"), (Side.PROVIDER, "np")):
        world.service.confirm(late.session, side, nonce=nonce, tariff_hash=late.tariff.hash)
    await world.until(lambda: world.service.live()[1].started_wall_ns is not None)
    assert [fact.session for fact in world.sink.of(facts.MeterStarted)] == [made.session]

    world.service.stop(late.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(late.session)

    assert receipt["billed_s"] == 0
    moves = [state for session, state, _ in world.moves.made if session == late.session]
    assert moves == ["metering", "ending", "rated", "settled"]
    assert made.session in world.gate.linked
