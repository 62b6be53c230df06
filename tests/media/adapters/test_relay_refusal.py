"""What every relay drops, by its reason; each twin runs all of it."""

import pytest

from gateway.clock import NS
from gateway.limits import DATAGRAM_BYTES_MAX, RTP_PACKETS_PER_S_MAX
from gateway.media.adapters.relay_leg import BURST_PACKETS
from gateway.media.adapters.relay_video import SOURCES_MAX
from gateway.media.counters import Column, Drop
from gateway.media.ports import LegSpec
from tests.media.adapters.relay_bench import CHROME, PLAIN, Bench
from tests.media.handset import Handset, bound_socket, new_keys

pytestmark = pytest.mark.adapter


async def test_red_that_does_not_add_up_is_refused(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair(CHROME, PLAIN)
    here.send(here.packet(1, b"\x80\x00", payload_type=63), here.packet(2, b"end"))

    assert [heard.seq for heard in await there.hear_all(b"end")] == [2]
    assert bench.cell(one, Column.REFUSED) == 1


async def test_a_sender_may_change_its_source_but_never_go_back(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    here.send(here.packet(1, b"old"), here.packet(700, b"new", ssrc=6), here.packet(2, b"stale"))
    here.send(here.packet(701, b"end", ssrc=6))

    heard = await there.hear_all(b"end")

    assert [(each.seq, each.payload) for each in heard] == [(1, b"old"), (2, b"new"), (3, b"end")]
    assert bench.cell(one, Column.REFUSED) == 1
    assert bench.cell(one, Column.SSRC_IN) == 6


async def test_a_leg_cannot_change_its_source_without_end(bench: Bench) -> None:
    (one, here), _ = bench.pair()
    here.send(*(here.packet(1, ssrc=1_000 + each) for each in range(SOURCES_MAX + 5)))
    await bench.settle()

    assert bench.cell(one, Column.RTP_IN) == SOURCES_MAX
    assert bench.cell(one, Column.REFUSED) == 5


async def test_a_replayed_packet_is_counted_and_dropped(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    packet = here.packet(1)
    here.send(packet, packet, here.packet(2, b"end"))

    assert [heard.seq for heard in await there.hear_all(b"end")] == [1, 2]
    assert (bench.cell(one, Column.REPLAYED), bench.drop(Drop.REPLAYED)) == (1, 1)


async def test_a_packet_that_does_not_authenticate_is_counted_and_dropped(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    packet = bytearray(here.packet(1))
    packet[-1] ^= 1
    here.send(bytes(packet), here.packet(2, b"end"))

    assert [heard.seq for heard in await there.hear_all(b"end")] == [2]
    assert (bench.cell(one, Column.BAD_TAG), bench.drop(Drop.BAD_TAG)) == (1, 1)
    assert bench.cell(one, Column.RTP_IN) == 1


async def test_a_forged_packet_is_no_sign_of_life(bench: Bench) -> None:
    one, here = bench.leg()
    here.send(b"\x80\x6f" + bytes(60))
    await bench.settle()

    assert bench.cell(one, Column.RTP_LAST_NS) == 0
    assert bench.cell(one, Column.SSRC_IN) == -1


async def test_rtp_from_an_address_that_was_not_latched_is_dropped(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    stranger = bound_socket()
    stranger.sendto(here.packet(1), bench.target)
    await bench.settle()
    here.send(here.packet(2, b"end"))

    assert [heard.seq for heard in await there.hear_all(b"end")] == [2]
    assert bench.drop(Drop.STRANGER_RTP) == 1
    assert bench.cell(one, Column.RTP_IN) == 1
    stranger.close()


async def test_a_flood_is_throttled_and_counted(bench: Bench) -> None:
    (one, here), (other, _) = bench.pair()
    began_ns = bench.clock.monotonic_ns()
    for seq in range(1, 601):
        here.send(here.packet(seq))
        if seq % 50 == 0:
            await bench.settle()

    forwarded, elapsed_ns = bench.cell(one, Column.RTP_FORWARDED), bench.clock.monotonic_ns() - began_ns

    assert forwarded + bench.cell(one, Column.THROTTLED) == 600
    assert BURST_PACKETS <= forwarded <= BURST_PACKETS + 1 + RTP_PACKETS_PER_S_MAX * elapsed_ns / NS
    assert bench.cell(other, Column.RTP_OUT) == forwarded


async def test_a_flood_of_forgeries_leaves_the_call_undisturbed(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    for _ in range(20):
        here.send(*(b"\x80\x6f" + bytes(80) for _ in range(50)))
        await bench.settle()
    here.send(here.packet(1, b"end"))

    assert [heard.seq for heard in await there.hear_all(b"end")] == [1]
    assert (bench.cell(one, Column.BAD_TAG), bench.cell(one, Column.THROTTLED)) == (1_000, 0)


async def test_a_payload_type_that_was_not_negotiated_is_refused(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    here.send(here.packet(1, payload_type=9), here.packet(2, b"end"))

    assert [heard.seq for heard in await there.hear_all(b"end")] == [2]
    assert bench.cell(one, Column.REFUSED) == 1


async def test_a_leg_of_text_alone_sends_no_voice(bench: Bench) -> None:
    one, here = bench.leg(None)
    other, _ = bench.leg()
    bench.relay.link(one, other)
    here.send(here.packet(1))
    await bench.settle()

    assert (bench.cell(one, Column.REFUSED), bench.cell(other, Column.RTP_OUT)) == (1, 0)


async def test_rtp_before_the_keys_is_dropped(bench: Bench) -> None:
    leg = bench.relay.add_leg(LegSpec(ssrc_out=1, voice=CHROME))
    handset = Handset(bench.target, new_keys())
    bench.handsets.append(handset)
    bench.relay.set_path(leg, handset.address)
    handset.send(handset.packet(1))
    await bench.settle()

    assert bench.drop(Drop.UNKEYED) == 1
    assert bench.cell(leg, Column.RTP_IN) == 0


async def test_nothing_is_sent_to_a_leg_that_is_not_ready(bench: Bench) -> None:
    one, here = bench.leg()
    other = bench.relay.add_leg(LegSpec(ssrc_out=1, voice=CHROME))
    bench.relay.link(one, other)
    here.send(here.packet(1))
    await bench.settle()

    assert (bench.cell(one, Column.RTP_IN), bench.cell(one, Column.RTP_FORWARDED)) == (1, 0)


NOISE = {
    "short": (b"\x80\x6f", Drop.SHORT),
    "empty": (b"", Drop.SHORT),
    "reserved": (b"\xff" * 40, Drop.NOISE),
    "turn channel": (b"\x40" * 40, Drop.NOISE),
    "oversized": (b"\x80" * (DATAGRAM_BYTES_MAX + 1), Drop.OVERSIZED),
    "giant": (b"\x80" * 60_000, Drop.OVERSIZED),
}


@pytest.mark.parametrize("name", NOISE)
async def test_noise_is_dropped_by_its_reason(bench: Bench, name: str) -> None:
    datagram, reason = NOISE[name]
    _, here = bench.leg()
    here.send(datagram)
    await bench.settle()

    assert bench.drop(reason) == 1
