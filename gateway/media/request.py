"""What the receiver of a picture asks of its sender by RTCP, and the sender of its receiver.

Decides how lost packets are named (RFC 4585), a whole picture is asked for (PLI
there, FIR in RFC 5104) and how much bandwidth the receiver estimates (REMB,
draft-alvestrand-rmcat-remb-03): read, with numbers moved to another stream, and
written. To whom a request goes, and how often it may, is `adapters/feedback.py`'s.
Keeps: what does not add up is no request; no list is longer than NUMBERS_MAX.
"""

from dataclasses import dataclass, replace
from struct import Struct
from typing import Self

TRANSPORT, PAYLOAD = 205, 206
"""Packet types of feedback (RFC 4585 section 6.1)."""
NACK = 1
"""Format of TRANSPORT."""
PLI, FIR, APPLICATION = 1, 4, 15
"""Formats of PAYLOAD."""
NUMBERS_MAX = 64
"""Entries of one packet that are read, up to 17 lost packets each."""
BITS_PER_S_MAX = ((1 << 18) - 1) << 63
"""The most that an estimate can say: 18 bits and an exponent of 6."""

_COMMON = Struct("!BBH")
_SSRCS = Struct("!II")
_ENTRY = Struct("!HH")
_REMB = b"REMB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Packets that did not come (generic NACK)."""

    source: int
    """The stream they are of."""
    entries: tuple[tuple[int, int], ...]
    """A sequence number, and a mask of which of the 16 after it are lost too."""

    def moved(self, source: int, *, seq_offset: int) -> Self:
        """The same packets as their sender numbers them, `seq_offset` being what was added on the way."""
        entries = tuple(((number - seq_offset) & 0xFFFF, mask) for number, mask in self.entries)
        return replace(self, source=source, entries=entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePicture:
    """A key frame, please."""

    source: int
    is_demand: bool = False
    """A FIR, which a sender must follow; else a PLI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """What the receiver believes the way to it carries."""

    bits_per_s: int


Request = Lost | WholePicture | Bandwidth


def read_requests(kind: int, layout: int, body: bytes) -> list[Request]:
    """What one feedback packet asks for; empty where it is of no kind known here.

    Args:
        kind: packet type.
        layout: the format within it.
        body: everything after the common header.
    """
    if len(body) < _SSRCS.size:
        return []
    _, source = _SSRCS.unpack_from(body)
    rest = body[_SSRCS.size :]
    if kind == TRANSPORT and layout == NACK:
        ends = range(0, min(len(rest) // _ENTRY.size, NUMBERS_MAX) * _ENTRY.size, _ENTRY.size)
        entries = tuple(_ENTRY.unpack_from(rest, at) for at in ends)
        return [Lost(source=source, entries=entries)] if entries else []
    if kind == PAYLOAD and layout == PLI:
        return [WholePicture(source=source)]
    if kind == PAYLOAD and layout == FIR:
        demanded = (rest[at : at + 4] for at in range(0, min(len(rest) // 8, NUMBERS_MAX) * 8, 8))
        return [WholePicture(source=int.from_bytes(each, "big"), is_demand=True) for each in demanded]
    if kind == PAYLOAD and layout == APPLICATION and rest[:4] == _REMB and len(rest) >= 8:
        exponent, mantissa = rest[5] >> 2, int.from_bytes(rest[5:8], "big") & 0x3FFFF
        return [Bandwidth(bits_per_s=mantissa << exponent)]
    return []


def write_lost(sender: int, lost: Lost) -> bytes:
    """A generic NACK from the source `sender`."""
    body = b"".join(_ENTRY.pack(*entry) for entry in lost.entries)
    return _packet(TRANSPORT, NACK, sender, lost.source, body)


def write_whole_picture(sender: int, asked: WholePicture, *, count: int) -> bytes:
    """A PLI, or a FIR with its running number (modulo 256)."""
    if not asked.is_demand:
        return _packet(PAYLOAD, PLI, sender, asked.source, b"")
    body = asked.source.to_bytes(4, "big") + bytes((count & 0xFF, 0, 0, 0))
    return _packet(PAYLOAD, FIR, sender, 0, body)


def write_bandwidth(sender: int, bandwidth: Bandwidth, *, source: int) -> bytes:
    """A REMB about one source."""
    bits_per_s = min(bandwidth.bits_per_s, BITS_PER_S_MAX)
    exponent = max(0, bits_per_s.bit_length() - 18)
    mantissa = bits_per_s >> exponent
    body = _REMB + bytes((1,)) + (exponent << 18 | mantissa).to_bytes(3, "big") + source.to_bytes(4, "big")
    return _packet(PAYLOAD, APPLICATION, sender, 0, body)


def _packet(kind: int, layout: int, sender: int, source: int, body: bytes) -> bytes:
    words = (_SSRCS.size + len(body)) // 4
    return _COMMON.pack(0x80 | layout, kind, words) + _SSRCS.pack(sender, source) + body
