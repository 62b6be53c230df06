"""RTCP compound packets: read, and the few that the gateway itself sends (RFC 3550 section 6).

Decides what a decrypted compound says: sender reports, report blocks, goodbye,
requests (`request.py`); and how a sender report, a receiver report and a source description are written.
Never sees SRTCP (the adapter's) and never believes a goodbye: it is counted.
Keeps: a packet whose lengths do not add up is refused whole.
"""

from dataclasses import dataclass, field
from struct import Struct

from gateway.media.request import PAYLOAD, TRANSPORT, Request, read_requests

SR, RR, SDES, BYE = 200, 201, 202, 203
"""Packet types (RFC 3550 section 12.1)."""
PACKETS_MAX = 16
"""Packets in one compound that are read; browsers send two to four."""

_COMMON = Struct("!BBH")
_SENDER = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_WORD = Struct("!I")


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReport:
    """What a sender says of its own clock."""

    ssrc: int
    ntp: int
    """64-bit NTP timestamp; its middle 32 bits name the report."""
    rtp_ts: int
    """The same instant on the RTP clock."""

    @property
    def name(self) -> int:
        """The middle 32 bits of the NTP timestamp, which receivers quote as LSR."""
        return self.ntp >> 16 & 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """What a receiver says of one source."""

    ssrc: int
    fraction_lost: int
    """Lost since the previous report, of 256."""
    lost: int
    """Lost since the beginning; negative where duplicates came."""
    highest_ext: int
    """Highest sequence number with its cycles."""
    jitter: int
    """Timestamp units."""
    lsr: int
    """Name of the last sender report that came, 0 for none."""
    dlsr: int
    """Delay since then in 1/65536 s."""


@dataclass(slots=True, kw_only=True)
class Compound:
    """What one compound packet said."""

    reports: list[SenderReport] = field(default_factory=list)
    blocks: list[ReportBlock] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    """What a receiver of pictures asks for."""
    goodbyes: int = 0
    """Sources that claimed to leave."""
    other: int = 0
    """Packets of other types, which nothing here was negotiated for."""


def parse(packet: bytes) -> Compound | None:
    """Read a compound packet; None where its lengths do not add up."""
    compound = Compound()
    offset = 0
    for _ in range(PACKETS_MAX):
        if offset + 4 > len(packet):
            return None
        first, kind, words = _COMMON.unpack_from(packet, offset)
        end = offset + 4 + 4 * words
        if first >> 6 != 2 or end > len(packet):
            return None
        if not _read(compound, kind, first & 0x1F, packet[offset + 4 : end]):
            return None
        offset = end
        if offset == len(packet):
            return compound
    return None


def _read(compound: Compound, kind: int, count: int, body: bytes) -> bool:
    if kind == SR:
        if len(body) < _SENDER.size:
            return False
        ssrc, ntp, rtp_ts, _, _ = _SENDER.unpack_from(body)
        compound.reports.append(SenderReport(ssrc=ssrc, ntp=ntp, rtp_ts=rtp_ts))
        return _read_blocks(compound, count, body[_SENDER.size :])
    if kind == RR:
        return len(body) >= _WORD.size and _read_blocks(compound, count, body[_WORD.size :])
    if kind == BYE:
        compound.goodbyes += count
        return len(body) >= 4 * count
    if kind in (TRANSPORT, PAYLOAD):
        compound.requests += read_requests(kind, count, body)
        return True
    compound.other += kind != SDES
    return True


def _read_blocks(compound: Compound, count: int, body: bytes) -> bool:
    if len(body) < count * _BLOCK.size:
        return False
    for offset in range(0, count * _BLOCK.size, _BLOCK.size):
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, offset)
        lost = loss & 0xFFFFFF
        compound.blocks.append(
            ReportBlock(
                ssrc=ssrc,
                fraction_lost=loss >> 24,
                lost=lost - 0x1000000 if lost & 0x800000 else lost,
                highest_ext=highest,
                jitter=jitter,
                lsr=lsr,
                dlsr=dlsr,
            )
        )
    return True


def sender_report(report: SenderReport, *, packets: int, octets: int) -> bytes:
    """An SR without report blocks; the counts are the forwarded stream's own."""
    body = _SENDER.pack(
        report.ssrc, report.ntp, report.rtp_ts & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF
    )
    return _COMMON.pack(0x80, SR, len(body) // 4) + body


def receiver_report(sender_ssrc: int, *blocks: ReportBlock) -> bytes:
    """An RR with those blocks, at most 31."""
    body = _WORD.pack(sender_ssrc)
    for block in blocks:
        loss = block.fraction_lost << 24 | block.lost & 0xFFFFFF
        body += _BLOCK.pack(block.ssrc, loss, block.highest_ext, block.jitter, block.lsr, block.dlsr)
    return _COMMON.pack(0x80 | len(blocks), RR, len(body) // 4) + body


def description(ssrc: int, cname: str) -> bytes:
    """An SDES with the one item every compound needs."""
    name = cname.encode()
    items = _WORD.pack(ssrc) + bytes((1, len(name))) + name
    # The list ends with at least one zero octet and fills its last word.
    items += bytes(4 - len(items) % 4)
    return _COMMON.pack(0x81, SDES, len(items) // 4) + items
