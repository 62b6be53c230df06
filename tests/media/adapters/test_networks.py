"""Calls over the networks that gateways stand in: IPv6, both families, 1:1 NAT, several interfaces."""

import pytest

from gateway.clock import SystemClock
from gateway.facts import LegConnected
from gateway.media.adapters.plane import open_plane
from gateway.media.service import MediaService
from gateway.terms import Side
from tests.media.adapters.conftest import SESSION, Call
from tests.media.adapters.relay_bench import TWINS
from tests.media.app import CERTIFICATES, App
from tests.media.facts import Facts

pytestmark = [pytest.mark.adapter, pytest.mark.parametrize("relay", TWINS)]

FOUR, SIX = "127.0.0.1", "::1"


async def opened(host: str, relay: str, *advertised: str) -> Call:
    facts = Facts()
    media = await open_plane(
        host=host, port=0, advertised=advertised, clock=SystemClock(), sink=facts, relay=relay
    )
    return Call(media, facts)


async def closed(call: Call) -> None:
    for app in call.apps:
        await app.close()
    await call.media.close()


async def joined(call: Call, side: Side, *, of: str, to: str) -> App:
    """An app on a network of that address's family, whose packets go to the address `to`."""
    app = App(CERTIFICATES[len(call.apps)], host=of)
    call.apps.append(app)
    app.take(await call.answer(app, side))
    app.target = (to, call.media.port)
    before = len(call.facts.of(LegConnected))
    mapped = (await app.check()).attributes["XOR-MAPPED-ADDRESS"]
    assert mapped == app.sock.getsockname()[:2]
    assert await app.shake_hands()
    await call.facts.until(LegConnected, before + 1)
    return app


def families(media: MediaService) -> list[str | None]:
    return [view.family for view in media.legs(SESSION)]


async def test_a_call_over_ipv6(relay: str) -> None:
    call = await opened(SIX, relay)
    client = await joined(call, Side.CLIENT, of=SIX, to=SIX)
    provider = await joined(call, Side.PROVIDER, of=SIX, to=SIX)
    call.media.link(SESSION)

    await call.undisturbed(client, provider)

    assert families(call.media) == ["ipv6", "ipv6"]
    assert call.dropped() == {}
    await closed(call)


async def test_one_socket_for_both_families_lets_an_ipv4_app_talk_with_an_ipv6_app(relay: str) -> None:
    call = await opened("::", relay, FOUR, SIX)
    client = await joined(call, Side.CLIENT, of=FOUR, to=FOUR)
    provider = await joined(call, Side.PROVIDER, of=SIX, to=SIX)
    call.media.link(SESSION)

    await call.undisturbed(client, provider)

    assert families(call.media) == ["ipv4", "ipv6"]
    await closed(call)


async def test_behind_nat_the_answer_names_the_address_outside_and_never_the_one_inside(relay: str) -> None:
    call = await opened(FOUR, relay, "203.0.113.5")
    app = call.app()
    answer = await call.answer(app, Side.CLIENT)

    assert f" 203.0.113.5 {call.media.port} typ host" in answer
    assert "c=IN IP4 203.0.113.5" in answer
    assert FOUR not in answer
    # The NAT's part: what is sent to the address outside arrives at the one inside.
    client = await joined(call, Side.CLIENT, of=FOUR, to=FOUR)
    provider = await joined(call, Side.PROVIDER, of=FOUR, to=FOUR)
    call.media.link(SESSION)
    await call.undisturbed(client, provider)
    await closed(call)


async def test_every_interface_of_a_wildcard_takes_calls(relay: str) -> None:
    call = await opened("0.0.0.0", relay, "127.0.0.1", "127.0.0.2")
    app = call.app()
    answer = await call.answer(app, Side.CLIENT)
    client = await joined(call, Side.CLIENT, of="127.0.0.1", to="127.0.0.1")
    provider = await joined(call, Side.PROVIDER, of="127.0.0.2", to="127.0.0.2")
    call.media.link(SESSION)

    await call.undisturbed(client, provider)

    for address in ("127.0.0.1", "127.0.0.2"):
        assert f" {address} {call.media.port} typ host" in answer
    await closed(call)
