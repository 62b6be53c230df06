"""SCTP packets looked over before the library acts on them (RFC 9260 section 3, RFC 3758, RFC 6525).

Decides whether the lengths inside a packet add up and whether acting on it costs
work in proportion to its bytes: a parameter of no length never ends, and a gap
of 65,535 numbers costs as many steps. Never reads a message and keeps no state;
what an association may pile up is `adapters/sctp_backlog.py`.
Keeps: every loop moves forward, nothing beyond the packet's end is read.
"""

from struct import Struct

HEADER_BYTES = 12
"""Ports, verification tag, checksum."""
GAP_END_MAX = 8_192
"""How far above the cumulative number a gap block may reach; the gateway never has so many chunks on their way."""

DATA, INIT, INIT_ACK, SACK, FORWARD_TSN = 0, 1, 2, 3, 192
"""Chunk types with a shape of their own."""
_PARAMETERS_AT = {INIT: 20, INIT_ACK: 20, 4: 4, 5: 4, 6: 4, 9: 4, 130: 4}
"""Where parameters begin in the chunks that have them: INIT, INIT ACK, heartbeats, ABORT, ERROR, RE-CONFIG."""
_BYTES_MIN = {DATA: 17, SACK: 16, FORWARD_TSN: 8, 7: 8}
"""Shortest form of the chunks that have none; DATA carries at least one byte."""

_CHUNK = Struct("!BBH")
_PARAMETER = Struct("!HH")
_GAP = Struct("!HH")


def is_sound(packet: bytes) -> bool:
    """Whether a packet may be acted on."""
    end = len(packet)
    offset = HEADER_BYTES
    if offset + _CHUNK.size > end:
        return False
    while offset + _CHUNK.size <= end:
        kind, _, length = _CHUNK.unpack_from(packet, offset)
        if length < _CHUNK.size or offset + length > end:
            return False
        if not _is_sound_chunk(kind, packet[offset : offset + length]):
            return False
        offset += length + -length % 4
    return True


def _is_sound_chunk(kind: int, chunk: bytes) -> bool:
    if kind in _PARAMETERS_AT:
        return _has_sound_parameters(chunk, _PARAMETERS_AT[kind])
    if len(chunk) < _BYTES_MIN.get(kind, _CHUNK.size):
        return False
    if kind == FORWARD_TSN:
        return len(chunk) % 4 == 0
    return kind != SACK or _has_sound_gaps(chunk)


def _has_sound_parameters(chunk: bytes, offset: int) -> bool:
    if offset > len(chunk):
        return False
    while offset + _PARAMETER.size <= len(chunk):
        _, length = _PARAMETER.unpack_from(chunk, offset)
        if length < _PARAMETER.size or offset + length > len(chunk):
            return False
        offset += length + -length % 4
    return True


def _has_sound_gaps(chunk: bytes) -> bool:
    """Gap blocks rise, do not overlap and end where the gateway's own chunks may be."""
    gaps, duplicates = _GAP.unpack_from(chunk, 12)
    if len(chunk) != _BYTES_MIN[SACK] + 4 * (gaps + duplicates):
        return False
    before = 0
    for each in range(gaps):
        first, last = _GAP.unpack_from(chunk, _BYTES_MIN[SACK] + 4 * each)
        if not before < first <= last <= GAP_END_MAX:
            return False
        before = last
    return True
