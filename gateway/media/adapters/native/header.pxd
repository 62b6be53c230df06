"""RTP headers, their extensions and RED, read and rewritten in place: `gateway/media/rtp.py` and `red.py` once more.

No offset at or beyond the given end is ever read or written, and every loop moves forward.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

cdef enum:
    HEADER_BYTES = 12
    MALFORMED = -1
    NO_LEVEL = -1

cdef inline uint16_t read_16(const uint8_t *at) noexcept nogil:
    return <uint16_t>(at[0] << 8 | at[1])

cdef inline uint32_t read_32(const uint8_t *at) noexcept nogil:
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]

cdef inline void write_16(uint8_t *at, uint16_t value) noexcept nogil:
    at[0] = value >> 8
    at[1] = value & 0xFF

cdef inline void write_32(uint8_t *at, uint32_t value) noexcept nogil:
    write_16(at, value >> 16)
    write_16(at + 2, value & 0xFFFF)

cdef inline int payload_offset(const uint8_t *packet, int length) noexcept nogil:
    """Where the payload begins, or MALFORMED."""
    cdef int offset
    if length < HEADER_BYTES or packet[0] >> 6 != 2:
        return MALFORMED
    offset = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if offset + 4 > length:
            return MALFORMED
        offset += 4 + 4 * read_16(packet + offset + 2)
    if offset > length:
        return MALFORMED
    if packet[0] & 0x20 and not 1 <= packet[length - 1] <= length - offset:
        return MALFORMED
    return offset

cdef inline int unpadded(const uint8_t *packet, int size) noexcept nogil:
    """The size without padding, of a packet that `payload_offset` accepted."""
    return size - packet[size - 1] if packet[0] & 0x20 else size

cdef inline int map_one_byte(uint8_t *packet, int offset, int end, int level_in, int level_out) noexcept nogil:
    cdef int level = NO_LEVEL
    cdef int identifier, mapped, after
    while offset < end:
        if packet[offset] == 0:
            offset += 1
            continue
        identifier = packet[offset] >> 4
        after = offset + 2 + (packet[offset] & 0x0F)
        if identifier == 15 or after > end:
            memset(packet + offset, 0, end - offset)
            break
        if identifier == level_in:
            level = packet[offset + 1]
        # Identifier 0 with a length is reserved, and no leg's level has it: it is erased.
        mapped = level_out if identifier == level_in else 0
        if 1 <= mapped <= 14:
            packet[offset] = <uint8_t>(mapped << 4 | packet[offset] & 0x0F)
        else:
            memset(packet + offset, 0, after - offset)
        offset = after
    return level

cdef inline int map_two_byte(uint8_t *packet, int offset, int end, int level_in, int level_out) noexcept nogil:
    cdef int level = NO_LEVEL
    cdef int identifier, mapped, after
    while offset < end:
        identifier = packet[offset]
        if identifier == 0:
            offset += 1
            continue
        after = offset + 2 + packet[offset + 1] if offset + 1 < end else end + 1
        if after > end:
            memset(packet + offset, 0, end - offset)
            break
        if identifier == level_in and after > offset + 2:
            level = packet[offset + 2]
        mapped = level_out if identifier == level_in else 0
        if mapped:
            packet[offset] = <uint8_t>mapped
        else:
            memset(packet + offset, 0, after - offset)
        offset = after
    return level

cdef inline int map_extensions(uint8_t *packet, int payload, int level_in, int level_out) noexcept nogil:
    """Keep the audio level under the receiver's identifier, erase the others; its octet or NO_LEVEL."""
    cdef int start = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    cdef int profile
    if not packet[0] & 0x10:
        return NO_LEVEL
    profile = read_16(packet + start)
    if profile == 0xBEDE:
        return map_one_byte(packet, start + 4, payload, level_in, level_out)
    if profile & 0xFFF0 == 0x1000:
        return map_two_byte(packet, start + 4, payload, level_in, level_out)
    memset(packet + start + 4, 0, payload - start - 4)
    return NO_LEVEL

cdef inline int mapped_video(int identifier, const uint8_t *near, const uint8_t *far, int count) noexcept nogil:
    """What an identifier becomes, 0 where it is erased; the last of equal ones counts, as in a table."""
    cdef int each
    for each in range(count - 1, -1, -1):
        if near[each] == identifier:
            return far[each]
    return 0

cdef inline void map_video_extensions(
    uint8_t *packet, int payload, const uint8_t *near, const uint8_t *far, int count
) noexcept nogil:
    """Keep what both ends negotiated under the receiver's identifiers, erase the others."""
    cdef int offset = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    cdef int profile, identifier, mapped, after
    cdef bint is_short
    if not packet[0] & 0x10:
        return
    profile = read_16(packet + offset)
    is_short = profile == 0xBEDE
    offset += 4
    if not is_short and profile & 0xFFF0 != 0x1000:
        memset(packet + offset, 0, payload - offset)
        return
    while offset < payload:
        identifier = packet[offset] >> 4 if is_short else packet[offset]
        if packet[offset] == 0:
            offset += 1
            continue
        if is_short:
            after = offset + 2 + (packet[offset] & 0x0F)
        else:
            after = offset + 2 + packet[offset + 1] if offset + 1 < payload else payload + 1
        if after > payload or (is_short and identifier == 15):
            memset(packet + offset, 0, payload - offset)
            return
        # Identifier 0 with a length is reserved, and stands for nothing that was negotiated.
        mapped = mapped_video(identifier, near, far, count) if identifier else 0
        if not mapped or (is_short and mapped > 14):
            memset(packet + offset, 0, after - offset)
        else:
            packet[offset] = <uint8_t>(mapped << 4 | packet[offset] & 0x0F) if is_short else <uint8_t>mapped
        offset = after

cdef inline int primary_offset(const uint8_t *packet, int start, int end) noexcept nogil:
    """Offset of the primary frame in a RED payload, or MALFORMED."""
    cdef int offset = start
    cdef int redundant = 0
    while offset < end and packet[offset] & 0x80:
        if offset + 4 > end:
            return MALFORMED
        redundant += (packet[offset + 2] & 0x03) << 8 | packet[offset + 3]
        offset += 4
    return offset + 1 + redundant if offset + 1 + redundant <= end else MALFORMED

cdef inline bint renumber_red(uint8_t *packet, int start, int end, int payload_type) noexcept nogil:
    """Write the payload type into every block header; False where the payload is not RED."""
    cdef int offset = start
    if primary_offset(packet, start, end) == MALFORMED:
        return False
    while packet[offset] & 0x80:
        packet[offset] = <uint8_t>(0x80 | payload_type)
        offset += 4
    packet[offset] = <uint8_t>payload_type
    return True
