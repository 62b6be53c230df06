"""The socket: free ports, taken ports, buffers, and the addresses that lead to it."""

import select
import socket

import pytest

from gateway.errors import Unavailable
from gateway.media.adapters.udp import (
    BUFFER_BYTES,
    buffer_advice,
    dropped_by_kernel,
    granted_buffers,
    interface_addresses,
    open_socket,
    own_address,
    reachable,
)

pytestmark = pytest.mark.adapter


def test_port_zero_takes_a_free_one() -> None:
    sock = open_socket("127.0.0.1", 0)

    assert sock.getsockname()[1] > 0
    assert not sock.getblocking()
    sock.close()


def test_a_taken_port_is_refused_with_a_sentence() -> None:
    sock = open_socket("127.0.0.1", 0)

    with pytest.raises(Unavailable, match="cannot be bound") as refusal:
        open_socket("127.0.0.1", sock.getsockname()[1])

    assert refusal.value.wire_code == "port_taken"
    sock.close()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Unavailable):
        open_socket("192.0.2.1", 0)


def test_what_the_kernel_throws_away_because_the_queue_is_full_is_counted() -> None:
    with open_socket("127.0.0.1", 0) as sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sender.sendto(b"one that fits", sock.getsockname())
        assert dropped_by_kernel(sock) == 0

        for _ in range(200):
            sender.sendto(bytes(1_000), sock.getsockname())
        taken = 0
        while select.select([sock], [], [], 0)[0]:
            sock.recv(2_048)
            taken += 1

        assert taken < 201
        assert dropped_by_kernel(sock) == 201 - taken
    assert dropped_by_kernel(sock) == 0


@pytest.mark.parametrize(
    ("granted", "advice"),
    [
        ({"receive": BUFFER_BYTES, "send": BUFFER_BYTES}, ""),
        (
            {"receive": 212_992, "send": 212_992},
            f"sysctl -w net.core.rmem_max={BUFFER_BYTES} net.core.wmem_max={BUFFER_BYTES}",
        ),
        ({"receive": 212_992, "send": BUFFER_BYTES}, f"sysctl -w net.core.rmem_max={BUFFER_BYTES}"),
        ({"receive": BUFFER_BYTES, "send": 1}, f"sysctl -w net.core.wmem_max={BUFFER_BYTES}"),
    ],
)
def test_what_to_set_is_said_where_the_kernel_gives_less(granted: dict[str, int], advice: str) -> None:
    assert buffer_advice(granted) == advice


def test_small_buffers_are_said_with_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    sock = open_socket("127.0.0.1", 0)
    advice = buffer_advice(granted_buffers(sock))
    sock.close()
    assert ("udp_buffers_small" in capsys.readouterr().out) == bool(advice)


def test_more_than_the_usual_buffer_is_asked_for() -> None:
    usual, asked = socket.socket(type=socket.SOCK_DGRAM), open_socket("127.0.0.1", 0)
    assert granted_buffers(asked)["receive"] >= min(granted_buffers(usual)["receive"], BUFFER_BYTES)
    usual.close()
    asked.close()


def test_addresses_that_lead_nowhere_are_not_told() -> None:
    found = ["192.0.2.2", "127.0.0.1", "169.254.3.4", "::1", "fe80::1%eth0", "fd00::2", "2001:DB8::5"]
    assert reachable(found) == ("192.0.2.2", "fd00::2", "2001:db8::5")
    assert reachable(["127.0.0.1", "fe80::1"]) == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "203.0.113.5"])
def test_a_bound_address_is_the_only_one(host: str) -> None:
    assert interface_addresses(host) == (host,)


@pytest.mark.parametrize(
    ("host", "reached_at"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "::1"), ("::", "::1")],
)
def test_this_machine_reaches_the_socket(host: str, reached_at: str) -> None:
    sock = open_socket(host, 0)
    address = own_address(sock)
    sender = socket.socket(sock.family, socket.SOCK_DGRAM)
    sender.sendto(b"word", address)
    assert address == (reached_at, sock.getsockname()[1])
    assert sock.recv(10) == b"word"
    sender.close()
    sock.close()
