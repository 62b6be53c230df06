"""Opens what the operator sees: readings, interventions, audit, metrics, the session log.

Decides who is read and who hears every fact; the rules are admin's.
Never decides about a session itself: an operator's act goes to signalling
through `operator.py`, after the audit log has it.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from gateway import __version__
from gateway.admin.adapters.audit_store import AuditTable
from gateway.admin.adapters.loop_lag import LoopLag
from gateway.admin.adapters.metrics import Metrics
from gateway.admin.adapters.session_log import SessionLog
from gateway.admin.service import AdminService, Readers
from gateway.booking.audit_service import InvariantMonitor
from gateway.bridge.books import Books
from gateway.bridge.ground import Ground
from gateway.bridge.hall import Hall
from gateway.bridge.operator import (
    InvariantsView,
    LegsView,
    MetersView,
    OperatorHand,
    SessionsView,
    StoreView,
)
from gateway.bridge.vitals import LoadView
from gateway.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchtower:
    """Where operators stand."""

    admin: AdminService
    metrics: Metrics
    loop_lag: LoopLag


def open_watchtower(
    ground: Ground, books: Books, hall: Hall, monitor: InvariantMonitor, stack: AsyncExitStack
) -> Watchtower:
    """Readers, metrics and the canonical line, hearing every fact from now on."""
    metrics = Metrics(ground.clock)

    def note_lag(lag_ms: float) -> None:
        metrics.observe_loop_lag(lag_ms)
        hall.desk.load.note_loop_lag(lag_ms)

    loop_lag = LoopLag(on_lag=note_lag)
    loop_lag.start()
    stack.callback(loop_lag.stop)
    legs = LegsView(ground.media)
    admin = AdminService(
        readers=Readers(
            sessions=SessionsView(hall.desk, hall.sockets),
            meters=MetersView(books.metering),
            legs=legs,
            store=StoreView(ground.database),
            invariants=InvariantsView(monitor),
            loop_lag=loop_lag,
            hooks=hall.watch,
            load=LoadView(hall.desk.load),
        ),
        interventions=OperatorHand(hall.desk),
        audit=AuditTable(ground.database),
        clock=ground.clock,
        version=__version__,
        currency=ground.settings.currency,
    )
    metrics.watch(admin)
    for name, reader in (("admin", admin.hear), ("metrics", metrics.hear), ("log", SessionLog(legs).hear)):
        ground.outbox.subscribe(Fact, reader, name=name)
    return Watchtower(admin=admin, metrics=metrics, loop_lag=loop_lag)
