"""What a TURN server says to our credentials: a real coturn, and what is told of each fault."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice.turn import create_turn_endpoint

from gateway.clock import NS, SystemClock
from gateway.config import Settings
from gateway.doctor import examine
from gateway.ids import AccountId
from gateway.media.adapters.turn_probe import SKEW_S, TurnFinding, TurnServer, probe, read_url
from gateway.media.path import Address
from gateway.media.turn import TurnSettings, ice_server
from tests.media.turn_server import SECRET, TurnHouse, free_port, turn_server

pytestmark = pytest.mark.adapter

TTL_S = 600
GATEWAY: Address = ("127.0.0.1", 10_000)


@pytest.fixture
async def coturn() -> AsyncIterator[TurnHouse]:
    async with turn_server() as house:
        yield house


async def found(url: str, *, secret: str = SECRET, skew_s: int = 0, peer: Address = GATEWAY) -> TurnFinding:
    """What the probe finds on a machine whose clock is so much ahead."""
    settings = TurnSettings(urls=(url,), secret=secret, ttl_s=TTL_S)
    finding = await probe(settings, url, wall_ns=SystemClock().wall_ns() + skew_s * NS, peers=[peer])
    assert secret not in finding.detail
    return finding


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_server_with_our_secret_is_sound(coturn: TurnHouse, transport: str) -> None:
    finding = await found(coturn.url(transport))

    assert finding.ok, finding.detail
    assert "takes our credentials" in finding.detail


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_wrong_secret_is_told_as_that(coturn: TurnHouse, transport: str) -> None:
    finding = await found(coturn.url(transport), secret="south")

    assert not finding.ok
    assert "turn_secret is not its static-auth-secret" in finding.detail


@pytest.mark.parametrize(
    ("skew_s", "told"),
    [
        (-TTL_S - 2 * SKEW_S, "credentials of 600 s have run out (401)"),
        (-2 * SKEW_S, "this machine's clock is more than 60 s behind"),
        (2 * SKEW_S, "this machine's clock is more than 60 s ahead"),
    ],
)
async def test_clocks_that_differ_are_told_apart_from_a_wrong_secret(
    coturn: TurnHouse, skew_s: int, told: str
) -> None:
    finding = await found(coturn.url(), skew_s=skew_s)

    assert not finding.ok
    assert told in finding.detail
    assert "time service" in finding.detail


async def test_a_server_that_lets_nothing_go_to_the_gateway_is_told() -> None:
    async with turn_server("--denied-peer-ip=192.0.2.0-192.0.2.255") as house:
        finding = await found(house.url(), peer=("192.0.2.7", 10_000))

    assert not finding.ok
    assert "lets nothing go to the gateway at 192.0.2.7" in finding.detail


async def test_a_server_without_a_free_relay_port_is_told() -> None:
    port = free_port(socket.SOCK_DGRAM)
    async with turn_server(f"--min-port={port}", f"--max-port={port}") as house:
        entry = ice_server(
            TurnSettings(urls=(), secret=SECRET), AccountId("acc_1"), wall_ns=SystemClock().wall_ns()
        )
        only, _ = await create_turn_endpoint(
            asyncio.DatagramProtocol,
            ("127.0.0.1", house.port),
            str(entry["username"]),
            str(entry["credential"]),
        )
        finding = await found(house.url())
        only.close()

    assert not finding.ok
    assert "508" in finding.detail


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_port_where_nobody_listens_is_told(transport: str) -> None:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    finding = await found(f"turn:127.0.0.1:{free_port(kind)}?transport={transport}")

    assert not finding.ok
    assert "nothing listens" in finding.detail


async def test_silence_is_told() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        finding = await found(f"turn:127.0.0.1:{silent.getsockname()[1]}")

    assert not finding.ok
    assert "does not answer within 3 s" in finding.detail
    assert "drops UDP" in finding.detail


async def test_a_server_that_hangs_up_is_told() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    finding = await found(f"turn:127.0.0.1:{server.sockets[0].getsockname()[1]}?transport=tcp")
    server.close()
    await server.wait_closed()

    assert not finding.ok
    assert "closed the connection" in finding.detail


async def test_tls_that_fails_is_told() -> None:
    async def answer_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_plainly, "127.0.0.1", 0)
    finding = await found(f"turns:127.0.0.1:{server.sockets[0].getsockname()[1]}")
    server.close()
    await server.wait_closed()

    assert not finding.ok
    assert "fails in TLS" in finding.detail


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("turn:turn.example", TurnServer(host="turn.example", port=3478, transport="udp", is_tls=False)),
        (
            "turn:192.0.2.1:80?transport=tcp",
            TurnServer(host="192.0.2.1", port=80, transport="tcp", is_tls=False),
        ),
        ("turns:turn.example", TurnServer(host="turn.example", port=5349, transport="tcp", is_tls=True)),
        ("turn:[2001:db8::1]:3478", TurnServer(host="2001:db8::1", port=3478, transport="udp", is_tls=False)),
        ("stun:turn.example", None),
        ("turn:turn.example?transport=sctp", None),
        ("https://turn.example", None),
    ],
)
def test_addresses_are_read(url: str, server: TurnServer | None) -> None:
    assert read_url(url) == server


async def test_an_address_that_is_none_is_told() -> None:
    assert "no TURN address" in (await found("turn.example:3478")).detail


async def test_the_doctor_looks_at_every_address(coturn: TurnHouse, tmp_path: Path) -> None:
    settings = Settings(
        environment="demo",
        data_dir=tmp_path,
        http_port=0,
        media_port=0,
        turn_urls=(coturn.url(), f"turn:127.0.0.1:{free_port(socket.SOCK_DGRAM)}"),
        turn_secret=SECRET,
    )

    checks = [check for check in await examine(settings) if check.name == "turn"]

    assert [check.ok for check in checks] == [True, False]
    assert checks[0].detail.startswith(f"{coturn.url()} takes our credentials")
