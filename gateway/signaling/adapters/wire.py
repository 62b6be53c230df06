"""Every message an app may send, and how a document becomes one.

Decides the shape: one pydantic model per type, strict, no unknown fields, every
string bounded. The type says which model; what does not fit is refused with a
code and the place, never with the text that was sent.
Never reads bytes (`codec.py`) and never acts (`dispatch.py`).
The names are those of docs/wire.md; `asyncapi.py` renders these models.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.ids import AccountId, SessionId
from gateway.limits import CHAT_CHARACTERS_MAX, SDP_BYTES_MAX, SESSION_DURATION_S_MAX
from gateway.signaling.outcome import Outcome
from gateway.terms import ConsentKind, SessionKind

NAME_CHARACTERS_MAX = 64
"""Of an id, a nonce or a hash."""
TOKEN_CHARACTERS_MAX = 4_096
"""Of an access token."""
REASON_CHARACTERS_MAX = 200
"""Of what a provider says when declining."""
COUNT_MAX = 2**53 - 1
"""The largest integer that JSON carries everywhere."""

Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX)]
Session = Annotated[SessionId, Field(min_length=1, max_length=NAME_CHARACTERS_MAX)]
Account = Annotated[AccountId, Field(min_length=1, max_length=NAME_CHARACTERS_MAX)]
Count = Annotated[int, Field(ge=0, le=COUNT_MAX)]


class ClientMessage(BaseModel):
    """What every message has."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)

    id: Name
    """Made by the app; the answer quotes it as `re`."""


class Auth(ClientMessage):
    """Signs in; first message of a socket, and again with a fresh token before the old one expires."""

    type: Literal["auth"]
    token: Annotated[str, Field(min_length=1, max_length=TOKEN_CHARACTERS_MAX)]
    """An access token."""
    resume: Name | None = None
    """The resume token of the last welcome; takes that socket's legs back."""


class Ping(ClientMessage):
    """Says that the app is alive."""

    type: Literal["ping"]


class PresenceSet(ClientMessage):
    """A provider takes calls, or not."""

    type: Literal["presence.set"]
    state: Literal["online", "paused", "offline"]


class SessionInvite(ClientMessage):
    """Calls a provider at the price that was shown."""

    type: Literal["session.invite"]
    provider_id: Account
    kind: Annotated[SessionKind, Field(strict=False)]
    tariff_hash: Name


class SessionAccept(ClientMessage):
    """The provider says yes."""

    type: Literal["session.accept"]
    session: Session


class SessionDecline(ClientMessage):
    """The provider says no."""

    type: Literal["session.decline"]
    session: Session
    reason: Annotated[str, Field(max_length=REASON_CHARACTERS_MAX)] | None = None
    """Accepted and dropped in this release: the client learns `declined`, never why."""


class SessionCancel(ClientMessage):
    """The client gives up before an answer."""

    type: Literal["session.cancel"]
    session: Session


class SessionEnd(ClientMessage):
    """Hangs up."""

    type: Literal["session.end"]
    session: Session


class SessionSos(ClientMessage):
    """Calls for help: pauses the meter and calls an operator."""

    type: Literal["session.sos"]
    session: Session


class SessionReport(ClientMessage):
    """The app's own count of seconds, after the end."""

    type: Literal["session.report"]
    session: Session
    seconds: Annotated[int, Field(ge=0, le=2 * SESSION_DURATION_S_MAX)]


class MediaOffer(ClientMessage):
    """An SDP offer; also for an ICE restart and a rejoin."""

    type: Literal["media.offer"]
    session: Session
    sdp: Annotated[str, Field(min_length=1, max_length=SDP_BYTES_MAX)]


class MediaConfirm(ClientMessage):
    """Says "I hear the other side", bound to session, nonce and tariff."""

    type: Literal["media.confirm"]
    session: Session
    nonce: Name
    tariff_hash: Name


class TickAck(ClientMessage):
    """Acknowledges a tick; answered only when something is wrong."""

    type: Literal["tick.ack"]
    session: Session
    tick: Count
    head: Name
    clock_ms: Count | None = None
    """The app's own monotonic clock in milliseconds, from any fixed point; compared, never trusted."""


class SessionConsent(ClientMessage):
    """The client says yes to what `session.consent_asked` asked."""

    type: Literal["session.consent"]
    session: Session
    kind: Annotated[ConsentKind, Field(strict=False)]


class MuteSet(ClientMessage):
    """Mutes oneself, or not."""

    type: Literal["mute.set"]
    session: Session
    muted: bool


class ChatSend(ClientMessage):
    """A line of text; its `id` names it, so it may be sent again on either path."""

    type: Literal["chat.send"]
    session: Session
    text: Annotated[str, Field(min_length=1, max_length=CHAT_CHARACTERS_MAX)]


class ChatRead(ClientMessage):
    """Everything up to `seq` was read; not answered when all is well on the data channel."""

    type: Literal["chat.read"]
    session: Session
    seq: Count


class ChatHistory(ClientMessage):
    """Asks for stored lines above `after`."""

    type: Literal["chat.history"]
    session: Session
    after: Count


AnyMessage = Annotated[
    Auth
    | Ping
    | PresenceSet
    | SessionInvite
    | SessionAccept
    | SessionDecline
    | SessionCancel
    | SessionEnd
    | SessionSos
    | SessionReport
    | MediaOffer
    | MediaConfirm
    | TickAck
    | SessionConsent
    | MuteSet
    | ChatSend
    | ChatRead
    | ChatHistory,
    Field(discriminator="type"),
]
"""The union of all, by `type`."""

READER: TypeAdapter[AnyMessage] = TypeAdapter(AnyMessage)


class Unreadable(Exception):
    """A document that is not a message."""

    def __init__(self, outcome: Outcome, detail: str, *, re: str | None = None) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.re = re
        """The message's id, where it has a readable one."""


def message_of(document: object) -> AnyMessage:
    """The message that the document is.

    Raises:
        Unreadable: MALFORMED or UNKNOWN_TYPE, with the place of the first fault.
    """
    try:
        return READER.validate_python(document)
    except ValidationError as faults:
        first = faults.errors(include_url=False, include_context=False, include_input=False)[0]
        re = _id_of(document)
        if first["type"] == "union_tag_invalid":
            raise Unreadable(Outcome.UNKNOWN_TYPE, "No message has this type.", re=re) from None
        # A place may hold a field name that the sender made up.
        place = ".".join(str(part) for part in first["loc"][1:])[:NAME_CHARACTERS_MAX] or "type"
        raise Unreadable(Outcome.MALFORMED, f"{place}: {first['msg']}", re=re) from None


def _id_of(document: object) -> str | None:
    name = document.get("id") if isinstance(document, dict) else None
    return name if isinstance(name, str) and 0 < len(name) <= NAME_CHARACTERS_MAX else None
