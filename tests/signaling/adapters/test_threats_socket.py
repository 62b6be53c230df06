"""Sockets that nobody signs in on cannot keep others out."""

import json

import pytest
from websockets.exceptions import InvalidStatus

from gateway.signaling.adapters import socket_server
from tests.signaling.adapters.socket_stand import Stand, standing

pytestmark = pytest.mark.adapter

ROOM = 3


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_server, "UNKNOWN_SOCKETS_PER_ADDRESS_MAX", ROOM)


async def refusal(stand: Stand) -> dict[str, object]:
    with pytest.raises(InvalidStatus) as refused:
        await stand.open()
    assert refused.value.response.status_code == 429
    assert int(refused.value.response.headers["Retry-After"]) == 5
    return dict(json.loads(refused.value.response.body))


async def test_one_address_has_few_sockets_before_sign_in() -> None:
    async with standing() as stand:
        for _ in range(ROOM):
            await stand.open()

        assert (await refusal(stand))["code"] == "too_many_requests"


async def test_sockets_that_signed_in_are_not_counted() -> None:
    async with standing() as stand:
        for _ in range(2 * ROOM):
            await stand.sign_in()

        assert len(stand.server) == 2 * ROOM


async def test_a_socket_that_leaves_makes_room() -> None:
    async with standing() as stand:
        sockets = [await stand.open() for _ in range(ROOM)]
        await refusal(stand)
        await sockets[0].ask("ping")
        await sockets[0].closed()

        assert (await (await stand.sign_in()).ask("ping"))["type"] == "pong"
