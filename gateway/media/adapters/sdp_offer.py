"""Reads an offer (RFC 8866, RFC 8829): an allow-list of lines under hard limits.

Decides whether an offer can be used and what it asked for. Everything that the
gateway does not negotiate is skipped, candidates first of all: ICE-lite never
sends to an address that an offer names. Never answers (`sdp_answer.py`).
Keeps: work is linear in the bytes; whatever is refused names its line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.errors import Unprocessable
from gateway.limits import SDP_BYTES_MAX, SDP_SECTIONS_MAX, SOCKET_MESSAGE_BYTES_MAX
from gateway.media.adapters.sdp_video import video_choices
from gateway.media.description import (
    Direction,
    Fingerprint,
    Offer,
    Section,
    SectionKind,
    VideoTerms,
    VoiceTerms,
)
from gateway.terms import SessionKind

LINES_MAX = 1_000
"""Of one offer; a browser's has about a hundred."""
LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
"""RFC 6464."""
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
"""RFC 9143."""

_LINE = re.compile(r"[a-z]=[^\x00-\x1f\x7f]*")
_MEDIA = re.compile(
    r"(?P<media>[a-z]{1,16}) (?P<port>\d{1,5}) (?P<protocol>[A-Z/]{3,24}) (?P<formats>[\w\- ]{1,512})",
    re.ASCII,
)
_MID = re.compile(r"[\w\-.]{1,32}", re.ASCII)
_ICE = re.compile(r"[A-Za-z0-9+/]{4,256}")
_FINGERPRINT = re.compile(
    r"(?P<algorithm>[\w\-]{3,16}) (?P<value>[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){15,63})", re.ASCII
)
_RTPMAP = re.compile(r"(?P<type>\d{1,3}) (?P<codec>[\w\-]{1,32}/\d{1,6}(?:/\d)?)", re.ASCII)
_FMTP = re.compile(r"(?P<type>\d{1,3}) (?P<parameters>.{1,512})", re.ASCII)
_FEEDBACK = re.compile(r"(?P<type>\d{1,3}|\*) (?P<message>[\w\-]{1,32}(?: [\w\-]{1,32})?)", re.ASCII)
_EXTMAP = re.compile(r"(?P<id>\d{1,3})(?:/\w+)? (?P<uri>\S{1,256})(?: .*)?", re.ASCII)
_HASH_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}


@dataclass(slots=True)
class _Media:
    """One media section while it is read; the session level has the same attributes."""

    line: int
    media: str = ""
    port: int = 0
    protocol: str = ""
    formats: str = ""
    ufrag: str = ""
    setup: str = ""
    mid: str = ""
    direction: Direction = Direction.SENDRECV
    is_muxed: bool = False
    is_bundle_only: bool = False
    allows_mixed: bool = False
    fingerprints: set[Fingerprint] = field(default_factory=set)
    codecs: dict[int, str] = field(default_factory=dict)
    parameters: dict[int, str] = field(default_factory=dict)
    feedback: dict[str, frozenset[str]] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    groups: list[list[str]] = field(default_factory=list)
    sctp_port: int = 0
    message_bytes_max: int = 65_536


def _refuse(line: int, sentence: str) -> Unprocessable:
    return Unprocessable(f"line {line}: {sentence}", code="bad_offer", line=line)


def read_offer(sdp: str, kind: SessionKind) -> Offer:
    """What the offer asks for.

    Raises:
        Unprocessable: `bad_offer`; the detail names the line and says why.
    """
    session, sections = _sections(sdp)
    kinds = [_kind(section, kind) for section in sections]
    live = zip(sections, kinds, strict=True)
    accepted = [section for section, its in live if its is not SectionKind.REJECTED]
    audio, video, data = (
        [section for section in accepted if section.media == media]
        for media in ("audio", "video", "application")
    )
    for several in (audio, video, data):
        if len(several) > 1:
            extra = several[1]
            raise _refuse(extra.line, f"a second {extra.media} section; one is all that a leg has")
    _check_kind(session, kind, audio=audio, video=video)
    if not accepted:
        raise _refuse(session.line, "no section that the gateway takes")
    _check_bundle(session, accepted)
    transport = _transport(session, accepted)
    voice = _voice(audio[0], session) if audio else None
    return Offer(
        ufrag=transport.ufrag,
        fingerprints=frozenset(transport.fingerprints),
        sections=tuple(_section(section, its, voice) for section, its in zip(sections, kinds, strict=True)),
        voice=voice,
        sctp_port=data[0].sctp_port if data else None,
        message_bytes_max=data[0].message_bytes_max if data else 0,
        extmap_allow_mixed=session.allows_mixed,
        video_choices=_video(video[0], session, voice) if video and voice is not None else (),
        video_line=video[0].line if video else 0,
    )


def _check_kind(session: _Media, kind: SessionKind, *, audio: list[_Media], video: list[_Media]) -> None:
    """Refuse an offer that lacks what its session carries, or carries a voice where there is none."""
    if kind is SessionKind.TEXT and audio:
        raise _refuse(audio[0].line, "a text session carries no audio section")
    if kind is not SessionKind.TEXT and not audio:
        raise _refuse(session.line, f"a {kind} session needs an audio section")
    if kind is SessionKind.VIDEO and not video:
        raise _refuse(session.line, "a video session needs a video section")


def _lines(sdp: str) -> Iterator[tuple[int, str, str]]:
    if len(sdp.encode(errors="replace")) > SDP_BYTES_MAX:
        raise _refuse(1, f"the offer is over {SDP_BYTES_MAX} bytes")
    lines = sdp.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) > LINES_MAX:
        raise _refuse(LINES_MAX + 1, f"the offer is over {LINES_MAX} lines")
    for number, line in enumerate(lines, start=1):
        if not _LINE.fullmatch(line):
            raise _refuse(number, "not of the form letter=value")
        if number == 1 and line != "v=0":
            raise _refuse(1, "an offer begins with v=0")
        yield number, line[0], line[2:]


def _sections(sdp: str) -> tuple[_Media, list[_Media]]:
    session = current = _Media(line=1)
    sections: list[_Media] = []
    for number, letter, value in _lines(sdp):
        if letter == "m":
            if len(sections) == SDP_SECTIONS_MAX:
                raise _refuse(number, f"over {SDP_SECTIONS_MAX} media sections")
            match = _MEDIA.fullmatch(value)
            if match is None or int(match["port"]) > 65_535:
                raise _refuse(number, "a media line that cannot be read")
            current = _Media(
                line=number,
                media=match["media"],
                port=int(match["port"]),
                protocol=match["protocol"],
                formats=match["formats"],
            )
            sections.append(current)
        elif letter == "a":
            name, _, rest = value.partition(":")
            _attribute(current, number, name, rest)
    return session, sections


def _attribute(target: _Media, number: int, name: str, value: str) -> None:
    if name in _FLAGS:
        setattr(target, _FLAGS[name], True)
    elif name in _DIRECTIONS:
        target.direction = Direction(name)
    elif name in _READERS:
        _READERS[name](target, number, value)


def _read_ufrag(target: _Media, number: int, value: str) -> None:
    if not _ICE.fullmatch(value):
        raise _refuse(number, "an ice-ufrag of 4 to 256 ICE characters is needed")
    target.ufrag = value


def _read_pwd(_target: _Media, number: int, value: str) -> None:
    if len(value) < 22 or not _ICE.fullmatch(value):
        raise _refuse(number, "an ice-pwd of 22 to 256 ICE characters is needed")


def _read_fingerprint(target: _Media, number: int, value: str) -> None:
    match = _FINGERPRINT.fullmatch(value)
    if match is None or len(target.fingerprints) >= len(_HASH_BYTES):
        raise _refuse(number, "a fingerprint that cannot be read, or one too many")
    algorithm, digest = match["algorithm"].lower(), match["value"].upper()
    expected = _HASH_BYTES.get(algorithm)
    if expected is None:
        return
    if len(digest) != 3 * expected - 1:
        raise _refuse(number, f"a {algorithm} fingerprint has {expected} bytes")
    target.fingerprints.add(Fingerprint(algorithm=algorithm, value=digest))


def _read_setup(target: _Media, number: int, value: str) -> None:
    if value not in ("actpass", "active"):
        raise _refuse(number, "the gateway is the DTLS server: setup must be actpass or active")
    target.setup = value


def _read_mid(target: _Media, number: int, value: str) -> None:
    if not _MID.fullmatch(value):
        raise _refuse(number, "a mid of 1 to 32 letters, digits, - . or _ is needed")
    target.mid = value


def _read_rtpmap(target: _Media, number: int, value: str) -> None:
    match = _RTPMAP.fullmatch(value)
    if match is None or int(match["type"]) > 127:
        raise _refuse(number, "an rtpmap that cannot be read")
    if int(match["type"]) in target.codecs:
        raise _refuse(number, f"payload type {match['type']} is mapped twice")
    target.codecs[int(match["type"])] = match["codec"].lower()


def _read_fmtp(target: _Media, _number: int, value: str) -> None:
    match = _FMTP.fullmatch(value)
    if match is not None:
        target.parameters[int(match["type"])] = match["parameters"]


def _read_feedback(target: _Media, _number: int, value: str) -> None:
    match = _FEEDBACK.fullmatch(value)
    if match is not None:
        before = target.feedback.get(match["type"], frozenset())
        target.feedback[match["type"]] = before | {match["message"].lower()}


def _read_extmap(target: _Media, number: int, value: str) -> None:
    match = _EXTMAP.fullmatch(value)
    if match is None or not 1 <= int(match["id"]) <= 255:
        raise _refuse(number, "an extmap that cannot be read")
    if int(match["id"]) in target.extensions.values():
        raise _refuse(number, f"extension {match['id']} is mapped twice")
    target.extensions[match["uri"]] = int(match["id"])


def _read_group(target: _Media, _number: int, value: str) -> None:
    semantics, *mids = value.split(" ")
    if semantics == "BUNDLE":
        target.groups.append(mids)


def _read_sctp_port(target: _Media, number: int, value: str) -> None:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65_535:
        raise _refuse(number, "an sctp-port of 1 to 65535 is needed")
    target.sctp_port = int(value)


def _read_message_size(target: _Media, number: int, value: str) -> None:
    if not re.fullmatch(r"[0-9]{1,10}", value):
        raise _refuse(number, "a max-message-size that cannot be read")
    # 0 means any size; nothing larger than a socket message is ever sent.
    target.message_bytes_max = int(value) or SOCKET_MESSAGE_BYTES_MAX


_FLAGS = {"rtcp-mux": "is_muxed", "bundle-only": "is_bundle_only", "extmap-allow-mixed": "allows_mixed"}
_DIRECTIONS = frozenset(Direction)
_READERS = {
    "ice-ufrag": _read_ufrag,
    "ice-pwd": _read_pwd,
    "fingerprint": _read_fingerprint,
    "setup": _read_setup,
    "mid": _read_mid,
    "rtpmap": _read_rtpmap,
    "fmtp": _read_fmtp,
    "rtcp-fb": _read_feedback,
    "extmap": _read_extmap,
    "group": _read_group,
    "sctp-port": _read_sctp_port,
    "max-message-size": _read_message_size,
}


def _kind(section: _Media, session: SessionKind) -> SectionKind:
    # With max-bundle a live section has port 0 too, and says bundle-only.
    is_live = section.port != 0 or section.is_bundle_only
    if is_live and section.media == "audio":
        return SectionKind.VOICE
    if is_live and section.media == "video" and session is SessionKind.VIDEO:
        return SectionKind.VIDEO
    if is_live and section.media == "application":
        return SectionKind.DATA
    return SectionKind.REJECTED


def _check_bundle(session: _Media, accepted: list[_Media]) -> None:
    mids = [section.mid for section in accepted]
    for section in accepted:
        if not section.mid or mids.count(section.mid) > 1:
            raise _refuse(section.line, "every section needs a mid of its own")
        if section.media == "application" and section.protocol != "UDP/DTLS/SCTP":
            raise _refuse(section.line, "a data channel section is UDP/DTLS/SCTP")
        if section.media == "application" and not section.sctp_port:
            raise _refuse(section.line, "a data channel section needs an sctp-port")
        if section.media != "application" and section.protocol != "UDP/TLS/RTP/SAVPF":
            raise _refuse(section.line, f"a section of {section.media} is UDP/TLS/RTP/SAVPF")
    bundled = {mid for group in session.groups[:1] for mid in group}
    if len(accepted) > 1 and not bundled.issuperset(mids):
        raise _refuse(session.line, "all sections must be in one BUNDLE group")


def _transport(session: _Media, accepted: list[_Media]) -> _Media:
    """The first section's transport, with what it leaves to the session level."""
    first = accepted[0]
    first.ufrag = first.ufrag or session.ufrag
    first.setup = first.setup or session.setup
    first.fingerprints = first.fingerprints or session.fingerprints
    if not first.ufrag:
        raise _refuse(first.line, "the section has no ice-ufrag")
    if not first.fingerprints:
        raise _refuse(first.line, "the section has no fingerprint of sha-256, sha-384 or sha-512")
    if not first.setup:
        raise _refuse(first.line, "the section has no setup")
    return first


def _usable(section: _Media) -> list[int]:
    """Its payload types that may be used on a port shared with RTCP."""
    if not section.is_muxed:
        raise _refuse(section.line, "RTP and RTCP must share a port: rtcp-mux is missing")
    offered = [int(each) for each in section.formats.split() if each.isdigit()]
    # 64 to 95 would look like RTCP on a shared port (RFC 5761 section 4).
    return [each for each in offered if each <= 127 and not 64 <= each <= 95]


def _video(video: _Media, session: _Media, voice: VoiceTerms) -> tuple[VideoTerms, ...]:
    """What of the section can be passed on; payload types of the voice are the voice's (RFC 9143)."""
    usable = [each for each in dict.fromkeys(_usable(video)) if each not in (voice.opus, voice.red)]
    choices = tuple(
        video_choices(
            usable,
            codecs=video.codecs,
            parameters=video.parameters,
            feedback=video.feedback,
            extensions={**session.extensions, **video.extensions},
        )
    )
    if not choices:
        raise _refuse(video.line, "the video section offers neither VP8 nor H264 with packetization-mode=1")
    return choices


def _voice(audio: _Media, session: _Media) -> VoiceTerms:
    usable = _usable(audio)
    opus = next((each for each in usable if audio.codecs.get(each) == "opus/48000/2"), None)
    red = next((each for each in usable if audio.codecs.get(each) == "red/48000/2"), None)
    if opus is None:
        raise _refuse(audio.line, "the audio section offers no opus/48000/2")
    extensions = {**session.extensions, **audio.extensions}
    return VoiceTerms(
        opus=opus, red=red, level_id=extensions.get(LEVEL_URI, 0), mid_id=extensions.get(MID_URI, 0)
    )


def _section(section: _Media, kind: SectionKind, voice: VoiceTerms | None) -> Section:
    types: tuple[int, ...] = ()
    if kind is SectionKind.VOICE and voice is not None:
        offered = [int(each) for each in section.formats.split() if each.isdigit()]
        types = tuple(each for each in dict.fromkeys(offered) if each in (voice.opus, voice.red))
    return Section(
        kind=kind,
        mid=section.mid,
        media=section.media,
        protocol=section.protocol,
        formats=section.formats,
        direction=section.direction,
        payload_types=types,
    )
