"""Which socket holds which side of a session, and what happens when it goes.

Decides when a socket takes a leg: the newest wins when it offers media, accepts
or resumes; a lost leg goes to the next socket of its account.
Never ends a session that meters by itself (metering does, told by `stop`).
Keeps: a lost leg is given up after the resume grace, not before and not never;
a resume token works once and outlives its socket by the grace.
"""

from dataclasses import dataclass

from gateway.facts import LegJoined, LegLost, LegResumed
from gateway.ids import AccountId
from gateway.limits import RESUME_GRACE_NS
from gateway.signaling.admission import side_of
from gateway.signaling.ending_service import EndingService
from gateway.signaling.leg import LegChange, LegState, expire, join, lose
from gateway.signaling.notice import LegBackNotice, LegLostNotice, LegReplacedNotice
from gateway.signaling.outcome import Outcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.presence_service import PresenceService
from gateway.signaling.roster_service import Live, Roster
from gateway.signaling.session import CHATS, RINGS, TALKS, loss_of
from gateway.signaling.socket_ports import CloseCode, Connection
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import EndReason, SessionState, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a resume token stands for."""

    account: AccountId
    connection: str
    """Whose legs it takes back."""


class LegService:
    """Sockets and legs."""

    def __init__(
        self,
        outside: Outside,
        *,
        ending: EndingService,
        roster: Roster,
        switchboard: Switchboard,
        presence: PresenceService,
    ) -> None:
        self._meters = outside.meters
        self._timer = outside.timer
        self._clock = outside.clock
        self._ids = outside.ids
        self._sink = outside.sink
        self._ending = ending
        self._roster = roster
        self._switchboard = switchboard
        self._presence = presence
        self._tickets: dict[str, Ticket] = {}
        self._token_of: dict[str, str] = {}

    def ticket(self, connection: Connection) -> str:
        """The socket's resume token, made when first asked for."""
        token = self._token_of.get(connection.id)
        if token is None:
            token = self._token_of[connection.id] = self._ids.token("rsm")
            self._tickets[token] = Ticket(account=connection.principal.account, connection=connection.id)
        return token

    def attach(self, connection: Connection, *, resume: str | None = None) -> None:
        """Take a signed-in socket in, with the legs it may resume."""
        earlier = self._earlier(connection, resume)
        self._switchboard.add(connection)
        self._presence.came(connection.principal.account)
        for live in self._roster.of(connection.principal.account):
            side = side_on(live, connection)
            if side is None:
                continue
            leg = live.legs[side]
            if leg.state is LegState.LOST or (earlier is not None and leg.is_held_by(earlier.id)):
                self.take(live, side, connection)
        if earlier is not None:
            earlier.close(CloseCode.REPLACED, "resumed elsewhere")

    def detach(self, connection: Connection) -> None:
        """A socket went away: its legs are lost, their grace begins."""
        self._switchboard.remove(connection)
        account = connection.principal.account
        self._presence.went(account)
        if token := self._token_of.pop(connection.id, None):

            async def forget() -> None:
                self._tickets.pop(token, None)

            self._timer.after(RESUME_GRACE_NS, forget)
        for live in self._roster.of(account):
            for side in Side:
                if live.account(side) == account:
                    self._lose(live, side, connection)

    def take_if_here(self, live: Live, side: Side, connection: Connection) -> None:
        """Give the leg to a socket that may have gone while a commit was awaited; then it is lost at once."""
        self.take(live, side, connection)
        if self._switchboard.get(connection.id) is None:
            self._lose(live, side, connection)

    def take(self, live: Live, side: Side, connection: Connection) -> bool:
        """Give the leg to this socket; False once its grace is over."""
        step = join(live.legs[side], connection.id, self._clock.monotonic_ns())
        live.legs[side] = step.leg
        now_ns = self._clock.monotonic_ns()
        if step.change in (LegChange.JOINED, LegChange.REPLACED):
            self._sink.tell(LegJoined(at_ns=now_ns, session=live.id, side=side))
        if displaced := self._switchboard.get(step.displaced):
            displaced.send(LegReplacedNotice(session=live.id))
        if step.change is LegChange.RESUMED:
            live.cancel(f"grace-{side}")
            self._sink.tell(LegResumed(at_ns=now_ns, session=live.id, side=side))
            if live.state in CHATS:
                self._meters.socket_back(live.id, side)
                self._switchboard.tell_side(live, side.other, LegBackNotice(session=live.id, side=side))
        return step.leg.is_held_by(connection.id)

    def claim(self, live: Live, side: Side, connection: Connection) -> Outcome:
        """Whether this socket speaks for the leg; a leg that nobody holds becomes its own."""
        leg = live.legs[side]
        if leg.is_held_by(connection.id):
            return Outcome.DONE
        if leg.state is LegState.UP:
            return Outcome.REPLACED
        return Outcome.DONE if self.take(live, side, connection) else Outcome.WRONG_STATE

    def await_return(self, live: Live, side: Side) -> None:
        """Let the grace of a lost leg run: it is given up when it ends."""

        async def give_up() -> None:
            await self._give_up(live, side)

        over_at_ns = live.legs[side].lost_at_ns + RESUME_GRACE_NS
        delay_ns = max(1, over_at_ns - self._clock.monotonic_ns())
        live.set_alarm(f"grace-{side}", self._timer.after(delay_ns, give_up))

    def _earlier(self, connection: Connection, resume: str | None) -> Connection | None:
        """The socket that the resume token was given to, where it is still there."""
        ticket = self._tickets.get(resume or "")
        if ticket is None or ticket.account != connection.principal.account:
            return None
        del self._tickets[resume or ""]
        return self._switchboard.get(ticket.connection)

    def _lose(self, live: Live, side: Side, connection: Connection) -> None:
        step = lose(live.legs[side], connection.id, self._clock.monotonic_ns())
        if step.change is not LegChange.LOST:
            return
        live.legs[side] = step.leg
        self._sink.tell(LegLost(at_ns=self._clock.monotonic_ns(), session=live.id, side=side))
        if live.state in CHATS:
            self._meters.socket_lost(live.id, side)
            self._switchboard.tell_side(live, side.other, LegLostNotice(session=live.id, side=side))
        self.await_return(live, side)

    async def _give_up(self, live: Live, side: Side) -> None:
        step = expire(live.legs[side], self._clock.monotonic_ns())
        if step.change is not LegChange.GONE:
            # The loop's timer may be a hair early; a leg that came back has cancelled it.
            if step.leg.state is LegState.LOST:
                self.await_return(live, side)
            return
        live.legs[side] = step.leg
        if live.state in RINGS and side is Side.CLIENT:
            await self._ending.void_surely(live, SessionState.CANCELLED, EndReason.CANCELLED)
        # Not else: the provider may have accepted while the void waited for the lock.
        if live.state in TALKS:
            self._meters.stop(live.id, loss_of(side))


def side_on(live: Live, connection: Connection) -> Side | None:
    """Which side of the session the socket's principal is."""
    return side_of(
        connection.principal, session=live.id, client=live.order.client, provider=live.order.provider
    )
