"""Answers: another library reads them, and they name nothing but the gateway."""

import pytest
from aiortc.sdp import MediaDescription, SessionDescription

from gateway.media.adapters.sdp_answer import OPUS_PARAMETERS, Transport, write_answer
from gateway.media.adapters.sdp_offer import read_offer
from gateway.media.description import Fingerprint
from gateway.terms import SessionKind
from tests.media.adapters.test_sdp_offer import AUDIO_LINES, CHROME, SESSION_LINES, VIDEO_LINES, replaced, sdp

pytestmark = pytest.mark.adapter

TRANSPORT = Transport(
    ufrag="abcd1234",
    pwd="p" * 32,
    fingerprint=Fingerprint(algorithm="sha-256", value=":".join(["CD"] * 32)),
    addresses=("203.0.113.5", "2001:db8::5"),
    port=10_000,
    ssrc=424_242,
    cname="gw",
    sctp_port=5_000,
    version=3,
)


def answer(lines: list[str]) -> str:
    return write_answer(read_offer(sdp(lines), SessionKind.VOICE), TRANSPORT)


def sections(lines: list[str]) -> list[MediaDescription]:
    return list(SessionDescription.parse(answer(lines)).media)


def test_the_answer_is_ice_lite_and_passive() -> None:
    text = answer(CHROME)
    audio, data = sections(CHROME)

    assert "a=ice-lite\r\n" in text
    assert text.count("a=setup:passive\r\n") == 2
    assert text.count("a=end-of-candidates\r\n") == 2
    assert audio.ice is not None
    assert data.ice is not None
    assert (audio.ice.usernameFragment, data.ice.usernameFragment) == ("abcd1234", "abcd1234")


def test_every_advertised_address_is_a_host_candidate() -> None:
    audio, _ = sections(CHROME)

    shown = [(each.ip, each.port, each.type, each.priority) for each in audio.ice_candidates]
    assert [each[:3] for each in shown] == [("203.0.113.5", 10_000, "host"), ("2001:db8::5", 10_000, "host")]
    assert shown[0][3] > shown[1][3]


def test_opus_and_red_keep_their_numbers_and_order() -> None:
    audio, _ = sections(CHROME)

    assert audio.fmt == [111, 63]
    assert [codec.mimeType for codec in audio.rtp.codecs] == ["audio/opus", "audio/red"]
    assert f"a=fmtp:111 {OPUS_PARAMETERS}\r\n" in answer(CHROME)
    assert "a=fmtp:63 111/111\r\n" in answer(CHROME)


def test_extensions_keep_their_numbers() -> None:
    audio, _ = sections(CHROME)

    assert {each.id: each.uri.rpartition(":")[2] for each in audio.rtp.headerExtensions} == {
        1: "ssrc-audio-level",
        4: "mid",
    }


def test_the_source_that_will_be_written_is_declared_with_its_track() -> None:
    audio, _ = sections(CHROME)

    assert [(each.ssrc, each.cname, each.msid) for each in audio.ssrc] == [(424_242, "gw", "gateway voice")]
    assert audio.msid == "gateway voice"


def test_the_data_channel_section_is_answered() -> None:
    _, data = sections(CHROME)

    assert (data.kind, data.port, data.sctp_port) == ("application", 10_000, 5_000)


def test_video_is_rejected_and_not_bundled() -> None:
    lines = [*replaced(SESSION_LINES, "BUNDLE 0 1", "BUNDLE 0 2"), *VIDEO_LINES, *AUDIO_LINES]
    video, audio = sections(lines)

    assert (video.kind, video.port, video.direction, audio.port) == ("video", 0, "inactive", 10_000)
    assert "a=group:BUNDLE 0\r\n" in answer(lines)


def test_mixed_extensions_are_allowed_only_where_offered() -> None:
    assert "a=extmap-allow-mixed" in answer(CHROME)
    assert "a=extmap-allow-mixed" not in answer([line for line in CHROME if line != "a=extmap-allow-mixed"])


def test_the_answer_mirrors_the_direction() -> None:
    audio, _ = sections(replaced(CHROME, "a=sendrecv", "a=recvonly"))

    assert audio.direction == "sendonly"


def test_nothing_of_the_apps_address_is_answered() -> None:
    assert "192.0.2.7" not in answer(CHROME)
