"""What the gateway says about lines of text, on either path.

Decides the fields of chat messages; the rules of `notice.py` hold here too.
The socket and the data channel carry the same shapes.
Never decides what becomes of a line; `chat.py` and `chat_service.py` do.
"""

from dataclasses import dataclass
from typing import Literal

from gateway.ids import SessionId
from gateway.signaling.chat import LineState
from gateway.signaling.notice import Notice
from gateway.terms import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage(Notice):
    """A line, as delivered."""

    session: SessionId
    seq: int
    """Position in the session, from 1 without gaps."""
    from_: Side
    text: str
    at: str
    """RFC 3339."""
    id: str
    """As its sender named it."""
    type: Literal["chat.message"] = "chat.message"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatStatus(Notice):
    """What became of a line, to its sender."""

    session: SessionId
    id: str
    """As its sender named it."""
    state: LineState
    seq: int | None = None
    """Once stored; read means everything up to here."""
    text: str | None = None
    """The text that was delivered instead, when masked."""
    reason: str | None = None
    """Why, when blocked."""
    re: str | None = None
    """On the direct answer to a chat.send."""
    type: Literal["chat.status"] = "chat.status"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLines(Notice):
    """A page of history, ascending."""

    re: str
    session: SessionId
    items: list[ChatMessage]
    type: Literal["chat.lines"] = "chat.lines"
