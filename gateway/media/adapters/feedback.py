"""RTCP of one leg: reads what the app says, writes what the gateway says.

Decides what is passed on (the sender's clock, with source and timestamp of the
forwarded stream), what is answered from own counters (receiver reports) and
what is only noted (loss, round trip, goodbyes). RTP itself is the relay's.
Keeps: nothing is believed before SRTCP authenticated it, and a goodbye never.
See RFC 3550 section 6 and docs/media.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.media import rtcp
from gateway.media.adapters.srtp import RtcpCipher
from gateway.media.counters import Column, row_of
from gateway.media.ports import ControlDatagram, SrtpKeys
from gateway.media.report import Reporting, RoundTrip
from gateway.media.rtcp import SenderReport
from gateway.media.throttle import Throttle

PACKETS_PER_S_MAX = 20
"""RTCP of one leg; browsers send one or two a second."""
BURST_PACKETS = 40
"""What may come at once."""


class Feedback:
    """One leg's RTCP.

    Args:
        keys: the leg's SRTP keys.
        ssrc: the source that everything sent to the leg is written as.
        cname: the canonical name of that source.
        send: takes an encrypted packet for the leg.
        drop: counts a refused packet by reason.
    """

    def __init__(
        self,
        *,
        keys: SrtpKeys,
        ssrc: int,
        cname: str,
        send: Callable[[bytes], None],
        drop: Callable[[str], None],
    ) -> None:
        self.round_trip = RoundTrip()
        """What the app's reports say of the way to it."""
        self._cipher = RtcpCipher(keys)
        self._ssrc = ssrc
        self._source = rtcp.description(ssrc, cname)
        self._send = send
        self._drop = drop
        self._reporting = Reporting()
        self._throttle = Throttle(per_s=PACKETS_PER_S_MAX, burst=BURST_PACKETS)
        self._pending: SenderReport | None = None

    def take(self, datagram: ControlDatagram) -> bool:
        """Read an SRTCP packet; True where it authenticated."""
        if not self._throttle.admits(datagram.at_ns):
            self._drop("rtcp_throttled")
            return False
        packet = self._cipher.open(datagram.data)
        if packet is None:
            self._drop("rtcp_unauthentic")
            return False
        compound = rtcp.parse(packet)
        if compound is None:
            self._drop("rtcp_malformed")
            return True
        for _ in range(compound.goodbyes):
            self._drop("rtcp_goodbye")
        if compound.report is not None:
            self._reporting.heard_report(compound.report.name, at_ns=datagram.at_ns)
            self._pending = compound.report
        for block in compound.blocks:
            if block.ssrc == self._ssrc:
                self.round_trip.heard(block, at_ns=datagram.at_ns)
        return True

    def take_pending(self, counters: Sequence[int], leg: int) -> SenderReport | None:
        """The leg's newest sender report that was not passed on yet, if it speaks of its present source."""
        report, self._pending = self._pending, None
        if report is None or report.ssrc != counters[row_of(leg) + Column.SSRC_IN]:
            return None
        return report

    def forward(self, report: SenderReport, counters: Sequence[int], *, leg: int, now_ns: int) -> None:
        """Send the peer's report to this leg, as a report of the forwarded stream."""
        row = row_of(leg)
        packets = counters[row + Column.RTP_OUT]
        if not packets:
            return
        self.round_trip.forwarded(report.name, at_ns=now_ns)
        rtp_ts = report.rtp_ts + counters[row + Column.TS_OFFSET_OUT]
        own = replace(report, ssrc=self._ssrc, rtp_ts=rtp_ts & 0xFFFFFFFF)
        octets = counters[row + Column.RTP_OUT_BYTES]
        self._seal(rtcp.sender_report(own, packets=packets, octets=octets))

    def report(self, counters: Sequence[int], *, leg: int, now_ns: int) -> None:
        """Send a receiver report about what came of the leg."""
        row = row_of(leg)
        ssrc = counters[row + Column.SSRC_IN]
        if ssrc < 0:
            return
        block = self._reporting.block(
            ssrc=ssrc,
            expected=counters[row + Column.EXPECTED],
            received=counters[row + Column.RECEIVED],
            highest_ext=counters[row + Column.HIGHEST_EXT],
            jitter=counters[row + Column.JITTER],
            now_ns=now_ns,
        )
        self._seal(rtcp.receiver_report(self._ssrc, block))

    def _seal(self, packet: bytes) -> None:
        sealed = self._cipher.seal(packet + self._source)
        if sealed is not None:
            self._send(sealed)
