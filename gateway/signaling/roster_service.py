"""The sessions that are live in this process.

Decides who is taken: a provider is in one open session, a client in no more than
CLIENT_SESSIONS_MAX, and the process holds no more than LIVE_SESSIONS_MAX. The
database has the same constraints; this one answers before a hold is asked for.
Never writes a row and never tells anybody; the services that hold a `Live` do,
one at a time under its lock.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.ids import AccountId, SessionId
from gateway.limits import CLIENT_SESSIONS_MAX, LIVE_SESSIONS_MAX
from gateway.signaling.chat import Room
from gateway.signaling.leg import Leg
from gateway.signaling.notice import Person
from gateway.signaling.session import OPEN
from gateway.signaling.socket_ports import Alarm
from gateway.terms import EndReason, MeterOrder, SessionKind, SessionState, Side


@dataclass(slots=True, kw_only=True, eq=False)
class Live:
    """One live session: what is stored, and what only lives as long as it does."""

    order: MeterOrder
    state: SessionState
    """As last committed or told by metering."""
    client: Person
    provider: Person
    created_wall_ns: int
    expires_wall_ns: int | None = None
    """When it stops ringing."""
    started_wall_ns: int | None = None
    """Start of the first second."""
    end_reason: EndReason | None = None
    legs: dict[Side, Leg] = field(default_factory=lambda: dict.fromkeys(Side, Leg()))
    muted: set[Side] = field(default_factory=set)
    """Sides that declared themselves muted."""
    answered: set[Side] = field(default_factory=set)
    """Sides whose offer was answered at least once."""
    is_held: bool = False
    """Paused by SOS, a verdict or an operator: forwarding must not begin."""
    is_sos: bool = False
    """A participant called for help and nobody has lifted it."""
    is_finished: bool = False
    """Nobody is told anything more."""
    alarms: dict[str, Alarm] = field(default_factory=dict)
    """Deadlines by name; all are cancelled at the end."""
    room: Room = field(default_factory=Room)
    turns: dict[Side, asyncio.Lock] = field(default_factory=lambda: {side: asyncio.Lock() for side in Side})
    """Held while a line of that side is judged and stored, so that a sender's lines keep their order."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a decision and its commit belong together."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the session is finished."""

    @property
    def id(self) -> SessionId:
        """The session's id."""
        return self.order.session

    @property
    def is_linkable(self) -> bool:
        """Whether both sides have negotiated and nothing holds the session."""
        return len(self.answered) == len(Side) and not self.is_held

    def account(self, side: Side) -> AccountId:
        """Who is on that side."""
        return self.order.client if side is Side.CLIENT else self.order.provider

    def nonce(self, side: Side) -> str:
        """What that side quotes when it confirms."""
        return self.order.nonce_client if side is Side.CLIENT else self.order.nonce_provider

    def set_alarm(self, name: str, alarm: Alarm) -> None:
        """Keep a deadline, in place of the one of that name."""
        self.cancel(name)
        self.alarms[name] = alarm

    def cancel(self, name: str) -> None:
        """Drop a deadline if it is set."""
        if alarm := self.alarms.pop(name, None):
            alarm.cancel()


class Roster:
    """Live sessions by id and by account."""

    def __init__(
        self, *, sessions_max: int = LIVE_SESSIONS_MAX, video_sessions_max: int = LIVE_SESSIONS_MAX
    ) -> None:
        self._sessions: dict[SessionId, Live] = {}
        self._by_account: dict[AccountId, dict[SessionId, Live]] = {}
        self._sessions_max = sessions_max
        self._video_sessions_max = video_sessions_max

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Live]:
        return iter(tuple(self._sessions.values()))

    @property
    def is_full(self) -> bool:
        """Whether no further session may begin here."""
        return len(self._sessions) >= self._sessions_max

    def has_room_for(self, kind: SessionKind) -> bool:
        """Whether one more session of that kind may begin here, as far as kinds are counted."""
        if kind is not SessionKind.VIDEO:
            return True
        theirs = sum(live.order.kind is kind for live in self._sessions.values())
        return theirs < self._video_sessions_max

    def add(self, live: Live) -> None:
        """Take a session in."""
        self._sessions[live.id] = live
        for side in Side:
            self._by_account.setdefault(live.account(side), {})[live.id] = live

    def remove(self, live: Live) -> None:
        """Forget a session; harmless when it is forgotten already."""
        self._sessions.pop(live.id, None)
        for side in Side:
            account = live.account(side)
            theirs = self._by_account.get(account, {})
            theirs.pop(live.id, None)
            if not theirs:
                self._by_account.pop(account, None)

    def get(self, session: SessionId) -> Live | None:
        """The live session of that id."""
        return self._sessions.get(session)

    def of(self, account: AccountId) -> tuple[Live, ...]:
        """Every live session the account takes part in, oldest first."""
        return tuple(self._by_account.get(account, {}).values())

    def open_as(self, account: AccountId, side: Side) -> Live | None:
        """The open session the account is in on that side."""
        theirs = (live for live in self.of(account) if live.account(side) == account)
        return next((live for live in theirs if live.state in OPEN), None)

    def may_call(self, account: AccountId) -> bool:
        """Whether the account may begin one more session as a client."""
        theirs = [live for live in self.of(account) if live.state in OPEN]
        is_provider_now = any(live.order.provider == account for live in theirs)
        return not is_provider_now and len(theirs) < CLIENT_SESSIONS_MAX

    def is_taken(self, account: AccountId) -> bool:
        """Whether the account is in an open session, on either side."""
        return any(live.state in OPEN for live in self.of(account))
