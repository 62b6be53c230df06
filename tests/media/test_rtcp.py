"""RTCP compounds: read whole or not at all, and what the gateway writes is readable."""

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.rtcp import ReportBlock, SenderReport, description, parse, receiver_report, sender_report

pytestmark = pytest.mark.core

REPORT = SenderReport(ssrc=7, ntp=0x0123456789ABCDEF, rtp_ts=96_000)


def block(**changes: int) -> ReportBlock:
    values = {
        "ssrc": 9,
        "fraction_lost": 3,
        "lost": 2,
        "highest_ext": 70_000,
        "jitter": 12,
        "lsr": 5,
        "dlsr": 6,
    }
    return ReportBlock(**{**values, **changes})


def test_a_report_is_named_by_the_middle_of_its_ntp_time() -> None:
    assert REPORT.name == 0x456789AB


def test_a_written_sender_report_is_read_back() -> None:
    compound = parse(sender_report(REPORT, packets=50, octets=4_000) + description(7, "gw"))

    assert compound is not None
    assert compound.reports == [REPORT]
    assert (compound.blocks, compound.goodbyes, compound.other) == ([], 0, 0)


@pytest.mark.parametrize("lost", [0, 5, -1, 0x7FFFFF, -0x800000])
def test_a_written_receiver_report_is_read_back(lost: int) -> None:
    compound = parse(receiver_report(7, block(lost=lost)) + description(7, "gw"))

    assert compound is not None
    assert compound.blocks == [block(lost=lost)]


@pytest.mark.parametrize("cname", ["", "a", "ab", "abc", "abcd", "x" * 255])
def test_another_library_reads_what_is_written(cname: str) -> None:
    compound = sender_report(REPORT, packets=50, octets=4_000) + receiver_report(7, block())

    packets = RtcpPacket.parse(compound + description(7, cname))

    sender, receiver, source = packets
    assert isinstance(sender, RtcpSrPacket)
    assert isinstance(receiver, RtcpRrPacket)
    assert isinstance(source, RtcpSdesPacket)
    assert (sender.sender_info.packet_count, receiver.reports[0].jitter) == (50, 12)
    assert source.chunks[0].items == [(1, cname.encode())]


def test_a_goodbye_is_counted() -> None:
    compound = parse(receiver_report(7, block()) + bytes((0x82, 203, 0, 2)) + bytes(8))

    assert compound is not None
    assert compound.goodbyes == 2


REFUSED = {
    "nothing": b"",
    "half a header": b"\x80\xc8\x00",
    "another version": b"\x40" + sender_report(REPORT, packets=1, octets=1)[1:],
    "longer than it is": b"\x80\xc8\x00\xff" + bytes(24),
    "a sender report cut short": b"\x80\xc8\x00\x01" + bytes(4),
    "blocks that are not there": b"\x9f\xc9\x00\x01" + bytes(4),
    "a receiver report without its source": b"\x80\xc9\x00\x00",
    "goodbyes that are not there": b"\x9f\xcb\x00\x00",
    "too many packets": b"\x80\xca\x00\x00" * 17,
    "a tail": sender_report(REPORT, packets=1, octets=1) + b"\x80",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_compound_that_does_not_add_up_is_refused_whole(name: str) -> None:
    assert parse(REFUSED[name]) is None


@given(st.binary(max_size=200))
def test_no_noise_makes_it_raise(noise: bytes) -> None:
    parse(noise)
    parse(b"\x81\xc8" + noise)
