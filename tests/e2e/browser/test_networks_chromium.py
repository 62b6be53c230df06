"""Two real Chromium pages on networks that let UDP, only TCP, or only a TURN server through."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway import app, selftest
from gateway.sdk.http import Body
from gateway.sdk.receipt import owed_micros, problems_of
from tests.media.turn_server import SECRET, turn_server

from .stage import MICROS_PER_SECOND, browsed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TALK_S = 6


@asynccontextmanager
async def house(directory: Path, **settings: Any) -> AsyncIterator[app.Gateway]:
    """A gateway on loopback with a few settings changed."""
    people = selftest.people(
        1, price_micros_per_minute=60 * MICROS_PER_SECOND, wallet_micros=selftest.WALLET_MICROS
    )
    opening = app.rehearsal(directory, people=people)
    gateway = await app.start(replace(opening, settings=replace(opening.settings, **settings)))
    try:
        yield gateway
    finally:
        await gateway.close()


async def called(gateway: app.Gateway, tmp_path: Path, network: str) -> Body:
    """A call through the pages on that network: audible both ways, and billed for what it lasted."""
    seen = await browsed(
        gateway.http_url, tmp_path / "shots", network=network, talk_s=TALK_S, chat=False, ops=False
    )
    for person in ("client", "provider"):
        assert seen[person]["energy_after"] > seen[person]["energy_before"]
        assert seen[person]["ticks"] >= TALK_S
    receipt = seen["client"]["receipt"]
    assert problems_of(receipt) == []
    assert receipt["billed_s"] >= TALK_S - 1
    assert receipt["charge_micros"] == owed_micros(receipt["tariff"], receipt["billed_s"] + receipt["free_s"])
    return seen


async def test_over_udp(tmp_path):
    async with house(tmp_path / "house") as gateway:
        seen = await called(gateway, tmp_path, "udp")

    for person in ("client", "provider"):
        path = seen[person]["path"]
        assert (path["remote_protocol"], path["remote_port"]) == ("udp", gateway.media_port)


async def test_over_tcp_where_the_network_blocks_udp(tmp_path):
    async with house(tmp_path / "house") as gateway:
        seen = await called(gateway, tmp_path, "tcp")

    for person in ("client", "provider"):
        path = seen[person]["path"]
        assert (path["local_protocol"], path["remote_protocol"]) == ("tcp", "tcp")
        assert path["remote_port"] == gateway.tcp_port


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_over_a_turn_server(tmp_path, transport):
    async with (
        turn_server() as turn,
        house(tmp_path / "house", turn_urls=(turn.url(transport),), turn_secret=SECRET) as gateway,
    ):
        seen = await called(gateway, tmp_path, "relay")

    for person in ("client", "provider"):
        path = seen[person]["path"]
        assert (path["local"], path["relay_protocol"]) == ("relay", transport)
        assert path["remote_port"] == gateway.media_port
