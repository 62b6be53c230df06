"""Which packets count, when one is late, and how the crowd keeps its pace."""

import pytest

from loadtest.relay.heard import Heard
from loadtest.relay.pace import STALL_NS, TICK_NS, Pace

pytestmark = pytest.mark.core

TICKS = 2
SSRC = 7


def a_round() -> Heard:
    """Four turns of which the middle two count; sent 1 ms after each other."""
    heard = Heard(turns=4, counted=range(1, 3), ticks=TICKS)
    for turn in range(4):
        for tick in range(TICKS):
            heard.note_sent(turn, tick, 1_000_000 * (turn * TICKS + tick), 1)
    return heard


def test_only_packets_of_counted_turns_count() -> None:
    heard = a_round()
    heard.expect(SSRC, 0, 65_535)

    for sequence in (65_535, 0, 1, 2):
        heard.note(SSRC, sequence, 20_000_000)

    assert (heard.sent, heard.received, heard.delivered) == (4, 2, 0.5)


def test_a_packet_is_under_way_from_its_own_instant_on() -> None:
    heard = a_round()
    heard.expect(SSRC, 3, 100)

    heard.note(SSRC, 101, 3_500_000)

    assert heard.delays_us == [500]


def test_a_server_that_counts_anew_begins_with_its_first_packet() -> None:
    heard = a_round()
    heard.expect(SSRC, 0, None)

    heard.note(SSRC, 40_000, 100_000)
    heard.note(SSRC, 40_001, 2_200_000)

    assert heard.delays_us == [200]


def test_voice_under_another_name_is_not_ours() -> None:
    heard = a_round()
    heard.expect(SSRC, 0, 0)

    heard.note(SSRC + 1, 1, 5_000_000)

    assert heard.received == 0


def test_cost_is_processor_time_between_the_marks_for_each_packet_between_them() -> None:
    heard = a_round()
    heard.expect(SSRC, 0, 0)
    heard.note(SSRC, 0, 500_000)
    heard.mark(1_000_000, 1_000_000)
    heard.note(SSRC, 1, 2_500_000)
    heard.note(SSRC, 2, 4_500_000)
    heard.mark(1_030_000, 6_000_000)
    heard.note(SSRC, 3, 6_500_000)

    assert heard.cpu_us_per_packet == 15
    assert heard.span_ns == 5_000_000


def test_a_little_lateness_is_made_up_for() -> None:
    pace = Pace(1_000)

    pace.keep(1_000 + STALL_NS)

    assert (pace.due_ns, pace.stalled_ns) == (1_000 + TICK_NS, 0)


def test_a_stall_moves_everything_that_follows() -> None:
    pace = Pace(1_000)

    pace.keep(1_001 + STALL_NS)

    assert (pace.due_ns, pace.stalled_ns) == (1_001 + STALL_NS + TICK_NS, STALL_NS + 1)
