"""Whole legs over TCP: the same rules as over UDP, on every kind of address and port."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.clock import ManualClock, SystemClock
from gateway.errors import Unavailable
from gateway.facts import LegConnected, LegMoved
from gateway.ids import SessionId
from gateway.media.adapters.ice_tcp import open_listener
from gateway.media.adapters.plane import open_plane
from gateway.terms import SessionKind, Side
from tests.media.adapters.conftest import SESSION, Call
from tests.media.adapters.relay_bench import TWINS
from tests.media.app import CERTIFICATES, App
from tests.media.facts import Facts
from tests.media.tcp_app import TcpApp, candidate

pytestmark = pytest.mark.adapter


@pytest.fixture(params=TWINS)
async def call(request: pytest.FixtureRequest) -> AsyncIterator[Call]:
    facts = Facts()
    media = await open_plane(
        host="127.0.0.1", port=0, ports=2, clock=SystemClock(), sink=facts, relay=request.param, tcp_port=0
    )
    made = Call(media, facts)
    yield made
    for app in made.apps:
        await app.close()
    for stranger in made.strangers:
        stranger.close()
    await media.close()


def tcp_app(call: Call, certificate: int = 0) -> TcpApp:
    made = TcpApp(CERTIFICATES[certificate])
    call.apps.append(made)
    return made


async def joined(call: Call, app: App, side: Side, session: SessionId = SESSION) -> None:
    before = len(call.facts.of(LegConnected))
    await app.join(await call.media.answer(session, side, SessionKind.VOICE, app.offer()))
    await call.facts.until(LegConnected, before + 1)


@pytest.mark.parametrize("both", [False, True])
async def test_voice_passes_over_tcp_to_an_app_over_udp_or_tcp(call: Call, both: bool) -> None:
    client, provider = tcp_app(call), tcp_app(call, 1) if both else call.app(1)
    await joined(call, client, Side.CLIENT)
    await joined(call, provider, Side.PROVIDER)
    call.media.link(SESSION)

    for _ in range(3):
        await call.undisturbed(client, provider)

    assert call.dropped() == {}
    assert call.media.tcp_events()["accepted"] == 1 + both


async def test_the_app_is_told_its_own_address_and_none_of_the_gateways_inside(call: Call) -> None:
    client = tcp_app(call)
    client.take(await call.answer(client, Side.CLIENT))
    await client.connect()

    answer = await client.check()

    assert answer.attributes["XOR-MAPPED-ADDRESS"] == client.outer


async def test_sessions_on_several_udp_ports_share_one_tcp_port(call: Call) -> None:
    for number in range(4):
        session = SessionId(f"ses_{number}")
        client, provider = tcp_app(call), tcp_app(call, 1)
        await joined(call, client, Side.CLIENT, session)
        await joined(call, provider, Side.PROVIDER, session)
        call.media.link(session)
        await call.undisturbed(client, provider)

    assert call.media.tcp_events()["accepted"] == 8
    assert call.dropped() == {}


async def test_a_call_goes_on_over_tcp_when_the_network_begins_to_block_udp(call: Call) -> None:
    client, provider = await call.connect()
    over_tcp = TcpApp()
    call.apps.append(over_tcp)
    over_tcp.target = candidate(await call.answer(client, Side.CLIENT))
    await over_tcp.connect()
    over_tcp.send(client.binding())
    await call.facts.until(LegMoved)
    provider.speak(2, b"can you hear me now")

    # The keys are the first app's: what comes is the packet that its DTLS opens.
    over_tcp.dtls = client.dtls
    assert (await over_tcp.hear()).payload == b"can you hear me now"


async def test_a_check_with_a_wrong_password_opens_nothing(call: Call) -> None:
    client, provider = await call.connect()
    stranger = TcpApp(CERTIFICATES[2])
    call.apps.append(stranger)
    stranger.target = ("127.0.0.1", call.media.tcp_port or 0)
    await stranger.connect()
    stranger.send(client.binding(pwd="x" * 32))
    await stranger.until_closed()

    await call.undisturbed(client, provider)

    assert call.media.tcp_events()["refused_stranger"] == 1
    assert call.dropped() == {}


async def test_media_of_a_connection_without_keys_stays_out(call: Call) -> None:
    client, provider = await call.connect()
    other = tcp_app(call, 2)
    other.take(await call.media.answer(SessionId("ses_2"), Side.CLIENT, SessionKind.VOICE, other.offer()))
    await other.connect()
    await other.check()
    other.send(b"\x80\x6f" + bytes(40))
    await other.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {"unkeyed": 1}


async def test_a_leg_whose_connection_breaks_comes_back_over_another(call: Call) -> None:
    client, provider = tcp_app(call), call.app(1)
    await joined(call, client, Side.CLIENT)
    await joined(call, provider, Side.PROVIDER)
    call.media.link(SESSION)
    await call.undisturbed(client, provider)
    await client.hang_up()
    await client.connect()
    await client.check()

    await call.undisturbed(client, provider)

    assert call.media.tcp_events()["accepted"] == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::", "0.0.0.0"])
@pytest.mark.parametrize("relay", TWINS)
async def test_every_kind_of_address_takes_connections(host: str, relay: str) -> None:
    advertised = {"::": ("127.0.0.1", "::1"), "0.0.0.0": ("127.0.0.1",)}.get(host, ())
    facts = Facts()
    media = await open_plane(
        host=host, port=0, advertised=advertised, clock=SystemClock(), sink=facts, relay=relay, tcp_port=0
    )
    for number, address in enumerate(advertised or (host,)):
        app = TcpApp(CERTIFICATES[number])
        app.take(await media.answer(SessionId(f"ses_{number}"), Side.CLIENT, SessionKind.VOICE, app.offer()))
        app.target = (address, media.tcp_port or 0)
        await app.connect()
        told = (await app.check()).attributes["XOR-MAPPED-ADDRESS"]
        assert told == app.outer
        assert await app.shake_hands()
        await facts.until(LegConnected, number + 1)
        await app.close()

    await media.close()


async def test_the_answer_names_the_port_with_every_address() -> None:
    media = await open_plane(
        host="127.0.0.1",
        port=0,
        advertised=("203.0.113.5", "2001:db8::5"),
        clock=ManualClock(),
        sink=Facts(),
        tcp_port=0,
    )
    app = App()

    answer = await media.answer(SESSION, Side.CLIENT, SessionKind.VOICE, app.offer())

    for address in ("203.0.113.5", "2001:db8::5"):
        assert f" {address} {media.tcp_port} typ host tcptype passive\r\n" in answer
        assert f" {address} {media.port} typ host\r\n" in answer
    await app.close()
    await media.close()


async def test_without_a_port_no_candidate_is_named() -> None:
    media = await open_plane(host="127.0.0.1", port=0, clock=ManualClock(), sink=Facts())
    app = App()

    assert "tcptype" not in await media.answer(SESSION, Side.CLIENT, SessionKind.VOICE, app.offer())
    assert (media.tcp_port, media.tcp_events()) == (None, {})
    await app.close()
    await media.close()


async def test_a_taken_port_is_refused_where_it_was_asked_for_and_done_without_where_not() -> None:
    taken = open_listener("127.0.0.1", 0)
    port = taken.getsockname()[1]

    with pytest.raises(Unavailable, match="cannot be bound"):
        await open_plane(host="127.0.0.1", port=0, clock=ManualClock(), sink=Facts(), tcp_port=port)
    media = await open_plane(
        host="127.0.0.1", port=0, clock=ManualClock(), sink=Facts(), tcp_port=port, is_tcp_needed=False
    )

    assert media.tcp_port is None
    await media.close()
    taken.close()


async def test_a_closed_plane_leaves_no_task_and_frees_its_tcp_port() -> None:
    before = asyncio.all_tasks()
    media = await open_plane(host="127.0.0.1", port=0, clock=SystemClock(), sink=Facts(), tcp_port=0)
    app = TcpApp()
    app.take(await media.answer(SESSION, Side.CLIENT, SessionKind.VOICE, app.offer()))
    await app.connect()
    await app.check()

    port = media.tcp_port or 0
    await media.close()
    await app.until_closed()
    await app.close()

    assert asyncio.all_tasks() == before
    open_listener("127.0.0.1", port).close()
