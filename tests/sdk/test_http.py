"""The HTTP client, against a server of a few routes."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.sdk.http import HttpClient
from gateway.sdk.problem import ProblemAnswer

pytestmark = pytest.mark.adapter

ACCOUNT = {"id": "acc_1", "nickname": "Ann", "roles": ["client"], "locale": "en", "brief": ""}


class FakeBank:
    """Signs everybody in and decides top-ups on its own hosted page."""

    def __init__(self) -> None:
        self.state = "pending"
        self.polls_until_decided = 2
        self.keys: list[str] = []
        self.is_demo = True
        application = web.Application()
        application.router.add_post("/v1/auth/otp", self.otp)
        application.router.add_post("/v1/auth/otp/verify", self.verify)
        application.router.add_post("/v1/auth/refresh", self.verify)
        application.router.add_post("/v1/auth/tokens", self.tokens)
        application.router.add_get("/v1/me", self.me)
        application.router.add_get("/v1/providers", self.providers)
        application.router.add_get("/v1/wallet", self.wallet)
        application.router.add_post("/v1/wallet/topups", self.topup)
        application.router.add_get("/v1/wallet/topups/{id}", self.poll)
        application.router.add_post("/sandbox/pay/{id}", self.decide)
        application.router.add_post("/nothing", self.nothing)
        self.server = TestServer(application)

    async def otp(self, request: web.Request) -> web.Response:
        return web.json_response({"expires_in_s": 300, "demo_code": "123456" if self.is_demo else None})

    async def verify(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("code", "123456") != "123456":
            problem = {"code": "code_wrong", "title": "Sign in first", "detail": "no", "status": 401}
            return web.json_response(problem, status=401, content_type="application/problem+json")
        return self.signed_in()

    async def tokens(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["X-Api-Key"])
        return self.signed_in()

    async def me(self, request: web.Request) -> web.Response:
        return web.json_response({**ACCOUNT, "seen": request.headers.get("Authorization")})

    async def providers(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [dict(request.query)], "next": None})

    async def wallet(self, request: web.Request) -> web.Response:
        money = {"micros": 7_000_000, "currency": "CNY"}
        return web.json_response({"available": money, "cash": money, "promo": money, "held": money})

    async def topup(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        return web.json_response({"id": "top_1", "state": "pending", "pay_url": "/sandbox/pay/pay_1"})

    async def decide(self, request: web.Request) -> web.Response:
        outcome = (await request.json())["outcome"]
        self.state = "succeeded" if outcome == "approve" else "failed"
        return web.json_response({"state": self.state})

    async def poll(self, request: web.Request) -> web.Response:
        self.polls_until_decided -= 1
        state = self.state if self.polls_until_decided <= 0 else "pending"
        return web.json_response({"id": "top_1", "state": state, "pay_url": None})

    async def nothing(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    def signed_in(self) -> web.Response:
        return web.json_response(
            {
                "access_token": "access-1",
                "refresh_token": "refresh-1",
                "expires_in_s": 900,
                "account": ACCOUNT,
            }
        )


@pytest.fixture
async def bank():
    bank = FakeBank()
    await bank.server.start_server()
    yield bank
    await bank.server.close()


@pytest.fixture
async def http(bank):
    async with HttpClient(str(bank.server.make_url("/"))) as client:
        yield client


async def test_signing_in_keeps_the_tokens_and_sends_the_access_token(http):
    account = await http.sign_in("+8610010000001")
    assert account["id"] == "acc_1"
    assert (await http.me())["seen"] == "Bearer access-1"
    assert (await http.refresh())["id"] == "acc_1"


async def test_a_wrong_code_is_a_problem_with_its_code_and_status(http):
    with pytest.raises(ProblemAnswer) as refused:
        await http.sign_in("+8610010000001", "000000")
    assert (refused.value.code, refused.value.status) == ("code_wrong", 401)


async def test_without_a_demo_code_a_code_must_be_given(bank, http):
    bank.is_demo = False
    with pytest.raises(ProblemAnswer) as refused:
        await http.sign_in("+8610010000001")
    assert refused.value.code == "code_needed"


async def test_an_integrator_mints_with_its_key(bank, http):
    await http.mint("gwk_secret", external_id="u1", nickname="Ann", roles=["client"])
    assert bank.keys == ["gwk_secret"]
    assert http.token == "access-1"


@pytest.mark.parametrize(("outcome", "state"), [("approve", "succeeded"), ("decline", "failed")])
async def test_a_top_up_goes_through_the_hosted_page_and_waits_for_its_end(bank, http, outcome, state):
    order = await http.top_up(5_000_000, outcome=outcome)
    assert order["state"] == state
    assert len(bank.keys) == 1


async def test_pages_and_money_come_as_plain_values(http):
    assert await http.providers(presence="online", limit=5) == [{"presence": "online", "limit": "5"}]
    assert await http.available_micros() == 7_000_000


async def test_an_answer_without_a_body_is_empty(http):
    assert await http.post("/nothing", {}) == {}


async def test_a_refusal_without_a_body_is_still_a_problem(http):
    with pytest.raises(ProblemAnswer) as refused:
        await http.get("/v1/nowhere")
    assert refused.value.status == 404
