"""What chat needs from others: its append-only store and the data channel.

Declares shapes only; `adapters/chat_store.py` and `adapters/data_channel.py` fill them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.ids import SessionId
from gateway.signaling.notice import Notice
from gateway.terms import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as it is stored: what was delivered, never what was covered."""

    session: SessionId
    seq: int
    """From 1 without gaps."""
    side: Side
    """Who sent it."""
    line_id: str
    """As its sender named it."""
    text: str
    at_wall_ns: int
    is_masked: bool = False
    """Whether parts were covered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMark:
    """How far a session's lines have come."""

    last_seq: int
    read: Mapping[Side, int]
    """Up to which number each side has read."""


class Lines(Protocol):
    """Where lines are stored."""

    async def append(self, line: Line) -> Line:
        """Store the line and answer it; where (session, side, line_id) is stored already, that one.

        Raises:
            StoreDown: nothing was written.
        """
        ...

    async def mark(self, session: SessionId) -> ChatMark:
        """How far the session's lines have come."""
        ...

    async def note_read(self, session: SessionId, side: Side, seq: int) -> None:
        """Move a read mark forward."""
        ...

    async def after(self, session: SessionId, seq: int, limit: int) -> Sequence[Line]:
        """Lines with a number above `seq`, ascending."""
        ...

    async def before(self, session: SessionId, seq: int | None, limit: int) -> Sequence[Line]:
        """The last `limit` lines with a number below `seq` (None: the newest), ascending."""
        ...


class Channel(Protocol):
    """The data channel of a leg."""

    def send(self, session: SessionId, side: Side, notice: Notice) -> bool:
        """Hand one message to that leg's open channel; False where there is none."""
        ...
