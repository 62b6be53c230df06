"""Offers: what browsers write is read, what cannot be used is refused by its line."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unprocessable
from gateway.limits import SDP_BYTES_MAX, SDP_SECTIONS_MAX
from gateway.media.adapters.sdp_offer import read_offer
from gateway.media.description import Direction, SectionKind
from gateway.terms import SessionKind

pytestmark = pytest.mark.adapter

SHA = ":".join(["AB"] * 32)
SESSION_LINES = [
    "v=0",
    "o=- 1 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "a=extmap-allow-mixed",
]
AUDIO_LINES = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126",
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0",
    "a=ice-ufrag:Yk3+",
    "a=ice-pwd:ZJDPmAEXxrkrVk4Gd8ekNbQd",
    "a=ice-options:trickle",
    f"a=fingerprint:sha-256 {SHA}",
    "a=setup:actpass",
    "a=mid:0",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:63 red/48000/2",
    "a=fmtp:63 111/111",
    "a=rtpmap:9 G722/8000",
]
DATA_LINES = [
    "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 0.0.0.0",
    "a=bundle-only",
    "a=mid:1",
    "a=sctp-port:5000",
    "a=max-message-size:262144",
]
VIDEO_LINES = ["m=video 0 UDP/TLS/RTP/SAVPF 96 97", "a=bundle-only", "a=mid:2", "a=rtpmap:96 VP8/90000"]
CHROME = [*SESSION_LINES, *AUDIO_LINES, *DATA_LINES]


def sdp(lines: list[str]) -> str:
    return "\r\n".join(lines) + "\r\n"


def without(lines: list[str], prefix: str) -> list[str]:
    return [line for line in lines if not line.startswith(prefix)]


def replaced(lines: list[str], old: str, new: str) -> list[str]:
    return [line.replace(old, new) for line in lines]


def test_a_browsers_offer_is_read() -> None:
    offer = read_offer(sdp(CHROME), SessionKind.VOICE)

    assert offer.ufrag == "Yk3+"
    assert [(each.algorithm, each.value) for each in offer.fingerprints] == [("sha-256", SHA)]
    assert offer.voice is not None
    assert (offer.voice.opus, offer.voice.red, offer.voice.level_id, offer.voice.mid_id) == (111, 63, 1, 4)
    assert (offer.sctp_port, offer.message_bytes_max, offer.extmap_allow_mixed) == (5_000, 262_144, True)
    assert [section.kind for section in offer.sections] == [SectionKind.VOICE, SectionKind.DATA]
    assert offer.sections[0].payload_types == (111, 63)


def test_line_ends_may_be_bare() -> None:
    assert read_offer("\n".join(CHROME), SessionKind.VOICE) == read_offer(sdp(CHROME), SessionKind.VOICE)


def test_the_transport_may_be_said_once_for_all_sections() -> None:
    moved = [line for line in AUDIO_LINES if line.startswith(("a=ice-", "a=fingerprint", "a=setup"))]
    rest = [line for line in AUDIO_LINES if line not in moved]

    offer = read_offer(sdp([*SESSION_LINES, *moved, *rest, *DATA_LINES]), SessionKind.VOICE)

    assert offer.ufrag == "Yk3+"


def test_a_text_session_is_a_data_channel_alone() -> None:
    transport = [line for line in AUDIO_LINES if line.startswith(("a=ice-", "a=fingerprint", "a=setup"))]
    lines = [*replaced(SESSION_LINES, "BUNDLE 0 1", "BUNDLE 1"), *DATA_LINES, *transport]

    offer = read_offer(sdp(lines), SessionKind.TEXT)

    assert (offer.voice, offer.sctp_port) == (None, 5_000)


def test_voice_may_come_without_a_data_channel() -> None:
    offer = read_offer(sdp([*SESSION_LINES, *AUDIO_LINES]), SessionKind.VOICE)

    assert offer.sctp_port is None


def test_video_and_rejected_sections_keep_their_places() -> None:
    old = ["m=audio 0 UDP/TLS/RTP/SAVPF 0", "a=inactive"]
    stopped = ["m=video 0 UDP/TLS/RTP/SAVPF 96"]

    offer = read_offer(sdp([*SESSION_LINES, *old, *AUDIO_LINES, *VIDEO_LINES, *stopped]), SessionKind.VOICE)

    kinds = [section.kind for section in offer.sections]
    assert kinds == [SectionKind.REJECTED, SectionKind.VOICE, SectionKind.REJECTED, SectionKind.REJECTED]
    assert offer.sections[2].formats == "96 97"


def test_directions_are_read() -> None:
    offer = read_offer(sdp(replaced(CHROME, "a=sendrecv", "a=recvonly")), SessionKind.VOICE)

    assert offer.sections[0].direction is Direction.RECVONLY


def test_an_app_without_red_or_extensions_is_welcome() -> None:
    lines = without(without(replaced(CHROME, "111 63 9", "111 9"), "a=extmap:"), "a=rtpmap:63")

    offer = read_offer(sdp(lines), SessionKind.VOICE)

    assert offer.voice is not None
    assert (offer.voice.red, offer.voice.level_id, offer.voice.mid_id) == (None, 0, 0)


def test_several_fingerprints_are_one_certificate() -> None:
    longer = f"a=fingerprint:SHA-512 {':'.join(['cd'] * 64)}"
    unknown = f"a=fingerprint:sha-1 {':'.join(['00'] * 20)}"

    offer = read_offer(sdp([*SESSION_LINES, *AUDIO_LINES, longer, unknown]), SessionKind.VOICE)

    assert {each.algorithm for each in offer.fingerprints} == {"sha-256", "sha-512"}
    assert all(each.value == each.value.upper() for each in offer.fingerprints)


def test_any_size_of_message_is_bounded_by_what_is_ever_sent() -> None:
    offer = read_offer(sdp(replaced(CHROME, "size:262144", "size:0")), SessionKind.VOICE)

    assert offer.message_bytes_max > 0


AUDIO_AT = len(SESSION_LINES) + 1
DATA_AT = AUDIO_AT + len(AUDIO_LINES)

# name: the offer's lines, the session's kind, the line that is named, a word of the reason
REFUSED: dict[str, tuple[list[str], SessionKind, int, str]] = {
    "nothing": ([""], SessionKind.VOICE, 1, "letter=value"),
    "not SDP": (["hello"], SessionKind.VOICE, 1, "letter=value"),
    "another version": (replaced(CHROME, "v=0", "v=1"), SessionKind.VOICE, 1, "v=0"),
    "a control character": ([*CHROME, "a=x:\x00"], SessionKind.VOICE, len(CHROME) + 1, "letter=value"),
    "an empty line": ([*CHROME[:3], "", *CHROME[3:]], SessionKind.VOICE, 4, "letter=value"),
    "no sections": (SESSION_LINES, SessionKind.VOICE, 1, "audio section"),
    "voice without audio": ([*SESSION_LINES, *DATA_LINES], SessionKind.VOICE, 1, "audio section"),
    "text with audio": (CHROME, SessionKind.TEXT, AUDIO_AT, "text session"),
    "text with nothing": ([*SESSION_LINES, *VIDEO_LINES], SessionKind.TEXT, 1, "no section"),
    "two audio sections": (
        [*SESSION_LINES, *AUDIO_LINES, *AUDIO_LINES],
        SessionKind.VOICE,
        DATA_AT,
        "second audio",
    ),
    "too many sections": (
        [*SESSION_LINES, *AUDIO_LINES, *(VIDEO_LINES * SDP_SECTIONS_MAX)],
        SessionKind.VOICE,
        DATA_AT + 4 * (SDP_SECTIONS_MAX - 1),
        "media sections",
    ),
    "a media line of nonsense": ([*SESSION_LINES, "m=audio"], SessionKind.VOICE, AUDIO_AT, "media line"),
    "a port beyond all ports": (
        replaced(CHROME, "m=audio 9 ", "m=audio 99999 "),
        SessionKind.VOICE,
        AUDIO_AT,
        "media line",
    ),
    "no opus": (without(CHROME, "a=rtpmap:111"), SessionKind.VOICE, AUDIO_AT, "opus"),
    "opus among RTCP": (replaced(CHROME, "111", "72"), SessionKind.VOICE, AUDIO_AT, "opus"),
    "plain RTP": (
        replaced(CHROME, "m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/AVP"),
        SessionKind.VOICE,
        AUDIO_AT,
        "SAVPF",
    ),
    "no rtcp-mux": (without(CHROME, "a=rtcp-mux"), SessionKind.VOICE, AUDIO_AT, "rtcp-mux"),
    "no ufrag": (without(CHROME, "a=ice-ufrag"), SessionKind.VOICE, AUDIO_AT, "ice-ufrag"),
    "a short pwd": (
        replaced(CHROME, "ZJDPmAEXxrkrVk4Gd8ekNbQd", "short"),
        SessionKind.VOICE,
        AUDIO_AT + 5,
        "ice-pwd",
    ),
    "a ufrag of other characters": (
        replaced(CHROME, "Yk3+", "a:bc"),
        SessionKind.VOICE,
        AUDIO_AT + 4,
        "ice-ufrag",
    ),
    "no fingerprint": (without(CHROME, "a=fingerprint"), SessionKind.VOICE, AUDIO_AT, "fingerprint"),
    "a weak fingerprint": (
        [*without(CHROME, "a=fingerprint"), f"a=fingerprint:sha-1 {':'.join(['00'] * 20)}"],
        SessionKind.VOICE,
        AUDIO_AT,
        "fingerprint",
    ),
    "a fingerprint cut short": (
        replaced(CHROME, "AB:AB:", "AB:"),
        SessionKind.VOICE,
        AUDIO_AT + 7,
        "32 bytes",
    ),
    "no setup": (without(CHROME, "a=setup"), SessionKind.VOICE, AUDIO_AT, "setup"),
    "a passive app": (replaced(CHROME, "actpass", "passive"), SessionKind.VOICE, AUDIO_AT + 8, "DTLS server"),
    "no mid": (without(CHROME, "a=mid:1"), SessionKind.VOICE, DATA_AT, "mid"),
    "one mid twice": (replaced(CHROME, "a=mid:1", "a=mid:0"), SessionKind.VOICE, AUDIO_AT, "mid"),
    "sections apart": (replaced(CHROME, "BUNDLE 0 1", "BUNDLE 0"), SessionKind.VOICE, 1, "BUNDLE"),
    "no sctp-port": (without(CHROME, "a=sctp-port"), SessionKind.VOICE, DATA_AT, "sctp-port"),
    "an sctp-port of zero": (
        replaced(CHROME, "port:5000", "port:0"),
        SessionKind.VOICE,
        DATA_AT + 4,
        "sctp-port",
    ),
    "a message size of words": (
        replaced(CHROME, "size:262144", "size:big"),
        SessionKind.VOICE,
        DATA_AT + 5,
        "max-message-size",
    ),
    "data over TCP": (
        replaced(CHROME, "UDP/DTLS/SCTP", "TCP/DTLS/SCTP"),
        SessionKind.VOICE,
        DATA_AT,
        "UDP/DTLS/SCTP",
    ),
    "a codec twice": (
        [*CHROME[: DATA_AT - 1], "a=rtpmap:111 opus/48000/2"],
        SessionKind.VOICE,
        DATA_AT,
        "twice",
    ),
    "an extension twice": (
        [*CHROME[: DATA_AT - 1], "a=extmap:1 urn:other"],
        SessionKind.VOICE,
        DATA_AT,
        "twice",
    ),
    "an extension of zero": (
        [*CHROME[: DATA_AT - 1], "a=extmap:0 urn:x"],
        SessionKind.VOICE,
        DATA_AT,
        "extmap",
    ),
    "a payload type of 200": (
        [*CHROME[: DATA_AT - 1], "a=rtpmap:200 opus/48000/2"],
        SessionKind.VOICE,
        DATA_AT,
        "rtpmap",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_offer_that_cannot_be_used_is_refused_by_its_line(name: str) -> None:
    lines, kind, line, word = REFUSED[name]

    with pytest.raises(Unprocessable) as refusal:
        read_offer(sdp(lines), kind)

    assert refusal.value.wire_code == "bad_offer"
    assert refusal.value.detail.startswith(f"line {line}: ")
    assert word in refusal.value.detail


@pytest.mark.parametrize(
    "giant",
    [
        sdp([*CHROME, "a=x:" + "y" * SDP_BYTES_MAX]),
        sdp([*CHROME, *(["a=x"] * 1_000)]),
        "é" * SDP_BYTES_MAX,
    ],
)
def test_a_giant_offer_is_refused_before_it_is_read(giant: str) -> None:
    with pytest.raises(Unprocessable, match="is over"):
        read_offer(giant, SessionKind.VOICE)


def test_a_flood_of_candidates_is_not_looked_at() -> None:
    flood = [f"a=candidate:{n} 1 udp 1 192.0.2.{n % 255} {n} typ host" for n in range(400)]

    assert read_offer(sdp([*CHROME, *flood]), SessionKind.VOICE) == read_offer(sdp(CHROME), SessionKind.VOICE)


def test_a_line_that_looks_like_a_regular_expressions_nightmare_is_read_in_time() -> None:
    lines = [*CHROME, "a=fingerprint:sha-256 " + "AB:" * 9_000]

    with pytest.raises(Unprocessable, match="fingerprint"):
        read_offer(sdp(lines), SessionKind.VOICE)


@given(st.data())
def test_no_mutation_raises_anything_but_a_refusal(data: st.DataObject) -> None:
    text = sdp(CHROME)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    mutated = text[:start] + data.draw(st.text(max_size=20)) + text[end:]

    with suppress(Unprocessable):
        read_offer(mutated, SessionKind.VOICE)
