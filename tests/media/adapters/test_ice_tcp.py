"""ICE-TCP alone: who may connect, for how long, and what a slow or a hostile app costs."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.clock import NS, ManualClock
from gateway.errors import Unavailable
from gateway.limits import (
    DATAGRAM_BYTES_MAX,
    ICE_TCP_BEHIND_NS,
    ICE_TCP_CHECK_NS,
    ICE_TCP_CONNECTIONS_PER_ADDRESS_MAX,
    ICE_TCP_FRAMES_PER_S_MAX,
    ICE_TCP_IDLE_NS,
    ICE_TCP_PENDING_MAX,
)
from gateway.media.adapters.ice_tcp import IceTcp, connections_max, open_listener, origin_of
from gateway.media.path import Address
from gateway.media.tcp_frame import Deframer, framed
from tests.media.handset import WAIT_S, bound_socket

pytestmark = pytest.mark.adapter

CHECK = b"\x00\x01 an authentic check"
CONTROL = b"\x00\x01 a later check"
MEDIA = b"\x80\x6f voice"
assert ICE_TCP_FRAMES_PER_S_MAX == 1 + 9 * 111, "used_up() sends what may be sent"


class Port:
    """A relay's UDP port that knows one check."""

    def __init__(self) -> None:
        self.sock = bound_socket()
        self.own_address: Address = self.sock.getsockname()
        self.tunnels: dict[Address, Address] = {}

    def vouches(self, datagram: bytes) -> bool:
        return datagram == CHECK

    def tunnel(self, inner: Address, outer: Address | None) -> None:
        if outer is None:
            del self.tunnels[inner]
        else:
            self.tunnels[inner] = outer

    async def receive(self) -> bytes:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.sock, 4_096), WAIT_S)

    def send(self, datagram: bytes) -> None:
        """To the newest tunnel."""
        self.sock.sendto(datagram, list(self.tunnels)[-1])


class Door:
    """ICE-TCP before one port, with a clock that stands still."""

    def __init__(self, *, most: int | None = None) -> None:
        self.clock = ManualClock()
        self.port = Port()
        self.tcp = IceTcp(open_listener("127.0.0.1", 0), [self.port], clock=self.clock, most=most)
        self.apps: list[Wire] = []

    async def connect(self, *, receive_bytes: int | None = None) -> "Wire":
        sock = socket.socket()
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.tcp.port))
        self.apps.append(Wire(sock))
        return self.apps[-1]

    async def through(self, *, receive_bytes: int | None = None) -> "Wire":
        """A connection that showed its check."""
        app = await self.connect(receive_bytes=receive_bytes)
        await app.send(framed(CHECK))
        assert await self.port.receive() == CHECK
        return app

    def happened(self) -> dict[str, int]:
        """What was counted, without what never was."""
        return {event: count for event, count in self.tcp.events().items() if count}

    async def until(self, name: str, count: int = 1) -> None:
        """Return when that event or drop was counted so often."""
        async with asyncio.timeout(WAIT_S):
            while {**self.tcp.events(), **self.tcp.drops()}[name] < count:  # noqa: ASYNC110 - counters tell nobody
                await asyncio.sleep(0)

    async def close(self) -> None:
        await self.tcp.close()
        for app in self.apps:
            app.sock.close()
        self.port.sock.close()


class Wire:
    """An app's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.outer: Address = sock.getsockname()
        self._deframer = Deframer()
        self._came: list[bytes] = []

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def receive(self) -> bytes:
        """The next datagram; empty at the end of the stream."""
        while not self._came:
            try:
                data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.sock, 65_536), WAIT_S)
            except ConnectionError:
                return b""
            if not data:
                return b""
            self._came += self._deframer.feed(data)
        return self._came.pop(0)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()
    await made.tcp.start()
    yield made
    await made.close()


async def test_datagrams_pass_both_ways_as_they_are(door: Door) -> None:
    app = await door.through()
    await app.send(framed(MEDIA)[:5])
    await app.send(framed(MEDIA)[5:] + framed(CONTROL))
    door.port.send(MEDIA)
    door.port.send(CONTROL)

    assert [await door.port.receive() for _ in range(2)] == [MEDIA, CONTROL]
    assert [await app.receive() for _ in range(2)] == [MEDIA, CONTROL]
    assert list(door.port.tunnels.values()) == [app.outer]
    assert door.happened() == {"accepted": 1}


async def test_a_stranger_is_cut_off_without_an_answer(door: Door) -> None:
    app = await door.connect()
    await app.send(framed(b"\x00\x01 some other check"))

    assert await app.receive() == b""
    assert door.happened() == {"refused_stranger": 1}
    assert door.port.tunnels == {}


async def test_a_browser_that_took_the_port_for_a_web_server_is_cut_off(door: Door) -> None:
    app = await door.connect()
    await app.send(b"GET / HTTP/1.1\r\n\r\n")

    assert await app.receive() == b""
    assert door.happened() == {"refused_stranger": 1}


async def test_who_says_nothing_is_cut_off_in_time(door: Door) -> None:
    app = await door.connect()
    await app.send(framed(CHECK)[:7])
    await door.through()
    door.clock.advance(ns=ICE_TCP_CHECK_NS + 1)
    door.tcp.sweep()

    assert await app.receive() == b""
    assert door.happened() == {"accepted": 1, "refused_late": 1}


@pytest.mark.parametrize("speaker", ["app", "relay"])
async def test_a_connection_that_one_end_has_left_is_closed(door: Door, speaker: str) -> None:
    app = await door.through()
    door.clock.advance(ns=ICE_TCP_IDLE_NS + 1)
    if speaker == "app":
        await app.send(framed(CONTROL))
        await door.port.receive()
    else:
        door.port.send(CONTROL)
        await app.receive()
    door.tcp.sweep()

    assert await app.receive() == b""
    assert door.happened() == {"accepted": 1, "closed_idle": 1}


async def test_a_connection_that_both_ends_use_stays(door: Door) -> None:
    app = await door.through()
    for _ in range(3):
        door.clock.advance(ns=ICE_TCP_IDLE_NS - 1)
        await app.send(framed(CONTROL))
        assert await door.port.receive() == CONTROL
        door.port.send(CONTROL)
        assert await app.receive() == CONTROL
        door.tcp.sweep()

    assert door.happened() == {"accepted": 1}


async def test_a_frame_longer_than_a_datagram_ends_the_connection(door: Door) -> None:
    app = await door.through()
    await app.send(framed(bytes(DATAGRAM_BYTES_MAX + 1)))

    assert await app.receive() == b""
    assert door.happened() == {"accepted": 1, "closed_broken": 1}


async def test_an_app_that_leaves_leaves_nothing_behind(door: Door) -> None:
    app, silent = await door.through(), await door.connect()
    for each in (app, silent):
        each.sock.close()
    await door.until("closed_app")
    await door.until("refused_left")

    assert door.port.tunnels == {}
    assert door.happened() == {"accepted": 1, "closed_app": 1, "refused_left": 1}


async def test_connections_of_one_address_are_bounded_and_a_place_comes_free(door: Door) -> None:
    apps = [await door.through() for _ in range(ICE_TCP_CONNECTIONS_PER_ADDRESS_MAX)]
    one_more = await door.connect()

    assert await one_more.receive() == b""
    apps[0].sock.close()
    await door.until("closed_app")
    await door.through()
    assert door.happened() == {"accepted": len(apps) + 1, "closed_app": 1, "refused_full": 1}


async def test_connections_are_bounded_in_all() -> None:
    door = Door(most=2)
    await door.tcp.start()
    for _ in range(2):
        await door.through()
    one_more = await door.connect()

    assert await one_more.receive() == b""
    assert door.happened() == {"accepted": 2, "refused_full": 1}
    await door.close()


def test_a_process_with_few_descriptors_takes_fewer_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (400, 400))

    assert connections_max() == 100


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (("2001:db8::5:6", 1, 0, 0), "2001:db8::/64"),
        (("2001:db8::ffff:1:2:3", 9, 0, 0), "2001:db8:0:0::/64"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::/64"),
    ],
)
def test_whose_connections_are_counted_together(address: Address, origin: str) -> None:
    assert origin_of(address) == origin.replace(":0:0::", "::")


async def flooded(door: Door, app: "Wire", datagram: bytes, *, until: str) -> None:
    """Send towards an app that does not read until that event or drop is counted."""
    async with asyncio.timeout(WAIT_S):
        while not {**door.tcp.events(), **door.tcp.drops()}[until]:
            for _ in range(20):
                door.port.send(datagram)
            await asyncio.sleep(0)


async def test_a_slow_reader_misses_media_and_gets_every_check(door: Door) -> None:
    app = await door.through(receive_bytes=4_096)
    await flooded(door, app, MEDIA + bytes(1_200), until="tcp_behind")
    door.port.send(CONTROL)
    while (came := await app.receive()) != CONTROL:
        assert came.startswith(MEDIA)

    assert door.happened() == {"accepted": 1}


async def test_a_reader_that_was_behind_for_long_gets_media_again_once_it_has_caught_up(door: Door) -> None:
    app = await door.through(receive_bytes=4_096)
    await flooded(door, app, MEDIA + bytes(1_200), until="tcp_behind")
    door.clock.advance(ns=ICE_TCP_BEHIND_NS + 1)
    door.port.send(CONTROL)
    while await app.receive() != CONTROL:
        pass
    door.port.send(MEDIA)

    assert await app.receive() == MEDIA


async def test_a_reader_that_is_hopelessly_behind_is_let_go(door: Door) -> None:
    app = await door.through(receive_bytes=4_096)
    await flooded(door, app, CONTROL + bytes(1_200), until="closed_slow")

    assert door.happened() == {"accepted": 1, "closed_slow": 1}
    assert door.port.tunnels == {}


async def used_up(door: Door, app: Wire) -> None:
    """Send all that may be sent without time passing; the check was the first of it."""
    for _ in range(9):
        await app.send(framed(MEDIA) * 111)
        assert {await door.port.receive() for _ in range(111)} == {MEDIA}


async def test_an_app_that_sends_too_fast_is_throttled_and_counted(door: Door) -> None:
    app = await door.through()
    await used_up(door, app)
    await app.send(framed(MEDIA) * 25 + framed(b"") * 25)
    await door.until("tcp_throttled", 50)
    door.clock.advance(ns=NS)
    await app.send(framed(CONTROL))

    assert await door.port.receive() == CONTROL
    assert door.tcp.drops()["tcp_throttled"] == 50
    assert door.happened() == {"accepted": 1}


async def test_an_app_that_goes_on_sending_too_fast_is_let_go(door: Door) -> None:
    app = await door.through()
    await used_up(door, app)
    with contextlib.suppress(ConnectionError):
        await app.send(framed(b"") * 400_000)
    await door.until("closed_flood")

    assert door.happened() == {"accepted": 1, "closed_flood": 1}
    assert door.port.tunnels == {}


async def test_strangers_cannot_take_every_place() -> None:
    door = Door()
    await door.tcp.start()
    opened = []
    loop = asyncio.get_running_loop()
    for each in range(ICE_TCP_PENDING_MAX + 1):
        sock = socket.socket()
        sock.setblocking(False)
        # Every few from another address, so that it is not the bound of one address that is met.
        sock.bind((f"127.0.1.{each // 8 + 1}", 0))
        await loop.sock_connect(sock, ("127.0.0.1", door.tcp.port))
        opened.append(sock)
    await door.until("refused_full")

    assert door.happened() == {"refused_full": 1}
    for sock in opened:
        sock.close()
    await door.close()


async def test_a_taken_port_is_refused_with_a_sentence() -> None:
    listener = open_listener("127.0.0.1", 0)

    with pytest.raises(Unavailable, match="choose another ice_tcp_port"):
        open_listener("127.0.0.1", listener.getsockname()[1])
    listener.close()


async def test_closing_ends_every_connection() -> None:
    door = Door()
    await door.tcp.start()
    app, silent = await door.through(), await door.connect()
    await door.tcp.close()

    assert [await app.receive(), await silent.receive()] == [b"", b""]
    assert door.port.tunnels == {}
    await door.close()
