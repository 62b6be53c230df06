"""The socket: free ports, taken ports."""

import select
import socket

import pytest

from gateway.errors import Unavailable
from gateway.media.adapters.udp import dropped_by_kernel, open_socket

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
