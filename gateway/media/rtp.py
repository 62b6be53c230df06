"""RTP headers read and rewritten in place (RFC 3550 section 5, RFC 8285).

Decides where the payload begins and what a header extension becomes for a
receiver with other numbers. Works on a buffer that the relay owns: nothing is
allocated for a packet, so answers are offsets and bytes.
Keeps: no offset beyond `length` is read, every loop moves forward.
Never touches the payload (`red.py`) nor the key stream (the relay).
"""

from struct import Struct

FIXED = Struct("!BBHII")
"""First octet, marker and payload type, sequence number, timestamp, SSRC."""
HEADER_BYTES = 12
"""The fixed header."""
MALFORMED = -1
"""What functions answer for a packet that does not add up."""
NO_LEVEL = -1
"""What `map_extensions` answers where no audio level was carried."""
ONE_BYTE_PROFILE = 0xBEDE
"""RFC 8285 section 4.2."""
TWO_BYTE_PROFILE = 0x1000
"""RFC 8285 section 4.3; the lowest four bits are free."""

Table = bytes
"""256 bytes: the identifier each extension gets at the receiver, 0 where it is erased."""
ERASE_ALL: Table = bytes(256)
"""The table of a receiver that negotiated nothing."""


def payload_offset(packet: memoryview, length: int) -> int:
    """Where the payload begins, or MALFORMED for anything that is not a whole RTP packet."""
    if length < HEADER_BYTES or packet[0] >> 6 != 2:
        return MALFORMED
    first = packet[0]
    offset = HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if offset + 4 > length:
            return MALFORMED
        offset += 4 + 4 * (packet[offset + 2] << 8 | packet[offset + 3])
    if offset > length:
        return MALFORMED
    if first & 0x20 and not 1 <= packet[length - 1] <= length - offset:
        return MALFORMED
    return offset


def map_extensions(packet: memoryview, payload: int, *, level_id: int, table: Table) -> int:
    """Renumber the header extensions before `payload` and answer the audio level octet.

    Args:
        packet: a packet whose `payload_offset` is `payload`.
        payload: where the payload begins.
        level_id: the sender's identifier of the audio level, 0 where it negotiated none.
        table: what each identifier becomes; erased elements turn into padding.
    """
    start = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if not packet[0] & 0x10:
        return NO_LEVEL
    profile = packet[start] << 8 | packet[start + 1]
    if profile == ONE_BYTE_PROFILE:
        return _map_one_byte(packet, start + 4, payload, level_id, table)
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return _map_two_byte(packet, start + 4, payload, level_id, table)
    _erase(packet, start + 4, payload)
    return NO_LEVEL


def _map_one_byte(packet: memoryview, offset: int, end: int, level_id: int, table: Table) -> int:
    level = NO_LEVEL
    while offset < end:
        octet = packet[offset]
        if octet == 0:
            offset += 1
            continue
        identifier = octet >> 4
        after = offset + 2 + (octet & 0x0F)
        if identifier == 15 or after > end:
            # Reserved, or longer than the header says: the rest cannot be trusted.
            _erase(packet, offset, end)
            break
        if identifier == level_id != 0:
            level = packet[offset + 1]
        mapped = table[identifier]
        if 1 <= mapped <= 14:
            packet[offset] = mapped << 4 | octet & 0x0F
        else:
            _erase(packet, offset, after)
        offset = after
    return level


def _map_two_byte(packet: memoryview, offset: int, end: int, level_id: int, table: Table) -> int:
    level = NO_LEVEL
    while offset < end:
        identifier = packet[offset]
        if identifier == 0:
            offset += 1
            continue
        after = offset + 2 + packet[offset + 1] if offset + 1 < end else end + 1
        if after > end:
            _erase(packet, offset, end)
            break
        if identifier == level_id and after > offset + 2:
            level = packet[offset + 2]
        if table[identifier]:
            packet[offset] = table[identifier]
        else:
            _erase(packet, offset, after)
        offset = after
    return level


def _erase(packet: memoryview, start: int, end: int) -> None:
    packet[start:end] = bytes(end - start)
