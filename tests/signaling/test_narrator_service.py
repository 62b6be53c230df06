"""Facts of other packages as messages to the two apps."""

import pytest

from gateway.clock import rfc3339
from gateway.facts import (
    ConsentAsked,
    ConsentGiven,
    MeterLost,
    MeterResumed,
    MeterStopped,
    MeterSuspended,
    ReceiptIssued,
    SessionMoved,
    SpendNoticed,
    VerdictGiven,
    WalletChanged,
    WarningDue,
)
from gateway.ids import ReceiptId, SessionId
from gateway.money import Money
from gateway.signaling.notice import (
    SessionConsentAsked,
    SessionConsented,
    SessionEnded,
    SessionResumed,
    SessionSpend,
    SessionStarted,
    SessionSuspended,
    SessionWarning,
    TickNotice,
    WalletNotice,
)
from gateway.terms import ConsentKind, EndReason, Grade, SessionState, Side, SuspendReason, WarningReason
from tests.signaling.world import AS_CLIENT, CLIENT, World, metering, principal_of, tick

pytestmark = pytest.mark.service


async def test_a_start_is_told_with_its_instant() -> None:
    call = await metering()

    at = rfc3339(call.world.clock.wall_ns())
    assert [call.side(side).last(SessionStarted).at for side in Side] == [at, at]
    assert call.live.state is SessionState.METERING
    assert call.world.desk.live()[0].started_wall_ns == call.world.clock.wall_ns()


async def test_a_tick_reaches_both_and_only_the_provider_sees_earnings() -> None:
    call = await metering()

    await call.world.fact(tick(call.session, 7))

    to_client, to_provider = call.client.last(TickNotice), call.provider.last(TickNotice)
    assert (to_client.tick, to_client.billed_s, to_client.provisional_s) == (7, 6, 1)
    assert to_client.cost == to_provider.cost == Money(500, "CNY")
    assert to_client.earned is None
    assert to_provider.earned == Money(400, "CNY")
    assert to_client.head == "aa" * 32


async def test_a_suspension_and_its_end_are_told_with_the_reason() -> None:
    call = await metering()

    await call.world.fact(MeterSuspended(at_ns=1, session=call.session, reason=SuspendReason.MEDIA_GAP))
    assert call.live.state is SessionState.SUSPENDED
    await call.world.fact(MeterResumed(at_ns=2, session=call.session))

    assert call.client.last(SessionSuspended).reason is SuspendReason.MEDIA_GAP
    assert len(call.provider.heard(SessionResumed)) == 1
    assert [fact.state for fact in call.world.sink.of(SessionMoved)][-2:] == [
        SessionState.SUSPENDED,
        SessionState.METERING,
    ]


async def test_a_warning_reaches_both() -> None:
    call = await metering()
    due = WarningDue(at_ns=1, session=call.session, seconds_left=30, reason=WarningReason.FUNDS)

    await call.world.fact(due)

    for side in Side:
        told = call.side(side).last(SessionWarning)
        assert (told.seconds_left, told.reason) == (30, WarningReason.FUNDS)


@pytest.mark.parametrize("reason", EndReason)
async def test_every_reason_metering_may_stop_for_ends_the_session_once(reason: EndReason) -> None:
    call = await metering()
    call.world.meters.stop(call.session, reason)

    await call.world.settle(call.session)
    assert len(call.world.desk.roster) == 0

    for side in Side:
        assert [ended.reason for ended in call.side(side).heard(SessionEnded)] == [reason]
    assert call.world.sessions.rows[call.session].end_reason is reason


async def test_a_stop_is_shown_as_ending_until_the_receipt_is_there() -> None:
    call = await metering()

    await call.world.fact(MeterStopped(at_ns=1, session=call.session, reason=EndReason.FUNDS))

    reading = call.world.desk.live()[0]
    assert (reading.state, reading.end_reason) == (SessionState.ENDING, EndReason.FUNDS)
    assert call.client.heard(SessionEnded) == []


async def test_a_changed_wallet_is_told_to_every_device_of_its_owner_alone() -> None:
    world = World()
    phone, tablet = await world.connect(AS_CLIENT), await world.connect(AS_CLIENT)
    bound = await world.connect(principal_of(CLIENT, session=SessionId("ses_1")))
    other = await world.online()

    await world.fact(WalletChanged(at_ns=1, account=CLIENT, available_micros=5, currency="CNY"))

    assert [device.last(WalletNotice).available for device in (phone, tablet)] == [Money(5, "CNY")] * 2
    assert other.heard(WalletNotice) == []
    assert bound.heard(WalletNotice) == []


async def test_facts_of_sessions_that_are_over_and_facts_of_no_concern_are_ignored() -> None:
    call = await metering()
    call.forget()

    await call.world.fact(tick(SessionId("ses_over")))
    await call.world.fact(
        VerdictGiven(
            at_ns=1,
            session=call.session,
            side=Side.CLIENT,
            action="flag",
            category="abuse",
            severity=1,
            rule="r",
        )
    )

    assert call.client.sent == []
    assert call.provider.sent == []


async def test_spending_marks_questions_and_answers_reach_both() -> None:
    call = await metering()

    await call.world.fact(
        SpendNoticed(at_ns=1, session=call.session, spent_micros=15_000_000, currency="CNY")
    )
    await call.world.fact(
        ConsentAsked(
            at_ns=2,
            session=call.session,
            kind=ConsentKind.BLOCK,
            seconds_left=60,
            spent_micros=15_000_000,
            price_micros=5_000_000,
            currency="CNY",
        )
    )
    await call.world.fact(ConsentGiven(at_ns=3, session=call.session, kind=ConsentKind.BLOCK))

    for side in Side:
        app = call.side(side)
        assert app.last(SessionSpend).spent == Money(15_000_000, "CNY")
        asked = app.last(SessionConsentAsked)
        assert (asked.kind, asked.seconds_left, asked.price) == (
            ConsentKind.BLOCK,
            60,
            Money(5_000_000, "CNY"),
        )
        assert app.last(SessionConsented).kind is ConsentKind.BLOCK


async def test_a_session_that_another_process_took_over_is_let_go_unended() -> None:
    call = await metering()

    await call.world.fact(MeterLost(at_ns=1, session=call.session, why="epoch 3 owns it"))

    assert call.world.desk.live() == []
    assert call.session in call.world.media.closed
    assert call.client.last(SessionSuspended).reason is SuspendReason.RESTART
    assert call.client.heard(SessionEnded) == []
    assert call.world.meters.stopped == {}


async def test_the_end_of_a_session_that_was_let_go_reaches_both_all_the_same() -> None:
    call = await metering()
    order = call.live.order
    await call.world.fact(MeterLost(at_ns=1, session=call.session, why="its meter failed"))

    await call.world.fact(
        ReceiptIssued(
            at_ns=2,
            session=call.session,
            receipt=ReceiptId("rcp_1"),
            reason=EndReason.SHUTDOWN,
            client=order.client,
            provider=order.provider,
            billed_s=3,
            charge_micros=0,
            fee_micros=0,
            earned_micros=0,
            currency="CNY",
            grade=Grade.A,
        )
    )

    for side in Side:
        assert call.side(side).last(SessionEnded).reason is EndReason.SHUTDOWN
