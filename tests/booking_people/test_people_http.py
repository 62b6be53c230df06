from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.booking.adapters.people_http import routes
from gateway.booking.people.seed import DEMO_PEOPLE
from gateway.http.access import ROLES_OF
from gateway.http.route import Access, Route
from gateway.http.server import build_application
from gateway.ids import AccountId, CountingIdSource
from gateway.terms import Role
from tests.booking_people.bench import PHONE, Bench

pytestmark = pytest.mark.adapter

Client = TestClient[web.Request, web.Application]


def routes_of(bench: Bench) -> list[Route]:
    return routes(
        people=bench.people, sign_in=bench.sign_in, integrators=bench.integrators, catalogue=bench.catalogue
    )


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[Client]:
    application = build_application(
        routes_of(bench),
        tokens=bench.tokens,
        api_keys=bench.integrators,
        clock=bench.clock,
        ids=CountingIdSource(),
    )
    async with TestClient(TestServer(application)) as opened:
        yield opened


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def token_for(bench: Bench, role: Role) -> dict[str, str]:
    return bearer(bench.tokens.mint(AccountId("acc_x"), frozenset({role})).text)


async def body(answer: Any) -> Any:
    return await answer.json(content_type=None)


async def test_a_person_signs_in_reads_its_account_changes_it_and_refreshes(
    bench: Bench, client: Client
) -> None:
    asked = await client.post("/v1/auth/otp", json={"phone": PHONE})
    assert await body(asked) == {"expires_in_s": 300, "demo_code": None}

    signed_in = await body(
        await client.post("/v1/auth/otp/verify", json={"phone": PHONE, "code": bench.outbox.code})
    )
    assert set(signed_in) == {"access_token", "refresh_token", "expires_in_s", "account"}
    me = await body(await client.get("/v1/me", headers=bearer(signed_in["access_token"])))
    assert me == signed_in["account"]
    assert set(me) == {"id", "nickname", "brief", "roles", "locale"}
    assert me["roles"] == ["client"]

    changed = await body(
        await client.patch(
            "/v1/me",
            json={"nickname": " 小满 ", "locale": "en"},
            headers=bearer(signed_in["access_token"]),
        )
    )
    assert (changed["nickname"], changed["locale"]) == ("小满", "en")

    refreshed = await client.post("/v1/auth/refresh", json={"refresh_token": signed_in["refresh_token"]})
    assert (await body(refreshed))["account"] == changed


@pytest.mark.parametrize(
    ("path", "sent", "status", "code"),
    [
        ("/v1/auth/otp", {"phone": "12"}, 422, "phone_invalid"),
        ("/v1/auth/otp", {"phone": ""}, 422, "bad_fields"),
        ("/v1/auth/otp", {"phone": 8610000000001}, 422, "bad_fields"),
        ("/v1/auth/otp/verify", {"phone": PHONE, "code": "12345"}, 422, "bad_fields"),
        ("/v1/auth/otp/verify", {"phone": PHONE, "code": "１２３４５６"}, 422, "bad_fields"),
        ("/v1/auth/otp/verify", {"phone": PHONE, "code": "123456"}, 401, "code_expired"),
        ("/v1/auth/refresh", {"refresh_token": "made-up"}, 401, "refresh_refused"),
        ("/v1/auth/refresh", {}, 422, "bad_fields"),
    ],
)
async def test_what_cannot_sign_in_is_told_why(
    client: Client, path: str, sent: dict[str, Any], status: int, code: str
) -> None:
    answer = await client.post(path, json=sent)

    assert (answer.status, (await body(answer))["code"]) == (status, code)


async def test_asking_too_soon_says_when_to_come_back(client: Client) -> None:
    await client.post("/v1/auth/otp", json={"phone": PHONE})
    answer = await client.post("/v1/auth/otp", json={"phone": PHONE})

    assert (answer.status, answer.headers["Retry-After"]) == (429, "30")


async def test_an_integrator_mints_a_token_its_user_signs_in_with(bench: Bench, client: Client) -> None:
    key = {"X-Api-Key": await bench.integrators.make_key("shop", label="k")}
    wanted = {"external_id": "u1", "nickname": "Ann", "roles": ["client"], "ttl_s": 600}

    minted = await body(await client.post("/v1/auth/tokens", json=wanted, headers=key))
    me = await client.get("/v1/me", headers=bearer(minted["access_token"]))
    bound = await body(await client.post("/v1/auth/tokens", json=wanted | {"session": "ses_1"}, headers=key))
    beyond = await client.get("/v1/me", headers=bearer(bound["access_token"]))

    assert minted["expires_in_s"] == 600
    assert (await body(me))["id"] == minted["account"]["id"] == bound["account"]["id"]
    assert (beyond.status, (await body(beyond))["code"]) == (403, "outside_session")
    mistakes: list[dict[str, object]] = [
        {"roles": ["operator"]},
        {"roles": []},
        {"ttl_s": 10**6},
        {"nickname": " "},
        {"admin": True},
    ]
    for wrong in mistakes:
        answer = await client.post("/v1/auth/tokens", json=wanted | wrong, headers=key)
        assert answer.status == 422


async def test_the_catalogue_is_open_and_goes_by_pages(bench: Bench, client: Client) -> None:
    people = await bench.people.seed(DEMO_PEOPLE, currency="CNY")
    bench.presences.states[people[5].account.id] = "online"

    first = await body(await client.get("/v1/providers?limit=3"))
    second = await body(await client.get(f"/v1/providers?limit=3&cursor={first['next']}"))
    online = await body(await client.get("/v1/providers?presence=online"))
    one = await body(await client.get(f"/v1/providers/{people[5].account.id}"))

    assert [len(page["items"]) for page in (first, second, online)] == [3, 2, 1]
    assert (second["next"], online["next"]) == (None, None)
    assert one == online["items"][0]
    assert set(one) == {"id", "nickname", "brief", "presence", "offers"}
    voice = one["offers"][0]
    assert set(voice) == {"kind", "tariff", "tariff_hash", "price_micros_per_minute", "currency"}
    assert (voice["kind"], voice["price_micros_per_minute"], voice["currency"]) == ("voice", 5_000_000, "CNY")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/providers/acc_none", 404, "not_found"),
        ("/v1/providers?cursor=zzz", 400, "bad_cursor"),
        ("/v1/providers?presence=asleep", 422, "bad_fields"),
        ("/v1/providers?limit=0", 422, "bad_fields"),
    ],
)
async def test_what_is_not_in_the_catalogue_is_refused(
    client: Client, path: str, status: int, code: str
) -> None:
    answer = await client.get(path)

    assert (answer.status, (await body(answer))["code"]) == (status, code)


async def test_a_quote_is_for_clients_and_in_money(bench: Bench, client: Client) -> None:
    people = await bench.people.seed(DEMO_PEOPLE, currency="CNY")
    asker, provider = people[0].account.id, people[4].account.id
    bench.balances.micros[asker] = 100
    wanted = {"provider_id": provider, "kind": "voice", "seconds": 30}
    client_token = bearer(bench.tokens.mint(asker, frozenset({Role.CLIENT})).text)

    quote = await body(await client.post("/v1/quotes", json=wanted, headers=client_token))
    unknown = await client.post("/v1/quotes", json=wanted | {"provider_id": "acc_none"}, headers=client_token)
    negative = await client.post("/v1/quotes", json=wanted | {"seconds": -1}, headers=client_token)

    assert set(quote) == {"tariff", "tariff_hash", "hold", "cost", "lines", "affordable_s"}
    assert quote["cost"] == {"micros": 30, "currency": "CNY"}
    assert quote["lines"][1] == {
        "code": "time",
        "quantity": 30,
        "amount": {"micros": 30, "currency": "CNY"},
    }
    assert quote["affordable_s"] == 100
    assert (unknown.status, negative.status) == (404, 422)


async def test_every_route_admits_exactly_the_roles_of_its_access(bench: Bench, client: Client) -> None:
    for route in routes_of(bench):
        path = route.path.replace("{provider_id}", "acc_none")
        for role in Role:
            answer = await client.request(route.method, path, headers=token_for(bench, role))
            is_shut_out = answer.status in {401, 403} and (await body(answer))["code"] in {
                "wrong_role",
                "unauthenticated",
            }
            is_public = route.access is Access.PUBLIC
            is_bearers = role in ROLES_OF[route.access] and route.access is not Access.INTEGRATOR
            assert is_shut_out != (is_public or is_bearers), (route.path, role)
        nobody = await client.request(route.method, path)
        assert (nobody.status == 401) == (route.access is not Access.PUBLIC), route.path


async def test_the_reference_names_every_route(bench: Bench, client: Client) -> None:
    document = await body(await client.get("/openapi.json"))
    page = await (await client.get("/docs")).text()

    for route in routes_of(bench):
        assert route.method.lower() in document["paths"][route.path]
        assert route.path in page
