"""What an offer asks for, as far as the gateway negotiates (RFC 8829, RFC 9143).

Decides nothing beyond what it means for two offers to be of one connection. Text
is read and written by `adapters/sdp_offer.py` and `adapters/sdp_answer.py`.
Keeps: numbers here were negotiated by the app and are in range.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class Direction(StrEnum):
    """Which way a section carries media."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def answered(self) -> "Direction":
        """The direction that the answer gives to it."""
        if self is Direction.SENDONLY:
            return Direction.RECVONLY
        return Direction.SENDONLY if self is Direction.RECVONLY else self


class SectionKind(StrEnum):
    """What becomes of a media section."""

    VOICE = "voice"
    """The one audio section."""
    VIDEO = "video"
    """The one video section of a video session."""
    DATA = "data"
    """The one data channel section."""
    REJECTED = "rejected"
    """Anything else: answered with port 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """A hash of the certificate that the far end must show."""

    algorithm: str
    """`sha-256`, `sha-384` or `sha-512`."""
    value: str
    """Upper-case hexadecimal pairs with colons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceTerms:
    """How one leg writes its voice; equal terms need no mapping on forward."""

    opus: int
    """Payload type of opus/48000/2."""
    red: int | None = None
    """Payload type of red/48000/2 over that opus, where offered."""
    level_id: int = 0
    """Identifier of the audio level extension, 0 for none."""
    mid_id: int = 0
    """Identifier of the mid extension, 0 for none."""


class VideoCodec(StrEnum):
    """What a picture may be coded as (RFC 7742 names these two)."""

    VP8 = "VP8"
    H264 = "H264"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTerms:
    """How one leg writes its video."""

    codec: VideoCodec
    payload_type: int
    profile: str = ""
    """H.264's profile-level-id as offered, in lower case; empty for VP8."""
    rtx: int | None = None
    """Payload type of its repairs (RFC 4588), where offered."""
    feedback: frozenset[str] = frozenset()
    """What of `nack`, `nack pli`, `ccm fir` and `goog-remb` the app offered to speak (RFC 4585, RFC 5104)."""
    send_time_id: int = 0
    """Identifier of the absolute send time extension, 0 for none; so the others."""
    time_offset_id: int = 0
    """Of the transmission time offset (RFC 5450)."""
    orientation_id: int = 0
    """Of the coordination of video orientation (3GPP TS 26.114)."""

    def suits(self, other: "VideoTerms") -> bool:
        """Whether what one writes the other can show: the same codec and, in H.264, the same profile."""
        return self.codec is other.codec and self.profile[:4] == other.profile[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One media section of an offer, in its place."""

    kind: SectionKind
    mid: str
    """Empty where the offer gave none (rejected sections only)."""
    media: str
    """`audio`, `video`, `application`, …"""
    protocol: str
    formats: str
    """The format list as offered, echoed where the section is rejected."""
    direction: Direction = Direction.SENDRECV
    payload_types: tuple[int, ...] = ()
    """Accepted payload types in the offered order, which is the order of preference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Everything an offer asked for."""

    ufrag: str
    """The app's own ICE username fragment."""
    fingerprints: frozenset[Fingerprint]
    sections: tuple[Section, ...]
    voice: VoiceTerms | None
    """None in a session of text alone."""
    sctp_port: int | None
    """None where no data channel section came."""
    message_bytes_max: int
    """The largest data channel message that the app takes."""
    extmap_allow_mixed: bool
    """Whether one- and two-byte header extensions may be mixed."""
    video_choices: tuple[VideoTerms, ...] = ()
    """What the app can send and show, best first; empty but in a video session."""
    video_line: int = 0
    """Where the section stands in the offer, for who has to be told that nothing of it suits."""
    video: VideoTerms | None = None
    """What was chosen of it."""

    def choosing(self, bound: VideoTerms | None) -> Self:
        """The same with its video chosen: the first that suits `bound`, where the far leg binds it already."""
        suitable = (each for each in self.video_choices if bound is None or each.suits(bound))
        return replace(self, video=next(suitable, None))
