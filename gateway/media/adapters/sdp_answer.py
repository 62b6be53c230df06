"""Writes the answer to an offer (RFC 8829, RFC 8839 for ICE-lite, RFC 8841 for data).

Decides the text only: every section in its place, one transport for all, the
source that the relay will write, Opus as the gateway wants it sent. What may be
offered at all was decided in `sdp_offer.py`.
Keeps: the answer names no address but the gateway's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.limits import SOCKET_MESSAGE_BYTES_MAX
from gateway.media.adapters.sdp_offer import LEVEL_URI, MID_URI
from gateway.media.adapters.sdp_video import bandwidth_lines, payload_types, video_lines
from gateway.media.description import Fingerprint, Offer, Section, SectionKind, VoiceTerms

HOST_PRIORITY = 2_130_706_431
"""Of a first host candidate (RFC 8445 section 5.1.2.2); later ones count down."""
TCP_PRIORITY = 2_124_414_975
"""Of a first passive TCP host candidate (RFC 6544 section 4.2): below every UDP one."""
OPUS_PARAMETERS = "minptime=10;useinbandfec=1;usedtx=1"
"""What the gateway asks an app to send (RFC 7587)."""
STREAM, TRACK = "gateway", "voice"
"""The msid of the one track that an app receives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """The gateway's side of one connection."""

    ufrag: str
    pwd: str
    fingerprint: Fingerprint
    addresses: Sequence[str]
    """IP addresses of the host candidates, the first also in the connection lines."""
    port: int
    tcp_port: int | None = None
    """TCP port of the same addresses; None without ICE-TCP."""
    ssrc: int
    """The source of the voice sent to the app."""
    cname: str
    sctp_port: int
    version: int
    """Counts the answers of one connection."""
    video_ssrc: int = 0
    """The source of the video sent to the app; unused without video."""
    rtx_ssrc: int = 0
    """The source of that video's repairs."""


def write_answer(offer: Offer, transport: Transport) -> str:
    """The answer, with CRLF line ends."""
    live = [section.mid for section in offer.sections if section.kind is not SectionKind.REJECTED]
    lines = [
        "v=0",
        f"o=gateway {transport.ssrc} {transport.version} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {' '.join(live)}",
        f"a=msid-semantic:WMS {STREAM}",
    ]
    if offer.extmap_allow_mixed:
        lines.append("a=extmap-allow-mixed")
    for section in offer.sections:
        if section.kind is SectionKind.REJECTED:
            lines += _rejected(section)
            continue
        video = offer.video if section.kind is SectionKind.VIDEO else None
        types = payload_types(video) if video is not None else section.payload_types
        formats = " ".join(map(str, types)) or "webrtc-datachannel"
        lines.append(f"m={section.media} {transport.port} {section.protocol} {formats}")
        lines += _transport(section, transport)
        if section.kind is SectionKind.VOICE and offer.voice is not None:
            lines += _voice(section, offer.voice, transport)
        elif video is not None:
            lines += video_lines(
                section,
                video,
                ssrc=transport.video_ssrc,
                rtx_ssrc=transport.rtx_ssrc,
                cname=transport.cname,
            )
        else:
            lines += [f"a=sctp-port:{transport.sctp_port}", f"a=max-message-size:{SOCKET_MESSAGE_BYTES_MAX}"]
    return "\r\n".join(lines) + "\r\n"


def _rejected(section: Section) -> list[str]:
    lines = [f"m={section.media} 0 {section.protocol} {section.formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return lines + ([f"a=mid:{section.mid}"] if section.mid else [])


def _transport(section: Section, transport: Transport) -> list[str]:
    first = transport.addresses[0]
    lines = [
        f"c=IN {'IP6' if ':' in first else 'IP4'} {first}",
        *bandwidth_lines(section),
        f"a=mid:{section.mid}",
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.pwd}",
        f"a=fingerprint:{transport.fingerprint.algorithm} {transport.fingerprint.value}",
        "a=setup:passive",
    ]
    lines += [
        f"a=candidate:{number} 1 udp {HOST_PRIORITY - 256 * (number - 1)} {address} {transport.port} typ host"
        for number, address in enumerate(transport.addresses, start=1)
    ]
    if transport.tcp_port is not None:
        udp = len(transport.addresses)
        lines += [
            f"a=candidate:{udp + number} 1 tcp {TCP_PRIORITY - 256 * (number - 1)} {address} "
            f"{transport.tcp_port} typ host tcptype passive"
            for number, address in enumerate(transport.addresses, start=1)
        ]
    return [*lines, "a=end-of-candidates"]


def _voice(section: Section, voice: VoiceTerms, transport: Transport) -> list[str]:
    lines = [f"a={section.direction.answered}", "a=rtcp-mux", f"a=rtpmap:{voice.opus} opus/48000/2"]
    lines.append(f"a=fmtp:{voice.opus} {OPUS_PARAMETERS}")
    if voice.red is not None:
        lines.append(f"a=rtpmap:{voice.red} red/48000/2")
        lines.append(f"a=fmtp:{voice.red} {voice.opus}/{voice.opus}")
    if voice.level_id:
        lines.append(f"a=extmap:{voice.level_id} {LEVEL_URI}")
    if voice.mid_id:
        lines.append(f"a=extmap:{voice.mid_id} {MID_URI}")
    return [
        *lines,
        f"a=msid:{STREAM} {TRACK}",
        f"a=ssrc:{transport.ssrc} cname:{transport.cname}",
        f"a=ssrc:{transport.ssrc} msid:{STREAM} {TRACK}",
    ]
