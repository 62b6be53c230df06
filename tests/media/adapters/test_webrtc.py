"""Whole WebRTC clients through the plane: voice with a codec, text on the data channel."""

import asyncio
import struct
from collections.abc import AsyncIterator

import aioice.ice
import google_crc32c
import pytest
import uvloop
from aiortc import (
    AudioStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG as FIRST

from gateway.clock import SystemClock
from gateway.facts import LegAudible, LegClosed, LegConnected
from gateway.ids import SessionId
from gateway.media.adapters.data_channel import BUFFERED_BYTES_MAX
from gateway.media.adapters.plane import open_plane
from gateway.media.service import MediaService
from gateway.terms import SessionKind, Side
from tests.media.facts import Facts
from tests.media.handset import WAIT_S

pytestmark = pytest.mark.adapter

SESSION = SessionId("ses_1")


class Client:
    """One WebRTC client."""

    def __init__(self, media: MediaService, side: Side, *, label: str = "gateway") -> None:
        self.side = side
        self.frames: asyncio.Queue[object] = asyncio.Queue()
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.open = asyncio.Event()
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.on("track", self._hear)
        self.channel = self.add_channel(label)
        self._media = media
        self._tasks: list[asyncio.Task[None]] = []

    def add_channel(self, label: str) -> RTCDataChannel:
        channel = self.connection.createDataChannel(label)
        channel.on("open", self.open.set)
        channel.on("message", self.messages.put_nowait)
        return channel

    async def join(self, kind: SessionKind) -> None:
        if kind is SessionKind.VOICE:
            self.connection.addTrack(AudioStreamTrack())
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await self._media.answer(SESSION, self.side, kind, self.connection.localDescription.sdp)
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    async def opened(self) -> None:
        await asyncio.wait_for(self.open.wait(), WAIT_S)

    async def read(self) -> str:
        return await asyncio.wait_for(self.messages.get(), WAIT_S)

    async def hear(self) -> object:
        return await asyncio.wait_for(self.frames.get(), WAIT_S)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.connection.close()

    def _hear(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._pull(track)))

    async def _pull(self, track: MediaStreamTrack) -> None:
        while True:
            self.frames.put_nowait(await track.recv())


class Room:
    """A plane and its clients."""

    def __init__(self, media: MediaService, facts: Facts) -> None:
        self.media = media
        self.facts = facts
        self.texts: asyncio.Queue[tuple[Side, str]] = asyncio.Queue()
        self.clients: list[Client] = []
        media.on_text = lambda _, side, text: self.texts.put_nowait((side, text))

    async def join(self, side: Side, kind: SessionKind, *, label: str = "gateway") -> Client:
        client = Client(self.media, side, label=label)
        self.clients.append(client)
        await client.join(kind)
        return client

    async def text(self) -> tuple[Side, str]:
        return await asyncio.wait_for(self.texts.get(), WAIT_S)


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    # The library leaves loopback out of its host candidates.
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    facts = Facts()
    media = await open_plane(host="127.0.0.1", port=0, clock=SystemClock(), sink=facts)
    made = Room(media, facts)
    yield made
    for client in made.clients:
        await client.close()
    await media.close()


async def test_two_clients_hear_each_other(room: Room) -> None:
    client = await room.join(Side.CLIENT, SessionKind.VOICE)
    provider = await room.join(Side.PROVIDER, SessionKind.VOICE)
    room.media.link(SESSION)

    await client.hear()
    await provider.hear()

    await room.facts.until(LegAudible, 2)
    first, second = room.media.evidence()
    assert min(first.rtp_forwarded, second.rtp_forwarded) > 0
    assert first.rtp_span > 0
    assert not any(room.media.drops().values())


async def test_text_runs_beside_the_voice_both_ways(room: Room) -> None:
    client = await room.join(Side.CLIENT, SessionKind.VOICE)
    await client.opened()
    client.channel.send("hello, 你好")

    assert await room.text() == (Side.CLIENT, "hello, 你好")
    assert room.media.send_text(SESSION, Side.CLIENT, "heard")
    assert await client.read() == "heard"


async def test_a_text_session_needs_no_microphone(room: Room) -> None:
    client = await room.join(Side.CLIENT, SessionKind.TEXT)
    provider = await room.join(Side.PROVIDER, SessionKind.TEXT)
    await client.opened()
    await provider.opened()
    for number in range(50):
        client.channel.send(f"line {number}")

    assert [await room.text() for _ in range(50)] == [(Side.CLIENT, f"line {n}") for n in range(50)]
    first, _ = room.media.evidence()
    assert (first.connected, first.rtp_packets) == (True, 0)
    assert first.sctp_last_ns > 0


async def test_only_the_gateways_channel_is_listened_to(room: Room) -> None:
    client = await room.join(Side.CLIENT, SessionKind.TEXT, label="other")
    await client.opened()
    client.open.clear()
    channel = client.add_channel("gateway")
    await client.opened()
    channel.send("for you")

    assert await room.text() == (Side.CLIENT, "for you")
    assert room.media.drops()["data_channel_refused"] == 1


async def test_binary_messages_are_refused(room: Room) -> None:
    client = await room.join(Side.CLIENT, SessionKind.TEXT)
    await client.opened()
    client.channel.send(b"\x00\x01")
    client.channel.send("text")

    assert await room.text() == (Side.CLIENT, "text")
    assert room.media.drops()["data_channel_refused"] == 1


async def test_text_is_refused_when_too_much_waits(room: Room) -> None:
    client = await room.join(Side.CLIENT, SessionKind.TEXT)
    await client.opened()
    line = "x" * 32_000

    # Nothing leaves while the loop is not given its turn, so the buffer only grows.
    taken = [room.media.send_text(SESSION, Side.CLIENT, line) for _ in range(20)]

    assert taken[0]
    assert not taken[-1]
    assert sum(taken) * len(line) <= BUFFERED_BYTES_MAX + len(line)


async def test_text_over_what_the_app_takes_is_refused(room: Room) -> None:
    client = await room.join(Side.CLIENT, SessionKind.TEXT)
    await client.opened()

    assert not room.media.send_text(SESSION, Side.CLIENT, "x" * 300_000)


async def test_text_before_the_channel_is_refused(room: Room) -> None:
    await room.join(Side.CLIENT, SessionKind.VOICE)

    assert not room.media.send_text(SESSION, Side.CLIENT, "too early")


def association_packet(body: bytes, *, tag: int = 0) -> bytes:
    """An SCTP packet with a good checksum; without a `tag` it is nobody's."""
    head = struct.pack("!HHI", 5_000, 5_000, tag)
    checksum = google_crc32c.value(head + bytes(4) + body)
    return head + struct.pack("<I", checksum) + body


INIT = struct.pack("!BBHIIHHI", 1, 0, 20, 7, 65_536, 1, 1, 1)
SCTP_NOISE = {
    "noise": b"\x00" * 40,
    "a chunk of no length": b"\x00\x00\x00\x00" * 4,
    "a chunk beyond the end": b"\x00\x00\xff\xff" + bytes(12),
    "a parameter of no length": struct.pack("!BBHIIHHII", 1, 0, 24, 7, 65_536, 1, 1, 1, 0),
    "an endless heartbeat": b"\x04\x00\x00\x08\x00\x01\x00\x00",
    "two beginnings": INIT + INIT,
}


@pytest.mark.parametrize("name", SCTP_NOISE)
async def test_malformed_sctp_does_not_end_the_channel(room: Room, name: str) -> None:
    client = await room.join(Side.CLIENT, SessionKind.TEXT)
    await client.opened()
    assert client.connection.sctp is not None
    await client.connection.sctp.transport._send_data(association_packet(SCTP_NOISE[name]))
    client.channel.send("still here")

    assert await room.text() == (Side.CLIENT, "still here")
    assert room.media.drops()["sctp_malformed"] == 1


FRAGMENTS = {
    "messages without an end": lambda at: (at, 1),
    "numbers far ahead": lambda at: (2 * at + 2, 1),
    "streams never heard of again": lambda at: (at, 100 + at),
}
"""Number after the association's own, and stream, of the fragment at a place."""


@pytest.mark.parametrize("name", FRAGMENTS)
async def test_an_app_that_piles_up_what_it_never_ends_loses_its_leg_alone(room: Room, name: str) -> None:
    provider = await room.join(Side.PROVIDER, SessionKind.TEXT)
    client = await room.join(Side.CLIENT, SessionKind.TEXT)
    await client.opened()
    await provider.opened()
    sctp = client.connection.sctp
    assert sctp is not None
    for packet in range(10):
        body = b""
        for at in range(40 * packet, 40 * packet + 40):
            number, stream = FRAGMENTS[name](at)
            tsn = (sctp._local_tsn + number) % 2**32
            body += struct.pack("!BBHIHHI", 0, FIRST, 20, tsn, stream, 0, 51) + b"part"
        await sctp.transport._send_data(association_packet(body, tag=sctp._remote_verification_tag))
    closed = await room.facts.until(LegClosed)
    provider.channel.send("still here")

    assert closed.side is Side.CLIENT
    assert await room.text() == (Side.PROVIDER, "still here")


async def test_too_many_channels_close_the_leg_alone(room: Room) -> None:
    provider = await room.join(Side.PROVIDER, SessionKind.TEXT)
    client = await room.join(Side.CLIENT, SessionKind.TEXT)
    await client.opened()
    await provider.opened()
    for number in range(20):
        client.add_channel(f"flood {number}")
    provider.channel.send("still here")

    assert await room.text() == (Side.PROVIDER, "still here")
    closed = await room.facts.until(LegClosed)
    assert closed.side is Side.CLIENT
    assert [view.side for view in room.media.legs()] == [Side.PROVIDER]


def test_the_plane_runs_on_uvloop_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])

    async def connect() -> tuple[Side, str]:
        facts = Facts()
        media = await open_plane(host="127.0.0.1", port=0, clock=SystemClock(), sink=facts)
        room = Room(media, facts)
        client = await room.join(Side.CLIENT, SessionKind.VOICE)
        await facts.until(LegConnected)
        await facts.until(LegAudible)
        await client.opened()
        client.channel.send("by uvloop")
        heard = await room.text()
        await client.close()
        await media.close()
        return heard

    assert uvloop.run(connect()) == (Side.CLIENT, "by uvloop")
