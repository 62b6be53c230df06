"""Prometheus metrics, on a registry of their own.

Decides names, types and labels. Counters and histograms advance by facts; what
is live is read when Prometheus asks. A reader that fails costs its own metrics,
not the scrape. Never a label that grows without bound: no session, no person.
Naming and units as logs and pages have them; see docs/operations.md, "metrics".
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.admin.canonical_line import FINISHED
from gateway.admin.reading import LoadReading
from gateway.admin.service import AdminService, Readings
from gateway.clock import NS, Clock
from gateway.facts import (
    ChatSent,
    EngineFailed,
    Fact,
    LegAudible,
    LegConnected,
    LegGraded,
    LegLost,
    MeterStarted,
    MeterStopped,
    MeterSuspended,
    ReceiptIssued,
    ReviewOpened,
    SessionMoved,
    SessionOpened,
    TickCounted,
    VerdictGiven,
    WarningDue,
)
from gateway.ids import SessionId
from gateway.limits import LIVE_SESSIONS_MAX
from gateway.terms import EndReason, SessionState

T = TypeVar("T")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""

LIVE_STATES = tuple(state for state in SessionState if state not in FINISHED)
"""States that are shown even where no session is in them."""

_log = structlog.get_logger()

_LAG_MS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500)
_SETUP_MS = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)
_DURATION_S = (10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400)
_MOS = (1.5, 2.0, 2.5, 3.0, 3.5, 3.8, 4.0, 4.2, 4.5)
_SESSIONS_MAX = 2 * LIVE_SESSIONS_MAX


class Metrics:
    """Everything `/metrics` shows; subscribe `hear` to `Fact`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.registry = CollectorRegistry(auto_describe=False)
        """Where it all is registered."""
        self._kinds: dict[SessionId, str] = {}
        self._started_ns: dict[SessionId, int] = {}
        self._make_session_metrics()
        self._make_money_metrics()
        self._make_part_metrics()

    def watch(self, admin: AdminService) -> None:
        """Read what is live from `admin` at every scrape from now on."""
        self.registry.register(_Live(admin, self._scrape_failed.inc))

    def observe_loop_lag(self, lag_ms: float) -> None:
        """Take one measurement of the event loop's lag."""
        self._loop_lag.observe(lag_ms)

    def text(self) -> bytes:
        """The scrape, in Prometheus' text format."""
        return generate_latest(self.registry)

    async def hear(self, fact: Fact) -> None:
        """Let counters advance by one fact."""
        match fact:
            case SessionOpened() | SessionMoved() | MeterStarted() | MeterStopped():
                self._hear_life(fact)
            case TickCounted():
                self._tick_lag.observe((self._clock.monotonic_ns() - fact.at_ns) / 1e6)
            case ReceiptIssued():
                self._hear_receipt(fact)
            case LegConnected():
                self._leg_setup.labels(fact.side.value).observe(fact.setup_ns / 1e6)
            case LegAudible():
                self._leg_audible.labels(fact.side.value).observe(fact.setup_ns / 1e6)
            case _:
                self._hear_event(fact)

    def _hear_life(self, fact: SessionOpened | SessionMoved | MeterStarted | MeterStopped) -> None:
        if fact.session is None:
            return
        match fact:
            case SessionOpened():
                self._opened.labels(fact.kind.value).inc()
                _remember(self._kinds, fact.session, fact.kind.value)
            case MeterStarted():
                self._started.labels(self._kinds.get(fact.session, "unknown")).inc()
                _remember(self._started_ns, fact.session, fact.at_ns)
            case MeterStopped():
                started_ns = self._started_ns.pop(fact.session, None)
                if started_ns is not None:
                    self._duration.observe((fact.at_ns - started_ns) / NS)
            case SessionMoved():
                self._hear_end(fact)

    def _hear_end(self, fact: SessionMoved) -> None:
        """Count an end once; disputes come after it."""
        is_end = fact.state in FINISHED - {SessionState.DISPUTED, SessionState.ADJUSTED}
        if is_end and fact.session is not None:
            reason = fact.reason.value if isinstance(fact.reason, EndReason) else fact.state.value
            self._ended.labels(reason).inc()
            self._kinds.pop(fact.session, None)
            self._started_ns.pop(fact.session, None)

    def _hear_receipt(self, fact: ReceiptIssued) -> None:
        self._receipts.labels(fact.grade.value).inc()
        self._billed_s.inc(fact.billed_s)
        self._charge.labels(fact.currency).inc(fact.charge_micros)
        self._fee.labels(fact.currency).inc(fact.fee_micros)
        self._earned.labels(fact.currency).inc(fact.earned_micros)

    def _hear_event(self, fact: Fact) -> None:
        match fact:
            case MeterSuspended():
                self._suspended.labels(fact.reason.value).inc()
            case LegGraded():
                self._leg_graded.labels(fact.side.value, fact.quality.value).inc()
                self._leg_mos.observe(fact.mos)
            case LegLost():
                self._leg_lost.labels(fact.side.value).inc()
            case ChatSent():
                self._chat_lines.labels(fact.side.value).inc()
            case WarningDue():
                self._warnings.labels(fact.reason.value).inc()
            case VerdictGiven():
                self._verdicts.labels(fact.action, fact.category).inc()
            case EngineFailed():
                self._engine_failed.labels(fact.hook).inc()
            case ReviewOpened():
                self._reviews.inc()
            case _:
                pass

    def _make_session_metrics(self) -> None:
        self._opened = self._counter("gateway_session_opened", "Sessions that were created and rang.", "kind")
        self._started = self._counter("gateway_session_started", "Sessions whose meter started.", "kind")
        self._ended = self._counter("gateway_session_ended", "Sessions that are over.", "reason")
        self._suspended = self._counter(
            "gateway_session_suspended", "Times seconds stopped counting.", "reason"
        )
        self._duration = self._histogram(
            "gateway_session_duration_seconds", "From the first second to the stop.", _DURATION_S
        )
        self._warnings = self._counter("gateway_session_warning", "Near-end warnings told.", "reason")
        self._chat_lines = self._counter("gateway_chat_line", "Chat lines stored.", "side")

    def _make_money_metrics(self) -> None:
        self._receipts = self._counter("gateway_receipt", "Receipts issued.", "grade")
        self._billed_s = self._counter("gateway_billed_seconds", "Seconds billed on receipts.")
        self._charge = self._counter(
            "gateway_charge_micros", "Charged on receipts, in micro-units.", "currency"
        )
        self._fee = self._counter(
            "gateway_fee_micros", "Platform fee on receipts, in micro-units.", "currency"
        )
        self._earned = self._counter("gateway_earned_micros", "Providers' share, in micro-units.", "currency")
        self._reviews = self._counter("gateway_review_opened", "Sessions whose evidence needs a person.")

    def _make_part_metrics(self) -> None:
        self._leg_setup = self._histogram(
            "gateway_leg_setup_ms", "From the offer to DTLS.", _SETUP_MS, "side"
        )
        self._leg_audible = self._histogram(
            "gateway_leg_audible_ms", "From the offer to voice.", _SETUP_MS, "side"
        )
        self._leg_lost = self._counter("gateway_leg_lost", "Times a participant's socket went away.", "side")
        self._leg_graded = self._counter(
            "gateway_leg_graded", "Times a leg's voice was told to sound otherwise.", "side", "quality"
        )
        self._leg_mos = self._histogram(
            "gateway_leg_mos", "Mean opinion scores at which a grade was told.", _MOS
        )
        self._tick_lag = self._histogram(
            "gateway_tick_lag_ms", "From the close of a tick to its telling.", _LAG_MS
        )
        self._loop_lag = self._histogram(
            "gateway_event_loop_lag_ms", "How late the event loop wakes.", _LAG_MS
        )
        self._verdicts = self._counter(
            "gateway_moderation_verdict", "Verdicts that took effect.", "action", "category"
        )
        self._engine_failed = self._counter("gateway_moderation_engine_failed", "Failures of hooks.", "hook")
        self._scrape_failed = self._counter("gateway_scrape_failed", "Scrapes in which a reader failed.")

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def _histogram(
        self, name: str, documentation: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(name, documentation, labels, buckets=buckets, registry=self.registry)


class _Live(Collector):
    """What is live, read at every scrape."""

    def __init__(self, admin: AdminService, note_failure: Callable[[], None]) -> None:
        self._admin = admin
        self._note_failure = note_failure

    def collect(self) -> Iterator[Metric]:
        """The families of one look; none of them where the look fails."""
        try:
            readings = self._admin.read()
            families = [
                *_session_families(readings),
                *_media_families(readings),
                *_load_families(readings.node.load),
                *_node_families(readings),
            ]
        except Exception:
            self._note_failure()
            _log.exception("scrape_failed")
            return
        yield from families


def _session_families(readings: Readings) -> Iterable[Metric]:
    live = Tally(session.state for session in readings.sessions)
    yield _gauge(
        "gateway_session_total",
        "Live sessions.",
        {state.value: live[state] for state in LIVE_STATES},
        label="state",
    )
    yield _gauge("gateway_socket_open", "Signed-in sockets.", readings.sockets_open)


def _media_families(readings: Readings) -> Iterable[Metric]:
    packets, scores = readings.packets, [leg.mos for leg in readings.legs if leg.mos is not None]
    yield _gauge("gateway_leg_connected", "Legs with DTLS up.", sum(leg.connected for leg in readings.legs))
    yield _gauge("gateway_leg_rated", "Legs whose voice has a score.", len(scores))
    yield _gauge(
        "gateway_leg_mos_live",
        "Mean opinion score of the legs that have one.",
        {"lowest": min(scores), "average": sum(scores) / len(scores)} if scores else {},
        label="of",
    )
    yield _gauge(
        "gateway_relay_info", "Always 1; the relay is the label.", {readings.node.relay: 1}, label="relay"
    )
    yield _count(
        "gateway_packet",
        "Voice packets.",
        {"in": packets.packets_in, "out": packets.packets_out},
        label="direction",
    )
    yield _count("gateway_packet_lost", "Voice packets missing on the way in.", packets.lost)
    yield _count("gateway_packet_dropped", "Datagrams dropped.", readings.node.drops, label="reason")
    yield _count(
        "gateway_ice_tcp_connection", "Media connections over TCP.", readings.tcp_events, label="event"
    )


def _load_families(load: LoadReading) -> Iterable[Metric]:
    yield _gauge("gateway_load_full", "1 while new calls are refused.", int(load.state != "open"))
    yield _gauge(
        "gateway_load_strain",
        "1 where the figure keeps the node full.",
        {figure.name: int(figure.name in load.why) for figure in load.figures},
        label="figure",
    )
    yield _gauge(
        "gateway_load_share",
        "The figure as a share of the mark at which the node becomes full.",
        {figure.name: figure.value / figure.mark for figure in load.figures if figure.mark},
        label="figure",
    )
    yield _count("gateway_invitation_refused", "Invitations refused by load.", load.refused, label="reason")


def _node_families(readings: Readings) -> Iterable[Metric]:
    node, store = readings.node, readings.node.store
    yield _gauge("gateway_uptime_seconds", "Since start.", node.uptime_s)
    yield _gauge(
        "gateway_build_info", "Always 1; the version is the label.", {node.version: 1}, label="version"
    )
    yield _count("gateway_store_commands", "Commands to the store.", store.commands)
    yield _count("gateway_store_commits", "Commits of the store.", store.commits)
    yield _gauge("gateway_store_queue_depth", "Commands that wait.", store.queue_depth)
    yield _gauge("gateway_store_commit_ms", "Length of the last commit.", store.commit_ns_last / 1e6)
    yield _gauge(
        "gateway_invariant_ok",
        "1 where the money's invariant held at its last check.",
        {invariant.name: int(invariant.ok) for invariant in readings.invariants},
        label="name",
    )
    yield _gauge(
        "gateway_invariant_value",
        "Difference in micros, or number of things that are wrong; 0 where all is well.",
        {invariant.name: invariant.value for invariant in readings.invariants},
        label="name",
    )
    yield _gauge(
        "gateway_invariant_age_seconds",
        "Since the invariant was last checked.",
        {
            invariant.name: max(readings.at_wall_ns - invariant.checked_wall_ns, 0) // NS
            for invariant in readings.invariants
        },
        label="name",
    )
    yield _gauge(
        "gateway_moderation_hook_given_up",
        "Hooks whose breaker is open.",
        dict.fromkeys(readings.given_up_hooks, 1),
        label="hook",
    )
    yield _gauge(
        "gateway_health",
        "0 green, 1 amber, 2 red.",
        {check.name: check.light.level for check in readings.checks},
        label="check",
    )


def _gauge(
    name: str, documentation: str, value: float | Mapping[str, float], *, label: str | None = None
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=[label] if label else [])
    for labels, number in _samples(value):
        family.add_metric(labels, number)
    return family


def _count(
    name: str, documentation: str, value: float | Mapping[str, int], *, label: str | None = None
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=[label] if label else [])
    for labels, number in _samples(value):
        family.add_metric(labels, number)
    return family


def _samples(value: float | Mapping[str, float]) -> Iterator[tuple[list[str], float]]:
    if isinstance(value, Mapping):
        yield from (([name], number) for name, number in value.items())
    else:
        yield [], value


def _remember(memory: dict[SessionId, T], session: SessionId, value: T) -> None:
    """Keep a value until the session ends; the oldest gives way where ends are never told."""
    while len(memory) >= _SESSIONS_MAX:
        del memory[next(iter(memory))]
    memory[session] = value
