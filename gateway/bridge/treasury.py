"""Opens the longer flows of money and what watches them.

Decides who gets what: the ledger's flows their tables, disputes the session's
state, operators' acts the audit log, the invariant monitor receipts and evidence.
Decides no rule. See `app.py` for the order in which parts open and close.
"""

import sqlite3
from dataclasses import dataclass

from gateway.admin.adapters.audit_store import AuditTable
from gateway.admin.audit import AuditEntry
from gateway.booking.adapters.books_http import Counter
from gateway.booking.adapters.ledger_books_desk import LedgerBooksDesk
from gateway.booking.adapters.ledger_flow_cases import LedgerCases
from gateway.booking.adapters.ledger_flow_payouts import LedgerPayouts
from gateway.booking.adapters.ledger_flow_withdrawals import LedgerWithdrawals
from gateway.booking.adapters.ledger_flows import LedgerFlows
from gateway.booking.adapters.ledger_party_statement import as_csv
from gateway.booking.adapters.ledger_watch import LedgerWatch
from gateway.booking.books_watch_service import BooksWatch
from gateway.booking.dispute_service import DisputeService
from gateway.booking.ledger.payout import PayoutPolicy
from gateway.booking.maturing_service import MaturingService
from gateway.booking.operator_books_service import OperatorBooksService
from gateway.booking.payout_service import PayoutService
from gateway.booking.refund_service import RefundService
from gateway.bridge.books import Books
from gateway.bridge.ground import Ground
from gateway.bridge.money import Encounters
from gateway.clock import NS, Clock
from gateway.config import Settings
from gateway.errors import Conflict
from gateway.ids import AccountId, SessionId
from gateway.signaling.adapters.session_store import SessionStore
from gateway.signaling.ports import MoveRefused
from gateway.terms import SessionState
from gateway.work import Work

_DAY_NS = 24 * 3600 * NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Treasury:
    """Everything about money that outlasts a session."""

    counter: Counter
    """What operators do and read."""
    maturing: MaturingService
    watch: BooksWatch
    """What the invariant monitor looks at."""


def open_treasury(ground: Ground, books: Books) -> Treasury:
    """The flows, their timers and the watch over the books."""
    log = BooksLog(AuditTable(ground.database), ground.clock)
    flows = LedgerFlows(ground.database, currency=ground.settings.currency)
    window_ns = ground.settings.dispute_window_days * _DAY_NS
    encounters = Encounters(books.sessions, books.journal)
    watch = BooksWatch(
        books.wallet, books=LedgerWatch(ground.database), papers=books.journal, open_sessions=encounters
    )
    counter = Counter(
        refunds=RefundService(
            books.wallet,
            flows=flows,
            withdrawals=LedgerWithdrawals(ground.database),
            log=log,
            clock=ground.clock,
        ),
        payouts=PayoutService(
            LedgerPayouts(ground.database),
            policy=_payout_policy(ground.settings),
            log=log,
            clock=ground.clock,
            currency=ground.settings.currency,
        ),
        disputes=DisputeService(
            books.wallet,
            cases=LedgerCases(ground.database),
            moves=DisputedSessions(books.sessions),
            log=log,
            clock=ground.clock,
            sink=ground.outbox,
            window_ns=window_ns,
        ),
        books=OperatorBooksService(
            books.wallet, desk=LedgerBooksDesk(ground.database), audit=watch, log=log, as_csv=as_csv
        ),
    )
    maturing = MaturingService(books.wallet, flows=flows, clock=ground.clock, window_ns=window_ns)
    return Treasury(counter=counter, maturing=maturing, watch=watch)


def _payout_policy(settings: Settings) -> PayoutPolicy:
    return PayoutPolicy(
        minimum_micros=settings.payout_minimum_micros,
        fee_micros=settings.payout_fee_micros,
        two_approvers_above_micros=settings.payout_two_approvers_above_micros,
    )


class DisputedSessions:
    """Booking's `SessionMoves` out of signalling's store."""

    def __init__(self, sessions: SessionStore) -> None:
        self._sessions = sessions

    def move(self, session: SessionId, state: SessionState) -> Work:
        """A work that moves the session, or says why it cannot."""
        swap = self._sessions.move(session, state)

        def move(transaction: sqlite3.Connection) -> None:
            try:
                swap(transaction)
            except MoveRefused as refusal:
                raise Conflict(str(refusal)) from refusal

        return move


class BooksLog:
    """Booking's `OperatorLog` out of admin's audit log."""

    def __init__(self, table: AuditTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    async def note(self, who: AccountId, what: str, *, subject: str, why: str) -> None:
        """Seal and store it."""
        await self._table.append(
            AuditEntry(who=who, what=what, subject=subject, why=why, at_wall_ns=self._clock.wall_ns())
        )
