"""What of SCTP reaches the library."""

import struct

import pytest
from aiortc.rtcsctptransport import (
    AbortChunk,
    Chunk,
    CookieEchoChunk,
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    InitChunk,
    ReconfigChunk,
    SackChunk,
    parse_packet,
    serialize_packet,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.sctp import GAP_END_MAX, is_sound

pytestmark = pytest.mark.core

HEADER = bytes(12)


def chunk(kind: int, body: bytes, length: int | None = None) -> bytes:
    size = 4 + len(body) if length is None else length
    return struct.pack("!BBH", kind, 0, size) + body + bytes(-len(body) % 4)


def sack(*gaps: tuple[int, int], duplicates: int = 0) -> bytes:
    body = struct.pack("!IIHH", 1, 65_536, len(gaps), duplicates)
    return chunk(3, body + b"".join(struct.pack("!HH", *gap) for gap in gaps))


def written_by_the_library() -> list[Chunk]:
    init, data, ack, reset = InitChunk(), DataChunk(), SackChunk(), ReconfigChunk()
    init.params = [(0x8008, b"\x82\xc0"), (0xC000, b"")]
    data.user_data = b"a line"
    ack.gaps, ack.duplicates = [(2, 3), (5, 9)], [7]
    reset.params = [(13, bytes(14))]
    beat, forward = HeartbeatChunk(), ForwardTsnChunk()
    beat.params = [(1, b"now")]
    forward.streams = [(1, 2), (3, 4)]
    return [init, data, ack, reset, beat, forward, CookieEchoChunk(body=bytes(24)), AbortChunk()]


@pytest.mark.parametrize("number", range(len(written_by_the_library())))
def test_what_the_library_writes_is_sound(number: int) -> None:
    written = written_by_the_library()[number]

    assert is_sound(serialize_packet(5_000, 5_000, 1, written))


def test_several_chunks_in_one_packet_are_sound() -> None:
    assert is_sound(HEADER + sack((2, 3)) + chunk(0, bytes(13)) + chunk(192, bytes(8)))


UNSOUND = {
    "nothing at all": b"",
    "a header alone": HEADER,
    "a chunk of no length": HEADER + chunk(0, bytes(12), 0),
    "a chunk shorter than its head": HEADER + chunk(11, b"", 3),
    "a chunk beyond the end": HEADER + chunk(0, bytes(12), 400),
    "data without a byte": HEADER + chunk(0, bytes(12)),
    "a beginning cut short": HEADER + chunk(1, bytes(15)),
    "a beginning with a parameter of no length": HEADER + chunk(1, bytes(16) + b"\x00\x01\x00\x00"),
    "a heartbeat with a parameter of no length": HEADER + chunk(4, b"\x00\x01\x00\x00"),
    "an error with a cause of no length": HEADER + chunk(9, bytes(8)),
    "a reset with a parameter of no length": HEADER + chunk(130, b"\x00\x0d\x00\x00"),
    "a goodbye with a cause of three bytes": HEADER + chunk(6, b"\x00\x01\x00\x03"),
    "a parameter beyond the end": HEADER + chunk(130, b"\x00\x0d\x00\x09abcd"),
    "a second chunk of no length": HEADER + sack() + chunk(130, b"", 0),
    "an acknowledgement that counts wrongly": HEADER + chunk(3, struct.pack("!IIHH", 1, 1, 9, 0)),
    "a gap from nowhere": HEADER + sack((0, 4)),
    "a gap that ends before it begins": HEADER + sack((4, 3)),
    "gaps that overlap": HEADER + sack((2, 5), (5, 9)),
    "a gap far beyond what was sent": HEADER + sack((2, GAP_END_MAX + 1)),
    "a shutdown without its number": HEADER + chunk(7, b""),
    "a skip of half a stream": HEADER + chunk(192, bytes(6)),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_what_does_not_add_up_or_costs_too_much_is_not(name: str) -> None:
    assert not is_sound(UNSOUND[name])


@given(st.binary(max_size=400), st.sampled_from((0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 130, 192)))
def test_what_is_sound_is_read_to_its_end_by_the_library(body: bytes, kind: int) -> None:
    made = Chunk(body=body)
    made.type = kind
    packet = serialize_packet(5_000, 5_000, 1, made)

    if is_sound(packet):
        assert len(parse_packet(packet)[3]) == 1
