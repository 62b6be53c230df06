"""Bad input gets a problem or a counted drop, and the call beside it goes on."""

import asyncio
import contextlib
import json
import random
import socket

import msgpack
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.sdk.problem import ProblemAnswer

pytestmark = pytest.mark.e2e

SEED = 20_26


async def signed_in(url, token, subprotocol="gateway.json"):
    ws = await connect(
        url.replace("http", "ws") + "/v1/socket", subprotocols=[subprotocol], proxy=None, max_size=None
    )
    hello = {"type": "auth", "id": "1", "token": token}
    await ws.send(json.dumps(hello) if subprotocol == "gateway.json" else msgpack.packb(hello))
    await ws.recv()
    return ws


async def code_of(ws, data):
    """The code of the problem that `data` gets, or the close code."""
    try:
        await ws.send(data)
        while True:
            answer = await asyncio.wait_for(ws.recv(), 5)
            body = json.loads(answer) if isinstance(answer, str) else msgpack.unpackb(answer)
            if body["type"] == "problem":
                return body["code"]
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


BAD_TEXT = [
    ("{", "malformed"),
    ("[]", "malformed"),
    ("[" * 200_00, "malformed"),
    ('{"type": "chat.send"}', "malformed"),
    ('{"type": "no.such", "id": "2"}', "unknown_type"),
    ('{"type": "session.accept", "id": "3", "session": "ses_nobody"}', "not_found"),
    ('{"type": "session.accept", "id": "4", "session": 7}', "malformed"),
    ('{"type": "presence.set", "id": "5", "state": "online"}', "forbidden"),
    ('{"type": "tick.ack", "id": "6", "session": "ses_nobody", "tick": 1, "head": "00"}', "not_found"),
    ("x" * 70_000, 4413),
]


async def test_bad_messages_get_a_code_and_the_call_beside_them_goes_on(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    stranger = await stage.stranger()
    for data, expected in BAD_TEXT:
        ws = await signed_in(stage.url, stranger)
        try:
            assert await code_of(ws, data) == expected, data[:60]
        finally:
            await ws.close()
    ws = await signed_in(stage.url, stranger, "gateway.msgpack")
    assert await code_of(ws, b"\xc1\xff\x00") == "malformed"
    assert await code_of(ws, msgpack.packb(["no", "map"])) == "malformed"
    await ws.close()
    foreign = {"type": "session.end", "id": "9", "session": caller.session}
    ws = await signed_in(stage.url, stranger)
    assert await code_of(ws, json.dumps(foreign)) == "not_found"
    await ws.close()

    await caller.until_tick(12)
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())
    receipt = await stage.settled(caller)
    assert receipt["unwitnessed_s"] == 0


async def test_absurd_offers_are_refused_by_the_line_and_leave_the_leg_alone(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    for sdp in ("", "v=0", "v=0\r\n" * 5_000, "m=audio 9 X 0\r\n" * 3, "\x00" * 100):
        with pytest.raises(ProblemAnswer) as refused:
            await caller.signal.request("media.offer", session=caller.session, sdp=sdp)
        assert refused.value.code in ("bad_offer", "malformed")

    heard = called.peer.hearing.voiced_frames
    await caller.until_tick(12)
    assert called.peer.hearing.voiced_frames > heard + 50
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())
    assert (await stage.settled(caller))["unwitnessed_s"] == 0


async def test_datagrams_of_noise_are_counted_and_dropped(stage_with_seconds):
    stage = await stage_with_seconds(120)
    caller, called = await stage.talk()
    chance = random.Random(SEED)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(3_000):
            noise = chance.randbytes(chance.randrange(0, 1_500))
            sock.sendto(noise, ("127.0.0.1", stage.media_port))
            if chance.random() < 0.02:
                await asyncio.sleep(0.005)

    await caller.until_tick(12)
    drops = (await stage.operator.live())["node"]["drops"]
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())
    assert sum(drops.values()) >= 2_500
    assert (await stage.settled(caller))["unwitnessed_s"] == 0


async def test_a_foreign_and_an_expired_token_open_nothing(stage_with_seconds):
    stage = await stage_with_seconds(120)
    for token in ("", "x", "eyJhbGciOiJub25lIn0.e30.", str(stage.client.token)[:-4] + "AAAA"):
        ws = await connect(
            stage.url.replace("http", "ws") + "/v1/socket", subprotocols=["gateway.json"], proxy=None
        )
        await ws.send(json.dumps({"type": "auth", "id": "1", "token": token}))
        await asyncio.wait_for(drained(ws), 10)
        assert ws.close_code == 4401


async def drained(ws):
    """Reads until the socket closes."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in ws:
            pass
