"""Video between two apps with real handshakes: pictures, reports, requests, rejoins."""

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSrPacket

from gateway.errors import Unprocessable
from gateway.facts import LegConnected
from gateway.limits import VIDEO_BITS_PER_S
from gateway.media import rtcp
from gateway.media.adapters.feedback import WHOLE_PICTURES_PER_S_MAX
from gateway.media.request import (
    Bandwidth,
    Lost,
    WholePicture,
    write_bandwidth,
    write_lost,
    write_whole_picture,
)
from gateway.terms import SessionKind, Side
from tests.media.adapters.conftest import SESSION, Call
from tests.media.app import App

pytestmark = pytest.mark.adapter


async def joined(call: Call, side: Side, certificate: int, *, codec: str = "VP8") -> App:
    app = call.app(certificate)
    before = len(call.facts.of(LegConnected))
    offer = app.video_offer(codec=codec)
    await app.join(await call.media.answer(SESSION, side, SessionKind.VIDEO, offer))
    await call.facts.until(LegConnected, before + 1)
    return app


async def connected(call: Call) -> tuple[App, App]:
    """Both in one video session, linked, and each has seen the other."""
    client, provider = await joined(call, Side.CLIENT, 0), await joined(call, Side.PROVIDER, 1)
    call.media.link(SESSION)
    client.show(10)
    provider.show(20)
    await provider.hear()
    await client.hear()
    return client, provider


async def test_pictures_pass_both_ways_as_the_source_that_the_answer_declared(call: Call) -> None:
    client, provider = await connected(call)
    client.show(11, b"a face")
    provider.show(21, b"another")

    here, there = await client.hear(), await provider.hear()

    assert (there.payload, there.ssrc, there.seq) == (b"a face", provider.far_picture_ssrc, 11)
    assert (here.payload, here.ssrc, here.seq) == (b"another", client.far_picture_ssrc, 21)
    assert call.dropped() == {}


async def test_voice_and_picture_share_a_session_and_only_the_voice_is_evidence(call: Call) -> None:
    client, provider = await connected(call)
    client.speak(5, b"a word")

    assert (await provider.hear()).payload == b"a word"
    mine, other = call.media.evidence()
    assert (mine.rtp_packets, other.rtp_packets) == (1, 0)


async def test_lost_packets_are_asked_of_the_sender_in_its_own_numbers(call: Call) -> None:
    client, provider = await connected(call)
    await client.leave()
    rejoined = await joined(call, Side.CLIENT, 2)
    rejoined.show(1_000)
    seen = await provider.hear()
    provider.ask(write_lost(1, Lost(source=provider.far_picture_ssrc, entries=((seen.seq, 0b11),))))

    asked = await rejoined.hear_request()

    assert asked == Lost(source=rejoined.picture_ssrc, entries=((1_000, 0b11),))


@pytest.mark.parametrize("is_demand", [False, True])
async def test_a_whole_picture_is_asked_of_the_sender(call: Call, is_demand: bool) -> None:
    client, provider = await connected(call)
    wanted = WholePicture(source=provider.far_picture_ssrc, is_demand=is_demand)
    provider.ask(write_whole_picture(1, wanted, count=1))

    assert await client.hear_request() == WholePicture(source=client.picture_ssrc, is_demand=is_demand)


async def test_a_viewers_estimate_reaches_the_sender_bounded(call: Call) -> None:
    client, provider = await connected(call)
    for bits_per_s in (800_000, 50_000_000):
        provider.ask(write_bandwidth(1, Bandwidth(bits_per_s=bits_per_s), source=provider.far_picture_ssrc))

    heard = [await client.hear_request(), await client.hear_request()]

    assert heard[0] == Bandwidth(bits_per_s=800_000)
    assert isinstance(heard[1], Bandwidth)
    assert VIDEO_BITS_PER_S * 0.99 < heard[1].bits_per_s <= VIDEO_BITS_PER_S


async def test_a_request_about_somebody_elses_picture_goes_nowhere(call: Call) -> None:
    client, provider = await connected(call)
    provider.ask(write_whole_picture(1, WholePicture(source=client.picture_ssrc), count=1))
    provider.ask(write_bandwidth(1, Bandwidth(bits_per_s=5_000), source=1))

    assert await client.hear_request() == Bandwidth(bits_per_s=5_000)


async def test_a_viewer_cannot_ask_for_whole_pictures_without_end(call: Call) -> None:
    client, provider = await connected(call)
    wanted = WholePicture(source=provider.far_picture_ssrc)
    for _ in range(3 * WHOLE_PICTURES_PER_S_MAX):
        provider.ask(write_whole_picture(1, wanted, count=1))
    provider.ask(write_bandwidth(1, Bandwidth(bits_per_s=5_000), source=1))

    asked = 0
    while isinstance(await client.hear_request(), WholePicture):
        asked += 1

    assert 0 < asked < 3 * WHOLE_PICTURES_PER_S_MAX


async def test_a_viewer_who_comes_anew_has_a_whole_picture_asked_for(call: Call) -> None:
    client, _ = await connected(call)

    await joined(call, Side.PROVIDER, 2)

    assert await client.hear_request() == WholePicture(source=client.picture_ssrc)


async def test_a_link_has_whole_pictures_asked_for(call: Call) -> None:
    client, provider = await connected(call)
    call.media.unlink(SESSION)
    call.media.link(SESSION)

    assert await client.hear_request() == WholePicture(source=client.picture_ssrc)
    assert await provider.hear_request() == WholePicture(source=provider.picture_ssrc)


async def test_each_stream_has_a_report_of_its_own(call: Call) -> None:
    client, provider = await connected(call)
    client.speak(4)
    await provider.hear()
    for ssrc, ntp in ((client.ssrc, 1 << 32), (client.picture_ssrc, 2 << 32)):
        own = rtcp.SenderReport(ssrc=ssrc, ntp=ntp, rtp_ts=90)
        client.send(client.dtls.protect_rtcp(rtcp.sender_report(own, packets=1, octets=4)))

    first, second = [RtcpPacket.parse(await provider.hear_report())[0] for _ in range(2)]
    receiver = RtcpPacket.parse(await client.hear_report())[0]

    assert isinstance(first, RtcpSrPacket)
    assert isinstance(second, RtcpSrPacket)
    assert [(each.ssrc, each.sender_info.ntp_timestamp >> 32) for each in (first, second)] == [
        (provider.far_ssrc, 1),
        (provider.far_picture_ssrc, 2),
    ]
    assert isinstance(receiver, RtcpRrPacket)
    assert [each.ssrc for each in receiver.reports] == [client.ssrc, client.picture_ssrc]


async def test_a_mute_stops_the_voice_and_not_the_picture(call: Call) -> None:
    client, provider = await connected(call)
    call.media.set_muted(SESSION, Side.CLIENT, muted=True)
    client.speak(5, b"a secret")
    client.show(11, b"a face")

    assert (await provider.hear()).payload == b"a face"


async def test_two_apps_without_a_codec_in_common_are_told_so(call: Call) -> None:
    await joined(call, Side.CLIENT, 0)

    with pytest.raises(Unprocessable, match="the other side sends and shows VP8") as refused:
        await joined(call, Side.PROVIDER, 1, codec="H264")

    assert refused.value.wire_code == "bad_offer"
