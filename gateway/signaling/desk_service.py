"""Signalling as a whole: its parts, put together once.

Decides nothing; it makes the services from what surrounds them and gives them
names. `adapters/dispatch.py` asks the desk on behalf of a socket,
`adapters/session_http.py` on behalf of a request, `app.py` wires it.
See docs/architecture.md for the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.clock import rfc3339
from gateway.facts import Fact, TickCounted
from gateway.ids import SessionId
from gateway.limits import DEAD_S, LIVE_SESSIONS_MAX, PING_S
from gateway.signaling.call_service import CallService
from gateway.signaling.card_service import Cards
from gateway.signaling.chat_service import ChatService
from gateway.signaling.doorkeeper_service import Doorkeeper
from gateway.signaling.ending_service import EndingService
from gateway.signaling.invitation_service import InvitationService
from gateway.signaling.leg import LegState
from gateway.signaling.leg_service import LegService, side_on
from gateway.signaling.load_service import LoadService
from gateway.signaling.narrator_service import Narrator
from gateway.signaling.notice import AccountCard, Welcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.ports import SessionRow
from gateway.signaling.presence_service import PresenceService
from gateway.signaling.roster_service import Roster
from gateway.signaling.service import SessionService
from gateway.signaling.socket_ports import Connection
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import EndReason, SessionKind, SessionState, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReading:
    """One live session at one instant, for the operator page."""

    session: SessionId
    kind: SessionKind
    state: SessionState
    client: str
    """Nickname."""
    provider: str
    """Nickname."""
    created_wall_ns: int
    started_wall_ns: int | None
    """Start of the first second; None before it."""
    end_reason: EndReason | None
    sockets: dict[Side, bool]
    """Whether a socket controls the leg."""
    muted: dict[Side, bool]
    """Whether the side declared itself muted."""


class Desk:
    """All of signalling.

    Args:
        outside: what surrounds it.
        video_sessions_max: open video sessions of this process.
    """

    def __init__(self, outside: Outside, *, video_sessions_max: int = LIVE_SESSIONS_MAX) -> None:
        self._outside = outside
        self.roster = Roster(sessions_max=outside.marks.sessions_max, video_sessions_max=video_sessions_max)
        self.load = LoadService(
            outside.vitals,
            roster=self.roster,
            marks=outside.marks,
            timer=outside.timer,
            clock=outside.clock,
        )
        self.switchboard = Switchboard()
        self.cards = Cards(outside.media)
        self.doorkeeper = Doorkeeper(roster=self.roster, sessions=outside.sessions)
        self.presence = PresenceService(outside, switchboard=self.switchboard, roster=self.roster)
        ending = EndingService(
            outside, roster=self.roster, switchboard=self.switchboard, presence=self.presence
        )
        self.legs = LegService(
            outside,
            ending=ending,
            roster=self.roster,
            switchboard=self.switchboard,
            presence=self.presence,
        )
        self.invitations = InvitationService(
            outside,
            cards=self.cards,
            ending=ending,
            legs=self.legs,
            load=self.load,
            presence=self.presence,
            roster=self.roster,
            switchboard=self.switchboard,
        )
        self.sessions = SessionService(
            outside,
            cards=self.cards,
            doorkeeper=self.doorkeeper,
            ending=ending,
            legs=self.legs,
            load=self.load,
            presence=self.presence,
            roster=self.roster,
            switchboard=self.switchboard,
        )
        self.calls = CallService(
            outside, doorkeeper=self.doorkeeper, legs=self.legs, switchboard=self.switchboard
        )
        self.chat = ChatService(
            outside,
            doorkeeper=self.doorkeeper,
            legs=self.legs,
            roster=self.roster,
            switchboard=self.switchboard,
        )
        self._narrator = Narrator(outside, ending=ending, roster=self.roster, switchboard=self.switchboard)

    async def start(self) -> Sequence[SessionRow]:
        """Begin: share presence, void what never metered; answers what metering should recover.

        Raises:
            StoreDown, Unavailable: a store does not answer.
        """
        self.load.start()
        await self.presence.start()
        return await self.sessions.recover()

    async def on_fact(self, fact: Fact) -> None:
        """Hear a fact: the desk is one `FactReader`."""
        if isinstance(fact, TickCounted):
            self.load.note_tick(fact.at_ns)
        await self._narrator.on_fact(fact)

    async def drain(self, *, run_out_ns: int = 0) -> None:
        """Take no more calls, let live ones run for so long, end the rest and wait for the receipts.

        The sockets are closed by their server.
        """
        await self.sessions.drain(run_out_ns=run_out_ns)

    async def close(self) -> None:
        """Drop every deadline and withdraw this node's presence."""
        self.load.close()
        for live in self.roster:
            for name in tuple(live.alarms):
                live.cancel(name)
        await self.presence.close()

    async def greet(self, connection: Connection, *, re: str, resume: str | None, is_first: bool) -> None:
        """Send a signed-in socket everything it needs to go on, then let it hear the rest."""
        principal = connection.principal
        nickname = await self._outside.people.nickname(principal.account)
        sided = ((live, side_on(live, connection)) for live in self.roster.of(principal.account))
        connection.send(
            Welcome(
                re=re,
                account=AccountCard(id=principal.account, nickname=nickname, roles=sorted(principal.roles)),
                server_time=rfc3339(self._outside.clock.wall_ns()),
                ping_s=PING_S,
                dead_s=DEAD_S,
                resume_token=self.legs.ticket(connection),
                sessions=[self.cards.card(live, side) for live, side in sided if side is not None],
            )
        )
        if is_first:
            self.legs.attach(connection, resume=resume)
        if untold := self.switchboard.take_untold(principal):
            connection.send(untold)

    def live(self) -> list[LiveReading]:
        """Every live session of this process."""
        return [
            LiveReading(
                session=live.id,
                kind=live.order.kind,
                state=live.state,
                client=live.client.nickname,
                provider=live.provider.nickname,
                created_wall_ns=live.created_wall_ns,
                started_wall_ns=live.started_wall_ns,
                end_reason=live.end_reason,
                sockets={side: live.legs[side].state is LegState.UP for side in Side},
                muted={side: side in live.muted for side in Side},
            )
            for live in self.roster
        ]
