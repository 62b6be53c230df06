"""Receiver reports over an interval, and the round trip that a receiver's report shows.

Decides the loss fraction since the previous report (RFC 3550 A.3), the quoted
sender report with its delay, and round-trip time from LSR and DLSR. What the
numbers are used for is the operator's page; money never depends on them.
Keeps: only sender reports that were really forwarded give a round trip.
"""

from collections import OrderedDict

from gateway.clock import NS
from gateway.media.rtcp import ReportBlock

FORWARDED_MAX = 8
"""Sender reports remembered; a receiver quotes the last one it got."""
_SHORT_PER_S = 1 << 16


class Reporting:
    """The reports written about one leg's incoming stream."""

    __slots__ = ("_expected", "_received", "_report_at_ns", "_report_name", "_ssrc")

    def __init__(self) -> None:
        self._ssrc = -1
        self._expected = 0
        self._received = 0
        self._report_name = 0
        self._report_at_ns = 0

    def heard_report(self, name: int, *, at_ns: int) -> None:
        """Note the sender report that the next block quotes."""
        self._report_name = name
        self._report_at_ns = at_ns

    def block(
        self, *, ssrc: int, expected: int, received: int, highest_ext: int, jitter: int, now_ns: int
    ) -> ReportBlock:
        """The next block; the interval begins anew."""
        if ssrc != self._ssrc:
            self._ssrc, self._expected, self._received = ssrc, 0, 0
        expected_now = expected - self._expected
        lost_now = expected_now - (received - self._received)
        self._expected, self._received = expected, received
        fraction = min(255, (lost_now << 8) // expected_now) if expected_now > 0 and lost_now > 0 else 0
        delay = (now_ns - self._report_at_ns) * _SHORT_PER_S // NS if self._report_name else 0
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=fraction,
            lost=max(-0x800000, min(0x7FFFFF, expected - received)),
            highest_ext=highest_ext,
            jitter=jitter & 0xFFFFFFFF,
            lsr=self._report_name,
            dlsr=min(delay, 0xFFFFFFFF),
        )


class RoundTrip:
    """What one receiver's reports say of the way to it."""

    __slots__ = ("_sent", "fraction_lost", "rtt_ns")

    def __init__(self) -> None:
        self.rtt_ns = 0
        """Last round trip, 0 before the first."""
        self.fraction_lost = 0
        """Last reported loss on the way down, of 256."""
        self._sent: OrderedDict[int, int] = OrderedDict()

    def forwarded(self, name: int, *, at_ns: int) -> None:
        """Note a sender report that was sent to the receiver."""
        self._sent[name] = at_ns
        if len(self._sent) > FORWARDED_MAX:
            self._sent.popitem(last=False)

    def heard(self, block: ReportBlock, *, at_ns: int) -> None:
        """Read a block about the stream that was sent."""
        self.fraction_lost = block.fraction_lost
        sent_at_ns = self._sent.get(block.lsr)
        if sent_at_ns is not None:
            self.rtt_ns = max(0, at_ns - sent_at_ns - block.dlsr * NS // _SHORT_PER_S)
