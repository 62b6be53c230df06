"""Every first byte has one kind, and RTCP is told from RTP by the second."""

import pytest

from gateway.media.demux import Kind, classify

pytestmark = pytest.mark.core

ROWS = [
    (0, 0, Kind.STUN),
    (3, 255, Kind.STUN),
    (4, 0, Kind.NOISE),
    (16, 0, Kind.NOISE),
    (19, 0, Kind.NOISE),
    (20, 254, Kind.DTLS),
    (63, 0, Kind.DTLS),
    (64, 0, Kind.NOISE),
    (127, 0, Kind.NOISE),
    (128, 111, Kind.RTP),
    (128, 191, Kind.RTP),
    (128, 192, Kind.RTCP),
    (129, 200, Kind.RTCP),
    (191, 223, Kind.RTCP),
    (144, 224, Kind.RTP),
    (192, 200, Kind.NOISE),
    (255, 255, Kind.NOISE),
]


@pytest.mark.parametrize(("first", "second", "kind"), ROWS)
def test_a_datagram_has_the_kind_that_rfc_7983_says(first: int, second: int, kind: Kind) -> None:
    assert classify(first, second) is kind


def test_no_datagram_is_taken_for_the_relays_own_word() -> None:
    kinds = {classify(first, second) for first in range(256) for second in range(256)}

    assert Kind.HEARD not in kinds
