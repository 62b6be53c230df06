"""The enumerations and small values that facts and ports speak in.

Decides nothing; it only names. A word that two packages must spell the same
way lives here, a word of one package lives in that package.
Never holds behaviour beyond a question about the value itself.
See docs/glossary.md for the words and docs/wire.md for their spelling on the wire.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.ids import AccountId, SessionId


class Side(StrEnum):
    """Which participant of a session a leg, a witness or a message belongs to."""

    CLIENT = "client"
    """The person who calls and pays."""
    PROVIDER = "provider"
    """The person who is called and is paid."""

    @property
    def other(self) -> "Side":
        """The participant at the far end."""
        return Side.PROVIDER if self is Side.CLIENT else Side.CLIENT


class Role(StrEnum):
    """What an account may be; scopes follow from it."""

    CLIENT = "client"
    PROVIDER = "provider"
    OPERATOR = "operator"
    INTEGRATOR = "integrator"


class SessionKind(StrEnum):
    """What a session carries and is metered by."""

    VOICE = "voice"
    """Opus voice over SRTP, with text beside it on the data channel."""
    TEXT = "text"
    """A data channel alone; no microphone is asked for."""
    VIDEO = "video"
    """A voice session with a picture each way; metered as voice is, at a price of its own."""


class SessionState(StrEnum):
    """Where a session is in its life; transitions are in `signaling/session.py`."""

    CREATED = "created"
    """Asked for; the first hold is not yet committed, so nobody rings."""
    RINGING = "ringing"
    """Hold committed; the provider's apps ring until the deadline."""
    ACCEPTED = "accepted"
    """The provider said yes; legs have not offered media yet."""
    CONNECTING = "connecting"
    """At least one leg negotiates; nothing is owed yet."""
    METERING = "metering"
    """Both start witnesses came; seconds count."""
    SUSPENDED = "suspended"
    """The session lives, seconds do not count."""
    RECOVERING = "recovering"
    """Found live at start-up; waits for both legs or ends at the last slot."""
    ENDING = "ending"
    """Stopped; the last seconds wait for their far bracket."""
    RATED = "rated"
    """Seconds are frozen and priced; the receipt is signed."""
    SETTLED = "settled"
    """Money has moved; no hold is open."""
    DISPUTED = "disputed"
    """A party contests the receipt."""
    ADJUSTED = "adjusted"
    """The dispute ended with a correcting transfer."""
    DECLINED = "declined"
    """The provider said no."""
    MISSED = "missed"
    """Nobody answered before the deadline."""
    CANCELLED = "cancelled"
    """The client gave up, or the gateway stopped, before an answer."""
    BUSY = "busy"
    """The provider was in another session."""
    CONNECT_FAILED = "connect_failed"
    """Accepted, but the start witnesses never both came."""


class EndReason(StrEnum):
    """Why a session ended; the spelling is the wire's and never changes."""

    HANGUP_CLIENT = "hangup_client"
    HANGUP_PROVIDER = "hangup_provider"
    DECLINED = "declined"
    MISSED = "missed"
    CANCELLED = "cancelled"
    BUSY = "busy"
    CONNECT_FAILED = "connect_failed"
    LOST_CLIENT = "lost_client"
    LOST_PROVIDER = "lost_provider"
    FUNDS = "funds"
    SLOT_END = "slot_end"
    MAX_DURATION = "max_duration"
    MODERATION = "moderation"
    SOS = "sos"
    OPERATOR = "operator"
    SHUTDOWN = "shutdown"


class SuspendReason(StrEnum):
    """Why seconds do not count although the session lives."""

    MEDIA_GAP = "media_gap"
    """A leg has shown no authenticated packet for longer than the media gap."""
    ACK_GAP = "ack_gap"
    """An app has acknowledged no tick for longer than the acknowledgement gap."""
    MODERATION = "moderation"
    """Frozen by a verdict."""
    SOS = "sos"
    """A participant pressed for help."""
    OPERATOR = "operator"
    """Paused by an operator."""
    CLOCK = "clock"
    """The wall clock stepped or the machine slept for over a second."""
    RESTART = "restart"
    """The process restarted; both legs have yet to come back."""
    TEXT_IDLE = "text_idle"
    """A text session with no line either way for the idle limit."""


PERSONS_LIFT = frozenset({SuspendReason.OPERATOR, SuspendReason.SOS, SuspendReason.MODERATION})
"""Suspensions that last until a person lifts them, through restarts too; nothing is forwarded meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedMove:
    """The last stored move of a session that says whether seconds count."""

    reason: SuspendReason | None
    """Why they do not; None where they do."""
    at_ns: int | None
    """Monotonic time of its storing; None where that was not noted yet."""
    boot: str
    """The boot whose monotonic clock that is."""
    wall_ns: int


class WarningReason(StrEnum):
    """Which limit a near-end warning speaks of."""

    FUNDS = "funds"
    SLOT_END = "slot_end"
    MAX_DURATION = "max_duration"
    SPEND_LIMIT = "spend_limit"
    """The tariff's limit on spending, or the point from which on the client has yet to say yes."""
    BLOCK_END = "block_end"
    """The prepaid time is used up."""


class ConsentKind(StrEnum):
    """What a client is asked to say yes to while the session goes on."""

    SPEND = "spend"
    """To spend beyond the tariff's `spend_consent_micros`."""
    BLOCK = "block"
    """To buy the next prepaid block."""


class Grade(StrEnum):
    """How complete a session's evidence is."""

    A = "A"
    """Both witnesses agree from start to stop."""
    B = "B"
    """One witness stood alone, or the apps' own seconds differ; opens a review."""


class VoiceQuality(StrEnum):
    """How a leg's voice is likely to sound (ITU-T G.109, by the rating of G.107)."""

    GOOD = "good"
    """Users are satisfied: a rating of 80 or more."""
    FAIR = "fair"
    """Some or many are not."""
    POOR = "poor"
    """Below 60: nearly all are dissatisfied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who a verified token speaks for."""

    account: AccountId
    """The account that acts."""
    roles: frozenset[Role]
    """What it may be."""
    expires_at_s: int
    """Unix second after which the token is refused."""
    session: SessionId | None = None
    """Set when an integrator minted the token for one session only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffSnapshot:
    """A price rule as agreed: canonical JSON text and its SHA-256.

    `metering/tariff.py` gives the text its meaning; everybody else carries it.
    """

    canonical: str
    """JSON with sorted keys, no spaces, integers and strings only."""
    hash: str
    """Lower-case hexadecimal SHA-256 of the canonical text."""

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> "TariffSnapshot":
        """Freeze `terms` (see `metering/tariff.py` for its keys)."""
        text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return cls(canonical=text, hash=hashlib.sha256(text.encode()).hexdigest())

    def terms(self) -> dict[str, Any]:
        """The canonical text as a dictionary."""
        parsed: dict[str, Any] = json.loads(self.canonical)
        return parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterOrder:
    """Everything a meter needs to know about a session, fixed before it rings."""

    session: SessionId
    client: AccountId
    """Whose wallet pays."""
    provider: AccountId
    """Who earns."""
    kind: SessionKind
    tariff: TariffSnapshot
    fee_bp: int
    """Platform fee in basis points of the charge."""
    duration_s_max: int
    """Hard maximum of the session in seconds."""
    slot_ends_wall_ns: int | None = None
    """End of the booked slot, wall clock; None for a call out of the blue."""
    nonce_client: str = ""
    """What the client's app must quote when it confirms that it hears."""
    nonce_provider: str = ""
    """What the provider's app must quote when it confirms that it hears."""


class LegEvidence(NamedTuple):
    """One leg's authenticated arrivals, as counted by the relay; monotonic nanoseconds, 0 = never."""

    session: SessionId
    side: Side
    connected: bool
    """DTLS is up and a path is latched."""
    rtp_packets: int
    """Authenticated RTP packets from this leg."""
    rtp_first_ns: int
    rtp_last_ns: int
    rtcp_last_ns: int
    stun_last_ns: int
    sctp_last_ns: int
    """Last SCTP packet inside DTLS (data or acknowledgement)."""
    rtp_forwarded: int
    """Packets of this leg sent on to the other leg."""
    rtp_span: int
    """RTP timestamp advance since the first packet, in 48 kHz units."""
    level_dbov: int
    """Last audio level heard, 0 (loudest) to -127; -127 = silence or none."""
