"""The signalling client, against a scripted gateway."""

import asyncio

import pytest

from gateway.sdk.codec import Subprotocol
from gateway.sdk.event import Presence, Ringing, Tick, Welcome
from gateway.sdk.problem import NothingCame, ProblemAnswer, SocketLost
from gateway.sdk.signal import SignalClient

from .fake_gateway import SESSION, FakeGateway

pytestmark = pytest.mark.adapter


@pytest.fixture
async def fake():
    async with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
async def client(fake):
    async with signed_in(fake) as client:
        yield client


class signed_in:  # noqa: N801 - reads as what it gives
    """A client that has authenticated."""

    def __init__(self, fake: FakeGateway, **options: object) -> None:
        self._fake = fake
        self._client = SignalClient(fake.url, **options)

    async def __aenter__(self) -> SignalClient:
        await self._client.connect()
        await self._client.auth("token-1")
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


@pytest.mark.parametrize("subprotocol", list(Subprotocol))
async def test_both_subprotocols_carry_the_same_messages(fake, subprotocol):
    async with signed_in(fake, subprotocol=subprotocol) as client:
        assert client.welcome is not None
        assert client.welcome.resume_token == "resume-1"
        answer = await client.request("presence.set", state="online")
        assert answer["type"] == "ok"
        await fake.push("presence", provider_id="acc_2", state="online")
        seen = await client.wait(Presence)
        assert (seen.provider_id, seen.state) == ("acc_2", "online")


async def test_a_refusal_is_raised_with_its_code(fake, client):
    fake.refusals["session.invite"] = "insufficient_funds"
    with pytest.raises(ProblemAnswer) as refused:
        await client.request("session.invite", provider_id="acc_2", kind="voice", tariff_hash="t1")
    assert refused.value.code == "insufficient_funds"


async def test_a_refused_token_is_raised_with_its_code(fake):
    fake.refusals["auth"] = "unauthenticated"
    client = SignalClient(fake.url)
    await client.connect()
    with pytest.raises(ProblemAnswer) as refused:
        await client.auth("stale")
    await client.close()
    assert refused.value.code == "unauthenticated"


async def test_a_socket_goes_on_with_a_fresh_token(fake, client):
    await client.renew("token-2")
    assert [auth["token"] for auth in fake.auths] == ["token-1", "token-2"]
    assert client.welcome.resume_token == "resume-2"


async def test_nobody_listening_is_a_lost_socket():
    client = SignalClient("http://127.0.0.1:1")
    with pytest.raises(SocketLost):
        await client.connect()


async def test_an_event_that_came_before_it_was_waited_for_is_not_missed(fake, client):
    await fake.ring()
    await client.request("ping")
    ringing = await client.wait("session.ringing", session=SESSION)
    assert isinstance(ringing, Ringing)
    assert ringing.about == SESSION


async def test_waiting_in_vain_says_what_came_instead(fake, client):
    await fake.ring()
    await client.request("ping")
    with pytest.raises(NothingCame, match=r"no Tick .* waiting: session\.ringing"):
        await client.wait(Tick, timeout_s=0.01)


async def test_an_event_of_another_shape_is_kept_aside_and_named(fake, client):
    await fake.push("tick", session=SESSION, tick="many")
    with pytest.raises(NothingCame, match="unreadable"):
        await client.wait(Tick, timeout_s=0.2)
    assert len(client.unreadable) == 1


async def test_an_event_of_an_unknown_type_is_still_an_event(fake, client):
    await fake.push("weather", session=SESSION, sky="blue")
    event = await client.wait("weather", session=SESSION)
    assert event.model_extra["sky"] == "blue"


async def test_listeners_hear_every_event_in_order(fake, client):
    heard: list[str] = []
    client.listen(lambda event: heard.append(event.type))
    await fake.ring()
    await fake.push("weather")
    await client.wait("weather")
    assert heard == ["session.ringing", "weather"]


async def test_events_nobody_waits_for_can_be_walked_through(fake, client):
    await fake.ring()
    await fake.push("weather")
    walk = client.events()
    assert [(await anext(walk)).type, (await anext(walk)).type] == ["session.ringing", "weather"]
    await walk.aclose()


async def test_a_lost_socket_comes_back_with_its_resume_token(fake):
    async with signed_in(fake, is_resuming=True) as client:
        client.drop()
        welcome = await client.wait(Welcome)
        assert fake.auths[1]["resume"] == "resume-1"
        assert [session.id for session in welcome.sessions] == [SESSION]
        assert (await client.request("ping"))["type"] == "pong"


async def test_a_lost_socket_that_may_not_come_back_tells_whoever_waits(fake, client):
    waiting = asyncio.create_task(client.wait(Tick))
    await client.request("ping")
    client.drop()
    with pytest.raises(SocketLost):
        await waiting
    with pytest.raises(SocketLost):
        await client.request("ping")


async def test_a_request_without_an_answer_fails_when_the_socket_goes(fake, client):
    asking = asyncio.create_task(client.request("silence"))
    await client.request("ping")
    client.drop()
    with pytest.raises(SocketLost):
        await asking


async def test_a_socket_closed_as_replaced_does_not_come_back(fake):
    async with signed_in(fake, is_resuming=True) as client:
        await fake.sockets[0].close(code=4409, message=b"replaced")
        with pytest.raises(SocketLost) as lost:
            await client.wait(Tick)
        assert lost.value.code == 4409
        assert len(fake.auths) == 1


async def test_closing_fails_what_still_waits_and_leaves_nothing_unheard(fake):
    async with signed_in(fake) as client:
        asking = asyncio.create_task(client.request("silence"))
        waiting = asyncio.create_task(client.wait(Tick))
        await client.request("ping")
    for task in (asking, waiting):
        with pytest.raises(SocketLost):
            await task
