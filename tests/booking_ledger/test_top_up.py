"""Top-ups from order to credit: both ways in, repetitions, and reports that must not be believed."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from gateway.booking.adapters.top_up_store import TopUpStore
from gateway.booking.payment import (
    PaymentReport,
    PaymentState,
    ReportStatus,
    TopUpOrder,
    TopUpState,
    examine,
)
from gateway.booking.top_up_service import TopUpService
from gateway.booking.webhook_signature import sign
from gateway.clock import NS
from gateway.errors import GatewayError, Malformed, NotFound, Unauthenticated, Unavailable, Unprocessable
from gateway.ids import AccountId
from gateway.money import Money
from tests.booking_ledger.conftest import ANN, BEN, SECRET, UNIT, Till

pytestmark = pytest.mark.adapter

ORDER = TopUpOrder(
    id="top_1",
    account=ANN,
    micros=5 * UNIT,
    currency="CNY",
    method="sandbox",
    state=TopUpState.PENDING,
    created_wall_ns=0,
    payment="pay_1",
    pay_url="/sandbox/pay/pay_1",
)
REPORT = PaymentReport(
    payment="pay_1",
    merchant="gateway",
    order="top_1",
    state=PaymentState.PAID,
    micros=5 * UNIT,
    currency="CNY",
)


async def _ordered(till: Till, *, key: str = "k1", account: AccountId = ANN, units: int = 5) -> TopUpOrder:
    amount = Money(units * UNIT, "CNY")
    return await till.top_ups.create(account, amount=amount, method="sandbox", idempotency_key=key)


async def _state(till: Till, order: TopUpOrder) -> TopUpState:
    return (await till.top_ups.order(order.account, order.id)).state


async def _deaf(_headers: Mapping[str, str], _body: bytes) -> None:
    """A webhook address that nobody answers at."""
    raise Unavailable("nobody there")


@pytest.mark.parametrize(
    ("order", "report", "status"),
    [
        ({}, {}, ReportStatus.SUCCEEDS),
        ({}, {"state": PaymentState.DECLINED}, ReportStatus.FAILS),
        ({}, {"state": PaymentState.OPEN}, ReportStatus.NOTHING_NEW),
        ({}, {"merchant": "somebody"}, ReportStatus.OTHER_MERCHANT),
        ({}, {"order": "top_2"}, ReportStatus.OTHER_ORDER),
        ({}, {"payment": "pay_2"}, ReportStatus.OTHER_ORDER),
        ({"payment": None}, {}, ReportStatus.OTHER_ORDER),
        ({}, {"micros": 5 * UNIT + 1}, ReportStatus.OTHER_AMOUNT),
        ({}, {"currency": "EUR"}, ReportStatus.OTHER_AMOUNT),
        ({}, {"merchant": "somebody", "order": "top_2", "micros": 1}, ReportStatus.OTHER_MERCHANT),
        ({"state": TopUpState.SUCCEEDED}, {}, ReportStatus.NOTHING_NEW),
        ({"state": TopUpState.SUCCEEDED}, {"state": PaymentState.DECLINED}, ReportStatus.NOTHING_NEW),
        ({"state": TopUpState.FAILED}, {"state": PaymentState.DECLINED}, ReportStatus.NOTHING_NEW),
        ({"state": TopUpState.FAILED}, {}, ReportStatus.SUCCEEDS),
        ({"state": TopUpState.SUCCEEDED}, {"micros": 1}, ReportStatus.OTHER_AMOUNT),
    ],
)
def test_what_a_report_does_to_an_order(
    order: Mapping[str, object], report: Mapping[str, object], status: ReportStatus
) -> None:
    assert examine(replace(ORDER, **order), replace(REPORT, **report), merchant="gateway") is status


async def test_an_approved_payment_is_credited_by_the_webhook(till: Till) -> None:
    order = await _ordered(till)
    assert (order.state, order.pay_url) == (TopUpState.PENDING, f"/sandbox/pay/{order.payment}")
    await till.sandbox.decide(str(order.payment), is_approved=True)
    assert await till.wallet.available(ANN) == 5 * UNIT
    assert await _state(till, order) is TopUpState.SUCCEEDED
    assert till.facts.wallets == [(ANN, 5 * UNIT)]
    assert (await till.wallet.entries(ANN)).items[0].memo == "sandbox"


async def test_a_lost_webhook_is_made_up_for_by_the_clients_poll(till: Till) -> None:
    till.sandbox.deliver_to(_deaf)
    order = await _ordered(till)
    await till.sandbox.decide(str(order.payment), is_approved=True)
    assert await till.wallet.available(ANN) == 0
    assert await _state(till, order) is TopUpState.SUCCEEDED
    assert await till.wallet.available(ANN) == 5 * UNIT


async def test_webhook_and_polls_at_once_credit_once(till: Till) -> None:
    notices: list[tuple[Mapping[str, str], bytes]] = []

    async def keep(headers: Mapping[str, str], body: bytes) -> None:
        notices.append((headers, body))

    till.sandbox.deliver_to(keep)
    order = await _ordered(till)
    await till.sandbox.decide(str(order.payment), is_approved=True)
    await asyncio.gather(
        *(till.top_ups.notice("sandbox", *notices[0]) for _ in range(10)),
        *(till.top_ups.order(ANN, order.id) for _ in range(10)),
    )
    assert await till.wallet.available(ANN) == 5 * UNIT
    assert till.facts.wallets == [(ANN, 5 * UNIT)]
    assert await till.broken() == []


async def test_a_declined_payment_credits_nothing(till: Till) -> None:
    order = await _ordered(till)
    await till.sandbox.decide(str(order.payment), is_approved=False)
    assert await _state(till, order) is TopUpState.FAILED
    assert await till.wallet.available(ANN) == 0
    assert till.facts.told == []


async def test_the_first_decision_stands(till: Till) -> None:
    order = await _ordered(till)
    await till.sandbox.decide(str(order.payment), is_approved=True)
    again = await till.sandbox.decide(str(order.payment), is_approved=False)
    assert again.state is PaymentState.PAID
    assert await till.wallet.available(ANN) == 5 * UNIT


async def test_the_same_key_and_body_is_the_same_order(till: Till) -> None:
    orders = await asyncio.gather(*(_ordered(till) for _ in range(10)))
    assert len({order.id for order in orders}) == 1
    assert len({order.payment for order in orders}) == 1
    await till.sandbox.decide(str(orders[0].payment), is_approved=True)
    assert (await _ordered(till)).state is TopUpState.SUCCEEDED


async def test_the_same_key_with_another_body_is_refused(till: Till) -> None:
    await _ordered(till)
    with pytest.raises(Unprocessable) as refusal:
        await _ordered(till, units=6)
    assert refusal.value.wire_code == "idempotency_key_reused"


async def test_the_same_key_of_another_person_is_another_order(till: Till) -> None:
    assert (await _ordered(till)).id != (await _ordered(till, account=BEN)).id


async def test_a_provider_that_was_down_is_asked_again_with_the_same_key(till: Till) -> None:
    create = till.sandbox.create

    async def down(order: TopUpOrder) -> tuple[str, str]:
        raise Unavailable("the provider does not answer")

    till.sandbox.create = down  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await _ordered(till)
    till.sandbox.create = create  # type: ignore[method-assign]
    assert (await _ordered(till)).payment is not None


async def test_a_poll_answers_what_is_known_when_the_provider_is_down(till: Till) -> None:
    order = await _ordered(till)

    async def down(payment: str) -> PaymentReport:
        raise Unavailable("the provider does not answer")

    till.sandbox.query = down  # type: ignore[method-assign]
    assert await _state(till, order) is TopUpState.PENDING


async def test_nobody_sees_another_persons_top_up(till: Till) -> None:
    order = await _ordered(till)
    with pytest.raises(NotFound):
        await till.top_ups.order(BEN, order.id)
    with pytest.raises(NotFound):
        await till.top_ups.order(ANN, "top_nothing")


@pytest.mark.parametrize(
    ("amount", "method"),
    [
        (Money(0, "CNY"), "sandbox"),
        (Money(-5 * UNIT, "CNY"), "sandbox"),
        (Money(UNIT - 1, "CNY"), "sandbox"),
        (Money(UNIT + 1, "CNY"), "sandbox"),
        (Money(10_000 * UNIT + 10_000, "CNY"), "sandbox"),
        (Money(5 * UNIT, "EUR"), "sandbox"),
        (Money(5 * UNIT, "CNY"), "cheque"),
    ],
)
async def test_amounts_currencies_and_methods_that_cannot_be(till: Till, amount: Money, method: str) -> None:
    with pytest.raises(Unprocessable):
        await till.top_ups.create(ANN, amount=amount, method=method, idempotency_key="k1")


async def test_a_replayed_webhook_changes_nothing(till: Till) -> None:
    order = await _ordered(till)
    report = await till.sandbox.decide(str(order.payment), is_approved=True)
    headers, body = till.sandbox.notice(report)
    for _ in range(3):
        await till.top_ups.notice("sandbox", headers, body)
    assert await till.wallet.available(ANN) == 5 * UNIT
    assert len((await till.wallet.entries(ANN)).items) == 1


async def test_the_same_event_keeps_its_id(till: Till) -> None:
    first, _ = till.sandbox.notice(REPORT)
    till.clock.advance(seconds=60)
    second, _ = till.sandbox.notice(REPORT)
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]


async def _forged(till: Till, order: TopUpOrder, /, **changes: object) -> tuple[Mapping[str, str], bytes]:
    """A correctly signed webhook that says the order was paid, with some of it changed."""
    report = PaymentReport(
        payment=str(order.payment),
        merchant="gateway",
        order=order.id,
        state=PaymentState.PAID,
        micros=order.micros,
        currency="CNY",
    )
    return till.sandbox.notice(replace(report, **changes))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"micros": 500 * UNIT}, Unprocessable),
        ({"currency": "EUR"}, Unprocessable),
        ({"merchant": "somebody else"}, Unprocessable),
        ({"order": "top_other"}, Unprocessable),
        ({"payment": "pay_unknown"}, NotFound),
    ],
)
async def test_a_signed_report_that_does_not_agree_credits_nothing(
    till: Till, changes: dict[str, object], refusal: type[GatewayError]
) -> None:
    order = await _ordered(till)
    with pytest.raises(refusal):
        await till.top_ups.notice("sandbox", *await _forged(till, order, **changes))
    assert await till.wallet.available(ANN) == 0
    assert await _state(till, order) is TopUpState.PENDING


async def test_a_changed_body_is_refused(till: Till) -> None:
    order = await _ordered(till)
    headers, body = await _forged(till, order)
    with pytest.raises(Unauthenticated) as refusal:
        await till.top_ups.notice("sandbox", headers, body.replace(b"5000000", b"9000000"))
    assert refusal.value.wire_code == "signature_wrong"
    assert await till.wallet.available(ANN) == 0


async def test_an_old_webhook_is_refused(till: Till) -> None:
    order = await _ordered(till)
    headers, body = await _forged(till, order)
    till.clock.advance(seconds=301)
    with pytest.raises(Unauthenticated) as refusal:
        await till.top_ups.notice("sandbox", headers, body)
    assert refusal.value.wire_code == "signature_stale"


async def test_an_unsigned_webhook_is_refused(till: Till) -> None:
    order = await _ordered(till)
    _, body = await _forged(till, order)
    with pytest.raises(Unauthenticated):
        await till.top_ups.notice("sandbox", {"content-type": "application/json"}, body)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff", json.dumps({"data": {}}).encode()])
async def test_a_signed_webhook_that_cannot_be_read_is_refused(till: Till, body: bytes) -> None:
    now_s = till.clock.wall_ns() // NS
    headers = sign(SECRET, message_id="msg_1", timestamp_s=now_s, body=body)
    with pytest.raises(Malformed):
        await till.top_ups.notice("sandbox", headers, body)


async def test_a_top_up_reaches_a_wallet_that_is_in_a_session(till: Till) -> None:
    await till.fund(ANN, UNIT)
    await till.hold("ses_1", 0, UNIT)
    order = await _ordered(till)
    await till.sandbox.decide(str(order.payment), is_approved=True)
    assert await till.hold("ses_1", 1, UNIT) == UNIT
    assert await till.broken() == []


async def test_a_decline_that_comes_late_does_not_undo_a_success(till: Till) -> None:
    stale = await _ordered(till)
    await till.sandbox.decide(str(stale.payment), is_approved=True)
    orders = TopUpStore(till.database)
    assert not await orders.finish(stale, TopUpState.FAILED, now_wall_ns=0)
    assert not await orders.finish(stale, TopUpState.SUCCEEDED, now_wall_ns=0)
    assert await _state(till, stale) is TopUpState.SUCCEEDED
    assert await till.wallet.available(ANN) == 5 * UNIT


async def test_without_the_sandbox_nothing_can_be_paid_in(till: Till) -> None:
    order = await _ordered(till)
    headers, body = await _forged(till, order)
    closed = TopUpService(till.wallet, orders=TopUpStore(till.database), providers={}, clock=till.clock)
    with pytest.raises(Unprocessable):
        await closed.create(ANN, amount=Money(UNIT, "CNY"), method="sandbox", idempotency_key="k2")
    with pytest.raises(NotFound):
        await closed.notice("sandbox", headers, body)
    assert (await closed.order(ANN, order.id)).state is TopUpState.PENDING
