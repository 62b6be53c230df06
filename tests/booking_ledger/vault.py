"""Everything about money that outlasts a session, on any store; sessions' states and acts by hand."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
from gateway.booking.wallet_service import WalletService
from gateway.clock import NS, ManualClock
from gateway.errors import Conflict
from gateway.ids import AccountId, SessionId
from gateway.store.ports import Store
from gateway.terms import SessionState
from gateway.work import Work
from tests.booking_ledger.conftest import Facts, Sessions

WINDOW_S = 7 * 24 * 3600
POLICY = PayoutPolicy(minimum_micros=10, fee_micros=3, two_approvers_above_micros=500)

Settled = Callable[[Any, Any], None]
"""What runs with a settlement."""


@dataclass
class States:
    """Sessions' states, kept in the database so that they commit with the money."""

    refuses: bool = False

    def move(self, session: SessionId, state: SessionState) -> Work:
        def swap(transaction: sqlite3.Connection) -> None:
            if self.refuses:
                raise Conflict("the session is not in a state for this")
            transaction.execute("CREATE TABLE IF NOT EXISTS moved (session TEXT, state TEXT) STRICT")
            transaction.execute("INSERT INTO moved VALUES (?, ?)", (session, state))

        return swap


@dataclass
class Log:
    """The audit log, in memory."""

    noted: list[tuple[str, str, str]] = field(default_factory=list)

    async def note(self, who: AccountId, what: str, *, subject: str, why: str) -> None:
        self.noted.append((who, what, subject))


@dataclass
class Papers:
    """Receipts and evidence, as a test says."""

    kept: dict[SessionId, tuple[Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=dict)

    async def receipt(self, session: SessionId) -> bytes | None:
        return json.dumps(self.kept[session][0]).encode() if session in self.kept else None

    async def bundle(self, session: SessionId) -> bytes | None:
        return json.dumps(self.kept[session][1]).encode() if session in self.kept else None


@dataclass(kw_only=True)
class Vault:
    """The flows, wired as the gateway wires them."""

    flows: LedgerFlows
    cases: LedgerCases
    books: LedgerWatch
    counter: Counter
    maturing: MaturingService
    watch: BooksWatch
    states: States
    log: Log
    papers: Papers


def open_vault(
    store: Store, wallet: WalletService, *, clock: ManualClock, facts: Facts, sessions: Sessions
) -> Vault:
    """A vault on `store`, whose books `wallet` moves."""
    flows, states, log, papers = LedgerFlows(store, currency="CNY"), States(), Log(), Papers()
    cases, books = LedgerCases(store), LedgerWatch(store)
    watch = BooksWatch(wallet, books=books, papers=papers, open_sessions=sessions)
    counter = Counter(
        refunds=RefundService(
            wallet, flows=flows, withdrawals=LedgerWithdrawals(store), log=log, clock=clock
        ),
        payouts=PayoutService(LedgerPayouts(store), policy=POLICY, log=log, clock=clock, currency="CNY"),
        disputes=DisputeService(
            wallet,
            cases=cases,
            moves=states,
            log=log,
            clock=clock,
            sink=facts,
            window_ns=WINDOW_S * NS,
        ),
        books=OperatorBooksService(wallet, desk=LedgerBooksDesk(store), audit=watch, log=log, as_csv=as_csv),
    )
    maturing = MaturingService(wallet, flows=flows, clock=clock, window_ns=WINDOW_S * NS)
    return Vault(
        flows=flows,
        cases=cases,
        books=books,
        counter=counter,
        maturing=maturing,
        watch=watch,
        states=states,
        log=log,
        papers=papers,
    )
