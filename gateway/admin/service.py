"""The operator's view and hand: reads everything live, carries out interventions.

Decides when to read what, and the order of an intervention: the reason is
checked, the audit log takes it, then signalling is asked, and a refusal is put
on record as well. Never intervenes by itself and never keeps live state of its
own beyond counts.
Keeps: nothing is done that is not in the audit log first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import structlog

from gateway.admin.audit import AuditEntry, AuditRecord
from gateway.admin.canonical_line import FINISHED
from gateway.admin.health import Check, node_checks
from gateway.admin.intervention import (
    REASON_CHARACTERS_MAX,
    REASON_CHARACTERS_MIN,
    Intervention,
    InterventionKind,
    ReasonStatus,
    reason_status,
    tidy_reason,
)
from gateway.admin.overview import LiveSnapshot, live_snapshot
from gateway.admin.packet_tally import PacketTally, PacketTotals
from gateway.admin.ports import (
    AuditLog,
    HooksReader,
    Interventions,
    InvariantsReader,
    LegsReader,
    LoadReader,
    LoopLagReader,
    MetersReader,
    SessionsReader,
    StoreReader,
)
from gateway.admin.reading import InvariantReading, LegReading, MeterReading, NodeReading, SessionReading
from gateway.admin.recent_peak import RecentPeak
from gateway.clock import NS, Clock
from gateway.errors import GatewayError, Unprocessable
from gateway.facts import Fact, SessionMoved, TickCounted, VerdictGiven
from gateway.ids import AccountId, SessionId

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Everybody admin reads from."""

    sessions: SessionsReader
    meters: MetersReader
    legs: LegsReader
    store: StoreReader
    invariants: InvariantsReader
    loop_lag: LoopLagReader
    hooks: HooksReader
    load: LoadReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One look at everything."""

    sessions: Sequence[SessionReading]
    meters: Sequence[MeterReading]
    legs: Sequence[LegReading]
    packets: PacketTotals
    """Since start."""
    tcp_events: Mapping[str, int]
    """Media connections over TCP since start: accepted, refused and closed by reason."""
    node: NodeReading
    invariants: Sequence[InvariantReading]
    sockets_open: int
    given_up_hooks: Sequence[str]
    checks: Sequence[Check]
    """What these numbers mean."""
    at_wall_ns: int
    """When the look was taken; what ages are reckoned from."""


class AdminService:
    """What the operator pages, metrics and the command line stand on."""

    def __init__(
        self,
        *,
        readers: Readers,
        interventions: Interventions,
        audit: AuditLog,
        clock: Clock,
        version: str,
        currency: str = "CNY",
    ) -> None:
        self._readers = readers
        self._interventions = interventions
        self._audit = audit
        self._clock = clock
        self._version = version
        self._currency = currency
        self._started_ns = clock.monotonic_ns()
        self._tally = PacketTally()
        self._tick_lag = RecentPeak()
        self._verdicts: Counter[SessionId] = Counter()

    async def hear(self, fact: Fact) -> None:
        """Take note of verdicts and of how late ticks are told; subscribe it to `Fact`."""
        match fact:
            case TickCounted():
                now_ns = self._clock.monotonic_ns()
                self._tick_lag.note(now_ns, (now_ns - fact.at_ns) / 1e6)
            case VerdictGiven() if fact.session is not None:
                self._verdicts[fact.session] += 1
            case SessionMoved() if fact.session is not None and fact.state in FINISHED:
                self._verdicts.pop(fact.session, None)
            case _:
                pass

    def read(self) -> Readings:
        """Look at everything once."""
        legs = self._readers.legs.legs()
        packets = self._tally.read(legs)
        node = self._node(packets)
        invariants = self._readers.invariants.invariants()
        given_up_hooks = self._readers.hooks.given_up_hooks()
        now_wall_ns = self._clock.wall_ns()
        return Readings(
            sessions=self._readers.sessions.live(),
            meters=self._readers.meters.live(),
            legs=legs,
            packets=packets,
            tcp_events=self._readers.legs.tcp_events(),
            node=node,
            invariants=invariants,
            sockets_open=self._readers.sessions.sockets_open(),
            given_up_hooks=given_up_hooks,
            checks=node_checks(node, invariants, given_up_hooks=len(given_up_hooks), now_wall_ns=now_wall_ns),
            at_wall_ns=now_wall_ns,
        )

    def live(self) -> LiveSnapshot:
        """The picture the operator page shows."""
        readings = self.read()
        return live_snapshot(
            now_wall_ns=self._clock.wall_ns(),
            currency=self._currency,
            node=readings.node,
            sessions=readings.sessions,
            meters=readings.meters,
            legs=readings.legs,
            verdicts=self._verdicts,
        )

    def invariants(self) -> Sequence[InvariantReading]:
        """The money's invariants as last checked."""
        return self._readers.invariants.invariants()

    async def intervene(
        self, kind: InterventionKind, session: SessionId, *, who: AccountId, reason: str
    ) -> Intervention:
        """Do what an operator asks, once it is on record.

        Raises:
            Unprocessable: the reason is too short or too long.
            StoreDown: the audit log cannot be written; nothing was done.
            NotFound: no such live session.
            Conflict: the session's state does not allow it.
        """
        _refuse_bad_reason(reason)
        intervention = Intervention(kind=kind, session=session, who=who, reason=tidy_reason(reason))
        await self._record(intervention, what=kind.value, why=intervention.reason)
        try:
            await self._carry_out(intervention)
        except GatewayError as refusal:
            await self._record_failure(intervention, why=refusal.wire_code)
            raise
        except Exception as failure:
            await self._record_failure(intervention, why=type(failure).__name__)
            raise
        return intervention

    async def audit_page(self, *, before: int | None, limit: int) -> Sequence[AuditRecord]:
        """Up to `limit` acts with numbers below `before`, newest first."""
        return await self._audit.newest(before=before, limit=limit)

    def _node(self, packets: PacketTotals) -> NodeReading:
        now_ns = self._clock.monotonic_ns()
        return NodeReading(
            uptime_s=(now_ns - self._started_ns) // NS,
            loop_lag_ms=self._readers.loop_lag.lag_ms(),
            tick_lag_ms=self._tick_lag.value(now_ns),
            store=self._readers.store.stats(),
            packets_in=packets.packets_in,
            packets_out=packets.packets_out,
            drops=self._readers.legs.drops(),
            version=self._version,
            relay=self._readers.legs.relay(),
            load=self._readers.load.load(),
        )

    async def _carry_out(self, intervention: Intervention) -> None:
        match intervention.kind:
            case InterventionKind.END:
                await self._interventions.end(intervention.session, intervention.reason)
            case InterventionKind.PAUSE:
                await self._interventions.pause(intervention.session, intervention.reason)
            case InterventionKind.RESUME:
                await self._interventions.resume(intervention.session, intervention.reason)
            case _:
                assert_never(intervention.kind)

    async def _record(self, intervention: Intervention, *, what: str, why: str) -> None:
        entry = AuditEntry(
            who=intervention.who,
            what=what,
            subject=intervention.session,
            why=why,
            at_wall_ns=self._clock.wall_ns(),
        )
        record = await self._audit.append(entry)
        # The hash stands in the log as well: a chain cut off at its end is told by it.
        _log.info(
            "operator_act",
            act=what,
            operator=intervention.who,
            session=intervention.session,
            number=record.number,
            head=record.hash,
        )

    async def _record_failure(self, intervention: Intervention, *, why: str) -> None:
        try:
            await self._record(intervention, what=f"{intervention.kind.value}.refused", why=why)
        except GatewayError:
            _log.exception("refusal_not_recorded", session=intervention.session, act=intervention.kind.value)


def _refuse_bad_reason(reason: str) -> None:
    status = reason_status(reason)
    if status is not ReasonStatus.GIVEN:
        raise Unprocessable(
            f"A reason has {REASON_CHARACTERS_MIN} to {REASON_CHARACTERS_MAX} characters.",
            code=f"reason_{status.value}",
        )
