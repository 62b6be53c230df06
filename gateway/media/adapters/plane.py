"""Puts the media plane together: sockets, relays, endpoints, the way in over TCP, service.

Decides nothing but the defaults of what is advertised, and whether a call may
do without TCP. Whoever starts the gateway calls `open_plane` once and closes
what it answers.
Keeps: where one socket cannot be had, none stays open.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import structlog

from gateway.clock import Clock
from gateway.errors import Unavailable
from gateway.facts import FactSink
from gateway.ids import AccountId
from gateway.media.adapters.endpoint import UdpEndpoint
from gateway.media.adapters.ice_tcp import IceTcp, open_listener
from gateway.media.adapters.relay_choice import AUTO, Choice, choose, tell
from gateway.media.adapters.udp import interface_addresses, open_socket
from gateway.media.ports import Lane
from gateway.media.service import MediaService
from gateway.media.turn import TurnSettings, ice_server

CANDIDATES_MAX = 8
"""Addresses in one answer; each costs every app a few checks."""

_log = structlog.get_logger()


def candidate_addresses(
    host: str,
    advertised: Sequence[str],
    *,
    interfaces: Callable[[str], Sequence[str]] = interface_addresses,
) -> tuple[str, ...]:
    """What answers name as host candidates: what is advertised, or else what `host` is reached by.

    Raises:
        Unavailable: `bad_address`, where one is not an IP address.
    """
    named = tuple(advertised) or interfaces(host)
    try:
        return tuple(dict.fromkeys(str(ipaddress.ip_address(each)) for each in named))[:CANDIDATES_MAX]
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
    tcp_port: int | None = None,
    is_tcp_needed: bool = True,
) -> MediaService:
    """A media plane on one UDP port or on several, each with a relay of its own.

    Args:
        host: IP address to bind; `0.0.0.0` or `::` for all.
        port: first UDP port, 0 for free ones (see `MediaService.ports`).
        ports: how many, one after the other; more than one pays where the relay is native.
        advertised: IP addresses of the host candidates; by default `host`, or every interface's.
        clock: the clock that arrivals are stamped with.
        sink: hears the facts about legs.
        turn: TURN servers to hand to apps, if any.
        relay: `auto`, `native` or `python`.
        tcp_port: TCP port of ICE-TCP, 0 for a free one; None goes without.
        is_tcp_needed: whether a taken `tcp_port` is refused; otherwise it is said, and calls go without.

    Raises:
        Unavailable: a port cannot be bound, an address cannot be advertised, or the relay cannot run.
    """
    addresses = candidate_addresses(host, advertised)
    choice = choose(relay, clock)
    tell(choice)
    sockets, listener = _open_sockets(host, port, ports, tcp_port=tcp_port, is_tcp_needed=is_tcp_needed)
    found_port = None if listener is None else listener.getsockname()[1]
    lanes = [_lane(sock, choice, clock=clock, addresses=addresses, tcp_port=found_port) for sock in sockets]
    entrance = None
    if listener is not None:
        entrance = IceTcp(listener, [endpoint for _, endpoint in lanes], clock=clock)
        await entrance.start()
    first, *more = (lane for lane, _ in lanes)
    _log.info("media_addresses", addresses=addresses, tcp_port=found_port)

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
        entrance=entrance,
    )


def _open_sockets(
    host: str, port: int, count: int, *, tcp_port: int | None, is_tcp_needed: bool
) -> tuple[list[socket.socket], socket.socket | None]:
    """All or none: the UDP sockets, and the TCP listener where there is to be one."""
    with ExitStack() as stack:
        opened = [stack.enter_context(open_socket(host, port + each if port else 0)) for each in range(count)]
        listener = _open_listener(host, tcp_port, is_needed=is_tcp_needed)
        stack.pop_all()
        return opened, listener


def _open_listener(host: str, port: int | None, *, is_needed: bool) -> socket.socket | None:
    if port is None:
        return None
    try:
        return open_listener(host, port)
    except Unavailable as failure:
        if is_needed:
            raise
        _log.warning("ice_tcp_off", port=port, why=failure.detail)
        return None


def _lane(
    sock: socket.socket, choice: Choice, *, clock: Clock, addresses: Sequence[str], tcp_port: int | None
) -> tuple[Lane, UdpEndpoint]:
    endpoint = UdpEndpoint(
        sock,
        make_relay=lambda wake: choice.make(sock, clock, wake),
        clock=clock,
        addresses=addresses,
        tcp_port=tcp_port,
    )
    return Lane(relay=endpoint.relay, endpoint=endpoint), endpoint
