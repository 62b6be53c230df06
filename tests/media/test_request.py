"""What viewers ask for: read from bytes, moved to another stream, written."""

import pytest
from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.media import rtcp
from gateway.media.request import (
    BITS_PER_S_MAX,
    NUMBERS_MAX,
    Bandwidth,
    Lost,
    Request,
    WholePicture,
    write_bandwidth,
    write_lost,
    write_whole_picture,
)

pytestmark = pytest.mark.core

LOST = Lost(source=77, entries=((65_530, 0b101), (3, 0)))


def read_back(written: bytes) -> list[Request]:
    compound = rtcp.parse(written)
    assert compound is not None
    return compound.requests


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (write_lost(1, LOST), LOST),
        (write_whole_picture(1, WholePicture(source=9), count=4), WholePicture(source=9)),
        (
            write_whole_picture(1, WholePicture(source=9, is_demand=True), count=4),
            WholePicture(source=9, is_demand=True),
        ),
        (write_bandwidth(1, Bandwidth(bits_per_s=1_000_000), source=9), Bandwidth(bits_per_s=1_000_000)),
        (write_bandwidth(1, Bandwidth(bits_per_s=0), source=9), Bandwidth(bits_per_s=0)),
    ],
)
def test_what_is_written_is_read_back(written: bytes, read: Request) -> None:
    assert read_back(written) == [read]


def test_another_library_reads_what_is_written() -> None:
    demand = WholePicture(source=9, is_demand=True)
    written = write_lost(1, LOST) + write_whole_picture(1, WholePicture(source=9), count=0)
    written += write_whole_picture(1, demand, count=258) + write_bandwidth(
        1, Bandwidth(bits_per_s=2_500_000), source=9
    )

    lost, picture, forced, bandwidth = RtcpPacket.parse(written)

    assert isinstance(lost, RtcpRtpfbPacket)
    assert (lost.ssrc, lost.media_ssrc, lost.lost) == (1, 77, [65_530, 65_531, 65_533, 3])
    assert isinstance(picture, RtcpPsfbPacket)
    assert (picture.fmt, picture.media_ssrc) == (RTCP_PSFB_PLI, 9)
    assert isinstance(forced, RtcpPsfbPacket)
    assert (forced.fmt, forced.fci) == (RTCP_PSFB_FIR, bytes((0, 0, 0, 9, 2, 0, 0, 0)))
    assert isinstance(bandwidth, RtcpPsfbPacket)
    assert unpack_remb_fci(bandwidth.fci) == (2_500_000, [9])


def test_lost_packets_are_named_as_their_sender_numbers_them() -> None:
    moved = LOST.moved(5, seq_offset=10)

    assert moved == Lost(source=5, entries=((65_520, 0b101), (65_529, 0)))


def test_no_more_numbers_are_read_than_there_may_be() -> None:
    (read,) = read_back(write_lost(1, Lost(source=2, entries=((7, 0),) * (NUMBERS_MAX + 5))))

    assert isinstance(read, Lost)
    assert len(read.entries) == NUMBERS_MAX


@pytest.mark.parametrize(
    "packet",
    [
        b"\x81\xcd\x00\x01" + bytes(4),
        b"\x81\xcd\x00\x02" + bytes(8),
        b"\x84\xce\x00\x02" + bytes(8),
        b"\x8f\xce\x00\x03" + bytes(8) + b"REMB",
        b"\x8f\xce\x00\x04" + bytes(8) + b"OTHERAPP",
        b"\x85\xcd\x00\x03" + bytes(12),
    ],
)
def test_what_does_not_add_up_or_is_not_known_asks_for_nothing(packet: bytes) -> None:
    assert read_back(packet) == []


@given(st.integers(0, BITS_PER_S_MAX))
def test_a_bandwidth_is_never_written_higher_than_it_is(bits_per_s: int) -> None:
    (read,) = read_back(write_bandwidth(1, Bandwidth(bits_per_s=bits_per_s), source=2))

    assert isinstance(read, Bandwidth)
    assert read.bits_per_s <= bits_per_s
    assert read.bits_per_s >= bits_per_s * (1 - 2**-17)


@given(st.sampled_from((b"\x81\xcd", b"\x81\xce", b"\x84\xce", b"\x8f\xce")), st.binary(max_size=120))
def test_no_noise_makes_it_raise(head: bytes, noise: bytes) -> None:
    body = noise[: len(noise) // 4 * 4]
    rtcp.parse(head + (len(body) // 4).to_bytes(2, "big") + body)
