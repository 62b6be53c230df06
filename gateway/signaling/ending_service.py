"""How a session ends: voided before it metered, or finished by its receipt.

Decides what is done once, in which order: the state and the money commit
together, media closes, the places are free, then both sides are told.
Never stops a running meter (`meters.stop` does, and its receipt comes back as a
fact) and never works out money.
Keeps: `session.ended` is sent once per session; a void that the store could not
take is tried again, so no hold stays open while the process lives.
"""

import structlog

from gateway.clock import NS
from gateway.errors import GatewayError
from gateway.facts import ReceiptIssued, SessionMoved
from gateway.ids import SessionId
from gateway.signaling.notice import SessionEnded, SessionSuspended
from gateway.signaling.outcome import Outcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.ports import MoveRefused
from gateway.signaling.presence_service import PresenceService
from gateway.signaling.roster_service import Live, Roster
from gateway.signaling.session import FINISHED, RINGS
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import EndReason, SessionState, SuspendReason

RETRY_NS = 2 * NS
"""How long the store is left alone after it refused a void."""

_log = structlog.get_logger()


class EndingService:
    """Ends sessions, each once."""

    def __init__(
        self, outside: Outside, *, roster: Roster, switchboard: Switchboard, presence: PresenceService
    ) -> None:
        self._meters = outside.meters
        self._media = outside.media
        self._sessions = outside.sessions
        self._receipts = outside.receipts
        self._timer = outside.timer
        self._clock = outside.clock
        self._sink = outside.sink
        self._roster = roster
        self._switchboard = switchboard
        self._presence = presence

    async def void(self, live: Live, state: SessionState, reason: EndReason) -> Outcome:
        """End a session that still rings; call it under the session's lock.

        Raises:
            StoreDown: nothing was written; it still rings.
        """
        if live.is_finished or live.state not in RINGS:
            return Outcome.WRONG_STATE
        try:
            await self._meters.void(live.id, reason, also=self._sessions.move(live.id, state, reason))
        except MoveRefused:
            return Outcome.WRONG_STATE
        live.state = state
        await self.finish(live, reason)
        return Outcome.DONE

    async def void_surely(self, live: Live, state: SessionState, reason: EndReason) -> None:
        """Like `void` with the lock taken here; tried again while the store is down."""
        try:
            async with live.lock:
                await self.void(live, state, reason)
        except GatewayError as failure:
            _log.warning("void_put_off", session=live.id, why=failure.detail)

            async def again() -> None:
                await self.void_surely(live, state, reason)

            live.set_alarm("void", self._timer.after(RETRY_NS, again))

    async def finish(self, live: Live, reason: EndReason) -> None:
        """Close media, free the places, tell both sides; the second call does nothing."""
        if live.is_finished:
            return
        live.is_finished = True
        for name in tuple(live.alarms):
            live.cancel(name)
        live.end_reason = reason
        live.state = await self._final_state(live)
        self._roster.remove(live)
        await self._close_media(live)
        self._presence.refresh(live.order.provider)
        receipt = await self._receipt(live.id)
        self._switchboard.tell_end(live, SessionEnded(session=live.id, reason=reason, receipt=receipt))
        self._sink.tell(
            SessionMoved(
                at_ns=self._clock.monotonic_ns(), session=live.id, state=live.state, reason=live.end_reason
            )
        )
        live.over.set()

    async def release(self, live: Live) -> None:
        """Let go of a session that another process has taken over: nothing of it is ended or written here."""
        if live.is_finished:
            return
        live.is_finished = True
        for name in tuple(live.alarms):
            live.cancel(name)
        self._roster.remove(live)
        await self._close_media(live)
        self._presence.refresh(live.order.provider)
        self._switchboard.tell_both(live, SessionSuspended(session=live.id, reason=SuspendReason.RESTART))
        live.over.set()

    async def ended_elsewhere(self, fact: ReceiptIssued) -> None:
        """Tell the end of a session that this process had let go of and has settled from its evidence."""
        assert fact.session is not None, "a receipt belongs to a session"
        receipt = await self._receipt(fact.session)
        notice = SessionEnded(session=fact.session, reason=fact.reason, receipt=receipt)
        for account in (fact.client, fact.provider):
            self._switchboard.tell_account(account, notice)
        self._presence.refresh(fact.provider)

    async def _final_state(self, live: Live) -> SessionState:
        """As committed: only metering knows whether it settled or never connected."""
        if live.state in FINISHED:
            return live.state
        try:
            row = await self._sessions.load(live.id)
        except GatewayError as failure:
            _log.warning("final_state_unread", session=live.id, why=failure.detail)
            row = None
        return row.state if row is not None and row.state in FINISHED else SessionState.SETTLED

    async def _close_media(self, live: Live) -> None:
        try:
            await self._media.close(live.id)
        except GatewayError as failure:
            _log.error("media_not_closed", session=live.id, why=failure.detail)

    async def _receipt(self, session: SessionId) -> dict[str, object] | None:
        try:
            return await self._receipts.receipt(session)
        except GatewayError as failure:
            _log.warning("receipt_unread", session=session, why=failure.detail)
            return None
