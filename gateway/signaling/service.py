"""What a party or an operator does with a session: answer, hang up, call for help.

Decides who may and in which state; exactly one acceptance wins, by
compare-and-swap in the store. Also start-up and shutdown, because both end
what cannot go on.
Never counts or prices (metering) and never negotiates media (`call_service.py`).
Keeps: before an answer a session is voided under its lock; after it, the meter
is stopped and the receipt that follows finishes the session.
"""

import asyncio
from collections.abc import Sequence

import structlog

from gateway.clock import NS
from gateway.facts import SessionMoved
from gateway.ids import SessionId
from gateway.signaling.card_service import Cards
from gateway.signaling.doorkeeper_service import Doorkeeper
from gateway.signaling.ending_service import EndingService
from gateway.signaling.leg import Leg, LegState
from gateway.signaling.leg_service import LegService
from gateway.signaling.load_service import LoadService
from gateway.signaling.notice import LegReplacedNotice, ModerationNotice, Person
from gateway.signaling.outcome import Outcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.ports import MoveRefused, SessionRow
from gateway.signaling.presence_service import PresenceService
from gateway.signaling.roster_service import Live, Roster
from gateway.signaling.session import RINGS, TALKS, hangup_of
from gateway.signaling.socket_ports import Connection
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import PERSONS_LIFT, EndReason, Principal, SessionState, Side, SuspendReason

_log = structlog.get_logger()


class SessionService:
    """Answers and ends."""

    def __init__(
        self,
        outside: Outside,
        *,
        cards: Cards,
        doorkeeper: Doorkeeper,
        ending: EndingService,
        legs: LegService,
        load: LoadService,
        presence: PresenceService,
        roster: Roster,
        switchboard: Switchboard,
    ) -> None:
        self._meters = outside.meters
        self._media = outside.media
        self._people = outside.people
        self._sessions = outside.sessions
        self._clock = outside.clock
        self._sink = outside.sink
        self._cards = cards
        self._doorkeeper = doorkeeper
        self._ending = ending
        self._legs = legs
        self._load = load
        self._presence = presence
        self._roster = roster
        self._switchboard = switchboard

    # A party

    async def accept(self, connection: Connection, session: SessionId) -> Outcome:
        """The provider says yes on this socket; exactly one acceptance wins."""
        entry = await self._doorkeeper.admit(connection.principal, session)
        if isinstance(entry, Outcome):
            return entry
        live = entry.live
        if entry.side is not Side.PROVIDER:
            return Outcome.FORBIDDEN
        async with live.lock:
            if live.is_finished or live.state is not SessionState.RINGING:
                return Outcome.WRONG_STATE
            try:
                await self._sessions.commit(self._sessions.move(live.id, SessionState.ACCEPTED))
            except MoveRefused:
                return Outcome.WRONG_STATE
            self._begin(live, connection)
        return Outcome.DONE

    async def decline(self, principal: Principal, session: SessionId) -> Outcome:
        """The provider says no."""
        return await self._end_ringing(principal, session, Side.PROVIDER)

    async def cancel(self, principal: Principal, session: SessionId) -> Outcome:
        """The client gives up before an answer."""
        return await self._end_ringing(principal, session, Side.CLIENT)

    async def end(self, principal: Principal, session: SessionId) -> Outcome:
        """Hang up; while it rings this declines or cancels. Harmless when it is ending already."""
        entry = await self._doorkeeper.admit(principal, session)
        if isinstance(entry, Outcome):
            return entry
        live = entry.live
        if live.state in RINGS:
            outcome = await self._end_ringing(principal, session, entry.side)
            # Answered while the void waited for the lock: then it is hung up.
            if outcome is not Outcome.WRONG_STATE or live.state not in TALKS:
                return outcome
        if live.state in TALKS:
            self._meters.stop(live.id, hangup_of(entry.side))
        return Outcome.DONE

    async def sos(self, principal: Principal, session: SessionId) -> Outcome:
        """A party presses for help: the meter pauses, nothing is forwarded, an operator is called."""
        entry = await self._doorkeeper.admit(principal, session)
        if isinstance(entry, Outcome):
            return entry
        live = entry.live
        if live.state not in TALKS:
            return Outcome.WRONG_STATE
        live.is_sos = True
        self._hold(live, SuspendReason.SOS)
        _log.error("sos_pressed", session=live.id, side=entry.side)
        notice = ModerationNotice(session=live.id, action="sos", category=None)
        self._switchboard.tell_side(live, entry.side, notice)
        return Outcome.DONE

    async def report(self, principal: Principal, session: SessionId, *, seconds: int) -> Outcome:
        """An app's own count after the end."""
        entry = await self._doorkeeper.over(principal, session)
        if isinstance(entry, Outcome):
            return entry
        row, side = entry
        if row.state in RINGS | TALKS:
            return Outcome.WRONG_STATE
        self._meters.report(session, side, seconds=seconds)
        return Outcome.DONE

    # An operator; who may is decided by admin, which keeps the audit

    async def end_by_operator(self, session: SessionId) -> Outcome:
        """End a live session at once; one in which somebody called for help ends as `sos`."""
        live = self._roster.get(session)
        if live is None:
            return Outcome.NOT_FOUND
        if live.state in RINGS:
            async with live.lock:
                await self._ending.void(live, SessionState.CANCELLED, EndReason.OPERATOR)
        if live.state in TALKS:
            self._meters.stop(live.id, EndReason.SOS if live.is_sos else EndReason.OPERATOR)
        return Outcome.DONE

    async def pause_by_operator(self, session: SessionId) -> Outcome:
        """Stop counting and forwarding until an operator resumes."""
        live = self._roster.get(session)
        if live is None:
            return Outcome.NOT_FOUND
        if live.state not in TALKS:
            return Outcome.WRONG_STATE
        self._hold(live, SuspendReason.OPERATOR)
        return Outcome.DONE

    async def resume_by_operator(self, session: SessionId) -> Outcome:
        """Lift what an operator, an SOS or a verdict paused."""
        live = self._roster.get(session)
        if live is None:
            return Outcome.NOT_FOUND
        if live.state not in TALKS:
            return Outcome.WRONG_STATE
        live.is_held = live.is_sos = False
        for reason in sorted(PERSONS_LIFT):
            self._meters.resume(live.id, reason)
        return Outcome.DONE

    # The process

    async def recover(self) -> Sequence[SessionRow]:
        """Void what never metered; keep the rest live and answer it, for metering to take up.

        Raises:
            StoreDown: the sessions cannot be read or voided.
        """
        kept = []
        for row in await self._sessions.unfinished():
            if row.state in RINGS:
                await self._void_row(row, SessionState.CANCELLED, EndReason.SHUTDOWN)
            elif row.state in (SessionState.ACCEPTED, SessionState.CONNECTING):
                await self._void_row(row, SessionState.CONNECT_FAILED, EndReason.CONNECT_FAILED)
            else:
                await self._keep(row)
                kept.append(row)
        return kept

    async def drain(self, *, run_out_ns: int = 0, wait_ns: int = 5 * NS) -> None:
        """Take no more invitations, let what is live run for so long, end the rest as SHUTDOWN.

        Returns when the receipts are written, or after `wait_ns` without some of them.
        """
        self._load.drain()
        waiting = list(self._roster)
        if run_out_ns:
            await _until_over(waiting, run_out_ns)
        for live in waiting:
            await self._ending.void_surely(live, SessionState.CANCELLED, EndReason.SHUTDOWN)
            if live.state in TALKS:
                self._meters.stop(live.id, EndReason.SHUTDOWN)
        if not await _until_over(waiting, wait_ns):
            _log.warning("drain_cut_short", sessions_live=len(self._roster))

    def _begin(self, live: Live, connection: Connection) -> None:
        live.state = SessionState.ACCEPTED
        live.cancel("ring")
        self._meters.connect(live.id)
        now_ns = self._clock.monotonic_ns()
        self._sink.tell(SessionMoved(at_ns=now_ns, session=live.id, state=live.state))
        self._legs.take_if_here(live, Side.PROVIDER, connection)
        if live.legs[Side.CLIENT].state is LegState.LOST:
            self._meters.socket_lost(live.id, Side.CLIENT)
        self._presence.refresh(live.order.provider)
        # The provider's other devices stop ringing.
        self._switchboard.tell_others(live, Side.PROVIDER, LegReplacedNotice(session=live.id))
        for side in Side:
            self._switchboard.tell_side(live, side, self._cards.accepted(live, side))

    def _hold(self, live: Live, reason: SuspendReason) -> None:
        live.is_held = True
        self._meters.pause(live.id, reason)
        self._media.unlink(live.id)

    async def _end_ringing(self, principal: Principal, session: SessionId, by: Side) -> Outcome:
        entry = await self._doorkeeper.admit(principal, session)
        if isinstance(entry, Outcome):
            return entry
        if entry.side is not by:
            return Outcome.FORBIDDEN
        async with entry.live.lock:
            if by is Side.CLIENT:
                return await self._ending.void(entry.live, SessionState.CANCELLED, EndReason.CANCELLED)
            return await self._ending.void(entry.live, SessionState.DECLINED, EndReason.DECLINED)

    async def _void_row(self, row: SessionRow, state: SessionState, reason: EndReason) -> None:
        session = row.order.session
        try:
            await self._meters.void(session, reason, also=self._sessions.move(session, state, reason))
        except MoveRefused as refusal:
            _log.error("recovery_refused", session=session, state=row.state, why=str(refusal))
            return
        now_ns = self._clock.monotonic_ns()
        self._sink.tell(SessionMoved(at_ns=now_ns, session=session, state=state, reason=reason))

    async def _keep(self, row: SessionRow) -> None:
        order = row.order
        lost = Leg(state=LegState.LOST, lost_at_ns=self._clock.monotonic_ns())
        held = await self._sessions.held_reason(order.session)
        live = Live(
            order=order,
            state=row.state,
            client=Person(id=order.client, nickname=await self._people.nickname(order.client)),
            provider=Person(id=order.provider, nickname=await self._people.nickname(order.provider)),
            created_wall_ns=row.created_wall_ns,
            end_reason=row.end_reason,
            legs=dict.fromkeys(Side, lost),
            is_held=held is not None,
            is_sos=held is SuspendReason.SOS,
        )
        self._roster.add(live)
        self._presence.refresh(order.provider)
        for side in Side:
            self._legs.await_return(live, side)


async def _until_over(sessions: Sequence[Live], wait_ns: int) -> bool:
    """Return when all of them are over, or after so long; whether they are."""
    try:
        async with asyncio.timeout(wait_ns / NS):
            for live in sessions:
                await live.over.wait()
    except TimeoutError:
        return False
    return True
