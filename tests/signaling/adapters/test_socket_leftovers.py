"""A socket that has gone is gone from memory too, however it went."""

import pytest
from aiohttp.web import WebSocketResponse

from gateway.signaling.adapters.socket_connection import SocketConnection
from tests.leftovers import collector_off, left_over, there_are
from tests.signaling.adapters.socket_stand import standing

pytestmark = pytest.mark.adapter
TYPES = (SocketConnection, WebSocketResponse)


@pytest.mark.parametrize("is_polite", [True, False])
async def test_a_socket_that_left_leaves_nothing_for_the_collector(is_polite: bool) -> None:
    async with standing() as stand, collector_off():
        others = there_are(*TYPES)
        socket = await stand.sign_in()
        with_it = there_are(*TYPES)

        if is_polite:
            await socket.connection.close()
        else:
            socket.connection.transport.abort()

        assert with_it == others + len(TYPES)
        assert await left_over(*TYPES, of_use=others) == 0
