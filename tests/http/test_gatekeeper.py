import pytest

from gateway.clock import ManualClock
from gateway.http.route import Access, Call
from gateway.http.server import ServerSettings
from tests.http.stand import bearer, echo, route, served

pytestmark = pytest.mark.adapter

CALLERS = {
    "nobody": {},
    "client": bearer("client"),
    "provider": bearer("provider"),
    "operator": bearer("operator"),
    "bearer-integrator": bearer("integrator"),
    "forged": bearer("forged"),
    "basic": {"Authorization": "Basic Y2xpZW50"},
    "api-key": {"X-Api-Key": "key"},
    "wrong-api-key": {"X-Api-Key": "guess"},
}
ADMITTED = {
    Access.PUBLIC: set(CALLERS),
    Access.SIGNED_IN: {"client", "provider", "operator"},
    Access.CLIENT: {"client"},
    Access.PROVIDER: {"provider"},
    Access.OPERATOR: {"operator"},
    Access.INTEGRATOR: {"api-key"},
}


@pytest.mark.parametrize("access", Access)
async def test_only_those_whom_the_table_admits_get_through(access: Access) -> None:
    statuses = {}
    async with served([route("/v1/door", access)]) as client:
        for caller, headers in CALLERS.items():
            answer = await client.get("/v1/door", headers=headers)
            statuses[caller] = answer.status
            if answer.status == 401:
                assert answer.headers["WWW-Authenticate"] == "Bearer"

    assert {caller for caller, status in statuses.items() if status == 204} == ADMITTED[access]
    assert set(statuses.values()) <= {204, 401, 403}
    if access is not Access.PUBLIC:
        assert statuses["nobody"] == statuses["forged"] == statuses["basic"] == 401


async def test_a_token_for_one_session_opens_no_other() -> None:
    doors = [
        route("/v1/sessions/{session_id}/end", Access.SIGNED_IN, method="POST"),
        route("/v1/wallet/topups", Access.CLIENT, method="POST"),
        route("/v1/wallet", Access.CLIENT),
    ]
    async with served(doors) as client:
        own = await client.post("/v1/sessions/ses_1/end", headers=bearer("one-session"))
        other = await client.post("/v1/sessions/ses_2/end", headers=bearer("one-session"))
        topup = await client.post("/v1/wallet/topups", headers=bearer("one-session"))
        wallet = await client.get("/v1/wallet", headers=bearer("one-session"))

    assert (own.status, other.status, topup.status, wallet.status) == (204, 403, 403, 403)


# How often


async def test_every_answer_says_how_many_calls_are_left_and_the_last_is_refused() -> None:
    clock = ManualClock()
    async with served(
        [route("/v1/quiet")], settings=ServerSettings(rate_per_minute=2), clock=clock
    ) as client:
        answers = [await client.get("/v1/quiet") for _ in range(3)]
        clock.advance(seconds=30)
        later = await client.get("/v1/quiet")

    assert [answer.status for answer in answers] == [204, 204, 429]
    assert [answer.headers["RateLimit"] for answer in answers] == [
        '"default";r=1;t=0',
        '"default";r=0;t=30',
        '"default";r=0;t=30',
    ]
    assert answers[2].headers["RateLimit-Policy"] == '"default";q=2;w=60'
    assert answers[2].headers["Retry-After"] == "30"
    assert later.status == 204


async def test_accounts_behind_one_address_do_not_share_a_bucket() -> None:
    settings = ServerSettings(rate_per_minute=1)
    async with served([route("/v1/door", Access.SIGNED_IN)], settings=settings) as client:
        first = await client.get("/v1/door", headers=bearer("client"))
        second = await client.get("/v1/door", headers=bearer("provider"))
        again = await client.get("/v1/door", headers=bearer("client"))

    assert (first.status, second.status, again.status) == (204, 204, 429)


async def test_a_route_with_a_rate_of_its_own_has_a_bucket_of_its_own() -> None:
    dear = echo([], rate_per_minute=1)
    async with served([dear, route("/v1/quiet")]) as client:
        first = await client.post("/v1/echo/a", json={"word": "a"})
        second = await client.post("/v1/echo/b", json={"word": "a"})
        other = await client.get("/v1/quiet")

    assert (first.status, second.status, other.status) == (200, 429, 204)
    assert second.headers["RateLimit-Policy"] == '"post-v1-echo-name";q=1;w=60'


async def test_an_address_that_keeps_guessing_tokens_is_shut_out_for_a_while() -> None:
    clock = ManualClock()
    async with served([route("/v1/door", Access.CLIENT)], clock=clock) as client:
        guesses = [(await client.get("/v1/door", headers=bearer("guess"))).status for _ in range(61)]
        right = await client.get("/v1/door", headers=bearer("client"))
        clock.advance(seconds=2)
        later = await client.get("/v1/door", headers=bearer("client"))

    assert guesses == [401] * 60 + [429]
    assert (right.status, later.status) == (429, 204)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "10.0.0.1", "10.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
async def test_the_address_is_the_one_a_trusted_proxy_saw(proxies: int, forwarded: str, remote: str) -> None:
    heard: list[Call] = []
    async with served([echo(heard)], settings=ServerSettings(proxies=proxies)) as client:
        await client.post("/v1/echo/a", json={"word": "a"}, headers={"X-Forwarded-For": forwarded})

    assert heard[0].remote == remote
