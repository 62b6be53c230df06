"""Frames on a stream, however the stream is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import DATAGRAM_BYTES_MAX
from gateway.media.tcp_frame import Deframer, framed

pytestmark = pytest.mark.core


@given(
    datagrams=st.lists(st.binary(max_size=300), max_size=8),
    cuts=st.lists(st.integers(0, 2_500), max_size=12),
)
def test_datagrams_come_out_as_they_went_in_however_the_stream_is_cut(
    datagrams: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(framed(each) for each in datagrams)
    deframer = Deframer()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    came = [each for start, end in pairwise(places) for each in deframer.feed(stream[start:end])]

    assert came == datagrams
    assert not deframer.is_broken


def test_the_longest_datagram_passes_and_one_byte_more_breaks_the_stream() -> None:
    deframer = Deframer()
    longest = bytes(DATAGRAM_BYTES_MAX)

    assert deframer.feed(framed(longest)) == [longest]
    assert deframer.feed(framed(b"last") + framed(longest + b"x")) == [b"last"]
    assert deframer.is_broken
    assert deframer.feed(framed(b"after")) == []


def test_an_empty_frame_is_no_fault() -> None:
    assert Deframer().feed(framed(b"") + framed(b"word") + framed(b"")) == [b"", b"word", b""]
