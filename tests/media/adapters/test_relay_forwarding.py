"""What every relay sends on, and as what; each twin runs all of it."""

import pytest

from gateway.media.counters import Column
from gateway.media.description import VoiceTerms
from tests.media.adapters.relay_bench import CHROME, PLAIN, Bench
from tests.media.handset import PROFILES, Heard, new_keys

pytestmark = pytest.mark.adapter


@pytest.mark.parametrize("profile", PROFILES)
async def test_voice_passes_both_ways_with_every_profile(bench: Bench, profile: str) -> None:
    one, here = bench.leg(keys=new_keys(profile))
    other, there = bench.leg(keys=new_keys(profile))
    bench.relay.link(one, other)
    here.send(here.packet(1, b"hello"))
    there.send(there.packet(1, b"good day"))

    assert (await there.hear()).payload == b"hello"
    assert (await here.hear()).payload == b"good day"


async def test_the_receiver_hears_its_own_source_type_and_extensions(bench: Bench) -> None:
    (_, here), (_, there) = bench.pair(CHROME, PLAIN)
    here.send(here.packet(7, extension=b"\x40\x30" + b"\x10\x9e"))

    heard = await there.hear()

    assert (heard.ssrc, heard.payload_type, heard.seq, heard.ts) == (0xBBBB, 96, 7, 6_720)
    assert heard.extension == b"\x00\x00\x50\x9e"


async def test_red_is_passed_on_with_the_receivers_numbers(bench: Bench) -> None:
    (_, here), (_, there) = bench.pair(CHROME, VoiceTerms(opus=96, red=97))
    here.send(here.packet(1, bytes((111,)) + b"opus", payload_type=63))

    heard = await there.hear()

    assert (heard.payload_type, heard.payload) == (97, bytes((96,)) + b"opus")


async def test_a_receiver_without_red_gets_the_primary_frame(bench: Bench) -> None:
    (_, here), (_, there) = bench.pair(CHROME, PLAIN)
    payload = bytes((0x80 | 111, 0x0F, 0x00, 3, 111)) + b"old" + b"fresh"
    here.send(here.packet(1, payload, payload_type=63))

    heard = await there.hear()

    assert (heard.payload_type, heard.payload) == (96, b"fresh")


async def test_nothing_passes_before_the_link_and_after_the_unlink(bench: Bench) -> None:
    (one, here), (other, there) = bench.leg(), bench.leg(ssrc_out=0xBBBB)
    here.send(here.packet(1))
    await bench.settle()
    bench.relay.link(one, other)
    here.send(here.packet(2))
    assert (await there.hear()).seq == 2
    bench.relay.unlink(other)
    here.send(here.packet(3))
    there.send(there.packet(1))
    await bench.settle()

    assert bench.cell(one, Column.RTP_IN) == 3
    assert bench.cell(one, Column.RTP_FORWARDED) == 1
    assert bench.cell(other, Column.RTP_FORWARDED) == 0
    assert bench.cell(one, Column.PEER) == 0


async def test_a_muted_leg_is_counted_but_not_forwarded(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    bench.relay.mute(one, muted=True)
    here.send(here.packet(1), here.packet(2))
    await bench.settle()
    bench.relay.mute(one, muted=False)
    here.send(here.packet(3, b"end"))

    heard = await there.hear_all(b"end")

    assert [(each.seq, each.marker) for each in heard] == [(3, True)]
    assert bench.cell(one, Column.RTP_IN) == 3


async def test_a_mute_leaves_no_gap_for_the_receiver(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    here.send(here.packet(1))
    await there.hear()
    bench.relay.mute(one, muted=True)
    here.send(*(here.packet(seq) for seq in range(2, 50)))
    await bench.settle()
    bench.relay.mute(one, muted=False)
    here.send(here.packet(50, b"end"))

    (heard,) = await there.hear_all(b"end")

    assert (heard.seq, heard.ts) == (2, 48_000)


async def test_the_stream_goes_on_when_another_leg_takes_the_senders_place(bench: Bench) -> None:
    (one, here), (other, there) = bench.pair()
    here.send(here.packet(100, b"before"))
    before = await there.hear()
    rejoined, again = bench.leg()
    bench.relay.link(rejoined, other)
    bench.relay.remove_leg(one)
    again.send(again.packet(9_000, b"after"), again.packet(9_001, b"then"))

    after, then = await there.hear(), await there.hear()

    assert (after.ssrc, after.seq, then.seq) == (before.ssrc, before.seq + 1, before.seq + 2)
    assert after.ts - before.ts >= 960
    assert then.ts - after.ts == 960


async def test_the_offset_of_timestamps_is_told_for_sender_reports(bench: Bench) -> None:
    (one, here), (other, there) = bench.pair()
    here.send(here.packet(1, ts=1_000))
    await there.hear()
    rejoined, again = bench.leg()
    bench.relay.link(rejoined, other)
    bench.relay.remove_leg(one)
    again.send(again.packet(1, ts=900_000))

    heard = await there.hear()

    offset = bench.cell(other, Column.TS_OFFSET_OUT)
    assert heard.ts == (900_000 + offset) & 0xFFFFFFFF


async def test_a_packet_is_read_whole(bench: Bench) -> None:
    (_, here), (_, there) = bench.pair()
    here.send(here.packet(1, b"x" * 1_200))

    heard: Heard = await there.hear()

    assert heard.payload == b"x" * 1_200
