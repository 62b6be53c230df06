"""Whether the clocks of legs and apps run as long as the server's.

Decides how many whole seconds a clock has fallen behind beyond the tolerance of
250 ms + 0.5 %: RTP timestamps of a leg against their arrival, an app's own clock
against the ends of the ticks it acknowledges. A clock that runs longer never
makes up for time in which it ran shorter. Never cuts a second (`counting.py`).
Keeps: a clock is compared only while it can be seen to run: not across a silence
of its leg, a change of its origin, or a pause. See docs/metering.md, "When a second is billed".
"""

from dataclasses import dataclass

from gateway.clock import NS
from gateway.limits import ACK_GAP_NS
from gateway.terms import LegEvidence

TOLERANCE_NS = NS // 4
TOLERANCE_SHARE = 200
"""One part in 200 of the compared time, 0.5 %, is added to the tolerance."""
RTP_HZ = 48_000
RTP_SILENCE_NS = NS // 2
"""Packets further apart than that are not compared: a new source's timestamps skip the silence."""
PROMPT_ACK_NS = NS // 2
"""An acknowledgement that took no longer is taken to have read its clock as the tick ended."""


@dataclass(slots=True)
class Comparison:
    """How far one clock is behind the server's."""

    compared_ns: int = 0
    """Server time over which the clock was seen to run."""
    lag_ns: int = 0
    """How far it is behind where it stood at its best."""
    short_s: int = 0
    """Whole seconds that it fell behind beyond the tolerance, at its worst."""

    def found(self, elapsed_ns: int, lag_ns: int) -> None:
        """Over `elapsed_ns` more the clock has come to be `lag_ns` behind."""
        self.compared_ns += elapsed_ns
        self.lag_ns = lag_ns if lag_ns > 0 else 0
        if lag_ns > TOLERANCE_NS:
            beyond_ns = lag_ns - TOLERANCE_NS - self.compared_ns // TOLERANCE_SHARE
            self.short_s = max(self.short_s, beyond_ns // NS)


class RtpClock:
    """A leg's RTP timestamps against the arrival of the packets that carry them."""

    __slots__ = ("_at_ns", "_span", "comparison")

    def __init__(self) -> None:
        self.comparison = Comparison()
        self._at_ns = 0
        self._span = 0

    def note(self, leg: LegEvidence) -> None:
        """Take a reading; a leg whose span stands at 0 shows no clock."""
        at_ns, span = leg.rtp_last_ns, leg.rtp_span
        elapsed_ns = at_ns - self._at_ns
        if 0 < elapsed_ns <= RTP_SILENCE_NS and 0 < self._span <= span and leg.connected:
            ran_ns = (span - self._span) * NS // RTP_HZ
            self.comparison.found(elapsed_ns, self.comparison.lag_ns + elapsed_ns - ran_ns)
        self._at_ns, self._span = (at_ns, span) if leg.connected else (0, 0)

    def skip(self) -> None:
        """Nothing is compared until two more readings."""
        self._span = 0

    def restart(self) -> None:
        """Seconds begin: what was before does not count."""
        self.comparison = Comparison()
        self.skip()


class AppClock:
    """An app's own clock against the ends of the ticks that it acknowledges."""

    __slots__ = ("_best_ns", "_end_ns", "comparison", "last_ms")

    def __init__(self) -> None:
        self.comparison = Comparison()
        self.last_ms: int | None = None
        """What the app's clock said last."""
        self._end_ns = 0
        """End of the tick it said so for; 0 while nothing can be compared."""
        self._best_ns = 0
        """The app's clock less the server's, where it stood at its best."""

    def note(self, clock_ms: int, *, end_ns: int, now_ns: int) -> None:
        """An app whose clock said `clock_ms` has seen the tick that ended at `end_ns`."""
        ahead_ns = clock_ms * 1_000_000 - end_ns
        elapsed_ns = end_ns - self._end_ns
        if self._end_ns and elapsed_ns <= 0:
            return
        has_begun_anew = self.last_ms is not None and clock_ms < self.last_ms
        # Read later than the tick ended, the clock shows more; a late answer proves only what is left.
        proven_ns = ahead_ns - max(0, now_ns - end_ns - PROMPT_ACK_NS)
        if not self._end_ns or has_begun_anew or elapsed_ns > ACK_GAP_NS:
            self._best_ns = proven_ns + self.comparison.lag_ns
        else:
            self._best_ns = max(self._best_ns, proven_ns)
            self.comparison.found(elapsed_ns, self._best_ns - ahead_ns)
        self.last_ms, self._end_ns = clock_ms, end_ns

    def skip(self) -> None:
        """Nothing is compared until two more acknowledgements."""
        self._end_ns = 0

    def restart(self) -> None:
        """Seconds begin: what was before does not count."""
        self.comparison = Comparison()
        self.skip()
