"""The one UDP socket that every leg shares, and the addresses that lead to it.

Decides how it is opened (non-blocking, large buffers, on `::` for both address
families) and which addresses a wildcard stands for. Never reads: the relay does.
Keeps: a kernel that gives less buffer than asked for is said once, at start,
with what to set; what it throws away because the buffer is full can be asked for.
"""

import ipaddress
import socket
import struct
from collections.abc import Mapping, Sequence

import structlog
from aioice.ice import get_host_addresses

from gateway.errors import Unavailable
from gateway.media.path import Address

BUFFER_BYTES = 4 * 1024 * 1024
"""Receive and send buffer; about 2 s of a thousand calls' voice."""
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
SYSCTL = {"receive": "net.core.rmem_max", "send": "net.core.wmem_max"}
"""What bounds each buffer on Linux (socket(7))."""

_SO_MEMINFO = 55
"""Linux 4.12, asm-generic/socket.h; Python has no name for it."""
_MEMINFO = struct.Struct("=9I")
_DROPS = 8
"""SK_MEMINFO_DROPS of linux/sock_diag.h."""

_log = structlog.get_logger()


def family_of(host: str) -> socket.AddressFamily:
    """The address family of a numeric host."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket; port 0 takes a free one.

    Raises:
        Unavailable: `port_taken`, where the address cannot be bound.
    """
    sock = socket.socket(family_of(host), socket.SOCK_DGRAM)
    try:
        if host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        ask_for_buffers(sock)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as failure:
        sock.close()
        raise Unavailable(f"UDP {host}:{port} cannot be bound: {failure}", code="port_taken") from failure
    granted = granted_buffers(sock)
    advice = buffer_advice(granted)
    if advice:
        _log.warning("udp_buffers_small", wanted_bytes=BUFFER_BYTES, advice=advice, **granted)
    return sock


def dropped_by_kernel(sock: socket.socket) -> int:
    """Datagrams that found the socket's queue full since it was opened; 0 where the system does not say."""
    try:
        told = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return 0
    return int(_MEMINFO.unpack(told)[_DROPS]) if len(told) == _MEMINFO.size else 0


def ask_for_buffers(sock: socket.socket) -> None:
    """Ask for BUFFER_BYTES each way."""
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)


def granted_buffers(sock: socket.socket) -> Mapping[str, int]:
    """What the kernel gave, in bytes; Linux answers twice that (socket(7))."""
    return {
        "receive": sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2,
        "send": sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2,
    }


def buffer_advice(granted: Mapping[str, int]) -> str:
    """What to type where the kernel gave less than was asked for; empty where it did not."""
    small = [SYSCTL[name] for name, given in granted.items() if given < BUFFER_BYTES]
    return f"sysctl -w {' '.join(f'{key}={BUFFER_BYTES}' for key in small)}" if small else ""


def interface_addresses(host: str) -> tuple[str, ...]:
    """The addresses that a socket bound to `host` is reached by: every interface's for a wildcard."""
    if host not in WILDCARDS:
        return (host,)
    return reachable(get_host_addresses(True, host == "::")) or (LOOPBACK[family_of(host)],)


def reachable(found: Sequence[str]) -> tuple[str, ...]:
    """Of a machine's addresses those that another machine can be told: no loopback, no link-local ones."""
    addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
    return tuple(str(each) for each in addresses if not (each.is_loopback or each.is_link_local))


def own_address(sock: socket.socket) -> Address:
    """Where this machine itself reaches the socket."""
    host, port, *_ = sock.getsockname()
    return (LOOPBACK[family_of(host)] if host in WILDCARDS else host), port
