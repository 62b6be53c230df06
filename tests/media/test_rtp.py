"""RTP headers: where the payload begins and what becomes of extensions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.rtp import ERASE_ALL, FIXED, MALFORMED, NO_LEVEL, map_extensions, payload_offset

pytestmark = pytest.mark.core


def header(*, first: int = 0x80) -> bytes:
    return FIXED.pack(first, 111, 7, 960, 0xABCD)


def one_byte(elements: bytes) -> bytes:
    return header(first=0x90) + b"\xbe\xde" + (len(elements) // 4).to_bytes(2, "big") + elements


def two_byte(elements: bytes) -> bytes:
    return header(first=0x90) + b"\x10\x00" + (len(elements) // 4).to_bytes(2, "big") + elements


def table(**mapping: int) -> bytes:
    made = bytearray(ERASE_ALL)
    for identifier, mapped in mapping.items():
        made[int(identifier[1:])] = mapped
    return bytes(made)


OFFSETS = {
    "a plain header": (header() + b"opus", 12),
    "a header alone": (header(), 12),
    "two contributing sources": (header(first=0x82) + bytes(8) + b"opus", 20),
    "an extension of one word": (one_byte(bytes(4)) + b"opus", 20),
    "padding of two": (header(first=0xA0) + b"opus\x00\x02", 12),
    "nothing": (b"", MALFORMED),
    "half a header": (header()[:11], MALFORMED),
    "another version": (header(first=0x40) + b"opus", MALFORMED),
    "sources beyond the end": (header(first=0x8F) + b"opus", MALFORMED),
    "an extension without its length": (header(first=0x90) + b"\xbe", MALFORMED),
    "an extension beyond the end": (header(first=0x90) + b"\xbe\xde\xff\xff", MALFORMED),
    "padding longer than the payload": (header(first=0xA0) + b"opus\x09", MALFORMED),
    "padding of zero": (header(first=0xA0) + b"opus\x00", MALFORMED),
}


@pytest.mark.parametrize("name", OFFSETS)
def test_the_payload_begins_where_the_header_ends(name: str) -> None:
    packet, offset = OFFSETS[name]

    assert payload_offset(memoryview(packet), len(packet)) == offset


# name: packet, the sender's level id, table, level, extension block afterwards
MAPPED = {
    "renumbered": (one_byte(b"\x10\x85\x00\x00"), 1, table(_1=5), 0x85, b"\x50\x85\x00\x00"),
    "erased": (one_byte(b"\x10\x85\x41\x30\x31\x00\x00\x00"), 1, ERASE_ALL, 0x85, bytes(8)),
    "level kept, mid erased": (
        one_byte(b"\x40\x30\x10\x85"),
        1,
        table(_1=1),
        0x85,
        b"\x00\x00\x10\x85",
    ),
    "padding between": (one_byte(b"\x00\x00\x10\x85"), 1, table(_1=2), 0x85, b"\x00\x00\x20\x85"),
    "not negotiated": (one_byte(b"\x10\x85\x00\x00"), 0, table(_1=5), NO_LEVEL, b"\x50\x85\x00\x00"),
    "reserved ends it": (one_byte(b"\xf0\x85\x10\x85"), 1, table(_1=1), NO_LEVEL, bytes(4)),
    "longer than the block": (one_byte(b"\x1f\x85\x00\x00"), 1, table(_1=1), NO_LEVEL, bytes(4)),
    "no room in one byte": (one_byte(b"\x10\x85\x00\x00"), 1, table(_1=20), 0x85, bytes(4)),
    "two-byte renumbered": (two_byte(b"\x01\x01\x85\x00"), 1, table(_1=20), 0x85, b"\x14\x01\x85\x00"),
    "two-byte erased": (two_byte(b"\x01\x01\x85\x00"), 1, ERASE_ALL, 0x85, bytes(4)),
    "two-byte empty level": (two_byte(b"\x01\x00\x00\x00"), 1, table(_1=3), NO_LEVEL, b"\x03\x00\x00\x00"),
    "two-byte too long": (two_byte(b"\x01\x09\x85\x00"), 1, table(_1=1), NO_LEVEL, bytes(4)),
}


@pytest.mark.parametrize("name", MAPPED)
def test_extensions_get_the_receivers_numbers_or_become_padding(name: str) -> None:
    given_packet, level_id, mapping, level, expected = MAPPED[name]
    packet = memoryview(bytearray(given_packet + b"opus"))
    payload = payload_offset(packet, len(packet))

    heard = map_extensions(packet, payload, level_id=level_id, table=mapping)

    assert heard == level
    assert bytes(packet[16:payload]) == expected
    assert bytes(packet[payload:]) == b"opus"


def test_an_unknown_extension_profile_is_erased() -> None:
    packet = memoryview(bytearray(header(first=0x90) + b"\x12\x34\x00\x01abcd"))

    assert map_extensions(packet, 20, level_id=1, table=ERASE_ALL) == NO_LEVEL
    assert bytes(packet[16:]) == bytes(4)


@given(st.binary(min_size=12, max_size=128), st.integers(0, 255))
def test_no_packet_makes_it_touch_the_payload(noise: bytes, level_id: int) -> None:
    packet = memoryview(bytearray(bytes((0x80 | noise[0] & 0x3F,)) + noise[1:]))
    payload = payload_offset(packet, len(packet))
    if payload == MALFORMED:
        return
    before = bytes(packet)

    level = map_extensions(packet, payload, level_id=level_id, table=bytes(range(256)))

    assert NO_LEVEL <= level <= 255
    assert bytes(packet[payload:]) == before[payload:]
    assert bytes(packet[:12]) == before[:12]
