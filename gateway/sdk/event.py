"""Every message the gateway sends, as a typed event.

Decides how raw messages become values: by `type`, tolerant of fields and types
that a newer gateway adds, strict about the ones a client relies on.
Never decides what to do about an event; `participant.py` does.
The shapes are those of docs/wire.md and /asyncapi.json.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from gateway.terms import EndReason, SessionKind, SessionState, Side


class Loose(BaseModel):
    """A model that keeps what it does not know."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Amount(Loose):
    """Money on the wire."""

    micros: int
    currency: str


class Person(Loose):
    """A participant as the other side may know him."""

    id: str
    nickname: str = ""


class SessionView(Loose):
    """A session as the gateway describes it to one of its parties."""

    id: str
    kind: SessionKind
    state: SessionState
    end_reason: EndReason | None = None
    side: Side | None = None
    client: Person | None = None
    provider: Person | None = None
    tariff: dict[str, object] = Field(default_factory=dict)
    tariff_hash: str = ""
    created_at: str = ""
    expires_at: str | None = None
    nonce: str | None = None
    ice_servers: list[dict[str, object]] = Field(default_factory=list)


class AccountView(Loose):
    """The account a token speaks for."""

    id: str
    nickname: str = ""
    roles: list[str] = Field(default_factory=list)


class Event(Loose):
    """Anything the gateway says; the class of types this client does not know."""

    type: str
    re: str | None = None

    @property
    def about(self) -> str | None:
        """The session it belongs to, where it belongs to one."""
        found = (self.model_extra or {}).get("session")
        return found if isinstance(found, str) else None


class SessionEvent(Event):
    """An event of one session."""

    session: str

    @property
    def about(self) -> str | None:
        """The session's id."""
        return self.session


class Welcome(Event):
    """`welcome`: authenticated; lists live sessions so that a reloaded page resumes."""

    account: AccountView
    server_time: str
    ping_s: int
    dead_s: int
    resume_token: str
    sessions: list[SessionView] = Field(default_factory=list)


class Problem(Event):
    """`problem`: a refusal that answers no request this client still waits for."""

    code: str
    title: str = ""
    detail: str = ""


class Presence(Event):
    """`presence`: a provider came, went or got busy."""

    provider_id: str
    state: str


class Ringing(Event):
    """`session.ringing`: to both sides."""

    session: SessionView
    expires_at: str | None = None

    @property
    def about(self) -> str | None:
        """The session's id."""
        return self.session.id


class Accepted(SessionEvent):
    """`session.accepted`: the provider said yes; media may be offered."""

    side: Side
    tariff: dict[str, object]
    tariff_hash: str
    nonce: str
    kind: SessionKind
    ice_servers: list[dict[str, object]] = Field(default_factory=list)


class Answer(SessionEvent):
    """`media.answer`: the gateway's SDP."""

    sdp: str


class Started(SessionEvent):
    """`session.started`: the first second began at `at`."""

    at: str


class Suspended(SessionEvent):
    """`session.suspended`: seconds do not count."""

    reason: str


class Resumed(SessionEvent):
    """`session.resumed`: seconds count again."""


class Tick(SessionEvent):
    """`tick`: one second ended."""

    tick: int
    billed_s: int
    provisional_s: int = 0
    cost: Amount
    earned: Amount | None = None
    time_left_s: int
    head: str


class Warned(SessionEvent):
    """`session.warning`: a limit is near."""

    seconds_left: int
    reason: str


class Spent(SessionEvent):
    """`session.spend`: the cost passed a mark at which both are told."""

    spent: Amount


class ConsentAsked(SessionEvent):
    """`session.consent_asked`: the session ends unless the client says yes."""

    kind: str
    seconds_left: int
    spent: Amount
    price: Amount | None = None


class Consented(SessionEvent):
    """`session.consented`: the client said yes."""

    kind: str


class Ended(SessionEvent):
    """`session.ended`: with the receipt, where there is one."""

    reason: EndReason
    receipt: dict[str, object] | None = None


class LegLost(SessionEvent):
    """`leg.lost`: the other side's connection went away."""

    side: Side


class LegBack(SessionEvent):
    """`leg.back`: the other side is there again."""

    side: Side


class LegReplaced(SessionEvent):
    """`leg.replaced`: another device of this account took the session."""


class MuteChanged(Event):
    """`mute.changed`: the other side muted itself or came back."""

    session: str
    muted: bool

    @property
    def about(self) -> str | None:
        """The session's id."""
        return self.session


class ChatMessage(SessionEvent):
    """`chat.message`: a line of the other side, or one's own in history."""

    seq: int
    text: str
    id: str
    sender: Side = Field(alias="from")
    at: str = ""


class ChatStatus(Event):
    """`chat.status`: what became of a line."""

    id: str
    state: str
    seq: int | None = None
    text: str | None = None
    reason: str | None = None


class ChatLines(SessionEvent):
    """`chat.lines`: history."""

    items: list[dict[str, object]]


class Notice(SessionEvent):
    """`moderation.notice`: something was done about the session."""

    action: str
    category: str | None = None


class WalletPushed(Event):
    """`wallet`: the available money changed."""

    available: Amount


EVENTS: Mapping[str, type[Event]] = {
    "welcome": Welcome,
    "problem": Problem,
    "presence": Presence,
    "session.ringing": Ringing,
    "session.accepted": Accepted,
    "media.answer": Answer,
    "session.started": Started,
    "session.suspended": Suspended,
    "session.resumed": Resumed,
    "tick": Tick,
    "session.warning": Warned,
    "session.spend": Spent,
    "session.consent_asked": ConsentAsked,
    "session.consented": Consented,
    "session.ended": Ended,
    "leg.lost": LegLost,
    "leg.back": LegBack,
    "leg.replaced": LegReplaced,
    "mute.changed": MuteChanged,
    "chat.message": ChatMessage,
    "chat.status": ChatStatus,
    "chat.lines": ChatLines,
    "moderation.notice": Notice,
    "wallet": WalletPushed,
}
"""Wire type → class."""


def parse(raw: Mapping[str, object]) -> Event:
    """The event that `raw` is.

    Raises:
        pydantic.ValidationError: a field this client relies on is missing or of another type.
    """
    return EVENTS.get(str(raw.get("type")), Event).model_validate(raw)
