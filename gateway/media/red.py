"""Redundant audio (RFC 2198): the same Opus frame again beside the next one.

Decides where the primary frame of a RED payload is, and renumbers the payload
types inside for a receiver that negotiated others. Never keeps a packet.
Keeps: a length that does not add up is refused, and every loop moves forward.
"""

MALFORMED = -1
"""What the functions answer for a payload that is not RED."""


def primary_offset(packet: memoryview, start: int, end: int) -> int:
    """Offset of the primary frame in a RED payload at `start`, or MALFORMED."""
    offset = start
    redundant = 0
    while offset < end and packet[offset] & 0x80:
        if offset + 4 > end:
            return MALFORMED
        redundant += (packet[offset + 2] & 0x03) << 8 | packet[offset + 3]
        offset += 4
    primary = offset + 1 + redundant
    return primary if primary <= end else MALFORMED


def renumber(packet: memoryview, start: int, end: int, payload_type: int) -> bool:
    """Write `payload_type` into every block header; False where the payload is not RED."""
    if primary_offset(packet, start, end) == MALFORMED:
        return False
    offset = start
    while packet[offset] & 0x80:
        packet[offset] = 0x80 | payload_type
        offset += 4
    packet[offset] = payload_type
    return True
