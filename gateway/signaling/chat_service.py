"""A line of text: judged, numbered, stored, acknowledged, delivered, read.

Decides the order of these for both paths: nothing is delivered that was not
judged and stored, nothing is acknowledged that was not stored. Delivery tries
the data channel, then the socket; whoever has neither reads it in the history.
Never judges (moderation) and never logs a word of a line.
Keeps: one sender's lines stay in order, one sequence holds for both sides, a
line sent twice is answered as the first time.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from gateway.clock import rfc3339
from gateway.facts import ChatSent
from gateway.ids import SessionId
from gateway.limits import CHAT_PAGE_MAX
from gateway.signaling.chat import LineEffect, LineFate, LineState, Room, effect_of
from gateway.signaling.chat_notice import ChatMessage, ChatStatus
from gateway.signaling.chat_ports import Line
from gateway.signaling.doorkeeper_service import Doorkeeper
from gateway.signaling.leg_service import LegService
from gateway.signaling.notice import ModerationNotice, Notice
from gateway.signaling.outcome import Outcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.ports import LineVerdict
from gateway.signaling.roster_service import Live, Roster
from gateway.signaling.session import CHATS, TALKS
from gateway.signaling.socket_ports import Connection
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import EndReason, Principal, Side, SuspendReason

Reply = Callable[[Notice], None]
"""Takes the answer to whoever sent the line, on the path it came by."""

_log = structlog.get_logger()


class ChatService:
    """Lines of text of live sessions, and the history of all."""

    def __init__(
        self,
        outside: Outside,
        *,
        doorkeeper: Doorkeeper,
        legs: LegService,
        roster: Roster,
        switchboard: Switchboard,
    ) -> None:
        self._meters = outside.meters
        self._media = outside.media
        self._watch = outside.watch
        self._lines = outside.lines
        self._channel = outside.channel
        self._clock = outside.clock
        self._sink = outside.sink
        self._doorkeeper = doorkeeper
        self._legs = legs
        self._roster = roster
        self._switchboard = switchboard

    async def send_by_socket(
        self, connection: Connection, session: SessionId, *, line_id: str, text: str, reply: Reply
    ) -> Outcome:
        """Take a line from a socket; with DONE its status went to `reply`."""
        entry = await self._doorkeeper.admit(connection.principal, session)
        if isinstance(entry, Outcome):
            return entry
        if entry.live.state not in CHATS:
            return Outcome.WRONG_STATE
        claimed = self._legs.claim(entry.live, entry.side, connection)
        if claimed is not Outcome.DONE:
            return claimed
        return await self._send(entry.live, entry.side, line_id=line_id, text=text, reply=reply)

    def may_speak(self, session: SessionId, side: Side) -> bool:
        """Whether a data channel message is worth a look: the session is live and the rate is kept."""
        live = self._roster.get(session)
        return live is not None and live.room.may_speak(side, self._clock.monotonic_ns())

    async def send_by_channel(
        self, session: SessionId, side: Side, *, line_id: str, text: str, reply: Reply
    ) -> Outcome:
        """Take a line from a leg's data channel, which proves who sent it."""
        live = self._roster.get(session)
        if live is None or live.state not in CHATS:
            return Outcome.WRONG_STATE
        return await self._send(live, side, line_id=line_id, text=text, reply=reply)

    async def read_by_socket(self, connection: Connection, session: SessionId, seq: int) -> Outcome:
        """A participant has read up to `seq`."""
        entry = await self._doorkeeper.admit(connection.principal, session)
        if isinstance(entry, Outcome):
            return entry
        await self._read(entry.live, entry.side, seq)
        return Outcome.DONE

    async def read_by_channel(self, session: SessionId, side: Side, seq: int) -> Outcome:
        """The same, from the data channel."""
        live = self._roster.get(session)
        if live is None:
            return Outcome.WRONG_STATE
        await self._read(live, side, seq)
        return Outcome.DONE

    async def history(
        self, principal: Principal, session: SessionId, after: int
    ) -> Sequence[ChatMessage] | Outcome:
        """Up to CHAT_PAGE_MAX stored lines above `after`, for a party."""
        entry = await self._doorkeeper.over(principal, session)
        if isinstance(entry, Outcome):
            return entry
        return [message_of(line) for line in await self._lines.after(session, after, CHAT_PAGE_MAX)]

    async def _send(self, live: Live, side: Side, *, line_id: str, text: str, reply: Reply) -> Outcome:
        if not live.room.may_send(side, self._clock.monotonic_ns()):
            return Outcome.TOO_MANY_REQUESTS
        live.room.waiting += 1
        try:
            # The sender's turn: the next line is judged when this one has its number.
            async with live.turns[side]:
                return await self._take(live, side, line_id=line_id, text=text, reply=reply)
        finally:
            live.room.waiting -= 1

    async def _take(self, live: Live, side: Side, *, line_id: str, text: str, reply: Reply) -> Outcome:
        if fate := live.room.fate_of(side, line_id):
            reply(_answer(live, fate))
            return Outcome.DONE
        if not self._meters.covers_line(live.id, side):
            return Outcome.NOT_COVERED
        verdict = await self._watch.judge_line(live.id, side, text)
        effect = effect_of(verdict.action)
        if effect not in (LineEffect.DELIVER, LineEffect.MASK):
            self._withhold(live, side, line_id=line_id, effect=effect, verdict=verdict, reply=reply)
            return Outcome.DONE
        async with live.lock:
            if not self._meters.covers_line(live.id, side):
                # A line of the other side took what was left while this one was judged.
                return Outcome.NOT_COVERED
            line, is_new = await self._store(
                live, side, line_id, verdict, is_masked=effect is LineEffect.MASK
            )
            fate = LineFate(
                line_id=line_id,
                state=LineState.MASKED if line.is_masked else LineState.SENT,
                seq=line.seq,
                text=line.text if line.is_masked else None,
            )
            live.room.keep(side, fate)
            reply(_answer(live, fate))
            if is_new:
                self._deliver(live, line)
        return Outcome.DONE

    async def _store(
        self, live: Live, side: Side, line_id: str, verdict: LineVerdict, *, is_masked: bool
    ) -> tuple[Line, bool]:
        """The stored line, and whether it is new to the store; call it under the session's lock."""
        room = await self._room(live)
        line = Line(
            session=live.id,
            seq=room.last_seq + 1,
            side=side,
            line_id=line_id,
            text=verdict.text,
            at_wall_ns=self._clock.wall_ns(),
            is_masked=is_masked,
        )
        stored = await self._lines.append(line)
        return stored, stored.seq == line.seq

    async def _room(self, live: Live) -> Room:
        if not live.room.is_loaded:
            mark = await self._lines.mark(live.id)
            live.room.resume(mark.last_seq, mark.read)
        return live.room

    def _deliver(self, live: Live, line: Line) -> None:
        self._sink.tell(
            ChatSent(
                at_ns=self._clock.monotonic_ns(),
                session=live.id,
                side=line.side,
                seq=line.seq,
                characters=len(line.text),
            )
        )
        self._meters.line_sent(live.id, line.side)
        if self._tell(live, line.side.other, message_of(line)):
            fate = LineFate(line_id=line.line_id, state=LineState.DELIVERED, seq=line.seq)
            self._tell(live, line.side, _status(live, fate))

    def _withhold(
        self,
        live: Live,
        side: Side,
        *,
        line_id: str,
        effect: LineEffect,
        verdict: LineVerdict,
        reply: Reply,
    ) -> None:
        fate = LineFate(line_id=line_id, state=LineState.BLOCKED, reason=verdict.category)
        live.room.keep(side, fate)
        if effect is LineEffect.TERMINATE and live.state in TALKS:
            self._meters.stop(live.id, EndReason.MODERATION)
        if effect is LineEffect.FREEZE and live.state in TALKS:
            live.is_held = True
            self._meters.pause(live.id, SuspendReason.MODERATION)
            self._media.unlink(live.id)
        reply(_answer(live, fate))
        notice = ModerationNotice(session=live.id, action=verdict.action, category=verdict.category)
        if effect is LineEffect.BLOCK:
            self._switchboard.tell_side(live, side, notice)
        else:
            _log.warning("line_stopped_session", session=live.id, side=side, effect=effect)
            self._switchboard.tell_both(live, notice)

    async def _read(self, live: Live, side: Side, seq: int) -> None:
        async with live.lock:
            room = await self._room(live)
            before = room.read_mark(side)
            fate = room.read(side, seq)
            if room.read_mark(side) > before:
                await self._lines.note_read(live.id, side, room.read_mark(side))
        if fate is not None:
            self._tell(live, side.other, _status(live, fate))

    def _tell(self, live: Live, side: Side, notice: Notice) -> bool:
        """By data channel, else by socket; False where neither is open."""
        return self._channel.send(live.id, side, notice) or self._switchboard.tell_side(live, side, notice)


def message_of(line: Line) -> ChatMessage:
    """A stored line as it is delivered."""
    return ChatMessage(
        session=line.session,
        seq=line.seq,
        from_=line.side,
        text=line.text,
        at=rfc3339(line.at_wall_ns),
        id=line.line_id,
    )


def _answer(live: Live, fate: LineFate) -> ChatStatus:
    """The status as the answer to the message that named the line."""
    return replace(_status(live, fate), re=fate.line_id)


def _status(live: Live, fate: LineFate) -> ChatStatus:
    return ChatStatus(
        session=live.id, id=fate.line_id, state=fate.state, seq=fate.seq, text=fate.text, reason=fate.reason
    )
