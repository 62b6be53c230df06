"""Which protocol a datagram belongs to, by its first two bytes (RFC 7983, RFC 5761).

Decides the kind only; whether the sender may send it is the relay's question,
what it says is for `rtp.py`, `rtcp.py` and the adapters.
Keeps: every byte value has exactly one kind, and reserved ones are noise.
"""

from enum import IntEnum


class Kind(IntEnum):
    """What a datagram claims to be."""

    NOISE = 0
    """Reserved, ZRTP or TURN channel data: nothing that is spoken here."""
    STUN = 1
    """Connectivity checks, first byte 0 to 3."""
    DTLS = 2
    """Handshake and SCTP records, first byte 20 to 63."""
    RTP = 3
    """SRTP, first byte 128 to 191."""
    RTCP = 4
    """SRTCP: as RTP, with a second byte of 192 to 223."""
    HEARD = 5
    """No datagram: the relay says that a leg's first authenticated RTP packet came."""


KIND_BY_FIRST_BYTE = bytes(
    Kind.STUN
    if first < 4
    else Kind.DTLS
    if 20 <= first < 64
    else Kind.RTP
    if 128 <= first < 192
    else Kind.NOISE
    for first in range(256)
)
"""One kind for each first byte; RTCP still hides under RTP here."""

RTCP_TYPE_FIRST = 192
"""Lowest RTCP packet type that RFC 5761 tells apart from RTP."""
RTCP_TYPE_LAST = 223
"""Highest of them."""


def classify(first: int, second: int) -> Kind:
    """The kind of a datagram with these first two bytes."""
    kind = Kind(KIND_BY_FIRST_BYTE[first])
    if kind is Kind.RTP and RTCP_TYPE_FIRST <= second <= RTCP_TYPE_LAST:
        return Kind.RTCP
    return kind
