"""One ICE-TCP connection: frames of the app on one side, datagrams of the relay on the other.

Decides when it is over, what a slow reader misses, and how fast an app may send. Who may connect at
all is `ice_tcp.py`'s; what a datagram means is the relay's and the endpoint's.
Keeps: no datagram passes before an authentic check; what is dropped for a slow reader is media, whole
packets of it, so that checks and reports still arrive; nothing waits without bound.
"""

import asyncio
import contextlib
import socket
from enum import StrEnum
from typing import Protocol, cast

from gateway.clock import Clock
from gateway.limits import (
    DATAGRAM_BYTES_MAX,
    ICE_TCP_BEHIND_NS,
    ICE_TCP_FRAMES_PER_S_MAX,
    ICE_TCP_UNSENT_BYTES_MAX,
)
from gateway.media.adapters.udp import family_of
from gateway.media.demux import Kind, classify
from gateway.media.path import Address
from gateway.media.tcp_frame import Deframer, framed
from gateway.media.throttle import Throttle

READS_PER_WAKE = 64
"""Datagrams passed on before others get their turn."""
NOT_SENT_BYTES = 8 * 1024
"""What the kernel may hold that is not yet on its way (TCP_NOTSENT_LOWAT): under 2 s of voice."""
READ_BYTES = 8 * 1024
"""Read at once; what one connection may cost before others get their turn."""
BREATH_S = 0.05
"""How long nothing is read from an app that sends too fast."""
FLOODS_MAX = 10
"""An app that sends too fast so often is let go."""


class TunnelEnd(StrEnum):
    """Why a connection is over; the `refused` ones never led anywhere."""

    FULL = "refused_full"
    """There are as many as there may be: in all, of its address, or without a check yet."""
    STRANGER = "refused_stranger"
    """Its first frame was no authentic check."""
    LATE = "refused_late"
    """No check came in time."""
    LEFT = "refused_left"
    """The app went before its first check."""
    APP = "closed_app"
    """The app closed it, or its network did."""
    IDLE = "closed_idle"
    """One of both ends fell silent."""
    BROKEN = "closed_broken"
    """A frame longer than any datagram."""
    FLOOD = "closed_flood"
    """It sent too fast again and again."""
    SLOW = "closed_slow"
    """Too much waited for its reader."""
    GATEWAY = "closed_gateway"
    """The gateway closes."""


class TunnelDrop(StrEnum):
    """Why a datagram did not pass."""

    BEHIND = "tcp_behind"
    """Media for a reader that is too slow."""
    THROTTLED = "tcp_throttled"
    """More than an app may send."""
    REFUSED = "tcp_refused"
    """The kernel did not take it towards the relay."""


class Landing(Protocol):
    """A UDP port that connections may lead to."""

    @property
    def own_address(self) -> Address:
        """Where this machine reaches the port."""
        ...

    def vouches(self, datagram: bytes) -> bool:
        """Whether it is an authentic check of one of the port's legs."""
        ...

    def tunnel(self, inner: Address, outer: Address | None) -> None:
        """What comes from `inner` is of somebody at `outer`; None ends that."""
        ...


class Keeper(Protocol):
    """Who keeps all connections."""

    def enters(self, tunnel: "Tunnel") -> bool:
        """Whether one more connection of that address is taken."""
        ...

    def landing_of(self, datagram: bytes) -> Landing | None:
        """Where a connection with that first datagram leads; None for a stranger's."""
        ...

    def went_through(self) -> None:
        """A connection showed an authentic check."""
        ...

    def ended(self, tunnel: "Tunnel", end: TunnelEnd) -> None:
        """A connection that was taken is over."""
        ...

    def left(self, tunnel: "Tunnel") -> None:
        """Its socket is gone too."""
        ...

    def drop(self, reason: TunnelDrop, count: int = 1) -> None:
        """Count datagrams that are not passed on."""
        ...


class Tunnel(asyncio.BufferedProtocol):
    """One connection, from the accept to its end."""

    def __init__(self, keeper: Keeper, *, clock: Clock) -> None:
        self.outer: Address = ()
        """Where the app is."""
        self.is_through = False
        """Whether an authentic check came."""
        self.opened_at_ns = clock.monotonic_ns()
        self.app_at_ns = self.relay_at_ns = self.opened_at_ns
        """When either end was last heard."""
        self._keeper = keeper
        self._now_ns = clock.monotonic_ns
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(READ_BYTES)
        self._deframer = Deframer()
        self._throttle = Throttle(per_s=ICE_TCP_FRAMES_PER_S_MAX, burst=ICE_TCP_FRAMES_PER_S_MAX)
        self._landing: Landing | None = None
        self._inner: socket.socket | None = None
        self._inner_name: Address = ()
        self._level_at_ns = self.opened_at_ns
        """When nothing waited for the reader last."""
        self._breath: asyncio.TimerHandle | None = None
        self._floods = 0
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or drop it at once."""
        # uvloop's transports are none of asyncio's classes, though they do the same.
        self._transport = cast("asyncio.Transport", transport)
        self.outer = transport.get_extra_info("peername") or ("0.0.0.0", 0)  # noqa: S104 - gone already
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOT_SENT_BYTES)
        if not self._keeper.enters(self):
            self._is_over = True
            self._transport.abort()

    def get_buffer(self, _sizehint: int) -> bytearray:
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what the app sent."""
        if self._is_over:
            return
        now_ns = self._now_ns()
        datagrams = self._deframer.feed(bytes(memoryview(self._buffer)[:nbytes]))
        for at, datagram in enumerate(datagrams):
            if not self._throttle.admits(now_ns):
                self._flooded(len(datagrams) - at)
                break
            if datagram and not self._passed(datagram, now_ns):
                return
        if self._deframer.is_broken:
            self.end(TunnelEnd.BROKEN if self.is_through else TunnelEnd.STRANGER)

    def connection_lost(self, _reason: Exception | None) -> None:
        """The TCP socket is gone."""
        self.end(TunnelEnd.APP)
        self._keeper.left(self)

    def end(self, why: TunnelEnd) -> None:
        """Let go of both sockets; the first reason counts."""
        if self._is_over:
            return
        self._is_over = True
        if why is TunnelEnd.APP and not self.is_through:
            why = TunnelEnd.LEFT
        self._keeper.ended(self, why)
        if self._breath is not None:
            self._breath.cancel()
        if self._inner is not None and self._landing is not None:
            self._landing.tunnel(self._inner_name, None)
            self._loop.remove_reader(self._inner.fileno())
            self._inner.close()
        if self._transport is not None:
            self._transport.abort()

    def _passed(self, datagram: bytes, now_ns: int) -> bool:
        """Pass one datagram on, or count why not; False where it ended the connection."""
        inner = self._inner or self._gone_through(datagram)
        if inner is None:
            return False
        self.app_at_ns = now_ns
        try:
            inner.send(datagram)
        except OSError:
            self._keeper.drop(TunnelDrop.REFUSED)
        return True

    def _gone_through(self, datagram: bytes) -> socket.socket | None:
        """The socket towards the relay, opened for an authentic check; None ends the connection."""
        landing = self._keeper.landing_of(datagram)
        if landing is None:
            self.end(TunnelEnd.STRANGER)
            return None
        try:
            inner = connected(landing.own_address)
        except OSError:
            self.end(TunnelEnd.FULL)
            return None
        self._landing, self._inner, self._inner_name = landing, inner, inner.getsockname()
        landing.tunnel(self._inner_name, self.outer)
        self._loop.add_reader(inner.fileno(), self._readable)
        self._keeper.went_through()
        self.is_through = True
        return inner

    def _flooded(self, count: int) -> None:
        """Let TCP itself slow the app down; one that does not learn is let go."""
        self._keeper.drop(TunnelDrop.THROTTLED, count)
        self._floods += 1
        if self._floods > FLOODS_MAX:
            self.end(TunnelEnd.FLOOD)
        elif self._breath is None and self._transport is not None:
            self._transport.pause_reading()
            self._breath = self._loop.call_later(BREATH_S, self._resume)

    def _resume(self) -> None:
        self._breath = None
        if self._transport is not None and not self._is_over:
            self._transport.resume_reading()

    def _readable(self) -> None:
        """Pass on what the relay sent."""
        assert self._inner is not None
        assert self._transport is not None
        now_ns = self._now_ns()
        waiting = self._transport.get_write_buffer_size()
        if not waiting:
            self._level_at_ns = now_ns
        is_behind = now_ns - self._level_at_ns > ICE_TCP_BEHIND_NS
        frames: list[bytes] = []
        for _ in range(READS_PER_WAKE):
            try:
                datagram = self._inner.recv(DATAGRAM_BYTES_MAX)
            except OSError:
                # Nothing more waits, or the relay's port refused an earlier send.
                break
            self.relay_at_ns = now_ns
            if (is_behind or waiting > ICE_TCP_UNSENT_BYTES_MAX) and is_media(datagram):
                self._keeper.drop(TunnelDrop.BEHIND)
                continue
            frames.append(framed(datagram))
            waiting += len(frames[-1])
        if waiting > 2 * ICE_TCP_UNSENT_BYTES_MAX:
            self.end(TunnelEnd.SLOW)
        elif frames:
            self._transport.write(b"".join(frames))


def connected(address: Address) -> socket.socket:
    """A UDP socket of this machine's that reaches that address and nobody else."""
    sock = socket.socket(family_of(str(address[0])), socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def is_media(datagram: bytes) -> bool:
    """Whether it is a voice or video packet, which is worth nothing when it is late."""
    return len(datagram) > 1 and classify(datagram[0], datagram[1]) is Kind.RTP
