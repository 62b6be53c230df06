"""What every relay keeps of its legs, and hands up; each twin runs all of it."""

import asyncio

import pytest

from gateway.errors import Unavailable
from gateway.media.counters import LEGS_MAX, Column, Drop
from gateway.media.demux import Kind
from gateway.media.ports import LegSpec, Witness
from tests.media.adapters.relay_bench import LEVEL, Bench
from tests.media.handset import Handset, bound_socket, new_keys

pytestmark = pytest.mark.adapter


async def test_checks_go_up_from_anybody_dtls_and_rtcp_from_a_path_only(bench: Bench) -> None:
    leg, here = bench.leg()
    stranger = bound_socket()
    for datagram in (b"\x16\xfe\xfdhandshake-bytes", b"\x80\xc8srtcp-bytes-"):
        stranger.sendto(datagram, bench.target)
        here.send(datagram)
    stranger.sendto(b"\x00\x01" + bytes(18), bench.target)

    check = await bench.next_control(Kind.STUN)
    here.send(b"\x17\xfe\xfdrecord-bytes", b"\x80\xc9srtcp-bytes-")
    record, report = await bench.next_control(Kind.DTLS), await bench.next_control(Kind.RTCP)

    assert (check.leg, check.address) == (0, stranger.getsockname())
    assert (record.leg, record.data) == (leg, b"\x17\xfe\xfdrecord-bytes")
    assert (report.leg, report.address) == (leg, here.address)
    assert (bench.drop(Drop.STRANGER_DTLS), bench.drop(Drop.STRANGER_RTCP)) == (1, 1)
    stranger.close()


async def test_the_first_packet_of_a_leg_is_told_once(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    here.send(here.packet(1), here.packet(2, b"end"))
    await there.hear_all(b"end")

    told = await bench.next_control(Kind.HEARD)

    assert told.leg == one
    assert bench.control.empty()


async def test_arrivals_are_counted_on_the_monotonic_clock(bench: Bench) -> None:
    (one, here), (other, there) = bench.pair()
    before_ns = bench.clock.monotonic_ns()
    here.send(here.packet(10, extension=LEVEL), here.packet(13, b"end", extension=LEVEL))
    await there.hear_all(b"end")
    after_ns = bench.clock.monotonic_ns()

    first_ns, last_ns = bench.cell(one, Column.RTP_FIRST_NS), bench.cell(one, Column.RTP_LAST_NS)
    assert before_ns <= first_ns <= last_ns <= after_ns
    assert (bench.cell(one, Column.RTP_IN), bench.cell(one, Column.RTP_SPAN)) == (2, 3 * 960)
    assert (bench.cell(one, Column.EXPECTED), bench.cell(one, Column.RECEIVED)) == (4, 2)
    assert (bench.cell(one, Column.LEVEL_LAST), bench.cell(one, Column.LEVEL_0 + 1)) == (-30, 2)
    assert (bench.cell(other, Column.RTP_OUT), bench.cell(other, Column.RTP_OUT_BYTES)) == (2, 7)


async def test_what_the_control_plane_saw_is_noted_in_the_row(bench: Bench) -> None:
    leg, _ = bench.leg()

    for witness, at_ns in ((Witness.RTCP, 5), (Witness.STUN, 6), (Witness.SCTP, 7)):
        bench.relay.note(leg, witness, at_ns=at_ns)

    assert bench.cell(leg, Column.RTCP_LAST_NS) == 5
    assert bench.cell(leg, Column.STUN_LAST_NS) == 6
    assert bench.cell(leg, Column.SCTP_LAST_NS) == 7


async def test_a_leg_that_moves_is_heard_from_both_paths_and_spoken_to_on_the_new(bench: Bench) -> None:
    (one, here), (other, there) = bench.pair()
    moved = Handset(bench.target, new_keys())
    bench.handsets.append(moved)
    old = here.address
    bench.relay.set_path(one, moved.address)
    here.send(here.packet(1, b"under way"))
    assert (await there.hear()).payload == b"under way"
    there.send(there.packet(1))

    assert len(await moved.receive()) > 12
    assert bench.cell(other, Column.RTP_FORWARDED) == 1
    assert old != moved.address


async def test_the_path_before_the_last_is_a_strangers(bench: Bench) -> None:
    one, here = bench.leg()
    for port in (9, 10):
        bench.relay.set_path(one, ("127.0.0.1", port))
    here.send(here.packet(1))
    await bench.settle()

    assert bench.drop(Drop.STRANGER_RTP) == 1


async def test_an_address_belongs_to_the_leg_that_latched_it_last(bench: Bench) -> None:
    one, here = bench.leg()
    other, _ = bench.leg()
    bench.relay.set_path(other, here.address)
    here.send(here.packet(1))
    await bench.settle()

    assert bench.cell(one, Column.RTP_IN) == 0
    assert bench.cell(other, Column.BAD_TAG) == 1


async def test_a_removed_leg_leaves_nothing_behind(bench: Bench) -> None:
    (one, here), (other, _) = bench.pair()
    here.send(here.packet(1))
    await bench.settle()
    bench.relay.remove_leg(one)
    here.send(here.packet(2))
    await bench.settle()

    assert bench.cell(one, Column.LEG) == bench.cell(one, Column.RTP_IN) == 0
    assert bench.cell(other, Column.PEER) == 0
    assert bench.drop(Drop.STRANGER_RTP) == 1


async def test_a_handle_of_a_removed_leg_is_ignored(bench: Bench) -> None:
    gone, _ = bench.leg()
    bench.relay.remove_leg(gone)
    legs = [bench.leg()[0] for _ in range(3)]

    bench.relay.set_path(gone, ("127.0.0.1", 9))
    bench.relay.set_keys(gone, new_keys())
    bench.relay.link(gone, legs[0])
    bench.relay.mute(gone, muted=True)
    bench.relay.note(gone, Witness.STUN, at_ns=5)
    bench.relay.unlink(gone)
    bench.relay.remove_leg(gone)

    assert gone not in legs
    assert [bench.cell(leg, Column.PEER) for leg in legs] == [0, 0, 0]
    assert bench.relay.tap(gone).drain() == []


async def test_linking_anew_unlinks_whoever_was_linked_before(bench: Bench) -> None:
    (one, _), (other, _) = bench.pair()
    third, _ = bench.leg()
    bench.relay.link(one, third)

    assert bench.cell(one, Column.PEER) == third
    assert bench.cell(other, Column.PEER) == 0


async def test_there_are_no_more_legs_than_the_buffer_has_rows(bench: Bench) -> None:
    spec = LegSpec(ssrc_out=1, voice=None)
    legs = [bench.relay.add_leg(spec) for _ in range(LEGS_MAX)]

    with pytest.raises(Unavailable, match="legs"):
        bench.relay.add_leg(spec)
    bench.relay.remove_leg(legs[5])
    assert bench.relay.add_leg(spec) not in legs


async def test_a_tap_copies_the_opus_frames_of_its_leg_alone(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    tap = bench.relay.tap(one)
    here.send(
        here.packet(1, b"spoken", extension=LEVEL), here.packet(2, bytes((111,)) + b"red", payload_type=63)
    )
    there.send(there.packet(1, b"answered"))
    await there.hear()
    await there.hear()

    frames = tap.drain()

    assert [(frame.seq, frame.rtp_ts, frame.opus) for frame in frames] == [
        (1, 960, b"spoken"),
        (2, 1_920, b"red"),
    ]
    assert [frame.level_dbov for frame in frames] == [-30, -127]
    assert bench.relay.tap(one) is tap


async def test_a_tap_hears_nothing_of_a_muted_leg_or_once_it_is_gone(bench: Bench) -> None:
    (one, here), _ = bench.pair()
    tap = bench.relay.tap(one)
    bench.relay.mute(one, muted=True)
    here.send(here.packet(1))
    await bench.settle()
    bench.relay.mute(one, muted=False)
    bench.relay.untap(one)
    here.send(here.packet(2))
    await bench.settle()

    assert tap.drain() == []


async def test_a_closed_relay_reads_no_more(bench: Bench) -> None:
    _, here = bench.leg()
    bench.relay.close()
    here.send(here.packet(1), b"\x00\x01" + bytes(18))
    await asyncio.sleep(0)

    assert bench.control.empty()
    assert bench.drop(Drop.STRANGER_RTP) == 0
