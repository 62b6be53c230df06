"""A whole of signalling with fakes around it, and the steps that most tests begin with."""

from dataclasses import dataclass, field
from typing import Any

from gateway.clock import ManualClock
from gateway.facts import Fact, MeterStarted, MeterStopped, ReceiptIssued, SessionMoved, TickCounted
from gateway.ids import AccountId, CountingIdSource, ReceiptId, SessionId
from gateway.signaling.adapters.presence_memory import PresenceMemory
from gateway.signaling.chat_ports import Lines
from gateway.signaling.desk_service import Desk
from gateway.signaling.invitation_service import Invitation, InviteAnswer
from gateway.signaling.leg_service import LegService
from gateway.signaling.load import Marks
from gateway.signaling.notice import SessionEnded
from gateway.signaling.outcome import Outcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.ports import Sessions
from gateway.signaling.presence import Presence
from gateway.signaling.roster_service import Live
from gateway.terms import EndReason, Grade, Principal, Role, SessionKind, SessionState, Side
from tests.signaling.fakes import (
    TARIFF,
    FakeChannel,
    FakeConnection,
    FakeLines,
    FakeMedia,
    FakeMeters,
    FakePeople,
    FakeReceipts,
    FakeSessions,
    FakeSink,
    FakeVitals,
    FakeWatch,
)
from tests.signaling.manual_timer import ManualTimer

CLIENT = AccountId("acc_client")
PROVIDER = AccountId("acc_provider")
STRANGER = AccountId("acc_stranger")
FAR_S = 2_000_000_000


def principal_of(account: AccountId, *roles: Role, session: SessionId | None = None) -> Principal:
    return Principal(
        account=account, roles=frozenset(roles or {Role.CLIENT}), expires_at_s=FAR_S, session=session
    )


AS_CLIENT = principal_of(CLIENT)
AS_PROVIDER = principal_of(PROVIDER, Role.PROVIDER)
AS_STRANGER = principal_of(STRANGER, Role.CLIENT, Role.PROVIDER)


@dataclass
class World:
    """Signalling and what surrounds it."""

    clock: ManualClock = field(default_factory=ManualClock)
    sessions: FakeSessions = field(default_factory=FakeSessions)
    media: FakeMedia = field(default_factory=FakeMedia)
    people: FakePeople = field(default_factory=FakePeople)
    watch: FakeWatch = field(default_factory=FakeWatch)
    lines: FakeLines = field(default_factory=FakeLines)
    channel: FakeChannel = field(default_factory=FakeChannel)
    sink: FakeSink = field(default_factory=FakeSink)
    vitals: FakeVitals = field(default_factory=FakeVitals)
    marks: Marks = field(default_factory=Marks)
    store: Sessions | None = None
    """A real store in place of the fake one."""
    kept: Lines | None = None
    """A real store for lines in place of the fake one."""

    def __post_init__(self) -> None:
        self.timer = ManualTimer(self.clock)
        self.meters = FakeMeters(self.store or self.sessions)
        self.outside = Outside(
            meters=self.meters,
            media=self.media,
            people=self.people,
            watch=self.watch,
            sessions=self.store or self.sessions,
            lines=self.kept or self.lines,
            channel=self.channel,
            receipts=FakeReceipts(),
            presence=PresenceMemory(),
            timer=self.timer,
            clock=self.clock,
            ids=CountingIdSource(),
            sink=self.sink,
            vitals=self.vitals,
            marks=self.marks,
        )
        self.desk = Desk(self.outside)

    @property
    def legs(self) -> LegService:
        return self.desk.legs

    async def connect(self, principal: Principal, *, resume: str | None = None) -> FakeConnection:
        """Sign a socket in."""
        connection = FakeConnection(principal)
        await self.desk.greet(connection, re="m1", resume=resume, is_first=True)
        return connection

    async def online(self, principal: Principal = AS_PROVIDER) -> FakeConnection:
        """A provider who takes calls."""
        connection = await self.connect(principal)
        assert self.desk.presence.set_wish(principal, Presence.ONLINE) is Outcome.DONE
        return connection

    async def invite(
        self,
        connection: FakeConnection,
        *,
        provider: AccountId = PROVIDER,
        kind: SessionKind = SessionKind.VOICE,
        tariff_hash: str | None = TARIFF.hash,
    ) -> InviteAnswer:
        invitation = Invitation(provider=provider, kind=kind, tariff_hash=tariff_hash)
        return await self.desk.invitations.invite(connection.principal, invitation, connection=connection)

    async def fact(self, fact: Fact) -> None:
        await self.desk.on_fact(fact)

    async def settle(self, session: SessionId) -> EndReason:
        """Metering ends a session that signalling stopped: its rows, its facts."""
        reason = self.meters.stopped[session]
        state = self.sessions.rows[session].state
        if state in (SessionState.ACCEPTED, SessionState.CONNECTING):
            moves = [SessionState.CONNECT_FAILED]
        else:
            moves = [SessionState.ENDING, SessionState.RATED, SessionState.SETTLED]
        now_ns = self.clock.monotonic_ns()
        await self.fact(MeterStopped(at_ns=now_ns, session=session, reason=reason))
        for move in moves:
            await self.sessions.commit(self.sessions.move(session, move, reason))
        order = self.meters.orders[session]
        await self.fact(
            ReceiptIssued(
                at_ns=now_ns,
                session=session,
                receipt=ReceiptId("rcp_1"),
                reason=reason,
                client=order.client,
                provider=order.provider,
                billed_s=0,
                charge_micros=0,
                fee_micros=0,
                earned_micros=0,
                currency="CNY",
                grade=Grade.A,
            )
        )
        return reason


@dataclass
class Call:
    """A session between the usual two, as far as it has come."""

    world: World
    client: FakeConnection
    provider: FakeConnection
    session: SessionId

    @property
    def live(self) -> Live:
        found = self.world.desk.roster.get(self.session)
        assert found is not None
        return found

    @property
    def row(self) -> Any:
        return self.world.sessions.rows[self.session]

    def stored(self) -> SessionState:
        """The state in the store now."""
        state: SessionState = self.row.state
        return state

    def side(self, side: Side) -> FakeConnection:
        return self.client if side is Side.CLIENT else self.provider

    def forget(self) -> None:
        """Begin to listen anew."""
        self.client.sent.clear()
        self.provider.sent.clear()
        self.world.sink.facts.clear()

    async def accept(self) -> "Call":
        assert await self.world.desk.sessions.accept(self.provider, self.session) is Outcome.DONE
        return self

    async def negotiate(self) -> "Call":
        for side in Side:
            answer = await self.world.desk.calls.offer(self.side(side), self.session, "offer")
            assert answer == "answer to offer"
        return self

    async def start(self) -> "Call":
        """Both start witnesses come."""
        sessions = self.world.store or self.world.sessions
        await sessions.commit(sessions.move(self.session, SessionState.METERING))
        now_ns, wall_ns = self.world.clock.monotonic_ns(), self.world.clock.wall_ns()
        await self.world.fact(MeterStarted(at_ns=now_ns, session=self.session, wall_ns=wall_ns))
        return self


async def ringing(world: World | None = None, *, kind: SessionKind = SessionKind.VOICE) -> Call:
    """A call that rings."""
    world = world or World()
    provider = await world.online()
    client = await world.connect(AS_CLIENT)
    answer = await world.invite(client, kind=kind)
    assert answer.ringing is not None, answer.outcome
    return Call(world, client, provider, answer.ringing.session.id)


async def accepted(world: World | None = None) -> Call:
    """A call that was accepted."""
    return await (await ringing(world)).accept()


async def metering(world: World | None = None) -> Call:
    """A call whose seconds count."""
    return await (await (await accepted(world)).negotiate()).start()


def tick(session: SessionId, number: int = 1) -> TickCounted:
    return TickCounted(
        at_ns=1,
        session=session,
        tick=number,
        billed_s=number - 1,
        provisional_s=1,
        cost_micros=500,
        earned_micros=400,
        currency="CNY",
        time_left_s=59,
        head="aa" * 32,
    )


def assert_voided(call: Call, state: SessionState, reason: EndReason) -> None:
    world = call.world
    assert (call.stored(), call.row.end_reason) == (state, reason)
    assert world.meters.voided == {call.session: reason}
    assert world.media.closed == [call.session]
    assert world.sink.of(SessionMoved)[-1].state is state
    assert world.desk.presence.state(PROVIDER) is Presence.ONLINE
    assert len(world.desk.roster) == 0
    for side in Side:
        assert [ended.reason for ended in call.side(side).heard(SessionEnded)] == [reason]
