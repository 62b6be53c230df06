"""Datagrams of many apps through one socket: `sendmmsg` and `recvmmsg` as the kernel wants them.

Decides how everything that will be said is laid out beforehand, so that an
instant's sending is one call and no work: messages, vectors and packets in the
order of time. Each datagram leaves from its own app's address (ip(7), IP_PKTINFO).
Never looks into a packet; who speaks and what came back is `crowd.py`'s.
"""

import ctypes
import socket
import struct
from collections.abc import Sequence

Address = tuple[str, int]

AT_ONCE = 64
"""Datagrams taken by one call."""
HEARD_BYTES = 2_048
IP_PKTINFO = 8
_SOURCE = struct.Struct("=QiiI4s4s4x")
"""A control message that names the address a datagram leaves from; padded to its alignment."""
_SOURCE_BYTES = 28
_VECTOR = struct.Struct("=QQ")
_MESSAGE = struct.Struct("=QI4xQQQQi4xI4x")
"""`struct mmsghdr` of 64-bit Linux: name, vectors, control, flags, length."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
_LIBC.recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)


def source_of(address: str) -> bytes:
    """The control message of datagrams that leave from this address."""
    kept = socket.inet_aton(address)
    return _SOURCE.pack(_SOURCE_BYTES, socket.IPPROTO_IP, IP_PKTINFO, 0, kept, bytes(4))


class Outbox:
    """All that will be said, one batch after the other."""

    def __init__(self, batches: Sequence[Sequence[tuple[str, Address, bytes]]]) -> None:
        """Each batch's datagrams: the address they leave from, where they go, what they are."""
        self._starts = [0]
        for batch in batches:
            self._starts.append(self._starts[-1] + len(batch))
        sayings = [saying for batch in batches for saying in batch]
        self._packets = ctypes.create_string_buffer(b"".join(packet for _, _, packet in sayings) or b"\0")
        self._ends: dict[bytes, ctypes.Array[ctypes.c_char]] = {}
        at, vectors = ctypes.addressof(self._packets), bytearray()
        for _, _, packet in sayings:
            vectors += _VECTOR.pack(at, len(packet))
            at += len(packet)
        self._vectors = ctypes.create_string_buffer(bytes(vectors) or b"\0")
        first, messages = ctypes.addressof(self._vectors), bytearray()
        for number, (source, target, _) in enumerate(sayings):
            name, control = self._kept(_name(target)), self._kept(source_of(source))
            vector = first + number * _VECTOR.size
            messages += _MESSAGE.pack(name, 16, vector, 1, control, _SOURCE.size, 0, 0)
        self._messages = ctypes.create_string_buffer(bytes(messages) or b"\0")
        self._first = ctypes.addressof(self._messages)

    def send(self, descriptor: int, batch: int) -> int:
        """Send one batch; how many of its datagrams the kernel took."""
        start, end = self._starts[batch], self._starts[batch + 1]
        if start == end:
            return 0
        sent: int = _LIBC.sendmmsg(descriptor, self._first + start * _MESSAGE.size, end - start, 0)
        return max(0, sent)

    def _kept(self, content: bytes) -> int:
        """Where these bytes lie as long as the outbox does."""
        kept = self._ends.get(content)
        if kept is None:
            kept = self._ends[content] = ctypes.create_string_buffer(content, len(content))
        return ctypes.addressof(kept)


class Inbox:
    """Room for what one call takes."""

    def __init__(self) -> None:
        self.content = ctypes.create_string_buffer(AT_ONCE * HEARD_BYTES)
        """Datagram number n begins at n * HEARD_BYTES."""
        at = ctypes.addressof(self.content)
        vectors = b"".join(_VECTOR.pack(at + each * HEARD_BYTES, HEARD_BYTES) for each in range(AT_ONCE))
        self._vectors = ctypes.create_string_buffer(vectors, len(vectors))
        first = ctypes.addressof(self._vectors)
        messages = b"".join(
            _MESSAGE.pack(0, 0, first + each * _VECTOR.size, 1, 0, 0, 0, 0) for each in range(AT_ONCE)
        )
        self._messages = ctypes.create_string_buffer(messages, len(messages))

    def take(self, descriptor: int) -> int:
        """Take what waits, AT_ONCE at most; how many came, without waiting for any."""
        taken: int = _LIBC.recvmmsg(descriptor, self._messages, AT_ONCE, socket.MSG_DONTWAIT, None)
        return max(0, taken)


def _name(target: Address) -> bytes:
    name = socket.AF_INET.to_bytes(2, "little") + target[1].to_bytes(2, "big")
    return name + socket.inet_aton(target[0]) + bytes(8)
