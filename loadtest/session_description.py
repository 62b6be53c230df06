"""The few lines of SDP a light leg offers, and what it takes from the answer.

Decides the offer: one Opus track with the audio level extension, bundled and
multiplexed, one host candidate on loopback.
Never negotiates; an answer that lacks something is refused. RFC 8829, RFC 6464.
"""

from dataclasses import dataclass

from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.sdp import SessionDescription

from loadtest.stun_client import Address, Credentials

PAYLOAD_TYPE = 111
LEVEL_ID = 1
"""Id of the audio level extension in the offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """What an answer says about the gateway's end."""

    credentials: Credentials
    """Its ICE credentials."""
    address: Address
    """Where it listens."""
    dtls: RTCDtlsParameters
    """Its certificate's fingerprints."""


def offer(*, mine: Credentials, local: Address, ssrc: int, fingerprint: str) -> str:
    """An offer for voice; `fingerprint` is SHA-256 in SDP's form."""
    lines = (
        "v=0",
        f"o=- {ssrc} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        f"m=audio {local[1]} UDP/TLS/RTP/SAVPF {PAYLOAD_TYPE}",
        f"c=IN IP4 {local[0]}",
        "a=mid:0",
        "a=sendrecv",
        "a=rtcp-mux",
        f"a=ice-ufrag:{mine.ufrag}",
        f"a=ice-pwd:{mine.password}",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=setup:actpass",
        f"a=rtpmap:{PAYLOAD_TYPE} opus/48000/2",
        f"a=fmtp:{PAYLOAD_TYPE} minptime=10;useinbandfec=1",
        f"a=extmap:{LEVEL_ID} urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        f"a=msid:light {ssrc}",
        f"a=ssrc:{ssrc} cname:light",
        f"a=candidate:1 1 udp 2130706431 {local[0]} {local[1]} typ host",
        "a=end-of-candidates",
    )
    return "\r\n".join(lines) + "\r\n"


def far_end(sdp: str) -> FarEnd:
    """Read an answer.

    Raises:
        ValueError: it names no candidate, credentials or fingerprint.
    """
    media = SessionDescription.parse(sdp).media[0]
    ice, dtls = media.ice, media.dtls
    if not media.ice_candidates or ice is None or dtls is None or not dtls.fingerprints:
        raise ValueError("the answer lacks a candidate, credentials or a fingerprint")
    candidate = media.ice_candidates[0]
    return FarEnd(
        credentials=Credentials(ufrag=str(ice.usernameFragment), password=str(ice.password)),
        address=(candidate.ip, candidate.port),
        dtls=dtls,
    )
