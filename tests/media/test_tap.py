"""A tap keeps the newest packets and counts the rest."""

import pytest

from gateway.media.tap import TappedPacket, TapRing

pytestmark = pytest.mark.core


def packet(seq: int) -> TappedPacket:
    return TappedPacket(at_ns=seq, rtp_ts=960 * seq, seq=seq, level_dbov=-30, opus=b"opus")


def test_packets_come_out_once_and_in_order() -> None:
    ring = TapRing()
    for seq in range(3):
        ring.put(packet(seq))

    assert [each.seq for each in ring.drain()] == [0, 1, 2]
    assert ring.drain() == []


def test_a_full_ring_forgets_the_oldest_and_says_so() -> None:
    ring = TapRing(packets_max=2)
    for seq in range(5):
        ring.put(packet(seq))

    assert [each.seq for each in ring.drain()] == [3, 4]
    assert ring.overwritten == 3
