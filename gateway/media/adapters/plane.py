"""Puts the media plane together: socket, relay, endpoint, service.

Decides nothing but the defaults of what is advertised. Whoever starts the
gateway calls `open_plane` once for each UDP port and closes what it answers.
"""

import ipaddress
import socket
from collections.abc import Sequence

from gateway.clock import Clock
from gateway.errors import Unavailable
from gateway.facts import FactSink
from gateway.ids import AccountId
from gateway.media.adapters.endpoint import UdpEndpoint
from gateway.media.adapters.relay_python import PythonRelay
from gateway.media.adapters.udp import open_socket
from gateway.media.service import MediaService
from gateway.media.turn import TurnSettings, ice_server


def candidate_addresses(host: str, advertised: Sequence[str]) -> tuple[str, ...]:
    """What answers name as host candidates; a wildcard with nothing advertised names loopback.

    Raises:
        Unavailable: `bad_address`, where one is not an IP address.
    """
    named = tuple(advertised) or ({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host),)  # noqa: S104 not a bind
    try:
        return tuple(str(ipaddress.ip_address(address)) for address in named)
    except ValueError as failure:
        raise Unavailable(f"not an IP address to advertise: {failure}", code="bad_address") from failure


async def open_plane(
    *,
    host: str,
    port: int,
    advertised: Sequence[str] = (),
    clock: Clock,
    sink: FactSink,
    turn: TurnSettings | None = None,
) -> MediaService:
    """A media plane on one UDP port.

    Args:
        host: IP address to bind; `0.0.0.0` or `::` for all.
        port: UDP port, 0 for a free one (see `MediaService.port`).
        advertised: IP addresses of the host candidates; by default `host`.
        clock: the clock that arrivals are stamped with.
        sink: hears the facts about legs.
        turn: TURN servers to hand to apps, if any.

    Raises:
        Unavailable: the port cannot be bound or an address cannot be advertised.
    """
    addresses = candidate_addresses(host, advertised)
    sock: socket.socket = open_socket(host, port)
    endpoint = UdpEndpoint(
        sock,
        make_relay=lambda wake: PythonRelay(sock, clock=clock, wake=wake),
        clock=clock,
        addresses=addresses,
    )

    def ice_servers(account: AccountId) -> list[dict[str, object]]:
        return [] if turn is None else [ice_server(turn, account, wall_ns=clock.wall_ns())]

    return MediaService(
        relay=endpoint.relay, endpoint=endpoint, clock=clock, sink=sink, ice_servers=ice_servers
    )
