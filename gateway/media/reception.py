"""What arrived of one RTP source: lost, jitter, how far its clock ran (RFC 3550 A.1, A.3, A.8).

Decides the numbers that receiver reports and evidence are made of. Fed only
with packets that authenticated; what it learns of them is never trusted for
more than quality, because the sender writes sequence and timestamp.
Keeps: the span never shrinks, not even across a change of source.
"""

from typing import Final

UNITS_PER_MS: Final = 48
"""Opus over RTP always counts in 48 kHz (RFC 7587)."""
VIDEO_UNITS_PER_MS: Final = 90
"""Video counts in 90 kHz (RFC 7741, RFC 6184)."""


class Reception:
    """The running account of one leg; integers only, nothing allocated per packet."""

    __slots__ = (
        "_base_ext",
        "_high_ext",
        "_jitter_16",
        "_received",
        "_span_before",
        "_transit",
        "_ts_first",
        "_units_per_ms",
        "span",
        "ssrc",
    )

    def __init__(self, *, units_per_ms: int = UNITS_PER_MS) -> None:
        self.ssrc = -1
        """The present source, -1 before the first packet."""
        self.span = 0
        """Timestamp advance since the first packet, summed over sources, in timestamp units."""
        self._units_per_ms = units_per_ms
        self._base_ext = 0
        self._high_ext = 0
        self._received = 0
        self._jitter_16 = 0
        self._transit = 0
        self._ts_first = 0
        self._span_before = 0

    def note(self, ssrc: int, *, seq: int, ts: int, at_ns: int) -> None:
        """Count one packet."""
        arrival = at_ns * self._units_per_ms // 1_000_000
        if ssrc != self.ssrc:
            self._begin(ssrc, seq=seq, ts=ts, arrival=arrival)
        else:
            self._received += 1
            ahead = (seq - self._high_ext) & 0xFFFF
            if ahead < 0x8000:
                self._high_ext += ahead
            span = self._span_before + ((ts - self._ts_first) & 0xFFFFFFFF)
            # Half the circle away is a timestamp from before the first packet, not a day's advance.
            if self.span < span < self.span + 0x80000000:
                self.span = span
            transit = arrival - ts
            late = (transit - self._transit + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            self._transit = transit
            self._jitter_16 += abs(late) - (self._jitter_16 + 8 >> 4)

    def _begin(self, ssrc: int, *, seq: int, ts: int, arrival: int) -> None:
        self.ssrc = ssrc
        self._base_ext = seq
        self._high_ext = seq
        self._received = 1
        self._jitter_16 = 0
        self._transit = arrival - ts
        self._ts_first = ts
        self._span_before = self.span

    @property
    def highest_ext(self) -> int:
        """Highest sequence number with its cycles, 32 bits (RFC 3550 section 6.4.1)."""
        return self._high_ext & 0xFFFFFFFF

    @property
    def expected(self) -> int:
        """Packets that the present source must have sent between its first and its highest."""
        return self._high_ext - self._base_ext + 1 if self.ssrc >= 0 else 0

    @property
    def received(self) -> int:
        """Packets of the present source that came."""
        return self._received if self.ssrc >= 0 else 0

    @property
    def lost(self) -> int:
        """Expected and not come; late ones give it back, never below zero."""
        return max(0, self.expected - self.received)

    @property
    def jitter(self) -> int:
        """Interarrival jitter in timestamp units."""
        return self._jitter_16 >> 4
