"""What admin reads of the other parts, as plain values.

Decides the shapes that `app.py` fills from signalling, metering, media, the
store and booking; nothing here comes from another package.
Never reads anything itself (ports.py names who does) and never merges
(overview.py does). Ages are milliseconds since an event, None for never.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.ids import SessionId
from gateway.terms import SessionKind, SessionState, Side, SuspendReason


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReading:
    """A live session as signalling has it."""

    session: SessionId
    kind: SessionKind
    state: SessionState
    client_nickname: str
    provider_nickname: str
    started_wall_ns: int | None = None
    """Start of the first second, Unix nanoseconds; a meter's own reading goes before it."""
    sockets: Mapping[Side, bool] = field(default_factory=dict)
    """Whether each participant has a signalling socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
    """A live session as metering has it."""

    session: SessionId
    started_wall_ns: int | None
    """Unix nanoseconds; None before the first second."""
    elapsed_s: int
    billed_s: int
    provisional_s: int
    unwitnessed_s: int
    cost_micros: int
    currency: str
    time_left_s: int | None
    suspended: SuspendReason | None
    ack_age_ms: Mapping[Side, int | None] = field(default_factory=dict)
    """Since each app's newest acknowledged second ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegReading:
    """One leg as media has it."""

    session: SessionId
    side: Side
    connected: bool
    muted: bool
    rtp_age_ms: int | None
    rtcp_age_ms: int | None
    stun_age_ms: int | None
    packets_in: int
    packets_out: int
    lost: int
    """Packets missing on the way to the gateway."""
    jitter_ms: float
    level_dbov: int
    rtt_ms: float | None = None
    """Round trip between gateway and app; None before the app's first report."""
    mos: float | None = None
    """How its voice is likely to sound, 1.0 to 4.4; None before enough of it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReading:
    """The database thread."""

    commands: int
    """Since opening."""
    commits: int
    """Since opening."""
    queue_depth: int
    """Commands waiting now."""
    commit_ns_last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantReading:
    """One invariant of the money, as last checked."""

    name: str
    ok: bool
    value: int
    """The measured difference or count; 0 where all is well."""
    checked_wall_ns: int
    violations: tuple[str, ...] = ()
    """Sentences that name what is wrong; bounded by who checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFigure:
    """One figure that admission goes by."""

    name: str
    value: float
    mark: int
    """Where the node becomes full; 0 where the figure is not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReading:
    """Whether this node takes new calls."""

    state: str
    """`open`, `full` or `draining`."""
    why: tuple[str, ...] = ()
    """Names of the figures that keep it full."""
    for_s: int = 0
    """Whole seconds since the state began."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """Invitations refused since start, by why."""
    figures: tuple[LoadFigure, ...] = ()
    """As of the last look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReading:
    """This process."""

    uptime_s: int
    loop_lag_ms: float
    """Highest event-loop lag of the last seconds."""
    tick_lag_ms: float
    """Longest time of the last seconds from the close of a tick to its being told."""
    store: StoreReading
    packets_in: int
    """Since start, legs that are gone included."""
    packets_out: int
    """Since start, legs that are gone included."""
    drops: Mapping[str, int]
    """Datagrams dropped since start, by reason."""
    version: str
    relay: str
    """Which relay forwards: `native` or `python`."""
    load: LoadReading
