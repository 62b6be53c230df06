"""The outgoing stream stays whole while its sources change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import NS
from gateway.media.continuity import FRAME_UNITS, VIDEO_FRAME_UNITS, Continuity

pytestmark = pytest.mark.core

FRAME_NS = NS // 50


def place(stream: Continuity, source: int, seq: int, *, frame: int | None = None) -> tuple[int, int] | None:
    frame = seq if frame is None else frame
    at_ns = NS + frame * FRAME_NS
    placed = stream.place(source, seq=seq & 0xFFFF, ts=960 * seq & 0xFFFFFFFF, at_ns=at_ns)
    return (stream.seq, stream.ts) if placed else None


def test_the_first_source_passes_as_it_is() -> None:
    stream = Continuity()

    assert [place(stream, 1, seq) for seq in (10, 11, 12)] == [(10, 9_600), (11, 10_560), (12, 11_520)]
    assert stream.ts_offset == 0


def test_a_loss_stays_visible_to_the_receiver() -> None:
    stream = Continuity()

    assert [place(stream, 1, seq) for seq in (10, 13)] == [(10, 9_600), (13, 12_480)]


def test_reordered_packets_keep_their_places() -> None:
    stream = Continuity()

    assert [place(stream, 1, seq) for seq in (10, 12, 11)] == [(10, 9_600), (12, 11_520), (11, 10_560)]


def test_a_pause_leaves_no_gap_in_the_sequence_but_in_time() -> None:
    stream = Continuity()
    place(stream, 1, 10)
    stream.break_off()

    assert place(stream, 1, 60) == (11, 57_600)
    assert stream.starts


def test_only_the_first_packet_after_a_break_starts() -> None:
    stream = Continuity()
    place(stream, 1, 10)
    place(stream, 1, 11)

    assert not stream.starts


def test_a_packet_from_before_the_pause_is_refused() -> None:
    stream = Continuity()
    place(stream, 1, 10)
    stream.break_off()
    place(stream, 1, 60)

    assert place(stream, 1, 59) is None


def test_another_source_goes_on_where_the_first_one_was() -> None:
    stream = Continuity()
    place(stream, 1, 10, frame=10)

    assert place(stream, 2, 40_000, frame=15) == (11, 9_600 + 5 * FRAME_UNITS)
    assert place(stream, 2, 40_001, frame=16) == (12, 9_600 + 6 * FRAME_UNITS)


def test_time_moves_by_a_frame_at_least_when_the_source_changes() -> None:
    stream = Continuity()
    place(stream, 1, 10, frame=10)

    assert place(stream, 2, 500, frame=10) == (11, 9_600 + FRAME_UNITS)


def test_the_sequence_wraps() -> None:
    stream = Continuity()

    assert [place(stream, 1, seq) for seq in (65_535, 65_536)] == [
        (65_535, 960 * 65_535),
        (0, 960 * 65_536),
    ]


def test_a_long_stream_still_takes_late_packets() -> None:
    stream = Continuity()
    for seq in range(200_000):
        place(stream, 1, seq)
    place(stream, 1, 200_001)

    assert place(stream, 1, 200_000) == (200_000 & 0xFFFF, 960 * 200_000 & 0xFFFFFFFF)


Step = tuple[int, bool, int]


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.integers(-3, 5)), max_size=200))
def test_no_sequence_number_is_ever_given_to_two_packets(steps: list[Step]) -> None:
    """Inbound duplicates are the replay window's; here every packet of a source is sent once."""
    stream = Continuity()
    heads: dict[int, int] = {}
    sent: set[tuple[int, int]] = set()
    given_out: list[int] = []
    frame = 0
    for source, breaks, jump in steps:
        frame += 1
        if breaks:
            stream.break_off()
        seq = max(0, heads.get(source, 1_000 * source) + jump)
        heads[source] = max(heads.get(source, 0), seq)
        if (source, seq) in sent:
            continue
        sent.add((source, seq))
        placed = place(stream, source, seq, frame=frame)
        if placed is not None:
            given_out.append(placed[0])

    assert len(given_out) == len(set(given_out))


def test_a_picture_that_was_broken_off_misses_a_number_and_runs_at_its_own_clock() -> None:
    stream = Continuity(units_per_ms=90, frame_units=VIDEO_FRAME_UNITS, left_out=1)
    stream.place(1, seq=10, ts=900, at_ns=NS)
    stream.break_off()
    stream.place(1, seq=30, ts=5_000, at_ns=2 * NS)
    again = (stream.seq, stream.ts, stream.seq_offset)
    stream.place(2, seq=500, ts=7, at_ns=3 * NS)

    assert again == (12, 5_000, -18 & 0xFFFF)
    assert (stream.seq, stream.ts) == (14, 5_000 + 90_000)


def test_only_what_was_placed_since_the_break_can_be_repaired() -> None:
    stream = Continuity()
    before = stream.repairs(1, seq=10)
    stream.place(1, seq=10, ts=0, at_ns=NS)
    answers = [stream.repairs(source, seq=seq) for source, seq in ((1, 10), (1, 12), (1, 9), (2, 10))]
    stream.break_off()

    assert answers == [True, True, False, False]
    assert not before
    assert not stream.repairs(1, seq=10)
