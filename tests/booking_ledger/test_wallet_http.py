"""The wallet's routes, called with checked calls; and the sandbox's page, through a browser's eyes."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, ValidationError

from gateway.booking.adapters.sandbox_page import page_routes
from gateway.booking.adapters.wallet_http import TopUpBody, routes
from gateway.booking.payment import TopUpState
from gateway.errors import GatewayError, Malformed, NotFound, Unauthenticated, Unprocessable
from gateway.http.cursor import PageQuery
from gateway.http.money import MoneyBody
from gateway.http.route import Access, Call, Route
from gateway.ids import AccountId, SessionId
from gateway.terms import Principal, Role
from tests.booking_ledger.conftest import ANN, BEN, PIA, UNIT, Till, order

pytestmark = pytest.mark.adapter


class Desk:
    """Calls the routes as the server would, once it has checked a call."""

    def __init__(self, till: Till) -> None:
        self._routes = {(route.method, route.path): route for route in routes(till.wallet, till.top_ups)}

    def route(self, method: str, path: str) -> Route:
        return self._routes[method, path]

    async def call(
        self, method: str, path: str, who: AccountId | None = ANN, /, **fields: object
    ) -> BaseModel | None:
        principal = who and Principal(account=who, roles=frozenset({Role.CLIENT}), expires_at_s=2**40)
        call = Call(principal=principal, **{"path": {}, **fields})  # type: ignore[arg-type]
        route = self.route(method, path)
        answer = await route.handler(call)
        assert answer is None if route.answer is None else isinstance(answer, route.answer)
        return answer

    async def json(
        self, method: str, path: str, who: AccountId | None = ANN, /, **fields: object
    ) -> dict[str, object]:
        answer = await self.call(method, path, who, **fields)
        assert answer is not None
        return answer.model_dump(mode="json")

    async def top_up(
        self, micros: int = 5 * UNIT, *, key: str = "k1", who: AccountId = ANN
    ) -> dict[str, object]:
        body = TopUpBody(amount=MoneyBody(micros=micros, currency="CNY"))
        return await self.json("POST", "/v1/wallet/topups", who, body=body, idempotency_key=key)


@pytest.fixture
def desk(till: Till) -> Desk:
    return Desk(till)


@pytest.fixture
async def browser(till: Till) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    @web.middleware
    async def problems(request: web.Request, handler: object) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[operator]
        except GatewayError as refusal:
            return web.json_response(refusal.problem(), status=refusal.status)

    application = web.Application(middlewares=[problems])
    application.add_routes(page_routes(till.sandbox))
    async with TestClient(TestServer(application)) as client:
        yield client


def _cny(micros: int) -> dict[str, object]:
    return {"micros": micros, "currency": "CNY"}


@pytest.mark.parametrize(
    ("method", "path", "access"),
    [
        ("GET", "/v1/wallet", Access.SIGNED_IN),
        ("GET", "/v1/wallet/entries", Access.SIGNED_IN),
        ("POST", "/v1/wallet/topups", Access.CLIENT),
        ("GET", "/v1/wallet/topups/{top_up_id}", Access.CLIENT),
        ("POST", "/v1/payments/sandbox/notify", Access.PUBLIC),
        ("GET", "/v1/provider/earnings", Access.PROVIDER),
    ],
)
def test_who_may_call(desk: Desk, method: str, path: str, access: Access) -> None:
    assert desk.route(method, path).access is access


def test_a_top_up_needs_an_idempotency_key(desk: Desk) -> None:
    assert desk.route("POST", "/v1/wallet/topups").is_idempotency_key_needed


async def test_an_empty_wallet(desk: Desk) -> None:
    assert await desk.json("GET", "/v1/wallet") == {
        "available": _cny(0),
        "cash": _cny(0),
        "promo": _cny(0),
        "held": _cny(0),
    }


async def test_a_wallet_with_money_of_every_kind(till: Till, desk: Desk) -> None:
    await till.fund(ANN, 10 * UNIT)
    await till.wallet.grant_promo(ANN, micros=2 * UNIT, campaign="spring")
    await till.hold("ses_1", 0, 3 * UNIT)
    assert await desk.json("GET", "/v1/wallet") == {
        "available": _cny(9 * UNIT),
        "cash": _cny(10 * UNIT),
        "promo": _cny(2 * UNIT),
        "held": _cny(3 * UNIT),
    }


async def test_entries_in_pages(till: Till, desk: Desk) -> None:
    for number in range(3):
        await till.fund(ANN, (number + 1) * UNIT, payment=str(number))
    first = await desk.json("GET", "/v1/wallet/entries", query=PageQuery(limit=2))
    second = await desk.json("GET", "/v1/wallet/entries", query=PageQuery(limit=2, cursor=str(first["next"])))
    amounts = [item["amount"]["micros"] for page in (first, second) for item in page["items"]]  # type: ignore[union-attr, attr-defined]
    assert amounts == [3 * UNIT, 2 * UNIT, UNIT]
    assert second["next"] is None


async def test_a_cursor_of_another_list_is_refused(desk: Desk) -> None:
    with pytest.raises(Malformed):
        await desk.call("GET", "/v1/wallet/entries", query=PageQuery(cursor="bm90IG91cnM"))


async def test_a_top_up_from_wish_to_credit(till: Till, desk: Desk) -> None:
    created = await desk.top_up()
    assert (created["state"], created["amount"]) == (TopUpState.PENDING, _cny(5 * UNIT))
    assert await desk.top_up() == created
    await till.sandbox.decide(str(created["pay_url"]).rsplit("/", 1)[1], is_approved=True)
    path = {"top_up_id": created["id"]}
    assert (await desk.json("GET", "/v1/wallet/topups/{top_up_id}", path=path))["state"] == "succeeded"
    assert (await desk.json("GET", "/v1/wallet"))["available"] == _cny(5 * UNIT)


async def test_a_reused_key_is_unprocessable(desk: Desk) -> None:
    await desk.top_up(5 * UNIT)
    with pytest.raises(Unprocessable) as refusal:
        await desk.top_up(6 * UNIT)
    assert (refusal.value.status, refusal.value.wire_code) == (422, "idempotency_key_reused")


async def test_another_persons_top_up_is_not_found(desk: Desk) -> None:
    created = await desk.top_up()
    with pytest.raises(NotFound):
        await desk.call("GET", "/v1/wallet/topups/{top_up_id}", BEN, path={"top_up_id": created["id"]})


@pytest.mark.parametrize("extra", [{"account": "acc_ben"}, {"state": "succeeded"}])
def test_a_top_up_takes_no_other_fields(extra: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        TopUpBody.model_validate({"amount": _cny(5 * UNIT), **extra})


async def test_a_webhook_is_checked_over_its_raw_bytes(till: Till, desk: Desk) -> None:
    created = await desk.top_up()
    report = await till.sandbox.query(str(created["pay_url"]).rsplit("/", 1)[1])
    headers, body = till.sandbox.notice(report)
    await desk.call("POST", "/v1/payments/sandbox/notify", None, headers=headers, raw=body)
    with pytest.raises(Unauthenticated):
        await desk.call("POST", "/v1/payments/sandbox/notify", None, headers=headers, raw=body + b" ")


async def test_earnings(till: Till, desk: Desk) -> None:
    await till.fund(ANN, 10 * UNIT)
    await till.hold("ses_1", 0, 10 * UNIT)
    await till.wallet.settle(order("ses_1"), charge_micros=5 * UNIT, also=lambda _transaction, _split: None)
    till.receipts.seconds[SessionId("ses_1")] = 100
    assert await desk.json("GET", "/v1/provider/earnings", PIA, query=PageQuery()) == {
        "pending": _cny(4 * UNIT),
        "available": _cny(0),
        "today": _cny(4 * UNIT),
        "items": [
            {
                "session": "ses_1",
                "at": "2026-09-21T14:13:20.000Z",
                "billed_s": 100,
                "charge": _cny(5 * UNIT),
                "fee": _cny(UNIT),
                "earned": _cny(4 * UNIT),
                "available_on": "2026-09-28",
            }
        ],
        "next": None,
    }


async def test_the_page_approves_by_json(
    till: Till, desk: Desk, browser: TestClient[web.Request, web.Application]
) -> None:
    pay_url = str((await desk.top_up())["pay_url"])
    answer = await browser.post(pay_url, json={"outcome": "approve"})
    assert (answer.status, await answer.json()) == (200, {"state": "paid"})
    assert await till.wallet.available(ANN) == 5 * UNIT


async def test_the_page_works_as_a_plain_form(
    till: Till, desk: Desk, browser: TestClient[web.Request, web.Application]
) -> None:
    pay_url = str((await desk.top_up())["pay_url"])
    before = await (await browser.get(pay_url, headers={"Accept-Language": "en-GB"})).text()
    assert '<button class="go" name="outcome" value="approve">Approve</button>' in before
    assert "5.00 CNY" in before
    answer = await browser.post(pay_url, data={"outcome": "decline"})
    after = await answer.text()
    assert (answer.status, answer.method) == (200, "GET")
    assert "<form" not in after
    assert await till.wallet.available(ANN) == 0


async def test_the_page_speaks_chinese_to_a_chinese_browser(
    desk: Desk, browser: TestClient[web.Request, web.Application]
) -> None:
    pay_url = str((await desk.top_up())["pay_url"])
    answer = await browser.get(pay_url, headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert '<html lang="zh-CN">' in await answer.text()
    assert "script" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("body", "status"),
    [('{"outcome": "maybe"}', 400), ("{", 400), ("[]", 400), ('{"outcome": "approve", "x": 1}', 400)],
)
async def test_the_page_refuses_other_decisions(
    desk: Desk, browser: TestClient[web.Request, web.Application], body: str, status: int
) -> None:
    pay_url = str((await desk.top_up())["pay_url"])
    answer = await browser.post(pay_url, data=body, headers={"Content-Type": "application/json"})
    assert answer.status == status


async def test_the_page_of_no_payment_is_not_found(browser: TestClient[web.Request, web.Application]) -> None:
    assert (await browser.get("/sandbox/pay/pay_nothing")).status == 404
    assert (await browser.post("/sandbox/pay/pay_nothing", json={"outcome": "approve"})).status == 404
