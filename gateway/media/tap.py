"""A bounded ring of the packets that passed, still encoded, for whoever may listen.

Decides what is kept when nobody collects in time: the newest packets, and the
count of those overwritten. Never decodes; voice moderation does that in another
process, and only for legs it asked for.
"""

from collections import deque
from dataclasses import dataclass

PACKETS_MAX = 1_500
"""30 s at 20 ms a packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TappedPacket:
    """One packet as it was sent, decrypted."""

    at_ns: int
    """Monotonic arrival."""
    rtp_ts: int
    """The sender's timestamp, 48 kHz."""
    seq: int
    """The sender's sequence number."""
    level_dbov: int
    """Audio level, -127 where none was sent."""
    opus: bytes
    """The Opus payload."""


class TapRing:
    """The newest packets of one leg."""

    __slots__ = ("_packets", "overwritten")

    def __init__(self, packets_max: int = PACKETS_MAX) -> None:
        self.overwritten = 0
        """Packets that were lost because nobody collected them."""
        self._packets: deque[TappedPacket] = deque(maxlen=packets_max)

    def put(self, packet: TappedPacket) -> None:
        """Keep a packet, at the cost of the oldest where the ring is full."""
        if len(self._packets) == self._packets.maxlen:
            self.overwritten += 1
        self._packets.append(packet)

    def drain(self) -> list[TappedPacket]:
        """Everything kept, oldest first; the ring is empty afterwards."""
        packets = list(self._packets)
        self._packets.clear()
        return packets
