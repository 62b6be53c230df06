"""What the media service needs: a relay that forwards and an endpoint that negotiates.

Declares shapes only; `adapters/` fills them. The relay has two twins behind one
port: pure Python (`adapters/relay_python.py`) and, where it is built, native.
Whatever a method takes effect on, it does so from the next packet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from gateway.media.counters import Column
from gateway.media.demux import Kind
from gateway.media.description import Fingerprint, Offer, VideoTerms, VoiceTerms
from gateway.media.leg import LinkQuality
from gateway.media.path import Address
from gateway.media.tap import TappedPacket
from gateway.terms import SessionKind, VoiceQuality


class Witness(IntEnum):
    """Authenticated arrivals that the control plane notes in a leg's row."""

    RTCP = Column.RTCP_LAST_NS
    STUN = Column.STUN_LAST_NS
    SCTP = Column.SCTP_LAST_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class SrtpKeys:
    """One leg's keys from its DTLS handshake (RFC 5764 section 4.2)."""

    profile: str
    """The profile's IANA name, e.g. `SRTP_AEAD_AES_256_GCM`."""
    inbound: bytes = field(repr=False)
    """Master key and salt of what the app sends."""
    outbound: bytes = field(repr=False)
    """Master key and salt of what is sent to the app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSpec:
    """What a relay must know of a leg, fixed for the leg's life."""

    ssrc_out: int
    """The source that everything sent to the leg is written as; its answer declared it."""
    voice: VoiceTerms | None
    """How the leg writes voice; None for text alone, whose RTP is refused."""
    video: VideoTerms | None = None
    """How it writes video; None in every session but one of video."""
    video_ssrc_out: int = 0
    """The source that video to the leg is written as."""
    rtx_ssrc_out: int = 0
    """The source of repairs of that video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlDatagram:
    """Something for the control plane."""

    kind: Kind
    """STUN from anybody; DTLS and RTCP (still encrypted) from a leg's path; HEARD without data."""
    leg: int
    """The leg's handle, 0 for STUN."""
    data: bytes
    address: Address
    at_ns: int
    """Monotonic arrival."""


class Tap(Protocol):
    """A ring of one leg's packets."""

    @property
    def overwritten(self) -> int:
        """Packets that were lost because nobody collected them."""
        ...

    def drain(self) -> list[TappedPacket]:
        """Everything kept, oldest first; the ring is empty afterwards."""
        ...


class Relay(Protocol):
    """Forwards between linked legs and hands everything else up.

    A relay owns reading from the UDP socket it was made with; the control plane
    writes its own datagrams to the same socket. It calls the `wake` it was made
    with, on the event loop, when `drain_control` has something new. Handles come
    from `add_leg` and are never reused; a handle of a removed leg is ignored.
    """

    def add_leg(self, spec: LegSpec) -> int:
        """A new leg without path and keys: nothing of it is accepted yet.

        Raises:
            Unavailable: LEGS_MAX legs exist.
        """
        ...

    def remove_leg(self, leg: int) -> None:
        """Unlink and forget a leg; when this returns the relay no longer touches its keys."""
        ...

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        """Accept and send RTP with these keys (once, when DTLS is up)."""
        ...

    def set_path(self, leg: int, address: Address) -> None:
        """Send there, and accept SRTP and DTLS from there and from the path before it.

        The path before stays good so that packets under way are not lost; an
        address belongs to the leg that latched it last.
        """
        ...

    def link(self, a: int, b: int) -> None:
        """Forward both ways; whatever either was linked to before is unlinked."""
        ...

    def unlink(self, leg: int) -> None:
        """Stop forwarding both ways between the leg and its peer."""
        ...

    def mute(self, leg: int, *, muted: bool) -> None:
        """Forward nothing of that leg's voice while muted; it is still counted, and its video goes on."""
        ...

    def tap(self, leg: int) -> Tap:
        """Copy the leg's Opus payloads into a bounded ring, none while it is muted; asking again answers the same."""
        ...

    def untap(self, leg: int) -> None:
        """Stop copying."""
        ...

    def note(self, leg: int, witness: Witness, *, at_ns: int) -> None:
        """Write an arrival that the control plane authenticated into the leg's row."""
        ...

    def counters(self) -> Sequence[int]:
        """One reading of all legs, laid out by `counters.py`; good until the next call."""
        ...

    def drain_control(self) -> Sequence[ControlDatagram]:
        """What came for the control plane since the last call, in order of arrival.

        Of very many at once the oldest are handed out, and `wake` is called again for the rest.
        """
        ...

    def close(self) -> None:
        """Let go of the socket and of all legs."""
        ...


class PeerListener(Protocol):
    """Who learns what became of a peer; called on the event loop, never from within `open`."""

    def connected(self, at_ns: int) -> None:
        """DTLS came up on a latched path."""
        ...

    def heard(self, at_ns: int) -> None:
        """The first authenticated RTP packet came."""
        ...

    def moved(self, at_ns: int) -> None:
        """The path of a connected peer moved to another address."""
        ...

    def graded(self, at_ns: int, *, quality: VoiceQuality, mos: float) -> None:
        """The voice sounds otherwise than before; the first grade is told too."""
        ...

    def closed(self, at_ns: int) -> None:
        """DTLS failed or the far end closed it; told once, and not after `Peer.close`."""
        ...

    def text(self, text: str) -> None:
        """A data channel message came."""
        ...


class Peer(Protocol):
    """One leg's connection: ICE-lite, DTLS, data channel."""

    @property
    def leg(self) -> int:
        """The relay's handle."""
        ...

    @property
    def is_connected(self) -> bool:
        """DTLS is up and a path is latched."""
        ...

    @property
    def fingerprints(self) -> frozenset[Fingerprint]:
        """What the app's certificate was announced as; another set is another connection."""
        ...

    @property
    def video(self) -> VideoTerms | None:
        """What it sends and shows as video; None but in a video session."""
        ...

    @property
    def quality(self) -> LinkQuality:
        """What is known of the way to the app."""
        ...

    def answer(self, offer: Offer) -> str:
        """The answer to an offer of this connection; a new ufrag in it restarts ICE.

        Raises:
            Unprocessable: the offer changes what was negotiated.
        """
        ...

    def ask_key_frame(self) -> None:
        """Have the app send a whole picture, because somebody new is looking; nothing where it sends no video."""
        ...

    def send_text(self, text: str) -> bool:
        """Send one data channel message; False without a channel or with too much waiting."""
        ...

    async def close(self) -> None:
        """Say goodbye and let go of everything; the relay's leg is removed when this returns."""
        ...


class Endpoint(Protocol):
    """The gateway's one address on the network."""

    @property
    def port(self) -> int:
        """Its UDP port."""
        ...

    def read(self, sdp: str, kind: SessionKind) -> Offer:
        """Read an offer.

        Raises:
            Unprocessable: `bad_offer`, with a sentence that names the line.
        """
        ...

    def open(self, offer: Offer, listener: PeerListener) -> Peer:
        """A new peer for the offer, waiting for its first check.

        Raises:
            Unavailable: there are as many legs as there may be.
        """
        ...

    def drops(self) -> Mapping[str, int]:
        """Control datagrams dropped, by reason."""
        ...

    async def close(self) -> None:
        """Close every peer and let go of the socket."""
        ...


class Entrance(Protocol):
    """A second way in, for apps whose network lets no UDP through."""

    @property
    def port(self) -> int:
        """Its TCP port."""
        ...

    def events(self) -> Mapping[str, int]:
        """Connections since the start: accepted, refused and closed by reason."""
        ...

    def drops(self) -> Mapping[str, int]:
        """Datagrams dropped, by reason."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lane:
    """One UDP port: who negotiates over it, and the relay that forwards between its legs."""

    relay: Relay
    endpoint: Endpoint
