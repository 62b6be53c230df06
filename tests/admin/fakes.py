"""Fakes that admin's tests share: every reader, the commands, the audit log; and values to fill them."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.admin.audit import GENESIS, AuditCheck, AuditEntry, AuditRecord, check_chain, sealed
from gateway.admin.reading import (
    InvariantReading,
    LegReading,
    LoadFigure,
    LoadReading,
    MeterReading,
    NodeReading,
    SessionReading,
    StoreReading,
)
from gateway.admin.service import AdminService, Readers
from gateway.clock import ManualClock
from gateway.errors import StoreDown
from gateway.facts import ReceiptIssued, SessionMoved, TickCounted, VerdictGiven
from gateway.ids import AccountId, ReceiptId, SessionId
from gateway.terms import EndReason, Grade, SessionKind, SessionState, Side

SESSION = SessionId("ses_1")
OPERATOR = AccountId("acc_operator")
STARTED_WALL_NS = 1_790_000_000_000_000_000


def session_reading(session: SessionId = SESSION, **changes: Any) -> SessionReading:
    values: dict[str, Any] = {
        "session": session,
        "kind": SessionKind.VOICE,
        "state": SessionState.METERING,
        "client_nickname": "Cli",
        "provider_nickname": "Pro",
        "sockets": {Side.CLIENT: True, Side.PROVIDER: False},
    }
    return SessionReading(**(values | changes))


def meter_reading(session: SessionId = SESSION, **changes: Any) -> MeterReading:
    values: dict[str, Any] = {
        "session": session,
        "started_wall_ns": STARTED_WALL_NS,
        "elapsed_s": 75,
        "billed_s": 70,
        "provisional_s": 3,
        "unwitnessed_s": 2,
        "cost_micros": 3_650_000,
        "currency": "CNY",
        "time_left_s": 42,
        "suspended": None,
        "ack_age_ms": {Side.CLIENT: 900, Side.PROVIDER: None},
    }
    return MeterReading(**(values | changes))


def leg_reading(side: Side = Side.CLIENT, session: SessionId = SESSION, **changes: Any) -> LegReading:
    values: dict[str, Any] = {
        "session": session,
        "side": side,
        "connected": True,
        "muted": False,
        "rtp_age_ms": 18,
        "rtcp_age_ms": 700,
        "stun_age_ms": 1_900,
        "packets_in": 3_500,
        "packets_out": 3_400,
        "lost": 7,
        "jitter_ms": 1.23456,
        "level_dbov": -31,
    }
    return LegReading(**(values | changes))


def load_reading(**changes: Any) -> LoadReading:
    values: dict[str, Any] = {
        "state": "open",
        "for_s": 60,
        "figures": (
            LoadFigure(name="sessions", value=3, mark=2_000),
            LoadFigure(name="cpu", value=19.0, mark=95),
            LoadFigure(name="tick_lag", value=0.0, mark=0),
        ),
    }
    return LoadReading(**(values | changes))


def node_reading(**changes: Any) -> NodeReading:
    values: dict[str, Any] = {
        "uptime_s": 60,
        "loop_lag_ms": 1.5,
        "tick_lag_ms": 12.0,
        "store": StoreReading(commands=100, commits=20, queue_depth=0, commit_ns_last=2_000_000),
        "packets_in": 10,
        "packets_out": 9,
        "drops": {"unknown_source": 3},
        "version": "1.2.3",
        "relay": "native",
        "load": load_reading(),
    }
    return NodeReading(**(values | changes))


def invariant(name: str = "no_wallet_below_zero", **changes: Any) -> InvariantReading:
    values: dict[str, Any] = {"name": name, "ok": True, "value": 0, "checked_wall_ns": STARTED_WALL_NS}
    return InvariantReading(**(values | changes))


def tick(number: int, *, at_ns: int = 0, session: SessionId = SESSION) -> TickCounted:
    return TickCounted(
        at_ns=at_ns,
        session=session,
        tick=number,
        billed_s=number,
        provisional_s=0,
        cost_micros=0,
        earned_micros=0,
        currency="CNY",
        time_left_s=60,
        head="00",
    )


def verdict_given(action: str = "mask", *, severity: int = 1, session: SessionId = SESSION) -> VerdictGiven:
    return VerdictGiven(
        at_ns=0,
        session=session,
        side=Side.CLIENT,
        action=action,
        category="contact",
        severity=severity,
        rule="contact.test",
    )


def receipt_issued(**changes: Any) -> ReceiptIssued:
    values: dict[str, Any] = {
        "at_ns": 0,
        "session": SESSION,
        "receipt": ReceiptId("rcp_1"),
        "reason": EndReason.HANGUP_CLIENT,
        "client": AccountId("acc_client"),
        "provider": AccountId("acc_provider"),
        "billed_s": 70,
        "charge_micros": 3_500_000,
        "fee_micros": 700_000,
        "earned_micros": 2_800_000,
        "currency": "CNY",
        "grade": Grade.A,
    }
    return ReceiptIssued(**(values | changes))


def settled(at_ns: int = 0, session: SessionId = SESSION) -> SessionMoved:
    return SessionMoved(
        at_ns=at_ns, session=session, state=SessionState.SETTLED, reason=EndReason.HANGUP_CLIENT
    )


class FakeParts:
    """Every reader in one, with values that tests set."""

    def __init__(self) -> None:
        self.session_readings: list[SessionReading] = []
        self.meter_readings: list[MeterReading] = []
        self.leg_readings: list[LegReading] = []
        self.drop_counts: dict[str, int] = {}
        self.tcp_event_counts: dict[str, int] = {}
        self.store = StoreReading(commands=100, commits=20, queue_depth=4, commit_ns_last=2_000_000)
        self.invariant_readings: list[InvariantReading] = []
        self.hooks_given_up: list[str] = []
        self.lag = 0.0
        self.stands = load_reading()
        self.are_legs_broken = False

    def readers(self) -> Readers:
        return Readers(
            sessions=FakeSessions(self),
            meters=FakeMeters(self),
            legs=self,
            store=self,
            invariants=self,
            loop_lag=self,
            hooks=self,
            load=self,
        )

    def legs(self, session: SessionId | None = None) -> Sequence[LegReading]:
        if self.are_legs_broken:
            raise RuntimeError("the relay is gone")
        return [leg for leg in self.leg_readings if session in (None, leg.session)]

    def drops(self) -> Mapping[str, int]:
        return self.drop_counts

    def relay(self) -> str:
        return "native"

    def load(self) -> LoadReading:
        return self.stands

    def tcp_events(self) -> Mapping[str, int]:
        return self.tcp_event_counts

    def stats(self) -> StoreReading:
        return self.store

    def invariants(self) -> Sequence[InvariantReading]:
        return self.invariant_readings

    def lag_ms(self) -> float:
        return self.lag

    def given_up_hooks(self) -> Sequence[str]:
        return self.hooks_given_up


class FakeSessions:
    """Signalling's reader."""

    def __init__(self, parts: FakeParts) -> None:
        self._parts = parts

    def live(self) -> Sequence[SessionReading]:
        return self._parts.session_readings

    def sockets_open(self) -> int:
        return 5


class FakeMeters:
    """Metering's reader."""

    def __init__(self, parts: FakeParts) -> None:
        self._parts = parts

    def live(self) -> Sequence[MeterReading]:
        return self._parts.meter_readings


class FakeInterventions:
    """Remembers what was asked; refuses with `refusal` where it is set."""

    def __init__(self, audit: "FakeAudit") -> None:
        self._audit = audit
        self.done: list[tuple[str, SessionId, str]] = []
        self.refusal: Exception | None = None
        self.audit_entries_when_asked = 0

    async def end(self, session: SessionId, reason: str) -> None:
        self._do("end", session, reason)

    async def pause(self, session: SessionId, reason: str) -> None:
        self._do("pause", session, reason)

    async def resume(self, session: SessionId, reason: str) -> None:
        self._do("resume", session, reason)

    def _do(self, what: str, session: SessionId, reason: str) -> None:
        self.audit_entries_when_asked = len(self._audit.records)
        if self.refusal is not None:
            raise self.refusal
        self.done.append((what, session, reason))


class FakeAudit:
    """A chain in a list; full after `entries_max`."""

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.entries_max = 1_000

    async def append(self, entry: AuditEntry) -> AuditRecord:
        if len(self.records) >= self.entries_max:
            raise StoreDown("the disk is full")
        before = self.records[-1].hash if self.records else GENESIS
        record = sealed(len(self.records) + 1, entry, before=before)
        self.records.append(record)
        return record

    async def newest(self, *, before: int | None, limit: int) -> Sequence[AuditRecord]:
        older = [record for record in self.records if before is None or record.number < before]
        return older[::-1][:limit]

    async def check(self, *, head: str | None = None) -> AuditCheck:
        return check_chain(self.records, head=head)


class World:
    """The admin service and everything around it."""

    def __init__(self) -> None:
        self.parts = FakeParts()
        self.audit = FakeAudit()
        self.interventions = FakeInterventions(self.audit)
        self.clock = ManualClock()
        self.service = AdminService(
            readers=self.parts.readers(),
            interventions=self.interventions,
            audit=self.audit,
            clock=self.clock,
            version="1.2.3",
        )
