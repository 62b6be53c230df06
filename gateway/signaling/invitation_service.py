"""From an invitation to a ringing phone.

Decides the order: may he call, is there room, is the price agreed, are both free,
is the hold placed; then it rings. No hold, no ring. An attempt on a busy provider is
recorded without money.
Never prices or holds (metering does, in the transaction that stores the session).
Keeps: a session is in the roster before the first await that could let a second
invitation through; what the store refuses all the same is answered as busy.
"""

from collections import OrderedDict
from dataclasses import dataclass

import structlog

from gateway.errors import GatewayError, Unavailable
from gateway.facts import SessionMoved, SessionOpened
from gateway.ids import AccountId, SessionId
from gateway.limits import RING_NS
from gateway.signaling.admission import INVITE_BURST, INVITE_INTERVAL_NS, may_invite
from gateway.signaling.card_service import Cards
from gateway.signaling.ending_service import EndingService
from gateway.signaling.leg_service import LegService
from gateway.signaling.load_service import LoadService
from gateway.signaling.notice import Person, SessionRinging
from gateway.signaling.outcome import Outcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.ports import MoveRefused, Offer, OpenStatus, SessionRow
from gateway.signaling.presence import Presence
from gateway.signaling.presence_service import PresenceService
from gateway.signaling.rate import Rate
from gateway.signaling.roster_service import Live, Roster
from gateway.signaling.socket_ports import Connection
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import (
    EndReason,
    MeterOrder,
    Principal,
    SessionKind,
    SessionState,
    Side,
    TariffSnapshot,
)
from gateway.work import together

CALLERS_MAX = 10_000
"""Accounts whose rate of calling is remembered; the one that called longest ago is forgotten first."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Whom somebody wants to call, and at which price."""

    provider: AccountId
    kind: SessionKind
    tariff_hash: str | None = None
    """The price agreed to; None takes the present one (both apps confirm its hash later)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteAnswer:
    """What became of an invitation."""

    outcome: Outcome
    ringing: SessionRinging | None = None
    """With DONE: what the client's app is told."""
    fresh: TariffSnapshot | None = None
    """With TARIFF_CHANGED: the present price."""


class InvitationService:
    """Takes invitations."""

    def __init__(
        self,
        outside: Outside,
        *,
        cards: Cards,
        ending: EndingService,
        legs: LegService,
        load: LoadService,
        presence: PresenceService,
        roster: Roster,
        switchboard: Switchboard,
    ) -> None:
        self._meters = outside.meters
        self._people = outside.people
        self._sessions = outside.sessions
        self._timer = outside.timer
        self._clock = outside.clock
        self._ids = outside.ids
        self._sink = outside.sink
        self._cards = cards
        self._ending = ending
        self._legs = legs
        self._load = load
        self._presence = presence
        self._roster = roster
        self._switchboard = switchboard
        self._rates: OrderedDict[AccountId, Rate] = OrderedDict()

    async def invite(
        self, principal: Principal, invitation: Invitation, *, connection: Connection | None = None
    ) -> InviteAnswer:
        """Call a provider; on DONE the hold is placed and his apps ring.

        Raises:
            Unavailable: the gateway is full, shutting down or cannot write.
        """
        refused = await self._refused(principal, invitation)
        if refused is not Outcome.DONE:
            return InviteAnswer(outcome=refused)
        # A full node says so before it reads anything more for this call.
        self._load.demand_room()
        offer = await self._people.offer(invitation.provider, invitation.kind)
        if offer is None:
            return InviteAnswer(outcome=Outcome.NOT_FOUND)
        if invitation.tariff_hash not in (None, offer.tariff.hash):
            return InviteAnswer(outcome=Outcome.TARIFF_CHANGED, fresh=offer.tariff)
        if await self._people.is_barred(invitation.provider):
            return InviteAnswer(outcome=Outcome.PROVIDER_OFFLINE)
        nickname = await self._people.nickname(principal.account)
        live = self._draft(principal.account, nickname, offer, invitation.kind)
        return await self._place(live, connection)

    async def _refused(self, principal: Principal, invitation: Invitation) -> Outcome:
        if (allowed := may_invite(principal, invitation.provider)) is not Outcome.DONE:
            return allowed
        if not self._may_call_now(principal.account):
            return Outcome.TOO_MANY_REQUESTS
        return Outcome.BARRED if await self._people.is_barred(principal.account) else Outcome.DONE

    def _may_call_now(self, account: AccountId) -> bool:
        rate = self._rates.pop(account, None) or Rate(interval_ns=INVITE_INTERVAL_NS, burst=INVITE_BURST)
        self._rates[account] = rate
        if len(self._rates) > CALLERS_MAX:
            self._rates.popitem(last=False)
        return rate.take(self._clock.monotonic_ns())

    def _draft(self, client: AccountId, nickname: str, offer: Offer, kind: SessionKind) -> Live:
        order = MeterOrder(
            session=SessionId(self._ids.new("ses")),
            client=client,
            provider=offer.provider,
            kind=kind,
            tariff=offer.tariff,
            fee_bp=offer.fee_bp,
            duration_s_max=offer.duration_s_max,
            nonce_client=self._ids.token("non"),
            nonce_provider=self._ids.token("non"),
        )
        return Live(
            order=order,
            state=SessionState.CREATED,
            client=Person(id=client, nickname=nickname),
            provider=Person(id=offer.provider, nickname=offer.nickname),
            created_wall_ns=self._clock.wall_ns(),
        )

    async def _place(self, live: Live, connection: Connection | None) -> InviteAnswer:
        """From the checks that depend on this instant to the committed hold."""
        self._load.demand_room()
        if not self._roster.has_room_for(live.order.kind):
            raise Unavailable(
                "No further video session can begin here at present; a voice session may.", code="video_full"
            )
        if not self._roster.may_call(live.order.client):
            return InviteAnswer(outcome=Outcome.BUSY)
        presence = self._presence.state(live.order.provider)
        if presence in (Presence.RINGING, Presence.IN_SESSION) or self._roster.is_taken(live.order.provider):
            return await self._refuse_busy(live)
        if presence is not Presence.ONLINE:
            return InviteAnswer(outcome=Outcome.PROVIDER_OFFLINE)
        self._roster.add(live)
        outcome = Outcome.WRONG_STATE
        try:
            outcome = _OUTCOMES[await self._open(live)]
        except MoveRefused:
            outcome = Outcome.BUSY
        finally:
            if outcome is not Outcome.DONE:
                self._roster.remove(live)
        if outcome is not Outcome.DONE:
            return InviteAnswer(outcome=outcome)
        return InviteAnswer(outcome=outcome, ringing=self._ring(live, connection))

    async def _open(self, live: Live) -> OpenStatus:
        row = SessionRow(order=live.order, state=SessionState.CREATED, created_wall_ns=live.created_wall_ns)
        also = together(self._sessions.create(row), self._sessions.move(live.id, SessionState.RINGING))
        return await self._meters.open(live.order, also=also)

    def _ring(self, live: Live, connection: Connection | None) -> SessionRinging:
        live.state = SessionState.RINGING
        live.expires_wall_ns = self._clock.wall_ns() + RING_NS

        async def miss() -> None:
            await self._ending.void_surely(live, SessionState.MISSED, EndReason.MISSED)

        live.set_alarm("ring", self._timer.after(RING_NS, miss))
        self._tell_opened(live)
        if connection is not None:
            self._legs.take_if_here(live, Side.CLIENT, connection)
        self._presence.refresh(live.order.provider)
        ringing = self._cards.ringing(live, Side.CLIENT)
        if connection is None:
            self._switchboard.tell_side(live, Side.CLIENT, ringing)
        self._switchboard.tell_side(live, Side.PROVIDER, self._cards.ringing(live, Side.PROVIDER))
        return ringing

    async def _refuse_busy(self, live: Live) -> InviteAnswer:
        """The attempt is on record, with no money behind it."""
        live.state, live.end_reason = SessionState.BUSY, EndReason.BUSY
        row = SessionRow(
            order=live.order,
            state=live.state,
            created_wall_ns=live.created_wall_ns,
            end_reason=live.end_reason,
        )
        try:
            await self._sessions.commit(self._sessions.create(row))
        except GatewayError as failure:
            _log.warning("busy_not_recorded", session=live.id, why=failure.detail)
        else:
            self._tell_moved(live)
        return InviteAnswer(outcome=Outcome.BUSY)

    def _tell_opened(self, live: Live) -> None:
        order = live.order
        self._sink.tell(
            SessionOpened(
                at_ns=self._clock.monotonic_ns(),
                session=live.id,
                client=order.client,
                provider=order.provider,
                kind=order.kind,
            )
        )
        self._tell_moved(live)

    def _tell_moved(self, live: Live) -> None:
        now_ns = self._clock.monotonic_ns()
        self._sink.tell(SessionMoved(at_ns=now_ns, session=live.id, state=live.state, reason=live.end_reason))


_OUTCOMES = {
    OpenStatus.OPENED: Outcome.DONE,
    OpenStatus.EXISTS: Outcome.WRONG_STATE,
    OpenStatus.TARIFF_INVALID: Outcome.TARIFF_INVALID,
    OpenStatus.INSUFFICIENT_FUNDS: Outcome.INSUFFICIENT_FUNDS,
}
