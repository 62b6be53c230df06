"""One participant's place in a session.

Decides who holds the place: the newest connection wins, a lost one may come
back within the grace, and what is gone stays gone.
Never sends or closes anything; `leg_service.py` does what a step asks for.
Keeps: at most one connection controls a leg; a connection that was replaced
cannot lose the leg for the one that replaced it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from gateway.limits import RESUME_GRACE_NS


class LegState(StrEnum):
    """Where a leg is."""

    JOINING = "joining"
    """No connection has taken the place yet."""
    UP = "up"
    """A connection controls it."""
    LOST = "lost"
    """Its connection went away; the grace runs."""
    GONE = "gone"
    """The grace is over."""


class LegEvent(StrEnum):
    """What can happen to a leg."""

    JOIN = "join"
    """A connection takes the place."""
    LOSE = "lose"
    """The controlling connection went away."""
    EXPIRE = "expire"
    """The grace is over."""


TRANSITIONS: Mapping[tuple[LegState, LegEvent], LegState] = MappingProxyType(
    {
        (LegState.JOINING, LegEvent.JOIN): LegState.UP,
        (LegState.UP, LegEvent.JOIN): LegState.UP,
        (LegState.UP, LegEvent.LOSE): LegState.LOST,
        (LegState.LOST, LegEvent.JOIN): LegState.UP,
        (LegState.LOST, LegEvent.EXPIRE): LegState.GONE,
    }
)
"""Every transition; what is not here changes nothing."""


class LegChange(StrEnum):
    """What a step did."""

    NOTHING = "nothing"
    """It was so already, or may not be."""
    JOINED = "joined"
    """Taken for the first time."""
    REPLACED = "replaced"
    """Taken from another connection."""
    RESUMED = "resumed"
    """Taken up again within the grace."""
    LOST = "lost"
    """Let go."""
    GONE = "gone"
    """Given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Who holds the place."""

    state: LegState = LegState.JOINING
    connection: str | None = None
    """Id of the controlling connection while UP."""
    lost_at_ns: int = 0
    """Monotonic instant of the loss while LOST."""

    def is_held_by(self, connection: str) -> bool:
        """Whether this connection controls the leg."""
        return self.state is LegState.UP and self.connection == connection


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStep:
    """A leg after an event."""

    leg: Leg
    change: LegChange
    displaced: str | None = None
    """Id of the connection that lost the place to a newer one."""


_CHANGE_OF_JOIN = {
    LegState.JOINING: LegChange.JOINED,
    LegState.UP: LegChange.REPLACED,
    LegState.LOST: LegChange.RESUMED,
}


def join(leg: Leg, connection: str, now_ns: int) -> LegStep:
    """`connection` takes the place; refused (NOTHING, not held) once the grace is over."""
    if leg.is_held_by(connection):
        return LegStep(leg=leg, change=LegChange.NOTHING)
    leg = expire(leg, now_ns).leg
    state = TRANSITIONS.get((leg.state, LegEvent.JOIN))
    if state is None:
        return LegStep(leg=leg, change=LegChange.NOTHING)
    taken = Leg(state=state, connection=connection)
    return LegStep(leg=taken, change=_CHANGE_OF_JOIN[leg.state], displaced=leg.connection)


def lose(leg: Leg, connection: str, now_ns: int) -> LegStep:
    """`connection` went away; nothing happens unless it controlled the leg."""
    state = TRANSITIONS.get((leg.state, LegEvent.LOSE))
    if state is None or leg.connection != connection:
        return LegStep(leg=leg, change=LegChange.NOTHING)
    return LegStep(leg=Leg(state=state, lost_at_ns=now_ns), change=LegChange.LOST)


def expire(leg: Leg, now_ns: int) -> LegStep:
    """Give the leg up if it has been lost for the whole grace."""
    state = TRANSITIONS.get((leg.state, LegEvent.EXPIRE))
    if state is None or now_ns - leg.lost_at_ns < RESUME_GRACE_NS:
        return LegStep(leg=leg, change=LegChange.NOTHING)
    return LegStep(leg=replace(leg, state=state), change=LegChange.GONE)
