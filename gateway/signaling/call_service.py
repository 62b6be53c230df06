"""What the two apps of an accepted session ask for: media, confirmation, ticks, mute.

Decides which socket may speak for a leg (an offer takes it over, everything
else needs it) and when forwarding begins: once both sides have negotiated and
nothing holds the session.
Never reads SDP (media) and never judges evidence (metering).
Keeps: the first offer moves the session to CONNECTING before it is answered;
an answer that arrives after the end leaves nothing open in media.
"""

from gateway.facts import SessionMoved
from gateway.ids import SessionId
from gateway.signaling.doorkeeper_service import Doorkeeper, Entry
from gateway.signaling.leg_service import LegService
from gateway.signaling.notice import MuteChanged
from gateway.signaling.outcome import Outcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.ports import AckStatus, ConfirmStatus, ConsentStatus, MoveRefused
from gateway.signaling.roster_service import Live
from gateway.signaling.session import CHATS, TALKS
from gateway.signaling.socket_ports import Connection
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import ConsentKind, SessionState


class CallService:
    """Media and evidence of live sessions."""

    def __init__(
        self, outside: Outside, *, doorkeeper: Doorkeeper, legs: LegService, switchboard: Switchboard
    ) -> None:
        self._meters = outside.meters
        self._media = outside.media
        self._sessions = outside.sessions
        self._clock = outside.clock
        self._sink = outside.sink
        self._doorkeeper = doorkeeper
        self._legs = legs
        self._switchboard = switchboard

    async def offer(self, connection: Connection, session: SessionId, sdp: str) -> str | Outcome:
        """Negotiate, restart or rejoin; answers the gateway's SDP. The newest socket wins.

        Raises:
            Unprocessable: the offer cannot be used.
        """
        entry = await self._doorkeeper.admit(connection.principal, session)
        if isinstance(entry, Outcome):
            return entry
        live = entry.live
        if live.state not in TALKS or not self._legs.take(live, entry.side, connection):
            return Outcome.WRONG_STATE
        if not await self._connecting(live):
            return Outcome.WRONG_STATE
        answer = await self._media.answer(live.id, entry.side, live.order.kind, sdp)
        if live.is_finished:
            await self._media.close(live.id)
            return Outcome.WRONG_STATE
        live.answered.add(entry.side)
        # Once it runs, metering links and unlinks; a rejoin keeps what it has said.
        if live.is_linkable and live.state in (SessionState.ACCEPTED, SessionState.CONNECTING):
            self._media.link(live.id)
        return answer

    async def confirm(
        self, connection: Connection, session: SessionId, *, nonce: str, tariff_hash: str
    ) -> Outcome:
        """An app says that it hears the other side."""
        entry = await self._speaking(connection, session)
        if isinstance(entry, Outcome):
            return entry
        status = self._meters.confirm(entry.live.id, entry.side, nonce=nonce, tariff_hash=tariff_hash)
        return _CONFIRMED.get(status, Outcome.WRONG_STATE)

    async def acknowledge(
        self,
        connection: Connection,
        session: SessionId,
        *,
        tick: int,
        head: str,
        clock_ms: int | None = None,
    ) -> Outcome:
        """An app has seen a tick; counts only from the socket that holds the leg."""
        entry = await self._speaking(connection, session)
        if isinstance(entry, Outcome):
            return entry
        status = self._meters.acknowledge(entry.live.id, entry.side, tick=tick, head=head, clock_ms=clock_ms)
        return _ACKNOWLEDGED[status]

    async def consent(self, connection: Connection, session: SessionId, kind: ConsentKind) -> Outcome:
        """The client says yes to what it was asked; both hear of it from metering."""
        entry = await self._speaking(connection, session)
        if isinstance(entry, Outcome):
            return entry
        return _CONSENTED[self._meters.consent(entry.live.id, entry.side, kind)]

    async def set_muted(self, connection: Connection, session: SessionId, *, muted: bool) -> Outcome:
        """A participant mutes itself, or not; the other side is told."""
        entry = await self._speaking(connection, session)
        if isinstance(entry, Outcome):
            return entry
        live, side = entry.live, entry.side
        self._media.set_muted(live.id, side, muted=muted)
        self._meters.set_muted(live.id, side, muted=muted)
        (live.muted.add if muted else live.muted.discard)(side)
        self._switchboard.tell_side(live, side.other, MuteChanged(session=live.id, from_=side, muted=muted))
        return Outcome.DONE

    async def _speaking(self, connection: Connection, session: SessionId) -> Entry | Outcome:
        """The session, if this socket speaks for its leg; ENDING still takes the last acknowledgements."""
        entry = await self._doorkeeper.admit(connection.principal, session)
        if isinstance(entry, Outcome):
            return entry
        if entry.live.state not in CHATS:
            return Outcome.WRONG_STATE
        claimed = self._legs.claim(entry.live, entry.side, connection)
        return entry if claimed is Outcome.DONE else claimed

    async def _connecting(self, live: Live) -> bool:
        """Move to CONNECTING with the first offer; False where the session ended meanwhile."""
        async with live.lock:
            if live.state is SessionState.ACCEPTED:
                try:
                    await self._sessions.commit(self._sessions.move(live.id, SessionState.CONNECTING))
                except MoveRefused:
                    return False
                # A fact may have moved it on while the commit was awaited.
                if live.state is SessionState.ACCEPTED:
                    live.state = SessionState.CONNECTING
                    now_ns = self._clock.monotonic_ns()
                    self._sink.tell(SessionMoved(at_ns=now_ns, session=live.id, state=live.state))
        return live.state in TALKS


_CONFIRMED = {
    ConfirmStatus.CONFIRMED: Outcome.DONE,
    ConfirmStatus.UNKNOWN_SESSION: Outcome.WRONG_STATE,
    ConfirmStatus.NONCE_MISMATCH: Outcome.NONCE_MISMATCH,
    ConfirmStatus.TARIFF_MISMATCH: Outcome.TARIFF_MISMATCH,
}
_CONSENTED = {
    ConsentStatus.GIVEN: Outcome.DONE,
    ConsentStatus.UNKNOWN_SESSION: Outcome.WRONG_STATE,
    ConsentStatus.NOT_THE_PAYER: Outcome.FORBIDDEN,
    ConsentStatus.NOT_ASKED: Outcome.NOT_ASKED,
}
_ACKNOWLEDGED = {
    AckStatus.ACKNOWLEDGED: Outcome.DONE,
    AckStatus.UNKNOWN_SESSION: Outcome.WRONG_STATE,
    AckStatus.NOT_RUNNING: Outcome.WRONG_STATE,
    AckStatus.UNKNOWN_TICK: Outcome.UNKNOWN_TICK,
    AckStatus.HEAD_MISMATCH: Outcome.HEAD_MISMATCH,
}
