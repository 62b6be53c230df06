"""Looks at the node once a second and refuses new calls while it is full.

Decides when to look and what is told: a line in the log at every change, a count
of refusals, a reading for the operator. `load.py` judges.
Never touches a call that has begun: only an invitation asks `demand_room`.
Keeps: the count of sessions holds between two looks as well.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from gateway.clock import NS, Clock
from gateway.errors import Unavailable
from gateway.limits import LOAD_LOOK_NS
from gateway.signaling.lag import LagWindow
from gateway.signaling.load import Figures, Load, LoadState, Marks, Strain, drained, judged, strains
from gateway.signaling.ports import Vitals
from gateway.signaling.roster_service import Roster
from gateway.signaling.socket_ports import Alarm, Timer

LOOP_LAG_SHARE, LOOP_WAKES_MIN = 0.9, 20
"""One stall is one late wake; a loop that is late in one of ten is too busy."""
TICK_LAG_SHARE, TICKS_MIN = 0.99, 100
"""Of fewer ticks the 99th percentile would be the one that was latest."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReading:
    """How the node stands, for people."""

    load: Load
    for_s: int
    """Whole seconds since the state began."""
    figures: Figures
    """As of the last look, the count of sessions as of now."""
    marks: Marks
    refused: Mapping[str, int]
    """Invitations refused since start, each by the first strain at that time or as `draining`."""


class LoadService:
    """The door for new calls."""

    def __init__(self, vitals: Vitals, *, roster: Roster, marks: Marks, timer: Timer, clock: Clock) -> None:
        self._vitals = vitals
        self._roster = roster
        self._marks = marks
        self._timer = timer
        self._clock = clock
        self._load = Load(since_ns=clock.monotonic_ns())
        self._figures = Figures()
        self._loop_lag = LagWindow()
        self._tick_lag = LagWindow()
        self._refused: Counter[str] = Counter()
        self._looked_at_ns = clock.monotonic_ns()
        self._cpu_ns = vitals.cpu_ns()
        self._drops = vitals.socket_drops()
        self._alarm: Alarm | None = None

    def start(self) -> None:
        """Look from now on."""
        self._alarm = self._timer.after(LOAD_LOOK_NS, self._look)

    def close(self) -> None:
        """Look no more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def note_loop_lag(self, lag_ms: float) -> None:
        """The event loop woke so late."""
        self._loop_lag.note(self._clock.monotonic_ns(), lag_ms)

    def note_tick(self, ended_at_ns: int) -> None:
        """A second that ended then is told now."""
        now_ns = self._clock.monotonic_ns()
        self._tick_lag.note(now_ns, (now_ns - ended_at_ns) / 1e6)

    def drain(self) -> None:
        """Take no more calls until the process ends."""
        self._turn(drained(self._load, self._clock.monotonic_ns()))

    def demand_room(self) -> None:
        """Let a new call pass.

        Raises:
            Unavailable: the node is full or shutting down.
        """
        if self._roster.is_full:
            self._judge(replace(self._figures, sessions=len(self._roster)))
        if self._load.takes_calls:
            return
        if self._load.state is LoadState.DRAINING:
            self._refused[LoadState.DRAINING] += 1
            raise Unavailable("The gateway is shutting down; no further call can begin here.")
        self._refused[self._load.why[0]] += 1
        raise Unavailable(
            "As many calls as can be carried well are running; no further one can begin at present.",
            retry_after_s=self._marks.calm_s,
        )

    def reading(self) -> LoadReading:
        """How the node stands now."""
        return LoadReading(
            load=self._load,
            for_s=(self._clock.monotonic_ns() - self._load.since_ns) // NS,
            figures=replace(self._figures, sessions=len(self._roster)),
            marks=self._marks,
            refused=dict(self._refused),
        )

    async def _look(self) -> None:
        self._alarm = self._timer.after(LOAD_LOOK_NS, self._look)
        self._judge(self._measured())

    def _measured(self) -> Figures:
        now_ns, cpu_ns, drops = self._clock.monotonic_ns(), self._vitals.cpu_ns(), self._vitals.socket_drops()
        passed_ns = max(1, now_ns - self._looked_at_ns)
        figures = Figures(
            sessions=len(self._roster),
            cpu_percent=100 * (cpu_ns - self._cpu_ns) / passed_ns,
            loop_lag_ms=self._loop_lag.percentile(now_ns, LOOP_LAG_SHARE, least=LOOP_WAKES_MIN),
            tick_lag_ms=self._tick_lag.percentile(now_ns, TICK_LAG_SHARE, least=TICKS_MIN),
            socket_drops_per_s=max(0, drops - self._drops) * NS / passed_ns,
        )
        self._looked_at_ns, self._cpu_ns, self._drops = now_ns, cpu_ns, drops
        return figures

    def _judge(self, figures: Figures) -> None:
        self._figures = figures
        self._turn(judged(self._load, figures, marks=self._marks, now_ns=self._clock.monotonic_ns()))

    def _turn(self, load: Load) -> None:
        before, self._load = self._load, load
        if load.state is before.state:
            return
        if load.state is LoadState.FULL:
            _log.warning("node_full", why=list(load.why), **self._told(strains(self._figures, self._marks)))
        elif load.state is LoadState.OPEN:
            _log.warning("node_open", after_s=(load.since_ns - before.since_ns) // NS, was=list(before.why))
        else:
            _log.warning("node_draining", sessions_live=len(self._roster))

    def _told(self, why: tuple[Strain, ...]) -> dict[str, float]:
        return {f"{strain}_figure": round(self._figures.of(strain), 1) for strain in why}
