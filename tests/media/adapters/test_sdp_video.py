"""The video section: what of an offer can be passed on, and how it is answered."""

import pytest
from aiortc.sdp import MediaDescription, SessionDescription

from gateway.errors import Unprocessable
from gateway.media.adapters.sdp_answer import write_answer
from gateway.media.adapters.sdp_offer import read_offer
from gateway.media.description import Offer, SectionKind, VideoCodec, VideoTerms
from gateway.terms import SessionKind
from tests.media.adapters.test_sdp_answer import TRANSPORT
from tests.media.adapters.test_sdp_offer import AUDIO_LINES, DATA_LINES, SESSION_LINES, sdp

pytestmark = pytest.mark.adapter

VIDEO_LINES = [
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 106 107 98 99 35 116",
    "c=IN IP4 0.0.0.0",
    "a=mid:2",
    "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset",
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "a=extmap:13 urn:3gpp:video-orientation",
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    "a=rtpmap:96 VP8/90000",
    "a=rtcp-fb:96 goog-remb",
    "a=rtcp-fb:96 transport-cc",
    "a=rtcp-fb:96 ccm fir",
    "a=rtcp-fb:96 nack",
    "a=rtcp-fb:96 nack pli",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96",
    "a=rtpmap:103 H264/90000",
    "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
    "a=rtpmap:104 rtx/90000",
    "a=fmtp:104 apt=103",
    "a=rtpmap:106 H264/90000",
    "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
    "a=rtpmap:107 H264/90000",
    "a=fmtp:107 packetization-mode=1; profile-level-id=42E01F",
    "a=rtpmap:98 VP9/90000",
    "a=fmtp:98 profile-id=0",
    "a=rtpmap:99 rtx/90000",
    "a=fmtp:99 apt=98",
    "a=rtpmap:35 AV1/90000",
    "a=rtpmap:116 red/90000",
]
OFFER = [
    *(line.replace("BUNDLE 0 1", "BUNDLE 0 1 2") for line in SESSION_LINES),
    *AUDIO_LINES,
    *DATA_LINES,
    *VIDEO_LINES,
]


def read(lines: list[str], kind: SessionKind = SessionKind.VIDEO) -> Offer:
    return read_offer(sdp(lines), kind)


def changed(old: str, new: str) -> list[str]:
    assert any(old in line for line in VIDEO_LINES)
    return [*OFFER[: -len(VIDEO_LINES)], *(line.replace(old, new) for line in VIDEO_LINES)]


def answered(lines: list[str], bound: VideoTerms | None = None) -> MediaDescription:
    return next(
        each for each in SessionDescription.parse(text_of(lines, bound)).media if each.kind == "video"
    )


def text_of(lines: list[str], bound: VideoTerms | None = None) -> str:
    return write_answer(read(lines).choosing(bound), TRANSPORT_WITH_VIDEO)


TRANSPORT_WITH_VIDEO = type(TRANSPORT)(
    **{name: getattr(TRANSPORT, name) for name in TRANSPORT.__slots__}
    | {"video_ssrc": 515_151, "rtx_ssrc": 616_161}
)
H264 = VideoTerms(codec=VideoCodec.H264, profile="42e034", payload_type=100)


def test_what_can_be_passed_on_is_read_in_the_apps_order() -> None:
    choices = read(OFFER).video_choices

    assert [(each.codec, each.payload_type, each.rtx, each.profile) for each in choices] == [
        (VideoCodec.VP8, 96, 97, ""),
        (VideoCodec.H264, 103, 104, "42001f"),
        (VideoCodec.H264, 107, None, "42e01f"),
    ]
    assert choices[0].feedback == {"nack", "nack pli", "ccm fir", "goog-remb"}
    assert (choices[0].send_time_id, choices[0].time_offset_id, choices[0].orientation_id) == (2, 14, 13)


def test_the_first_leg_takes_what_it_prefers_and_the_second_what_suits_it() -> None:
    offer = read(OFFER)

    first, second = offer.choosing(None).video, offer.choosing(H264).video

    assert first is not None
    assert (first.codec, first.payload_type) == (VideoCodec.VP8, 96)
    assert second is not None
    assert (second.payload_type, second.profile) == (107, "42e01f")


def test_a_profile_that_the_other_cannot_show_is_not_taken() -> None:
    high = VideoTerms(codec=VideoCodec.H264, profile="640c1f", payload_type=100)

    assert read(OFFER).choosing(high).video is None


def test_the_answer_names_the_chosen_format_its_repairs_and_feedback_and_no_other() -> None:
    video = answered(OFFER)

    assert video.fmt == [96, 97]
    assert [(codec.mimeType, codec.payloadType, codec.parameters) for codec in video.rtp.codecs] == [
        ("video/VP8", 96, {"x-google-start-bitrate": "1000"}),
        ("video/rtx", 97, {"apt": 96}),
    ]
    spoken = {(each.type, each.parameter) for each in video.rtp.codecs[0].rtcpFeedback}
    assert spoken == {("nack", None), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", None)}
    assert {each.id for each in video.rtp.headerExtensions} == {2, 13, 14}


def test_the_answer_declares_the_picture_and_its_repairs_as_one_track() -> None:
    video = answered(OFFER)

    assert [each.ssrc for each in video.ssrc] == [515_151, 616_161]
    assert [(group.semantic, group.items) for group in video.ssrc_group] == [("FID", [515_151, 616_161])]
    assert video.msid == "gateway video"


def test_the_bandwidth_stands_before_all_attributes() -> None:
    lines = text_of(OFFER).split("\r\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("m=video"))

    assert lines[at + 1].startswith("c=")
    assert lines[at + 2] == "b=AS:2000"


def test_h264_is_answered_in_the_legs_own_profile() -> None:
    video = answered(OFFER, H264)

    assert video.fmt == [107]
    assert video.rtp.codecs[0].parameters["profile-level-id"] == "42e01f"
    assert str(video.rtp.codecs[0].parameters["packetization-mode"]) == "1"
    assert [each.ssrc for each in video.ssrc] == [515_151]


def test_feedback_for_all_formats_counts_for_each() -> None:
    video = answered(changed("a=rtcp-fb:96 nack pli", "a=rtcp-fb:* nack pli"))

    assert ("nack", "pli") in {(each.type, each.parameter) for each in video.rtp.codecs[0].rtcpFeedback}


def test_an_identifier_beyond_the_one_byte_form_is_not_negotiated() -> None:
    offer = read(changed("a=extmap:2 http", "a=extmap:20 http"))

    assert offer.video_choices[0].send_time_id == 0


def test_a_viewer_without_a_camera_is_answered_that_it_is_sent_to() -> None:
    assert answered(changed("a=sendrecv", "a=recvonly")).direction == "sendonly"


def test_video_is_rejected_in_every_other_session() -> None:
    kinds = [section.kind for section in read(OFFER, SessionKind.VOICE).sections]

    assert kinds == [SectionKind.VOICE, SectionKind.DATA, SectionKind.REJECTED]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([line for line in OFFER if line not in VIDEO_LINES], "needs a video section"),
        (changed("a=rtcp-mux", "a=x"), "rtcp-mux is missing"),
        (
            changed("m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 RTP/AVP"),
            "a section of video is UDP/TLS/RTP/SAVPF",
        ),
        (changed("96 97 103 104 106 107", "106"), "neither VP8 nor H264"),
        ([*OFFER, "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:3", "a=rtcp-mux"], "a second video section"),
        (["v=0", "s=-", "t=0 0", *VIDEO_LINES], "needs an audio section"),
    ],
)
def test_an_offer_that_cannot_be_a_video_session_is_refused(lines: list[str], sentence: str) -> None:
    with pytest.raises(Unprocessable, match=sentence):
        read(lines)


def test_payload_types_of_the_voice_are_not_videos() -> None:
    lines = changed("96 97 103 104 106 107 98", "111 103 104 106 107 98")
    lines = [line.replace("a=rtpmap:96 VP8", "a=rtpmap:111 VP8") for line in lines]

    assert [each.payload_type for each in read(lines).video_choices] == [103, 107]
