"""What each message of a signed-in socket does.

Decides which part of the desk is asked and what goes back on this socket: the
answer, `ok`, or a problem that quotes the message. One handler per message type.
Never reads frames or tokens (`socket_server.py`) and never decides an outcome.
Keeps: an unexpected exception is logged and answered as `internal`; the socket
lives on.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from gateway.clock import Clock, rfc3339
from gateway.errors import GatewayError
from gateway.signaling.adapters import wire
from gateway.signaling.adapters.problem import of_failure, of_outcome
from gateway.signaling.chat_notice import ChatLines
from gateway.signaling.desk_service import Desk
from gateway.signaling.invitation_service import Invitation
from gateway.signaling.notice import MediaAnswer, Notice, Ok, Pong, Problem
from gateway.signaling.outcome import Outcome
from gateway.signaling.presence import Presence
from gateway.signaling.socket_ports import Connection

Answer = Notice | Outcome | None
"""A message to send back, an outcome (DONE becomes `ok`), or nothing."""
Handler = Callable[[Connection, Any], Awaitable[Answer]]

_log = structlog.get_logger()


class Dispatch:
    """Handlers by message type."""

    def __init__(self, *, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self.handlers: Mapping[type[wire.ClientMessage], Handler] = {
            wire.Ping: self._ping,
            wire.PresenceSet: self._set_presence,
            wire.SessionInvite: self._invite,
            wire.SessionAccept: self._accept,
            wire.SessionDecline: self._decline,
            wire.SessionCancel: self._cancel,
            wire.SessionEnd: self._end,
            wire.SessionSos: self._sos,
            wire.SessionReport: self._report,
            wire.MediaOffer: self._offer,
            wire.MediaConfirm: self._confirm,
            wire.TickAck: self._acknowledge,
            wire.SessionConsent: self._consent,
            wire.MuteSet: self._mute,
            wire.ChatSend: self._send_line,
            wire.ChatRead: self._read_lines,
            wire.ChatHistory: self._history,
        }

    async def take(self, connection: Connection, message: wire.ClientMessage) -> None:
        """Do what the message asks and answer it on its socket."""
        try:
            answer = await self.handlers[type(message)](connection, message)
        except GatewayError as failure:
            answer = of_failure(failure, re=message.id)
        except Exception:
            _log.exception("message_failed", type=type(message).__name__)
            answer = Problem(
                code="internal", title="The gateway failed", detail="It is on record.", re=message.id
            )
        if isinstance(answer, Outcome):
            is_done = answer is Outcome.DONE
            answer = Ok(re=message.id) if is_done else of_outcome(answer, re=message.id)
        if answer is not None:
            connection.send(answer)

    async def _ping(self, _connection: Connection, message: wire.Ping) -> Answer:
        return Pong(re=message.id, server_time=rfc3339(self._clock.wall_ns()))

    async def _set_presence(self, connection: Connection, message: wire.PresenceSet) -> Answer:
        return self._desk.presence.set_wish(connection.principal, Presence(message.state))

    async def _invite(self, connection: Connection, message: wire.SessionInvite) -> Answer:
        invitation = Invitation(
            provider=message.provider_id, kind=message.kind, tariff_hash=message.tariff_hash
        )
        answer = await self._desk.invitations.invite(connection.principal, invitation, connection=connection)
        if answer.ringing is not None:
            return replace(answer.ringing, re=message.id)
        return of_outcome(answer.outcome, re=message.id, fresh=answer.fresh)

    async def _accept(self, connection: Connection, message: wire.SessionAccept) -> Answer:
        return await self._desk.sessions.accept(connection, message.session)

    async def _decline(self, connection: Connection, message: wire.SessionDecline) -> Answer:
        return await self._desk.sessions.decline(connection.principal, message.session)

    async def _cancel(self, connection: Connection, message: wire.SessionCancel) -> Answer:
        return await self._desk.sessions.cancel(connection.principal, message.session)

    async def _end(self, connection: Connection, message: wire.SessionEnd) -> Answer:
        return await self._desk.sessions.end(connection.principal, message.session)

    async def _sos(self, connection: Connection, message: wire.SessionSos) -> Answer:
        return await self._desk.sessions.sos(connection.principal, message.session)

    async def _report(self, connection: Connection, message: wire.SessionReport) -> Answer:
        return await self._desk.sessions.report(
            connection.principal, message.session, seconds=message.seconds
        )

    async def _offer(self, connection: Connection, message: wire.MediaOffer) -> Answer:
        answer = await self._desk.calls.offer(connection, message.session, message.sdp)
        if isinstance(answer, Outcome):
            return answer
        return MediaAnswer(re=message.id, session=message.session, sdp=answer)

    async def _confirm(self, connection: Connection, message: wire.MediaConfirm) -> Answer:
        return await self._desk.calls.confirm(
            connection, message.session, nonce=message.nonce, tariff_hash=message.tariff_hash
        )

    async def _acknowledge(self, connection: Connection, message: wire.TickAck) -> Answer:
        outcome = await self._desk.calls.acknowledge(
            connection, message.session, tick=message.tick, head=message.head, clock_ms=message.clock_ms
        )
        return None if outcome is Outcome.DONE else outcome

    async def _consent(self, connection: Connection, message: wire.SessionConsent) -> Answer:
        return await self._desk.calls.consent(connection, message.session, message.kind)

    async def _mute(self, connection: Connection, message: wire.MuteSet) -> Answer:
        return await self._desk.calls.set_muted(connection, message.session, muted=message.muted)

    async def _send_line(self, connection: Connection, message: wire.ChatSend) -> Answer:
        outcome = await self._desk.chat.send_by_socket(
            connection, message.session, line_id=message.id, text=message.text, reply=connection.send
        )
        return None if outcome is Outcome.DONE else outcome

    async def _read_lines(self, connection: Connection, message: wire.ChatRead) -> Answer:
        return await self._desk.chat.read_by_socket(connection, message.session, message.seq)

    async def _history(self, connection: Connection, message: wire.ChatHistory) -> Answer:
        lines = await self._desk.chat.history(connection.principal, message.session, message.after)
        if isinstance(lines, Outcome):
            return lines
        return ChatLines(re=message.id, session=message.session, items=list(lines))
