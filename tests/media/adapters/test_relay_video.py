"""What every relay does with a leg's video and its repairs; each twin runs all of it."""

import pytest

from gateway.media.adapters.relay_video import SOURCES_MAX, VIDEO_BYTES_PER_S
from gateway.media.counters import Column, Drop
from gateway.media.description import VideoTerms
from tests.media.adapters.relay_bench import BASELINE, CAMERA, OTHER_CAMERA, Bench
from tests.media.handset import Handset

pytestmark = pytest.mark.adapter

PICTURES, REPAIRS = 0xCA3E7A, 0x9E9A17
"""Sources that a handset sends its video and its repairs as."""


def picture(of: Handset, seq: int, payload: bytes = b"picture", *, ts: int = 0, **more: bytes) -> bytes:
    return of.packet(seq, payload, payload_type=97, ts=ts or 3_000 * seq, ssrc=PICTURES, **more)


def repair(of: Handset, seq: int, number: int, payload: bytes = b"picture") -> bytes:
    """The packet of that number once more (RFC 4588)."""
    return of.packet(
        seq, number.to_bytes(2, "big") + payload, payload_type=98, ts=3_000 * number, ssrc=REPAIRS
    )


async def test_a_picture_passes_beside_the_voice_with_the_receivers_numbers(bench: Bench) -> None:
    (one, here), (other, there) = bench.video_pair()
    here.send(picture(here, 40), here.packet(7, b"voice"), picture(here, 41))

    first, voice, second = [await there.hear() for _ in range(3)]

    assert (first.ssrc, first.payload_type, first.seq, first.ts) == (0xBB01, 120, 40, 120_000)
    assert (voice.ssrc, voice.payload_type, voice.seq, voice.ts) == (0xBB00, 96, 7, 6_720)
    assert (second.seq, second.payload, second.marker) == (41, b"picture", False)
    assert [bench.cell(one, each) for each in (Column.VIDEO_IN, Column.VIDEO_FORWARDED)] == [2, 2]
    assert [bench.cell(other, each) for each in (Column.VIDEO_OUT, Column.VIDEO_OUT_BYTES)] == [2, 14]


async def test_a_picture_is_no_evidence_of_a_voice(bench: Bench) -> None:
    (one, here), (_, there) = bench.video_pair()
    here.send(picture(here, 1), repair(here, 1, 1))
    await there.hear()
    await there.hear()

    columns = (Column.RTP_IN, Column.RTP_IN_BYTES, Column.RTP_FIRST_NS, Column.RTP_LAST_NS, Column.RTP_SPAN)
    assert [bench.cell(one, each) for each in (*columns, Column.RTP_FORWARDED)] == [0] * 6
    assert bench.cell(one, Column.SSRC_IN) == -1
    assert bench.cell(one, Column.VIDEO_SSRC_IN) == PICTURES
    assert bench.cell(one, Column.VIDEO_LAST_NS) > 0
    assert bench.control.empty()


async def test_what_came_of_the_pictures_is_counted_without_repairs(bench: Bench) -> None:
    (one, here), (_, there) = bench.video_pair()
    here.send(picture(here, 10), picture(here, 13), repair(here, 5, 12))
    for _ in range(3):
        await there.hear()

    columns = (Column.VIDEO_HIGHEST_EXT, Column.VIDEO_EXPECTED, Column.VIDEO_RECEIVED, Column.VIDEO_IN)
    assert [bench.cell(one, each) for each in columns] == [13, 4, 2, 3]


async def test_the_mark_of_a_pictures_last_packet_stays(bench: Bench) -> None:
    (_, here), (_, there) = bench.video_pair()
    here.send(here.packet(1, b"end", payload_type=0x80 | 97, ssrc=PICTURES), picture(here, 2))

    assert [(await there.hear()).marker for _ in range(2)] == [True, False]


async def test_extensions_of_video_get_the_receivers_identifiers_and_others_are_erased(bench: Bench) -> None:
    (_, here), (_, there) = bench.video_pair()
    send_time, rotation, level = b"\x22abc", b"\xd0\x01", b"\x10\x9e"
    here.send(picture(here, 1, extension=send_time + rotation + level))

    assert (await there.hear()).extension == b"\x72abc" + bytes(4)


async def test_a_repair_names_the_packet_as_the_receiver_knows_it(bench: Bench) -> None:
    (one, here), (other, there) = bench.video_pair()
    here.send(picture(here, 65_535))
    await there.hear()
    rejoined, again = bench.leg(video=CAMERA)
    bench.relay.link(rejoined, other)
    bench.relay.remove_leg(one)
    again.send(picture(again, 500), repair(again, 9, 501))

    follows, repaired = await there.hear(), await there.hear()

    assert follows.seq == 1, "one number is missing, so that a decoder waits for a whole picture"
    assert (repaired.ssrc, repaired.payload_type) == (0xBB02, 121)
    assert repaired.payload == b"\x00\x02picture"
    assert bench.cell(other, Column.VIDEO_SEQ_OFFSET_OUT) == (1 - 500) & 0xFFFF
    assert follows.ts == (1_500_000 + bench.cell(other, Column.VIDEO_TS_OFFSET_OUT)) & 0xFFFFFFFF


async def test_a_repair_of_what_the_receiver_never_got_is_kept_back(bench: Bench) -> None:
    (one, here), (_, there) = bench.video_pair()
    here.send(repair(here, 1, 20), picture(here, 21), repair(here, 2, 20), repair(here, 3, 21, b"end"))

    assert (await there.hear()).payload == b"picture"
    assert (await there.hear()).payload == b"\x00\x15end"
    assert bench.cell(one, Column.VIDEO_FORWARDED) == 2


async def test_padding_that_probes_passes_as_it_is(bench: Bench) -> None:
    (_, here), (_, there) = bench.video_pair()
    here.send(picture(here, 7), here.packet(2, b"", payload_type=98, ssrc=REPAIRS))
    await there.hear()

    assert (await there.hear()).payload == b""


async def test_a_receiver_without_repairs_gets_none(bench: Bench) -> None:
    plain = VideoTerms(codec=CAMERA.codec, payload_type=120)
    (one, here), (_, there) = bench.video_pair(CAMERA, plain)
    here.send(picture(here, 1), repair(here, 1, 1), picture(here, 2, b"end"))

    assert [each.payload for each in await there.hear_all(b"end")] == [b"picture", b"end"]
    assert bench.cell(one, Column.VIDEO_IN) == 3


async def test_a_receiver_of_another_codec_gets_nothing(bench: Bench) -> None:
    (one, here), (_, there) = bench.video_pair(CAMERA, BASELINE)
    here.send(picture(here, 1), here.packet(1, b"voice"))

    assert (await there.hear()).payload == b"voice"
    assert (bench.cell(one, Column.VIDEO_IN), bench.cell(one, Column.VIDEO_FORWARDED)) == (1, 0)


async def test_a_leg_of_voice_alone_may_send_no_video(bench: Bench) -> None:
    (one, here), (_, there) = bench.pair()
    here.send(picture(here, 1), here.packet(2, b"voice", ssrc=PICTURES))

    assert (await there.hear()).payload == b"voice"
    assert bench.cell(one, Column.REFUSED) == 1
    assert bench.cell(one, Column.VIDEO_IN) == 0


async def test_a_mute_stops_the_voice_and_not_the_picture(bench: Bench) -> None:
    (one, here), (_, there) = bench.video_pair()
    here.send(picture(here, 1))
    await there.hear()
    bench.relay.mute(one, muted=True)
    here.send(here.packet(1, b"voice"), picture(here, 2))
    heard = await there.hear()

    assert (heard.payload, heard.seq) == (b"picture", 2)
    assert bench.cell(one, Column.RTP_FORWARDED) == 0


async def test_an_unlink_stops_voice_and_picture_at_once(bench: Bench) -> None:
    (one, here), (other, there) = bench.video_pair()
    here.send(picture(here, 1))
    await there.hear()
    bench.relay.unlink(one)
    here.send(here.packet(1, b"voice"), picture(here, 2), repair(here, 1, 1))
    await bench.settle()
    bench.relay.link(one, other)
    here.send(picture(here, 3, b"end"))

    (heard,) = await there.hear_all(b"end")

    assert heard.seq == 3, "one number is missing after the break"
    assert bench.cell(one, Column.VIDEO_FORWARDED) == 2


async def test_video_over_the_rate_is_throttled_and_the_voice_is_not(bench: Bench) -> None:
    (one, here), (_, there) = bench.video_pair()
    count = VIDEO_BYTES_PER_S // 1_216
    for seq in range(2 * count):
        here.send(picture(here, seq + 1, b"x" * 1_200))
        if seq % 20 == 0:
            await bench.settle()
    here.send(here.packet(1, b"voice"))
    await there.hear_all(b"voice")

    assert bench.cell(one, Column.VIDEO_IN) == 2 * count
    assert bench.cell(one, Column.THROTTLED) == bench.drop(Drop.THROTTLED) > 0
    assert bench.cell(one, Column.VIDEO_FORWARDED) >= count - 1
    assert bench.cell(one, Column.RTP_FORWARDED) == 1


async def test_video_that_does_not_authenticate_or_comes_twice_is_dropped(bench: Bench) -> None:
    (one, here), (_, there) = bench.video_pair()
    good = picture(here, 1)
    here.send(good[:-1] + bytes((good[-1] ^ 1,)), good, good, picture(here, 2, b"end"))

    assert len(await there.hear_all(b"end")) == 2
    assert (bench.cell(one, Column.BAD_TAG), bench.cell(one, Column.REPLAYED)) == (1, 1)
    assert bench.cell(one, Column.VIDEO_IN) == 2


async def test_a_leg_may_send_video_as_so_many_sources_and_no_more(bench: Bench) -> None:
    one, here = bench.leg(video=CAMERA)
    for each in range(SOURCES_MAX + 3):
        here.send(here.packet(1, payload_type=97, ssrc=1_000 + each))
    here.send(here.packet(2, payload_type=97, ssrc=1_000))
    await bench.settle()

    assert (bench.cell(one, Column.VIDEO_IN), bench.cell(one, Column.REFUSED)) == (SOURCES_MAX, 4)


async def test_h264_of_one_profile_passes_under_other_numbers(bench: Bench) -> None:
    far = VideoTerms(codec=BASELINE.codec, profile="42e034", payload_type=OTHER_CAMERA.payload_type)
    (_, here), (_, there) = bench.video_pair(BASELINE, far)
    here.send(picture(here, 3))

    assert (await there.hear()).payload_type == 120
