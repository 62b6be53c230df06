"""Every fact that crosses packages. Read this first.

A fact is something that happened, in the past tense, with the instant it
happened at. Packages tell facts to the `FactSink` they are handed and never
learn who listens; `app.py` says who does, `outbox.py` delivers.
Never a request: what may be refused is a port's method.

    signaling   SessionOpened · SessionMoved · LegJoined · LegLost · LegResumed · ChatSent
    media       LegConnected · LegAudible · LegMoved · LegGraded · LegClosed
    metering    MeterStarted · TickCounted · MeterSuspended · MeterResumed · WarningDue ·
                MeterStopped · ReceiptIssued · ReviewOpened · SpendNoticed · ConsentAsked ·
                ConsentGiven · MeterLost
    booking     WalletChanged
    moderation  VerdictGiven · EngineFailed
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.ids import AccountId, ReceiptId, SessionId
from gateway.terms import (
    ConsentKind,
    EndReason,
    Grade,
    SessionKind,
    SessionState,
    Side,
    SuspendReason,
    VoiceQuality,
    WarningReason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened."""

    at_ns: int
    """Monotonic instant."""
    session: SessionId | None = None
    """The session it belongs to; facts of one session are delivered in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened(Fact):
    """A session was created and its first hold committed."""

    client: AccountId
    provider: AccountId
    kind: SessionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMoved(Fact):
    """A session entered a state; the row is committed."""

    state: SessionState
    reason: EndReason | SuspendReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegJoined(Fact):
    """A participant's app took its place in the session (newest wins)."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class LegLost(Fact):
    """A participant's socket went away; its grace runs."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class LegResumed(Fact):
    """A lost participant came back within its grace."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSent(Fact):
    """A line got its sequence number and was stored."""

    side: Side
    seq: int
    characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegConnected(Fact):
    """DTLS came up on a latched path."""

    side: Side
    setup_ns: int
    """From the offer to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAudible(Fact):
    """The first authenticated RTP packet of a leg arrived."""

    side: Side
    setup_ns: int
    """From the offer to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegMoved(Fact):
    """A leg's path was latched to another address by an authenticated check."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class LegGraded(Fact):
    """A leg's voice sounds otherwise than before, by its losses and delays; the first grade is told too."""

    side: Side
    quality: VoiceQuality
    mos: float
    """Mean opinion score, 1.0 to 4.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegClosed(Fact):
    """The far end closed DTLS; the leg will not send again without a new offer."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterStarted(Fact):
    """Both start witnesses came; the first second begins at `at_ns`."""

    wall_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TickCounted(Fact):
    """A second of a live session ended at `at_ns`; its row is committed."""

    tick: int
    """Number of the second that ended, from 1."""
    billed_s: int
    """Seconds found BILLED so far."""
    provisional_s: int
    """Seconds that still wait for their far bracket."""
    cost_micros: int
    """C(billed_s + provisional_s)."""
    earned_micros: int
    """The provider's share of that cost."""
    currency: str
    time_left_s: int
    """Until money, slot or maximum runs out, whichever is first."""
    head: str
    """Running SHA-256 of the evidence chain, hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSuspended(Fact):
    """Seconds stopped counting."""

    reason: SuspendReason


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterResumed(Fact):
    """Seconds count again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningDue(Fact):
    """Time left fell to a threshold."""

    seconds_left: int
    reason: WarningReason


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterStopped(Fact):
    """No further second can count; forwarding stopped at the same instant."""

    reason: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptIssued(Fact):
    """The receipt is signed, the money has moved and both are committed."""

    receipt: ReceiptId
    reason: EndReason
    client: AccountId
    provider: AccountId
    billed_s: int
    charge_micros: int
    fee_micros: int
    earned_micros: int
    currency: str
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOpened(Fact):
    """A session's evidence needs a person's look."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendNoticed(Fact):
    """The session's cost passed a multiple of the tariff's `spend_notify_micros`."""

    spent_micros: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAsked(Fact):
    """The session ends in `seconds_left` unless the client says yes."""

    kind: ConsentKind
    seconds_left: int
    spent_micros: int
    """What the session has cost so far."""
    price_micros: int
    """What the next prepaid block costs; 0 where the question is about spending."""
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Fact):
    """The client said yes; it is in the evidence."""

    kind: ConsentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterLost(Fact):
    """Another owner has taken the session over; this process forwards and writes nothing more of it."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletChanged(Fact):
    """An account's available money changed."""

    account: AccountId
    available_micros: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictGiven(Fact):
    """A moderator judged one sample; `action` is spelled as `moderation/verdict.py` has it."""

    side: Side
    action: str
    category: str
    severity: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFailed(Fact):
    """A moderation hook failed or its breaker opened."""

    hook: str
    why: str


class FactSink(Protocol):
    """Where a service tells its facts."""

    def tell(self, fact: Fact) -> None:
        """Take the fact; delivery happens later, in order per session."""
        ...


class FactReader(Protocol):
    """Somebody who listens."""

    async def __call__(self, fact: Fact) -> None:
        """Take note of one fact; an exception is logged and counted, others still hear."""
        ...
