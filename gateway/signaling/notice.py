"""Everything the gateway says on the socket, except chat.

Decides the fields of each message; the names are those of docs/wire.md. A field
that has a default is left out of the message while it is None; a field without
one is always written, so `receipt` may be null.
Never decides who is told (services do) nor how it is written (`adapters/codec.py`).
"""

from dataclasses import dataclass
from typing import Literal

from gateway.ids import AccountId, SessionId
from gateway.money import Money
from gateway.signaling.presence import Presence
from gateway.terms import (
    ConsentKind,
    EndReason,
    Role,
    SessionKind,
    SessionState,
    Side,
    SuspendReason,
    WarningReason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to an app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What one side may know of the other."""

    id: AccountId
    nickname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCard:
    """A session as one of its parties sees it."""

    id: SessionId
    kind: SessionKind
    state: SessionState
    end_reason: EndReason | None
    client: Person
    provider: Person
    tariff: dict[str, object]
    """The price rule as agreed, see docs/wire.md, "Tariff"."""
    tariff_hash: str
    created_at: str
    """RFC 3339."""
    expires_at: str | None = None
    """While it rings: when it stops ringing."""
    side: Side | None = None
    """Which side the reader is."""
    started_at: str | None = None
    """Once metered: the start of the first second."""
    nonce: str | None = None
    """From acceptance on: what this side quotes in media.confirm."""
    ice_servers: list[dict[str, object]] | None = None
    """From acceptance on: RTCIceServer entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCard:
    """Who is signed in on the socket."""

    id: AccountId
    nickname: str
    roles: list[Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome(Notice):
    """Signed in; lists live sessions so that a reloaded page goes on."""

    re: str
    account: AccountCard
    server_time: str
    ping_s: int
    """How often the app pings."""
    dead_s: int
    """A socket silent for that long is taken as lost, by either end."""
    resume_token: str
    """Quoted in the next `auth` it takes this connection's legs back."""
    sessions: list[SessionCard]
    type: Literal["welcome"] = "welcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ok(Notice):
    """Done."""

    re: str
    type: Literal["ok"] = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Notice):
    """Refused, or failed."""

    code: str
    title: str
    detail: str
    re: str | None = None
    """The message it answers, where that could be read."""
    tariff: dict[str, object] | None = None
    """With tariff_changed: the present price rule."""
    tariff_hash: str | None = None
    """With tariff_changed: its hash, to be agreed to."""
    retry_after_s: int | None = None
    """When another try may pass, where that is known."""
    type: Literal["problem"] = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(Notice):
    """Answers a ping."""

    re: str
    server_time: str
    type: Literal["pong"] = "pong"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceNotice(Notice):
    """A provider came, went or got busy."""

    provider_id: AccountId
    state: Presence
    type: Literal["presence"] = "presence"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRinging(Notice):
    """The hold is placed and the provider's apps ring."""

    session: SessionCard
    expires_at: str
    re: str | None = None
    """On the socket that invited."""
    type: Literal["session.ringing"] = "session.ringing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAccepted(Notice):
    """The provider said yes; offer media now."""

    session: SessionId
    side: Side
    tariff: dict[str, object]
    tariff_hash: str
    ice_servers: list[dict[str, object]]
    nonce: str
    kind: SessionKind
    type: Literal["session.accepted"] = "session.accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Notice):
    """Seconds count from `at`."""

    session: SessionId
    at: str
    type: Literal["session.started"] = "session.started"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSuspended(Notice):
    """Seconds do not count for now."""

    session: SessionId
    reason: SuspendReason
    type: Literal["session.suspended"] = "session.suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResumed(Notice):
    """Seconds count again."""

    session: SessionId
    type: Literal["session.resumed"] = "session.resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TickNotice(Notice):
    """A second ended; acknowledge it with its number and head."""

    session: SessionId
    tick: int
    billed_s: int
    provisional_s: int
    """Seconds that still wait for their evidence."""
    cost: Money
    time_left_s: int
    head: str
    earned: Money | None = None
    """To the provider only."""
    type: Literal["tick"] = "tick"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWarning(Notice):
    """Time left fell to a threshold."""

    session: SessionId
    seconds_left: int
    reason: WarningReason
    type: Literal["session.warning"] = "session.warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpend(Notice):
    """The cost passed a mark at which both are told."""

    session: SessionId
    spent: Money
    type: Literal["session.spend"] = "session.spend"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConsentAsked(Notice):
    """The session ends in `seconds_left` unless the client says yes with `session.consent`."""

    session: SessionId
    kind: ConsentKind
    seconds_left: int
    spent: Money
    price: Money | None = None
    """What the next prepaid block costs, where that is the question."""
    type: Literal["session.consent_asked"] = "session.consent_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConsented(Notice):
    """The client said yes; the session goes on."""

    session: SessionId
    kind: ConsentKind
    type: Literal["session.consented"] = "session.consented"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Notice):
    """Over, and settled where money was involved."""

    session: SessionId
    reason: EndReason
    receipt: dict[str, object] | None
    """The signed receipt; null where none could be read."""
    type: Literal["session.ended"] = "session.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAnswer(Notice):
    """The gateway's SDP."""

    re: str
    session: SessionId
    sdp: str
    type: Literal["media.answer"] = "media.answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegLostNotice(Notice):
    """The other side's connection went away; its grace runs."""

    session: SessionId
    side: Side
    type: Literal["leg.lost"] = "leg.lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegBackNotice(Notice):
    """The other side is there again."""

    session: SessionId
    side: Side
    type: Literal["leg.back"] = "leg.back"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegReplacedNotice(Notice):
    """Another device of this account took the session."""

    session: SessionId
    type: Literal["leg.replaced"] = "leg.replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteChanged(Notice):
    """The other side muted itself, or not."""

    session: SessionId
    from_: Side
    muted: bool
    type: Literal["mute.changed"] = "mute.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerationNotice(Notice):
    """Something was done about the conversation."""

    session: SessionId
    action: str
    category: str | None
    type: Literal["moderation.notice"] = "moderation.notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletNotice(Notice):
    """The account's available money changed."""

    available: Money
    type: Literal["wallet"] = "wallet"
