"""What signalling needs from others: meters, media, people, moderation, its own store.

Declares shapes only; `app.py` fills them. Every method says what it may refuse.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from gateway.ids import AccountId, SessionId
from gateway.terms import (
    ConsentKind,
    EndReason,
    MeterOrder,
    Principal,
    SessionKind,
    SessionState,
    Side,
    SuspendReason,
    TariffSnapshot,
)
from gateway.work import Work


class OpenStatus(StrEnum):
    """Whether a meter opened, in order of precedence."""

    OPENED = "opened"
    EXISTS = "exists"
    """The same order was opened before; nothing changed."""
    TARIFF_INVALID = "tariff_invalid"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    """The first hold does not fit into what is available."""


class ConfirmStatus(StrEnum):
    """What became of an "I hear the other side", in order of precedence."""

    CONFIRMED = "confirmed"
    UNKNOWN_SESSION = "unknown_session"
    NOT_AWAITED = "not_awaited"
    NONCE_MISMATCH = "nonce_mismatch"
    TARIFF_MISMATCH = "tariff_mismatch"


class AckStatus(StrEnum):
    """What became of a tick acknowledgement, in order of precedence."""

    ACKNOWLEDGED = "acknowledged"
    UNKNOWN_SESSION = "unknown_session"
    NOT_RUNNING = "not_running"
    UNKNOWN_TICK = "unknown_tick"
    HEAD_MISMATCH = "head_mismatch"


class ConsentStatus(StrEnum):
    """What became of a client's yes, in order of precedence."""

    GIVEN = "given"
    UNKNOWN_SESSION = "unknown_session"
    NOT_THE_PAYER = "not_the_payer"
    """Only the client is asked."""
    NOT_ASKED = "not_asked"


class Vitals(Protocol):
    """How this process does; both counts only grow."""

    def cpu_ns(self) -> int:
        """Processor time of the event loop's thread."""
        ...

    def socket_drops(self) -> int:
        """Datagrams that the kernel dropped because a media socket's queue was full."""
        ...


class Unmeasured:
    """`Vitals` of a node that nobody measures, as under a simulated clock."""

    def cpu_ns(self) -> int:
        """None was used."""
        return 0

    def socket_drops(self) -> int:
        """None was dropped."""
        return 0


class Meters(Protocol):
    """Metering, as signalling sees it. Synchronous methods act at this instant."""

    async def open(self, order: MeterOrder, *, also: Work) -> OpenStatus:
        """Place the first hold and register the meter; `also` commits in the same transaction."""
        ...

    async def void(self, session: SessionId, reason: EndReason, *, also: Work) -> None:
        """Release the holds of a session that never metered and issue its zero receipt."""
        ...

    def connect(self, session: SessionId) -> None:
        """The provider accepted: the start witnesses are awaited from now on."""
        ...

    def confirm(self, session: SessionId, side: Side, *, nonce: str, tariff_hash: str) -> ConfirmStatus:
        """An app says that it hears the other side."""
        ...

    def acknowledge(
        self, session: SessionId, side: Side, *, tick: int, head: str, clock_ms: int | None = None
    ) -> AckStatus:
        """An app has seen a tick; `clock_ms` is its own monotonic clock, where it tells it."""
        ...

    def consent(self, session: SessionId, side: Side, kind: ConsentKind) -> ConsentStatus:
        """The client says yes to what it was asked."""
        ...

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        """A participant declared itself muted, or not."""
        ...

    def line_sent(self, session: SessionId, side: Side) -> None:
        """That side's line of text was taken (keeps a text session from idling, and may cost)."""
        ...

    def covers_line(self, session: SessionId, side: Side) -> bool:
        """Whether what is set aside pays for one more line of that side."""
        ...

    def socket_lost(self, session: SessionId, side: Side) -> None:
        """A participant's last socket went away."""
        ...

    def socket_back(self, session: SessionId, side: Side) -> None:
        """A participant has a socket again."""
        ...

    def pause(self, session: SessionId, reason: SuspendReason) -> None:
        """Stop counting and forwarding at this instant; pauses of different reasons add up."""
        ...

    def resume(self, session: SessionId, reason: SuspendReason) -> None:
        """Lift the pause of that reason."""
        ...

    def stop(self, session: SessionId, reason: EndReason) -> None:
        """Stop counting and forwarding at this instant, for good; the first reason stands."""
        ...

    def report(self, session: SessionId, side: Side, *, seconds: int) -> None:
        """An app's own count after the end."""
        ...


class Media(Protocol):
    """The media plane, as signalling sees it."""

    async def answer(self, session: SessionId, side: Side, kind: SessionKind, offer_sdp: str) -> str:
        """Take an offer (also an ICE restart or a rejoin) and give the answer.

        Raises:
            Unprocessable: the offer cannot be used; the detail says which line and why.
        """
        ...

    def link(self, session: SessionId) -> None:
        """Forward both ways from the next packet."""
        ...

    def unlink(self, session: SessionId) -> None:
        """Stop forwarding both ways from the next packet."""
        ...

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        """Forward nothing of that leg's voice while muted."""
        ...

    def send_text(self, session: SessionId, side: Side, text: str) -> bool:
        """Send one data channel message to that leg; False where no channel is open."""
        ...

    async def close(self, session: SessionId) -> None:
        """Close both legs and forget them; the relay has let go when this returns."""
        ...

    def ice_servers(self, account: AccountId) -> list[dict[str, object]]:
        """RTCIceServer entries with time-limited credentials."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a provider offers for one kind of session, as a snapshot."""

    provider: AccountId
    nickname: str
    tariff: TariffSnapshot
    fee_bp: int
    duration_s_max: int


class People(Protocol):
    """Accounts and catalogue, as signalling sees them."""

    async def offer(self, provider: AccountId, kind: SessionKind) -> Offer | None:
        """The provider's present offer; None when there is no such approved provider or kind."""
        ...

    async def nickname(self, account: AccountId) -> str:
        """What the other side may know of a person."""
        ...

    async def is_barred(self, account: AccountId) -> bool:
        """Whether a sanction or a broken invariant keeps the account from new sessions."""
        ...


class Tokens(Protocol):
    """Access tokens."""

    def verify(self, token: str) -> Principal:
        """Who the token speaks for.

        Raises:
            Unauthenticated: bad signature, unknown `kid`, expired, revoked.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LineVerdict:
    """What may become of one chat line."""

    action: str
    """`allow`, `mask`, `block`, `terminate` … as `moderation/verdict.py` spells them."""
    text: str
    """The text to deliver: as sent, or masked."""
    category: str | None = None
    """Why, when it is not `allow`."""


class Watch(Protocol):
    """Moderation, as chat sees it."""

    async def judge_line(self, session: SessionId, side: Side, text: str) -> LineVerdict:
        """Judge a line before it is delivered; answers within its deadline, never raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as it is stored."""

    order: MeterOrder
    state: SessionState
    created_wall_ns: int
    end_reason: EndReason | None = None
    epoch: int = 1


class MoveRefused(Exception):
    """The stored state does not allow the move; the whole transaction is undone."""


class Fence(Protocol):
    """Who may move a session, asked inside the transaction that moves it."""

    def epoch(self, transaction: Any, session: SessionId) -> int:
        """The session's epoch.

        Raises:
            Fenced: another process acts for it now.
        """
        ...

    def is_ours(self, connection: Any, session: SessionId) -> bool:
        """Whether this process acts for it."""
        ...


class Sessions(Protocol):
    """Where sessions are stored. Works run inside somebody's transaction."""

    def create(self, row: SessionRow) -> Work:
        """Insert the session and its first transition.

        One open session per provider and CLIENT_SESSIONS_MAX per client are the database's own
        constraints; the work raises MoveRefused when it refuses.
        """
        ...

    def move(
        self, session: SessionId, state: SessionState, reason: EndReason | SuspendReason | None = None
    ) -> Work:
        """Compare-and-swap to `state` along the transition table and append the transition row.

        The work raises Fenced where another process acts for the session.
        """
        ...

    async def commit(self, work: Work) -> None:
        """Run one work in a transaction of its own."""
        ...

    async def load(self, session: SessionId) -> SessionRow | None:
        """One session."""
        ...

    async def held_reason(self, session: SessionId) -> SuspendReason | None:
        """Why a person has yet to lift a suspension; None where none is in force."""
        ...

    async def unfinished(self) -> Sequence[SessionRow]:
        """Every session of this process that is not settled or voided, for start-up."""
        ...


Listener = Callable[[SessionId, Side, str], None]
"""Called with every data channel text message a leg sends."""
