"""Merges what the parts say of the same sessions into one picture.

Decides what the operator page gets at an instant: a row per live session with
both legs, in the order of their start, and this node's numbers.
Never reads anything; readings are handed in. A part that does not know a
session leaves its numbers at nothing. Shapes as docs/wire.md, "GET /v1/admin/live".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.admin.reading import LegReading, LoadReading, MeterReading, NodeReading, SessionReading
from gateway.clock import rfc3339
from gateway.ids import SessionId
from gateway.money import Money
from gateway.terms import SessionKind, SessionState, Side, SuspendReason

SILENCE_DBOV = -127
"""Audio level of a leg that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRow:
    """One participant's connection; ages in milliseconds, None for never."""

    connected: bool
    socket: bool
    muted: bool
    rtp_age_ms: int | None
    rtcp_age_ms: int | None
    stun_age_ms: int | None
    ack_age_ms: int | None
    packets_in: int
    packets_out: int
    lost: int
    jitter_ms: float
    level_dbov: int
    rtt_ms: float | None
    mos: float | None
    """How its voice is likely to sound, 1.0 to 4.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRows:
    """Both participants."""

    client: LegRow
    provider: LegRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """One live session."""

    session: SessionId
    kind: SessionKind
    state: SessionState
    client: str
    """Nickname."""
    provider: str
    """Nickname."""
    started_at: str | None
    """RFC 3339; None before the first second."""
    elapsed_s: int
    billed_s: int
    provisional_s: int
    unwitnessed_s: int
    cost: Money
    time_left_s: int | None
    suspended: SuspendReason | None
    legs: LegRows
    verdicts: int
    """Moderation verdicts so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLine:
    """This process."""

    uptime_s: int
    sessions_live: int
    loop_lag_ms: float
    store_queue: int
    store_commits: int
    packets_in: int
    packets_out: int
    drops: Mapping[str, int]
    tick_lag_ms: float
    version: str
    relay: str
    load: LoadReading


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSnapshot:
    """Everything live at one instant."""

    at: str
    """RFC 3339."""
    node: NodeLine
    sessions: tuple[SessionLine, ...]


def live_snapshot(
    *,
    now_wall_ns: int,
    currency: str,
    node: NodeReading,
    sessions: Sequence[SessionReading],
    meters: Sequence[MeterReading],
    legs: Sequence[LegReading],
    verdicts: Mapping[SessionId, int],
) -> LiveSnapshot:
    """The picture of one instant; `currency` is what a session without a meter is shown in."""
    meter_of = {meter.session: meter for meter in meters}
    leg_of = {(leg.session, leg.side): leg for leg in legs}
    lines = [
        _session_line(
            session,
            meter_of.get(session.session),
            {side: leg_of.get((session.session, side)) for side in Side},
            currency=currency,
            verdicts=verdicts.get(session.session, 0),
        )
        for session in sessions
    ]
    # Sessions that have started first, the longest-running on top; the others by id, so rows keep their place.
    lines.sort(key=lambda line: (line.started_at is None, line.started_at or "", line.session))
    return LiveSnapshot(at=rfc3339(now_wall_ns), node=_node_line(node, len(lines)), sessions=tuple(lines))


def _node_line(node: NodeReading, sessions_live: int) -> NodeLine:
    return NodeLine(
        uptime_s=node.uptime_s,
        sessions_live=sessions_live,
        loop_lag_ms=round(node.loop_lag_ms, 3),
        store_queue=node.store.queue_depth,
        store_commits=node.store.commits,
        packets_in=node.packets_in,
        packets_out=node.packets_out,
        drops=dict(node.drops),
        tick_lag_ms=round(node.tick_lag_ms, 3),
        version=node.version,
        relay=node.relay,
        load=node.load,
    )


def _session_line(
    session: SessionReading,
    meter: MeterReading | None,
    legs: Mapping[Side, LegReading | None],
    *,
    currency: str,
    verdicts: int,
) -> SessionLine:
    started_wall_ns = meter.started_wall_ns if meter and meter.started_wall_ns else session.started_wall_ns
    return SessionLine(
        session=session.session,
        kind=session.kind,
        state=session.state,
        client=session.client_nickname,
        provider=session.provider_nickname,
        started_at=rfc3339(started_wall_ns) if started_wall_ns else None,
        elapsed_s=meter.elapsed_s if meter else 0,
        billed_s=meter.billed_s if meter else 0,
        provisional_s=meter.provisional_s if meter else 0,
        unwitnessed_s=meter.unwitnessed_s if meter else 0,
        cost=Money(meter.cost_micros, meter.currency) if meter else Money(0, currency),
        time_left_s=meter.time_left_s if meter else None,
        suspended=meter.suspended if meter else None,
        legs=LegRows(
            client=_leg_row(Side.CLIENT, session, meter, legs[Side.CLIENT]),
            provider=_leg_row(Side.PROVIDER, session, meter, legs[Side.PROVIDER]),
        ),
        verdicts=verdicts,
    )


def _leg_row(
    side: Side, session: SessionReading, meter: MeterReading | None, leg: LegReading | None
) -> LegRow:
    return LegRow(
        connected=leg.connected if leg else False,
        socket=session.sockets.get(side, False),
        muted=leg.muted if leg else False,
        rtp_age_ms=leg.rtp_age_ms if leg else None,
        rtcp_age_ms=leg.rtcp_age_ms if leg else None,
        stun_age_ms=leg.stun_age_ms if leg else None,
        ack_age_ms=meter.ack_age_ms.get(side) if meter else None,
        packets_in=leg.packets_in if leg else 0,
        packets_out=leg.packets_out if leg else 0,
        lost=leg.lost if leg else 0,
        jitter_ms=round(leg.jitter_ms, 2) if leg else 0.0,
        level_dbov=leg.level_dbov if leg else SILENCE_DBOV,
        rtt_ms=round(leg.rtt_ms, 1) if leg and leg.rtt_ms is not None else None,
        mos=round(leg.mos, 2) if leg and leg.mos is not None else None,
    )
