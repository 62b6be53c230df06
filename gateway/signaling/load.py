"""Whether a node takes new calls: it is full before the running ones suffer.

Decides which figures strain a node, when it is full and when it is open again.
Between the upper and the lower mark of a figure the node stays as it is; a
strain must last, a calm must last, and only the count of sessions fills at once.
Never measures (`ports.Vitals`, `load_service.py`) and never refuses anybody.
Keeps: a node that drains takes no more calls, whatever its figures become.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.clock import NS
from gateway.limits import LIVE_SESSIONS_MAX, LOAD_FULL_AFTER_NS


class LoadState(StrEnum):
    """Whether new calls may begin on a node."""

    OPEN = "open"
    """They may."""
    FULL = "full"
    """They are refused until the node has calmed down; running ones go on."""
    DRAINING = "draining"
    """They are refused until the process ends."""


class Strain(StrEnum):
    """What fills a node."""

    SESSIONS = "sessions"
    """As many sessions as there may be."""
    CPU = "cpu"
    """The event loop's thread uses nearly all of its core."""
    LOOP_LAG = "loop_lag"
    """The event loop wakes late."""
    TICK_LAG = "tick_lag"
    """Apps are told of their seconds late."""
    SOCKET_DROPS = "socket_drops"
    """The kernel throws voice away because the media sockets' queues are full."""


CALM_SHARE = {
    Strain.SESSIONS: 0.95,
    Strain.CPU: 0.85,
    Strain.LOOP_LAG: 0.5,
    Strain.TICK_LAG: 0.5,
    Strain.SOCKET_DROPS: 0.5,
}
"""The lower mark of each figure as a share of its upper one; lags and drops grow steeply near the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One look at a node."""

    sessions: int = 0
    """Live ones, those that ring included."""
    cpu_percent: float = 0.0
    """Of one core, by the event loop's thread since the look before."""
    loop_lag_ms: float = 0.0
    """What one in ten wakes of the last seconds was later than."""
    tick_lag_ms: float = 0.0
    """p99 of the last seconds, from the end of a second to its telling; 0 with too few to say."""
    socket_drops_per_s: float = 0.0
    """Datagrams since the look before that found the receive queue full."""

    def of(self, strain: Strain) -> float:
        """The figure that a strain is judged by."""
        return (
            self.sessions,
            self.cpu_percent,
            self.loop_lag_ms,
            self.tick_lag_ms,
            self.socket_drops_per_s,
        )[_PLACE[strain]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The upper marks; 0 leaves a figure unjudged."""

    sessions_max: int = LIVE_SESSIONS_MAX
    cpu_percent_max: int = 0
    loop_lag_ms_max: int = 0
    tick_lag_ms_max: int = 0
    socket_drops_per_s_max: int = 0
    calm_s: int = 10
    """How long every figure must be below its lower mark before the node is open again."""

    def of(self, strain: Strain) -> int:
        """The upper mark of a figure."""
        return (
            self.sessions_max,
            self.cpu_percent_max,
            self.loop_lag_ms_max,
            self.tick_lag_ms_max,
            self.socket_drops_per_s_max,
        )[_PLACE[strain]]


_PLACE = {strain: place for place, strain in enumerate(Strain)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How a node stands."""

    state: LoadState = LoadState.OPEN
    why: tuple[Strain, ...] = ()
    """With FULL: what filled it and has not calmed down."""
    since_ns: int = 0
    """Monotonic instant at which the state began."""
    turning_ns: int | None = None
    """Since when every look has spoken for the other state; None while they do not."""

    @property
    def takes_calls(self) -> bool:
        """Whether a new call may begin."""
        return self.state is LoadState.OPEN


def strains(figures: Figures, marks: Marks) -> tuple[Strain, ...]:
    """The figures at or above their upper marks."""
    return tuple(each for each in Strain if marks.of(each) and figures.of(each) >= marks.of(each))


def restless(figures: Figures, marks: Marks) -> tuple[Strain, ...]:
    """The figures that have not fallen below their lower marks."""
    return tuple(
        each for each in Strain if marks.of(each) and figures.of(each) >= marks.of(each) * CALM_SHARE[each]
    )


def judged(load: Load, figures: Figures, *, marks: Marks, now_ns: int) -> Load:
    """How the node stands after one more look."""
    if load.state is LoadState.DRAINING:
        return load
    if load.state is LoadState.OPEN:
        return _judged_open(load, strains(figures, marks), now_ns)
    still = restless(figures, marks)
    if still:
        return replace(load, why=still, turning_ns=None)
    turning_ns = now_ns if load.turning_ns is None else load.turning_ns
    if now_ns - turning_ns >= marks.calm_s * NS:
        return Load(since_ns=now_ns)
    return replace(load, turning_ns=turning_ns)


def drained(load: Load, now_ns: int) -> Load:
    """The node takes no more calls."""
    if load.state is LoadState.DRAINING:
        return load
    return Load(state=LoadState.DRAINING, since_ns=now_ns)


def _judged_open(load: Load, why: tuple[Strain, ...], now_ns: int) -> Load:
    if not why:
        return replace(load, turning_ns=None)
    turning_ns = now_ns if load.turning_ns is None else load.turning_ns
    # A peak passes by itself; a count does not become less by waiting.
    if Strain.SESSIONS in why or now_ns - turning_ns >= LOAD_FULL_AFTER_NS:
        return Load(state=LoadState.FULL, why=why, since_ns=now_ns)
    return replace(load, turning_ns=turning_ns)
