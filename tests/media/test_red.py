"""Redundant audio: where the primary frame is, and other numbers inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.red import MALFORMED, primary_offset, renumber

pytestmark = pytest.mark.core

# One redundant block of three bytes, 960 units old, payload type 111; then the primary frame.
TWO_FRAMES = bytes((0x80 | 111, 960 >> 6, (960 & 0x3F) << 2, 3, 111)) + b"old" + b"fresh"
ONE_FRAME = bytes((111,)) + b"fresh"


def test_the_primary_frame_follows_the_redundant_ones() -> None:
    packet = memoryview(bytearray(b"head" + TWO_FRAMES))

    offset = primary_offset(packet, 4, len(packet))

    assert bytes(packet[offset:]) == b"fresh"


def test_a_payload_may_hold_the_primary_frame_alone() -> None:
    packet = memoryview(bytearray(ONE_FRAME))

    assert bytes(packet[primary_offset(packet, 0, len(packet)) :]) == b"fresh"


def test_every_block_header_gets_the_receivers_payload_type() -> None:
    packet = memoryview(bytearray(TWO_FRAMES))

    assert renumber(packet, 0, len(packet), 96)
    assert (packet[0], packet[4]) == (0x80 | 96, 96)
    assert bytes(packet[5:]) == b"oldfresh"


@pytest.mark.parametrize("payload", [b"", b"\x80", b"\x80\x00\x00", TWO_FRAMES[:6], b"\xef\xff\xff\xff\x6f"])
def test_lengths_that_do_not_add_up_are_refused(payload: bytes) -> None:
    packet = memoryview(bytearray(payload))

    assert primary_offset(packet, 0, len(packet)) == MALFORMED
    assert not renumber(packet, 0, len(packet), 96)
    assert bytes(packet) == payload


@given(st.binary(max_size=64))
def test_no_payload_makes_it_read_beyond_the_end(payload: bytes) -> None:
    packet = memoryview(bytearray(payload))

    assert primary_offset(packet, 0, len(packet)) <= len(packet)
