"""The one UDP socket that every leg shares.

Decides how it is opened: non-blocking, large buffers, and on `::` for both
address families. Never reads: the relay does.
Keeps: a kernel that gives less buffer than asked for is said once, at start, and
what it throws away because the buffer is full can be asked for.
"""

import socket
import struct

import structlog

from gateway.errors import Unavailable

BUFFER_BYTES = 4 * 1024 * 1024
"""Receive and send buffer; about 2 s of a thousand calls' voice."""

_SO_MEMINFO = 55
"""Linux 4.12, asm-generic/socket.h; Python has no name for it."""
_MEMINFO = struct.Struct("=9I")
_DROPS = 8
"""SK_MEMINFO_DROPS of linux/sock_diag.h."""

_log = structlog.get_logger()


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket; port 0 takes a free one.

    Raises:
        Unavailable: `port_taken`, where the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as failure:
        sock.close()
        raise Unavailable(f"UDP {host}:{port} cannot be bound: {failure}", code="port_taken") from failure
    _warn_of_small_buffers(sock)
    return sock


def dropped_by_kernel(sock: socket.socket) -> int:
    """Datagrams that found the socket's queue full since it was opened; 0 where the system does not say."""
    try:
        told = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return 0
    return int(_MEMINFO.unpack(told)[_DROPS]) if len(told) == _MEMINFO.size else 0


def _warn_of_small_buffers(sock: socket.socket) -> None:
    # Linux answers twice what it granted (socket(7)).
    granted = {
        name: sock.getsockopt(socket.SOL_SOCKET, option) // 2
        for name, option in (("receive", socket.SO_RCVBUF), ("send", socket.SO_SNDBUF))
    }
    if min(granted.values()) < BUFFER_BYTES:
        _log.warning("udp_buffers_small", wanted_bytes=BUFFER_BYTES, **granted)
