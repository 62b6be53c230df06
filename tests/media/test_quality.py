"""The rating of a leg's voice: known points of the model, and when a change is told."""

import pytest

from gateway.media.quality import (
    PACKETS_MIN,
    RATING_MAX,
    Measures,
    QualityWatch,
    opinion,
    quality_of,
    rating,
)
from gateway.terms import VoiceQuality

pytestmark = pytest.mark.core


class Line:
    """One leg's running counts."""

    def __init__(self) -> None:
        self.watch = QualityWatch()
        self.expected = 0
        self.received = 0

    def look(
        self,
        packets: int = 100,
        lost: int = 0,
        *,
        ssrc: int = 5,
        rtt_ms: float = 40,
        jitter_ms: float = 2,
        loss_down: float = 0,
    ) -> bool:
        self.expected += packets
        self.received += packets - lost
        return self.watch.look(
            Measures(
                ssrc=ssrc,
                expected=self.expected,
                received=self.received,
                jitter_ms=jitter_ms,
                rtt_ms=rtt_ms,
                loss_down=loss_down,
            )
        )


@pytest.mark.parametrize(
    ("loss", "delay_ms", "r", "mos"),
    [
        (0.0, 0, 93.2, 4.41),
        (0.0, 150, 89.6, 4.33),
        (0.0, 400, 59.1, 3.05),
        (0.05, 50, 68.25, 3.52),
        (0.15, 50, 44.5, 2.29),
        (1.0, 1_000, 0.0, 1.0),
    ],
)
def test_the_model_at_known_points(loss: float, delay_ms: float, r: float, mos: float) -> None:
    made = rating(loss=loss, delay_ms=delay_ms)

    assert made == pytest.approx(r, abs=0.1)
    assert opinion(made) == pytest.approx(mos, abs=0.01)


def test_more_loss_and_more_delay_never_sound_better() -> None:
    by_loss = [rating(loss=each / 100, delay_ms=60) for each in range(101)]
    by_delay = [rating(loss=0.01, delay_ms=each) for each in range(0, 2_000, 10)]

    assert by_loss == sorted(by_loss, reverse=True)
    assert by_delay == sorted(by_delay, reverse=True)
    assert max(by_loss) < RATING_MAX


@pytest.mark.parametrize(
    ("r", "called"), [(80, "good"), (79.9, "fair"), (60, "fair"), (59.9, "poor"), (0, "poor")]
)
def test_what_a_rating_is_called(r: float, called: str) -> None:
    assert quality_of(r) == called


def test_the_first_look_tells_and_an_equal_one_does_not() -> None:
    line = Line()

    assert line.look()
    assert line.watch.quality is VoiceQuality.GOOD
    assert not line.look()


def test_it_falls_with_the_next_look_and_rises_after_several() -> None:
    line = Line()
    line.look()
    assert line.look(lost=30)
    assert line.watch.quality is VoiceQuality.POOR

    told = [line.look() for _ in range(6)]

    assert told.count(True) == 2
    assert not told[0]
    assert line.watch.quality is VoiceQuality.GOOD


def test_a_rating_at_a_bound_is_told_once() -> None:
    line = Line()
    line.look(lost=2, rtt_ms=60)
    changes = sum(line.look(lost=2 + turn % 2, rtt_ms=60) for turn in range(40))

    assert changes <= 1


def test_what_is_lost_on_the_way_down_counts_as_well() -> None:
    line = Line()
    line.look(loss_down=0.3)

    assert line.watch.quality is VoiceQuality.POOR


def test_a_pause_is_no_loss() -> None:
    line = Line()
    line.look()
    before = line.watch.rating

    assert not line.look(packets=PACKETS_MIN - 1, lost=PACKETS_MIN - 1)
    assert line.watch.rating == before


def test_nothing_is_said_before_a_packet_came() -> None:
    line = Line()

    assert not line.look(ssrc=-1)
    assert (line.watch.rating, line.watch.quality) == (None, None)


def test_another_source_begins_its_own_account() -> None:
    line = Line()
    line.look(packets=10_000, lost=5_000)
    line.expected = line.received = 0
    line.look(ssrc=6)
    line.look(ssrc=6)

    assert line.watch.rating is not None
    assert line.watch.rating > 40
