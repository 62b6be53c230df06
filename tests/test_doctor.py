"""What the doctor says about ports and addresses; TURN is in `media/adapters/test_turn_probe.py`."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings
from gateway.doctor import Check, examine
from gateway.media.adapters.udp import SYSCTL, buffer_advice, granted_buffers, open_socket

pytestmark = pytest.mark.adapter


async def told(directory: Path, name: str, **settings: Any) -> Check:
    """The one check of that name."""
    given = {"environment": "demo", "data_dir": directory, "http_port": 0, "media_port": 0, **settings}
    (check,) = [check for check in await examine(Settings(**given)) if check.name == name]
    return check


@pytest.fixture
def taken() -> Iterator[int]:
    """A TCP port that somebody has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_a_taken_tcp_port_is_wrong_where_it_was_asked_for(tmp_path: Path, taken: int) -> None:
    check = await told(tmp_path, "ice_tcp", ice_tcp_port=taken)

    assert not check.ok
    assert f"127.0.0.1:{taken}/tcp cannot be bound" in check.detail


async def test_a_taken_neighbour_of_the_http_port_is_told_and_done_without(
    tmp_path: Path, taken: int
) -> None:
    check = await told(tmp_path, "ice_tcp", http_port=taken - 1)

    assert check.ok
    assert "Calls go without TCP; set ice_tcp_port" in check.detail


async def test_without_a_tcp_port_the_doctor_says_who_is_left_out(tmp_path: Path) -> None:
    check = await told(tmp_path, "ice_tcp", ice_tcp_port=-1)

    assert check.ok
    assert "networks that block UDP" in check.detail


@pytest.mark.parametrize(
    ("host", "advertised", "ok", "words"),
    [
        ("127.0.0.1", (), True, "nobody outside this network reaches them"),
        ("127.0.0.1", ("10.1.2.3",), True, "nobody outside this network reaches them"),
        ("127.0.0.1", ("media.example",), False, "not an IP address to advertise"),
        ("0.0.0.0", ("8.8.8.8", "2001:db8::5"), False, "2001:db8::5 lead nowhere"),
        ("::", ("8.8.8.8", "2001:db8::5"), True, "answers name 8.8.8.8, 2001:db8::5"),
    ],
)
async def test_addresses_that_cannot_be_meant_are_told(
    tmp_path: Path, host: str, advertised: tuple[str, ...], ok: bool, words: str
) -> None:
    check = await told(tmp_path, "addresses", media_host=host, advertised_addresses=advertised)

    assert check.ok == ok
    assert words in check.detail
    assert ("nobody outside" in check.detail) == ("8.8.8.8" not in advertised and ok)


async def test_what_to_type_for_larger_buffers_is_told_as_the_gateway_logs_it(tmp_path: Path) -> None:
    with open_socket("127.0.0.1", 0) as sock:
        advice = buffer_advice(granted_buffers(sock))

    check = await told(tmp_path, "udp_buffer")

    assert check.ok
    assert "kB of receive buffer and " in check.detail
    assert advice in check.detail
    assert any(key in check.detail for key in SYSCTL.values()) == bool(advice)
