"""How a leg's voice is likely to sound, from losses and delays alone (ITU-T G.107, simplified).

Decides a rating R from 0 to 100 for what was measured since the last look, its
mean opinion score, and when a leg's quality has changed enough to be told. The
worse of the two ways counts, because a call is as good as its worse half. It
is for people and the log: no second is billed or spared by it.
Keeps: it falls fast and rises slowly, so that one good moment hides nothing.
"""

from dataclasses import dataclass

from gateway.terms import VoiceQuality

RATING_MAX = 93.2
"""G.107 with every default: what a perfect line has."""
LOSS_ROBUSTNESS = 15.0
"""Bpl: how well the codec hides losses; between G.711 with concealment (25) and bare codecs (4)."""
CODEC_DELAY_MS = 26.5
"""Opus at 20 ms a frame with its look-ahead."""
DELAY_FELT_MS = 177.3
"""One-way delay beyond which talkers begin to interrupt each other."""
JITTERS_BUFFERED = 2
"""A receiver's buffer holds about twice the jitter."""
FALL, RISE = 0.8, 0.4
"""How far the rating follows one look, downwards and upwards."""
GOOD_MIN, FAIR_MIN = 80.0, 60.0
"""G.109: satisfied; nearly all dissatisfied below."""
MARGIN = 3.0
"""How far above a bound the rating must rise before the leg is called better."""
PACKETS_MIN = 10
"""Fewer expected packets say nothing about losses; a pause is not a loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What is known of one leg at one look; counts run since the beginning of its source."""

    ssrc: int
    """Source of the counts; they begin anew with another one."""
    expected: int
    """Packets that the app must have sent."""
    received: int
    jitter_ms: float
    rtt_ms: float
    """To the app and back, 0 where unknown."""
    loss_down: float
    """Share lost on the way to the app, as it last reported."""


def rating(*, loss: float, delay_ms: float) -> float:
    """R for a share of packets lost and a one-way delay."""
    felt = max(0.0, delay_ms - DELAY_FELT_MS)
    percent = 100 * loss
    impairment = 0.024 * delay_ms + 0.11 * felt + 95 * percent / (percent + LOSS_ROBUSTNESS)
    return max(0.0, RATING_MAX - impairment)


def opinion(of: float) -> float:
    """The mean opinion score of a rating, 1.0 to 4.4 (G.107 annex B)."""
    return max(1.0, 1 + 0.035 * of + of * (of - 60) * (100 - of) * 7e-6)


def quality_of(of: float) -> VoiceQuality:
    """What a rating is called."""
    if of >= GOOD_MIN:
        return VoiceQuality.GOOD
    return VoiceQuality.FAIR if of >= FAIR_MIN else VoiceQuality.POOR


class QualityWatch:
    """One leg's rating, look by look."""

    __slots__ = ("_expected", "_received", "_ssrc", "quality", "rating")

    def __init__(self) -> None:
        self.rating: float | None = None
        """Smoothed; None before enough packets came."""
        self.quality: VoiceQuality | None = None
        """What was last told."""
        self._ssrc = -1
        self._expected = 0
        self._received = 0

    def look(self, measures: Measures) -> bool:
        """Take one look; True where the leg's quality is another than before."""
        if measures.ssrc != self._ssrc:
            self._ssrc, self._expected, self._received = measures.ssrc, 0, 0
        expected = measures.expected - self._expected
        if measures.ssrc < 0 or expected < PACKETS_MIN:
            return False
        lost = expected - (measures.received - self._received)
        self._expected, self._received = measures.expected, measures.received
        loss = max(0.0, lost / expected, measures.loss_down)
        delay_ms = CODEC_DELAY_MS + measures.rtt_ms / 2 + JITTERS_BUFFERED * measures.jitter_ms
        self._follow(rating(loss=loss, delay_ms=delay_ms))
        return self._judge()

    def _follow(self, now: float) -> None:
        if self.rating is None:
            self.rating = now
        else:
            self.rating += (now - self.rating) * (FALL if now < self.rating else RISE)

    def _judge(self) -> bool:
        assert self.rating is not None
        called = quality_of(self.rating)
        if self.quality is not None and _RANK[called] > _RANK[self.quality]:
            called = max(self.quality, quality_of(self.rating - MARGIN), key=_RANK.__getitem__)
        if called is self.quality:
            return False
        self.quality = called
        return True


_RANK = {VoiceQuality.POOR: 0, VoiceQuality.FAIR: 1, VoiceQuality.GOOD: 2}
