"""Puts the media plane together: socket, relay, endpoint, service.

Decides nothing but the defaults of what is advertised. Whoever starts the
gateway calls `open_plane` once and closes what it answers.
"""

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from gateway.clock import Clock
from gateway.errors import Unavailable
from gateway.facts import FactSink
from gateway.ids import AccountId
from gateway.media.adapters.endpoint import UdpEndpoint
from gateway.media.adapters.relay_choice import AUTO, Choice, choose, tell
from gateway.media.adapters.udp import open_socket
from gateway.media.ports import Lane
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
    ports: int = 1,
    advertised: Sequence[str] = (),
    clock: Clock,
    sink: FactSink,
    turn: TurnSettings | None = None,
    relay: str = AUTO,
) -> MediaService:
    """A media plane on one UDP port or on several, each with a relay of its own.

    Args:
        host: IP address to bind; `0.0.0.0` or `::` for all.
        port: first UDP port, 0 for free ones (see `MediaService.ports`).
        ports: how many, one after the other; more than one pays where the relay is native.
        advertised: IP addresses of the host candidates; by default `host`.
        clock: the clock that arrivals are stamped with.
        sink: hears the facts about legs.
        turn: TURN servers to hand to apps, if any.
        relay: `auto`, `native` or `python`.

    Raises:
        Unavailable: the port cannot be bound, an address cannot be advertised, or the relay cannot run.
    """
    addresses = candidate_addresses(host, advertised)
    choice = choose(relay, clock)
    tell(choice)
    sockets = _open_sockets(host, port, ports)
    first, *more = [_lane(sock, choice, clock=clock, addresses=addresses) for sock in sockets]

    def ice_servers(account: AccountId) -> list[dict[str, object]]:
        return [] if turn is None else [ice_server(turn, account, wall_ns=clock.wall_ns())]

    return MediaService(
        relay=first.relay,
        endpoint=first.endpoint,
        clock=clock,
        sink=sink,
        ice_servers=ice_servers,
        relay_name=choice.name,
        more=more,
    )


def _open_sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """All or none."""
    with ExitStack() as stack:
        opened = [stack.enter_context(open_socket(host, port + each if port else 0)) for each in range(count)]
        stack.pop_all()
        return opened


def _lane(sock: socket.socket, choice: Choice, *, clock: Clock, addresses: Sequence[str]) -> Lane:
    endpoint = UdpEndpoint(
        sock,
        make_relay=lambda wake: choice.make(sock, clock, wake),
        clock=clock,
        addresses=addresses,
    )
    return Lane(relay=endpoint.relay, endpoint=endpoint)
