"""What arrived of a source: lost, jitter, span."""

import pytest

from gateway.clock import NS
from gateway.media.reception import Reception

pytestmark = pytest.mark.core

FRAME_NS = NS // 50


def hear(reception: Reception, *seqs: int, ssrc: int = 5, late_ns: int = 0) -> None:
    for seq in seqs:
        at_ns = NS + seq * FRAME_NS + late_ns
        reception.note(ssrc, seq=seq & 0xFFFF, ts=960 * seq & 0xFFFFFFFF, at_ns=at_ns)


def test_nothing_is_expected_before_the_first_packet() -> None:
    reception = Reception()

    assert (reception.expected, reception.received, reception.lost, reception.span) == (0, 0, 0, 0)


def test_missing_packets_are_lost() -> None:
    reception = Reception()
    hear(reception, 1, 2, 5)

    assert (reception.expected, reception.received, reception.lost) == (5, 3, 2)


def test_a_late_packet_gives_its_loss_back() -> None:
    reception = Reception()
    hear(reception, 1, 3, 2)

    assert reception.lost == 0


def test_sequence_cycles_are_counted() -> None:
    reception = Reception()
    hear(reception, *range(65_530, 65_546))

    assert reception.highest_ext == 65_545
    assert reception.lost == 0


def test_the_span_is_the_senders_own_clock() -> None:
    reception = Reception()
    hear(reception, 1, 2, 51)

    assert reception.span == 48_000


def test_the_span_neither_shrinks_nor_leaps_for_a_packet_from_before_the_first() -> None:
    reception = Reception()
    hear(reception, 10, 12, 9)

    assert reception.span == 2 * 960


def test_the_span_goes_on_with_another_source() -> None:
    reception = Reception()
    hear(reception, 1, 11)
    hear(reception, 500, 510, ssrc=6)

    assert reception.span == 20 * 960
    assert (reception.ssrc, reception.expected) == (6, 11)


def test_the_span_survives_the_wrap_of_the_timestamp() -> None:
    reception = Reception()
    reception.note(5, seq=1, ts=0xFFFFFFFF - 959, at_ns=NS)
    reception.note(5, seq=2, ts=0, at_ns=NS + FRAME_NS)

    assert reception.span == 960


def test_an_even_stream_has_no_jitter() -> None:
    reception = Reception()
    hear(reception, *range(100))

    assert reception.jitter == 0


def test_a_wavering_stream_has_the_jitter_of_rfc_3550() -> None:
    reception = Reception()
    for seq in range(400):
        hear(reception, seq, late_ns=(seq % 2) * 5_000_000)

    assert reception.jitter == pytest.approx(240, abs=2)


def test_a_picture_is_reckoned_on_its_own_clock() -> None:
    reception = Reception(units_per_ms=90)
    for number in range(5):
        reception.note(1, seq=number, ts=3_000 * number, at_ns=NS + number * NS // 30)

    assert (reception.span, reception.jitter) == (12_000, 0)
