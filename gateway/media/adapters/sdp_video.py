"""The video section of a video session: what an offer's can mean, and its lines of the answer.

Decides which of the offered formats the relay can pass on (VP8, and H.264 in
packetization mode 1, each with its repairs) and which feedback is spoken.
Which of them is taken is `description.Offer.choosing`'s. Transport-wide feedback
is not answered: it numbers all packets of a leg, and a relay that drops some
would look like a bad network. The receiver's own estimate is passed on instead.
See RFC 7741, RFC 6184, RFC 4588 and RFC 7742.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from gateway.limits import VIDEO_BITS_PER_S
from gateway.media.description import Section, SectionKind, VideoCodec, VideoTerms

FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
"""What is spoken where the app offers it, in the order of the answer."""
CHOICES_MAX = 16
"""Formats of one offer that are looked at; Chromium offers about ten that would do."""
SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TIME_OFFSET_URI = "urn:ietf:params:rtp-hdrext:toffset"
ORIENTATION_URI = "urn:3gpp:video-orientation"
START_BITS_PER_S = 1_000_000
"""Where Chromium begins, instead of feeling its way up from a third of it; it goes down at once where that is too much."""
STREAM, TRACK = "gateway", "video"
"""The msid of the picture that an app receives."""
ID_MAX = 14
"""The largest identifier that the one-byte form of an extension has (RFC 8285)."""

_PROFILE = re.compile(r"[0-9a-f]{6}")
_CODECS = {"vp8/90000": VideoCodec.VP8, "h264/90000": VideoCodec.H264}


def read_parameters(text: str) -> Mapping[str, str]:
    """The parameters of an fmtp line, names in lower case."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def video_choices(
    formats: Sequence[int],
    *,
    codecs: Mapping[int, str],
    parameters: Mapping[int, str],
    feedback: Mapping[str, frozenset[str]],
    extensions: Mapping[str, int],
) -> Iterator[VideoTerms]:
    """Every format that the relay can pass on, in the app's order of preference.

    Args:
        formats: usable payload types as offered.
        codecs: what the rtpmap lines say, in lower case.
        parameters: what the fmtp lines say.
        feedback: what the rtcp-fb lines say by payload type, `*` for all.
        extensions: identifiers by URI.
    """
    read = {each: read_parameters(parameters.get(each, "")) for each in formats}
    repairs = {
        read[each].get("apt", ""): each for each in reversed(formats) if codecs.get(each) == "rtx/90000"
    }
    for each in formats[: 4 * CHOICES_MAX]:
        codec = _CODECS.get(codecs.get(each, ""))
        profile = read[each].get("profile-level-id", "").lower()
        if codec is None or (codec is VideoCodec.H264 and not _is_whole(read[each], profile)):
            continue
        spoken = feedback.get(str(each), frozenset()) | feedback.get("*", frozenset())
        yield VideoTerms(
            codec=codec,
            payload_type=each,
            profile=profile if codec is VideoCodec.H264 else "",
            rtx=repairs.get(str(each)),
            feedback=spoken.intersection(FEEDBACK),
            send_time_id=_identifier(extensions, SEND_TIME_URI),
            time_offset_id=_identifier(extensions, TIME_OFFSET_URI),
            orientation_id=_identifier(extensions, ORIENTATION_URI),
        )


def _is_whole(parameters: Mapping[str, str], profile: str) -> bool:
    return parameters.get("packetization-mode") == "1" and _PROFILE.fullmatch(profile) is not None


def _identifier(extensions: Mapping[str, int], uri: str) -> int:
    identifier = extensions.get(uri, 0)
    return identifier if identifier <= ID_MAX else 0


def payload_types(video: VideoTerms) -> tuple[int, ...]:
    """The formats of the answer's media line."""
    return (video.payload_type,) if video.rtx is None else (video.payload_type, video.rtx)


def bandwidth_lines(section: Section) -> list[str]:
    """How much the app may send as video; the line stands before all attributes (RFC 8866 section 5)."""
    return [f"b=AS:{VIDEO_BITS_PER_S // 1_000}"] if section.kind is SectionKind.VIDEO else []


def video_lines(section: Section, video: VideoTerms, *, ssrc: int, rtx_ssrc: int, cname: str) -> list[str]:
    """The answer's lines of the section, after those of the transport.

    Args:
        section: the offered section.
        video: what was chosen of it.
        ssrc: the source that video to the app is written as.
        rtx_ssrc: the source of its repairs.
        cname: the canonical name that both share with the voice, so that lips move with it.
    """
    kind = video.payload_type
    lines = [f"a={section.direction.answered}", "a=rtcp-mux", "a=rtcp-rsize"]
    lines.append(f"a=rtpmap:{kind} {video.codec}/90000")
    parameters = [f"x-google-start-bitrate={START_BITS_PER_S // 1_000}"]
    if video.codec is VideoCodec.H264:
        parameters += [
            "level-asymmetry-allowed=1",
            "packetization-mode=1",
            f"profile-level-id={video.profile}",
        ]
    lines.append(f"a=fmtp:{kind} {';'.join(parameters)}")
    lines += [f"a=rtcp-fb:{kind} {each}" for each in FEEDBACK if each in video.feedback]
    if video.rtx is not None:
        lines += [f"a=rtpmap:{video.rtx} rtx/90000", f"a=fmtp:{video.rtx} apt={kind}"]
    identifiers = {
        SEND_TIME_URI: video.send_time_id,
        TIME_OFFSET_URI: video.time_offset_id,
        ORIENTATION_URI: video.orientation_id,
    }
    lines += [f"a=extmap:{number} {uri}" for uri, number in identifiers.items() if number]
    lines.append(f"a=msid:{STREAM} {TRACK}")
    sources = [ssrc] if video.rtx is None else [ssrc, rtx_ssrc]
    if len(sources) > 1:
        lines.append(f"a=ssrc-group:FID {ssrc} {rtx_ssrc}")
    for each in sources:
        lines += [f"a=ssrc:{each} cname:{cname}", f"a=ssrc:{each} msid:{STREAM} {TRACK}"]
    return lines
