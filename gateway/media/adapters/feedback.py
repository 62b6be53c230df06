"""RTCP of one leg: reads what the app says, writes what the gateway says.

Decides what is passed on (the sender's clock, with source and timestamp of the
forwarded stream; a viewer's requests, with the numbers of whom they are for),
what is answered from own counters (receiver reports) and what is only noted
(loss, round trip, goodbyes). RTP itself is the relay's.
Keeps: nothing is believed before SRTCP authenticated it, and a goodbye never.
See RFC 3550 section 6, RFC 4585, RFC 5104 and docs/media.md.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway.limits import VIDEO_BITS_PER_S
from gateway.media import rtcp
from gateway.media.adapters.srtp import RtcpCipher
from gateway.media.counters import Column, row_of
from gateway.media.ports import ControlDatagram, SrtpKeys
from gateway.media.report import Reporting, RoundTrip
from gateway.media.request import (
    Bandwidth,
    Lost,
    Request,
    WholePicture,
    write_bandwidth,
    write_lost,
    write_whole_picture,
)
from gateway.media.rtcp import ReportBlock, SenderReport
from gateway.media.throttle import Throttle

PACKETS_PER_S_MAX = 20
"""RTCP of one leg; browsers send one or two a second."""
BURST_PACKETS = 40
"""What may come at once."""
VIDEO_PACKETS_PER_S_MAX = 100
"""The same of a leg with video, which asks for lost packets every 20 ms at worst."""
VIDEO_BURST_PACKETS = 200
"""What may come of it at once."""
REPORTERS_MAX = 4
"""Sources of one leg whose reports are remembered: voice and video, and those they replaced."""
WHOLE_PICTURES_PER_S_MAX = 4
"""How often a sender is asked for a whole picture; each costs as much as a second of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream of a leg, both ways: which cells of its row speak of it."""

    source: int
    """What is sent to the leg is written as it."""
    ssrc_in: Column
    expected: Column
    received: Column
    highest_ext: Column
    jitter: Column
    sent: Column
    """Packets sent to the leg; payload bytes are in the cell after it."""
    ts_offset: Column
    name: bytes
    """The description that goes with its reports."""
    reporting: Reporting = field(default_factory=Reporting)
    """What the reports about what comes of it remember."""


def voice_stream(source: int, cname: str) -> Stream:
    """The voice that is sent to a leg as `source`."""
    return Stream(
        source=source,
        ssrc_in=Column.SSRC_IN,
        expected=Column.EXPECTED,
        received=Column.RECEIVED,
        highest_ext=Column.HIGHEST_EXT,
        jitter=Column.JITTER,
        sent=Column.RTP_OUT,
        ts_offset=Column.TS_OFFSET_OUT,
        name=rtcp.description(source, cname),
    )


def video_stream(source: int, cname: str) -> Stream:
    """The picture that is sent to a leg as `source`."""
    return Stream(
        source=source,
        ssrc_in=Column.VIDEO_SSRC_IN,
        expected=Column.VIDEO_EXPECTED,
        received=Column.VIDEO_RECEIVED,
        highest_ext=Column.VIDEO_HIGHEST_EXT,
        jitter=Column.VIDEO_JITTER,
        sent=Column.VIDEO_OUT,
        ts_offset=Column.VIDEO_TS_OFFSET_OUT,
        name=rtcp.description(source, cname),
    )


class Feedback:
    """One leg's RTCP.

    Args:
        keys: the leg's SRTP keys.
        ssrc: the source that voice to the leg is written as.
        video_ssrc: the source of video to it; None without video.
        cname: the canonical name of both.
        send: takes an encrypted packet for the leg.
        drop: counts a refused packet by reason.
    """

    def __init__(
        self,
        *,
        keys: SrtpKeys,
        ssrc: int,
        video_ssrc: int | None = None,
        cname: str,
        send: Callable[[bytes], None],
        drop: Callable[[str], None],
    ) -> None:
        self.round_trip = RoundTrip()
        """What the app's reports say of the way to it."""
        self._cipher = RtcpCipher(keys)
        self._ssrc = ssrc
        self._video_source = video_ssrc
        sources = (ssrc,) if video_ssrc is None else (ssrc, video_ssrc)
        makers = (voice_stream, video_stream)
        self._streams = [make(source, cname) for make, source in zip(makers, sources, strict=False)]
        self._send = send
        self._drop = drop
        self._throttle = (
            Throttle(per_s=PACKETS_PER_S_MAX, burst=BURST_PACKETS)
            if video_ssrc is None
            else Throttle(per_s=VIDEO_PACKETS_PER_S_MAX, burst=VIDEO_BURST_PACKETS)
        )
        self._pictures = Throttle(per_s=WHOLE_PICTURES_PER_S_MAX, burst=WHOLE_PICTURES_PER_S_MAX)
        self._demands = 0
        self._heard: OrderedDict[int, tuple[SenderReport, int]] = OrderedDict()
        self._pending: set[int] = set()
        self._requests: list[Request] = []

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
        for report in compound.reports:
            self._hear(report, at_ns=datagram.at_ns)
        for block in compound.blocks:
            if block.ssrc == self._ssrc:
                self.round_trip.heard(block, at_ns=datagram.at_ns)
        self._requests += [each for each in compound.requests if self._is_mine(each)]
        return True

    def _hear(self, report: SenderReport, *, at_ns: int) -> None:
        self._heard[report.ssrc] = report, at_ns
        self._heard.move_to_end(report.ssrc)
        self._pending.add(report.ssrc)
        if len(self._heard) > REPORTERS_MAX:
            forgotten, _ = self._heard.popitem(last=False)
            self._pending.discard(forgotten)

    def _is_mine(self, request: Request) -> bool:
        """Whether it speaks of the picture that is sent to the leg."""
        if isinstance(request, Bandwidth):
            return self._video_source is not None
        return request.source == self._video_source

    def take_pending(self, counters: Sequence[int], leg: int) -> list[SenderReport | None]:
        """The newest report of each of the leg's present sources that was not passed on yet, voice first.

        Nothing of a muted voice.
        """
        row = row_of(leg)
        present = [counters[row + stream.ssrc_in] for stream in self._streams]
        found = [self._heard[ssrc][0] if ssrc in self._pending else None for ssrc in present]
        self._pending.clear()
        if counters[row + Column.MUTED]:
            found[0] = None
        return found

    def forward(
        self, reports: Sequence[SenderReport | None], counters: Sequence[int], *, leg: int, now_ns: int
    ) -> None:
        """Send the peer's reports to this leg, as reports of the forwarded streams."""
        row = row_of(leg)
        for stream, report in zip(self._streams, reports, strict=False):
            packets = counters[row + stream.sent]
            if report is None or not packets:
                continue
            if stream.source == self._ssrc:
                self.round_trip.forwarded(report.name, at_ns=now_ns)
            rtp_ts = (report.rtp_ts + counters[row + stream.ts_offset]) & 0xFFFFFFFF
            own = replace(report, ssrc=stream.source, rtp_ts=rtp_ts)
            octets = counters[row + stream.sent + 1]
            self._seal(rtcp.sender_report(own, packets=packets, octets=octets) + stream.name)

    def report(self, counters: Sequence[int], *, leg: int, now_ns: int) -> None:
        """Send a receiver report about what came of the leg."""
        row = row_of(leg)
        blocks: list[ReportBlock] = []
        for stream in self._streams:
            ssrc = counters[row + stream.ssrc_in]
            if ssrc < 0:
                continue
            if ssrc in self._heard:
                heard, at_ns = self._heard[ssrc]
                stream.reporting.heard_report(heard.name, at_ns=at_ns)
            blocks.append(
                stream.reporting.block(
                    ssrc=ssrc,
                    expected=counters[row + stream.expected],
                    received=counters[row + stream.received],
                    highest_ext=counters[row + stream.highest_ext],
                    jitter=counters[row + stream.jitter],
                    now_ns=now_ns,
                )
            )
        if blocks:
            self._seal(rtcp.receiver_report(self._ssrc, *blocks) + self._streams[0].name)

    def take_requests(self) -> list[Request]:
        """What the app asked of whoever sends it a picture, since the last call."""
        requests, self._requests = self._requests, []
        return requests

    def ask(
        self, requests: Sequence[Request], counters: Sequence[int], *, leg: int, viewer: int, now_ns: int
    ) -> None:
        """Ask this leg for what the leg `viewer` asked of it, in this leg's own numbers."""
        ssrc = counters[row_of(leg) + Column.VIDEO_SSRC_IN]
        if ssrc < 0 or self._video_source is None:
            return
        offset = counters[row_of(viewer) + Column.VIDEO_SEQ_OFFSET_OUT]
        written = b""
        for each in requests:
            if isinstance(each, Lost):
                written += write_lost(self._video_source, each.moved(ssrc, seq_offset=offset))
            elif isinstance(each, Bandwidth):
                bounded = Bandwidth(bits_per_s=min(each.bits_per_s, VIDEO_BITS_PER_S))
                written += write_bandwidth(self._video_source, bounded, source=ssrc)
            elif self._pictures.admits(now_ns):
                self._demands += each.is_demand
                asked = replace(each, source=ssrc)
                written += write_whole_picture(self._video_source, asked, count=self._demands)
        if written:
            self._seal(rtcp.receiver_report(self._ssrc) + self._streams[0].name + written)

    def ask_whole_picture(self, counters: Sequence[int], *, leg: int, now_ns: int) -> None:
        """Ask this leg for a whole picture on nobody's behalf but the gateway's."""
        self.ask([WholePicture(source=0)], counters, leg=leg, viewer=leg, now_ns=now_ns)

    def _seal(self, packet: bytes) -> None:
        sealed = self._cipher.seal(packet)
        if sealed is not None:
            self._send(sealed)
