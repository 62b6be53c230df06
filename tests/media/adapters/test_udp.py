"""The socket: free ports, taken ports."""

import pytest

from gateway.errors import Unavailable
from gateway.media.adapters.udp import open_socket

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
