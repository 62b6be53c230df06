"""Presence is written a few times a second for all sockets, and never after what was said later."""

import asyncio

import pytest

from gateway.ids import AccountId
from gateway.signaling.adapters import gathering
from gateway.signaling.adapters.gathering import SOCKETS_PER_TURN, Gathering
from gateway.signaling.notice import Pong, PresenceNotice
from gateway.signaling.presence import Presence
from tests.signaling.adapters.socket_stand import standing
from tests.signaling.world import CLIENT

pytestmark = pytest.mark.adapter


class Flushed:
    """A socket that counts how often it was written."""

    def __init__(self) -> None:
        self.times = 0
        self.written = asyncio.Event()

    def flush(self) -> None:
        """Written."""
        self.times += 1
        self.written.set()


async def test_sockets_are_written_together_and_some_in_each_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GATHER_S", 0)
    together, sockets = Gathering(), [Flushed() for _ in range(SOCKETS_PER_TURN + 1)]
    for socket in sockets:
        together.add(socket)
    assert sum(socket.times for socket in sockets) == 0

    seen = []
    while not seen or seen[-1] < len(sockets):
        await asyncio.sleep(0)
        seen.append(sum(socket.times for socket in sockets))

    assert SOCKETS_PER_TURN in seen
    assert all(socket.times == 1 for socket in sockets)


async def test_a_socket_that_gathers_again_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GATHER_S", 0)
    together, socket = Gathering(), Flushed()
    for _ in range(2):
        together.add(socket)
        await asyncio.wait_for(socket.written.wait(), 5)
        socket.written.clear()

    assert socket.times == 2


@pytest.mark.parametrize("subprotocol", ["gateway.json", "gateway.msgpack"])
async def test_what_is_said_after_a_change_of_presence_is_heard_after_it(subprotocol: str) -> None:
    async with standing() as stand:
        socket = await stand.sign_in(subprotocol=subprotocol)
        (connection,) = stand.world.desk.switchboard.of(CLIENT)
        heard = len(socket.unread)

        for state in (Presence.ONLINE, Presence.IN_SESSION):
            connection.send(PresenceNotice(provider_id=AccountId("acc_p"), state=state))
        connection.send(Pong(re="m0", server_time="now"))
        await socket.hear("pong")

        assert [message["state"] for message in socket.unread[heard:]] == ["online", "in_session"]


async def test_a_change_of_presence_is_heard_although_nothing_is_said_after_it() -> None:
    async with standing() as stand:
        socket = await stand.sign_in()
        (connection,) = stand.world.desk.switchboard.of(CLIENT)

        connection.send(PresenceNotice(provider_id=AccountId("acc_p"), state=Presence.ONLINE))

        assert (await socket.hear("presence"))["provider_id"] == "acc_p"
