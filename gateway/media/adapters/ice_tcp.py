"""ICE-TCP, passive (RFC 6544): the way in for people whose network lets no UDP through.

Decides who may connect, for how long, and how much may wait for a slow reader. A connection whose
first frame is an authentic check of some leg gets a UDP socket of its own on this machine towards
that leg's port, and datagrams pass both ways as they are. So the relay sees one more address, and
every rule of checks, DTLS and SRTP holds; none is here.
Keeps: a stranger costs one descriptor for a few seconds, and is never answered. The bounds are in
`limits.py`, the framing in `tcp_frame.py`, one connection in `ice_tcp_tunnel.py`.
"""

import asyncio
import ipaddress
import resource
import socket
from collections import Counter
from collections.abc import Mapping, Sequence

from gateway.clock import Clock
from gateway.errors import Unavailable
from gateway.limits import (
    ICE_TCP_CHECK_NS,
    ICE_TCP_CONNECTIONS_MAX,
    ICE_TCP_CONNECTIONS_PER_ADDRESS_MAX,
    ICE_TCP_IDLE_NS,
    ICE_TCP_PENDING_MAX,
)
from gateway.media.adapters.ice_tcp_tunnel import Landing, Tunnel, TunnelDrop, TunnelEnd
from gateway.media.adapters.udp import family_of
from gateway.media.path import Address

BACKLOG = 128
SWEEP_S = 1.0
"""Between two looks for connections that are late or idle."""
ACCEPTED = "accepted"
"""Counts connections whose first frame was an authentic check."""
DESCRIPTORS_SHARE = 4
"""One part in so many of the process's descriptors may become connections; each takes two."""


def open_listener(host: str, port: int) -> socket.socket:
    """A listening TCP socket, on `::` for both families; port 0 takes a free one.

    Raises:
        Unavailable: `port_taken`, where the address cannot be bound.
    """
    try:
        return socket.create_server(
            (host, port), family=family_of(host), backlog=BACKLOG, dualstack_ipv6=host == "::"
        )
    except OSError as failure:
        raise Unavailable(
            f"TCP {host}:{port} cannot be bound: {failure}; choose another ice_tcp_port", code="port_taken"
        ) from failure


def connections_max() -> int:
    """How many connections this process can afford."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        return ICE_TCP_CONNECTIONS_MAX
    return min(ICE_TCP_CONNECTIONS_MAX, descriptors // DESCRIPTORS_SHARE)


class IceTcp:
    """`ports.Entrance`: all connections of one listener.

    Args:
        listener: bound and listening; closed with this.
        landings: the UDP ports; a connection goes to the one that vouches for its first check.
        clock: measures lateness and silence.
        most: connections at once.
    """

    def __init__(
        self, listener: socket.socket, landings: Sequence[Landing], *, clock: Clock, most: int | None = None
    ) -> None:
        self.port: int = listener.getsockname()[1]
        """The TCP port."""
        self._listener = listener
        self._landings = landings
        self._clock = clock
        self._most = connections_max() if most is None else most
        self._tunnels: set[Tunnel] = set()
        self._by_origin: Counter[str] = Counter()
        self._pending = 0
        self._events: Counter[str] = Counter(dict.fromkeys((ACCEPTED, *TunnelEnd), 0))
        self._drops: Counter[str] = Counter(dict.fromkeys(TunnelDrop, 0))
        self._server: asyncio.Server | None = None
        self._sweep_handle: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()
        self._is_closed = False

    async def start(self) -> None:
        """Take connections from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Tunnel(self, clock=self._clock), sock=self._listener)
        self._sweep_handle = loop.call_later(SWEEP_S, self._pace)

    def events(self) -> Mapping[str, int]:
        """Connections so far: accepted (their first check was authentic), refused and closed by reason."""
        return dict(self._events)

    def drops(self) -> Mapping[str, int]:
        """Datagrams dropped, by reason."""
        return dict(self._drops)

    async def close(self) -> None:
        """Close every connection and the listener."""
        self._is_closed = True
        if self._sweep_handle is not None:
            self._sweep_handle.cancel()
        if self._server is not None:
            self._server.close()
        self._listener.close()
        for tunnel in list(self._tunnels):
            tunnel.end(TunnelEnd.GATEWAY)
        if self._tunnels:
            await self._emptied.wait()

    def sweep(self) -> None:
        """End what is late with its first check, and what has fallen silent."""
        now_ns = self._clock.monotonic_ns()
        for tunnel in list(self._tunnels):
            if not tunnel.is_through:
                if now_ns - tunnel.opened_at_ns > ICE_TCP_CHECK_NS:
                    tunnel.end(TunnelEnd.LATE)
            elif now_ns - min(tunnel.app_at_ns, tunnel.relay_at_ns) > ICE_TCP_IDLE_NS:
                tunnel.end(TunnelEnd.IDLE)

    def enters(self, tunnel: Tunnel) -> bool:
        """Whether one more connection of that address is taken."""
        if self._is_closed:
            return False
        origin = origin_of(tunnel.outer)
        if (
            len(self._tunnels) >= self._most
            or self._pending >= ICE_TCP_PENDING_MAX
            or self._by_origin[origin] >= ICE_TCP_CONNECTIONS_PER_ADDRESS_MAX
        ):
            self._events[TunnelEnd.FULL] += 1
            return False
        self._tunnels.add(tunnel)
        self._by_origin[origin] += 1
        self._pending += 1
        return True

    def landing_of(self, datagram: bytes) -> Landing | None:
        """Where a connection with that first datagram leads; None for a stranger's."""
        return next((each for each in self._landings if each.vouches(datagram)), None)

    def went_through(self) -> None:
        """A connection showed an authentic check."""
        self._pending -= 1
        self._events[ACCEPTED] += 1

    def ended(self, tunnel: Tunnel, end: TunnelEnd) -> None:
        """A connection that was taken is over."""
        self._events[end] += 1
        self._pending -= not tunnel.is_through

    def left(self, tunnel: Tunnel) -> None:
        """Its socket is gone too."""
        if tunnel not in self._tunnels:
            return
        self._tunnels.remove(tunnel)
        origin = origin_of(tunnel.outer)
        self._by_origin[origin] -= 1
        if not self._by_origin[origin]:
            del self._by_origin[origin]
        if not self._tunnels:
            self._emptied.set()

    def drop(self, reason: TunnelDrop, count: int = 1) -> None:
        """Count datagrams that are not passed on."""
        self._drops[reason] += count

    def _pace(self) -> None:
        self.sweep()
        self._sweep_handle = asyncio.get_running_loop().call_later(SWEEP_S, self._pace)


def origin_of(address: Address) -> str:
    """What connections are counted by: an IPv4 address, or the /64 that an IPv6 one is in."""
    host = ipaddress.ip_address(str(address[0]).partition("%")[0])
    mapped = host.ipv4_mapped if isinstance(host, ipaddress.IPv6Address) else host
    return str(mapped or ipaddress.ip_network((host, 64), strict=False))
