"""Plain heaps of money beside the real books, and the rules of money that leaves.

One client, one provider. The rules of money that stays are in `test_flow_property.py`.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, cast

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.booking.ledger.payout import BACK, TRANSITIONS, PayoutState
from gateway.booking.ledger.withdrawal import WithdrawalState
from gateway.booking.wallet_service import WalletService
from gateway.clock import NS, ManualClock
from gateway.errors import Conflict, GatewayError, PaymentNeeded, Unprocessable
from gateway.ids import AccountId
from gateway.money import Money
from gateway.store.database import Database
from tests.booking_ledger.conftest import Facts, Receipts, Sessions
from tests.booking_ledger.test_ledger_property import InlineDatabase, now
from tests.booking_ledger.vault import POLICY, open_vault

ANN, PIA, OP = AccountId("ann"), AccountId("pia"), AccountId("op")
COIN = 10_000
COINS = st.integers(1, 60)
SESSION = st.integers(0, 4)
KEY = st.integers(0, 4)


@dataclass
class Grant:
    """Promotional money."""

    expires_s: int | None
    money: int
    held: int = 0


@dataclass
class Talk:
    """One session's money."""

    held: dict[str, int] = field(default_factory=dict)
    """By source; `~` is cash."""
    paid: dict[str, int] = field(default_factory=dict)
    """What each source paid and has not got back."""
    is_settled: bool = False
    settled_s: int = 0
    fee: int = 0
    earned: int = 0
    pending: int = 0
    reserved: int = 0
    case: str = ""

    @property
    def left(self) -> int:
        return self.fee + self.earned


class Heaps(RuleBasedStateMachine):
    """The real books beside plain heaps; here the rules of money that leaves: payouts and withdrawals."""

    def __init__(self) -> None:
        super().__init__()
        self.database = InlineDatabase()
        self.clock, self.sessions = ManualClock(), Sessions()
        store = cast("Database", self.database)
        ledger = now(LedgerStore.open(store, currency="CNY"))
        self.wallet = WalletService(
            ledger, clock=self.clock, sink=Facts(), open_sessions=self.sessions, billed_seconds=Receipts()
        )
        self.vault = open_vault(store, self.wallet, clock=self.clock, facts=Facts(), sessions=self.sessions)
        self.began_s = self.clock.wall_ns() // NS
        self.cash = self.available = self.fees = self.written_off = self.bank = 0
        self.due = self.on_payout = self.processor = self.cost = 0
        self.grants: dict[str, Grant] = {}
        self.talks: dict[int, Talk] = {}
        self.payouts: dict[int, tuple[str, int, PayoutState]] = {}
        self.withdrawals: dict[int, tuple[str, int, WithdrawalState]] = {}
        self.refunds: dict[int, tuple[int, int, Any]] = {}
        self.done: list[tuple[Callable[[], Coroutine[Any, Any, Any]], Any]] = []

    def teardown(self) -> None:
        self.database.connection.close()

    @property
    def now_s(self) -> int:
        return self.clock.wall_ns() // NS - self.began_s

    def has_expired(self, name: str) -> bool:
        expires_s = None if name == "~" else self.grants[name].expires_s
        return expires_s is not None and self.now_s >= expires_s

    def refused(self, asked: Coroutine[Any, Any, Any], kind: type[GatewayError]) -> None:
        """It is refused, and nothing changed."""
        rows = self.database.rows()
        with pytest.raises(kind):
            now(asked)
        assert self.database.rows() == rows

    def posted(self, account: str) -> int:
        row = self.database.connection.execute(
            "SELECT credits_posted - debits_posted FROM ledger_account WHERE id = ?", (account,)
        ).fetchone()
        return 0 if row is None else int(row[0])

    @rule(key=KEY, coins=COINS)
    def payout(self, key: int, coins: int) -> None:
        def ask() -> Coroutine[Any, Any, Any]:
            return self.vault.counter.payouts.request(PIA, amount=Money(coins * COIN, "CNY"), key=str(key))

        if key in self.payouts:
            if self.payouts[key][1] == coins * COIN:
                assert now(ask()).id == self.payouts[key][0]
            else:
                self.refused(ask(), Unprocessable)
        elif coins * COIN > self.available:
            self.refused(ask(), PaymentNeeded)
        else:
            made = now(ask())
            self.payouts[key] = (made.id, coins * COIN, PayoutState.REQUESTED)
            self.available -= coins * COIN
            self.on_payout += coins * COIN

    @precondition(lambda self: self.payouts)
    @rule(data=st.data(), is_next=st.booleans())
    def move_payout(self, data: st.DataObject, is_next: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.payouts)))
        at = self.payouts[key][2]
        followers = [state for state in PayoutState if state in TRANSITIONS[at]]
        self.step_payout(
            key, data.draw(st.sampled_from(followers if is_next and followers else list(PayoutState)))
        )

    def step_payout(self, key: int, state: PayoutState) -> None:
        """One step of a payout, allowed or not."""
        name, micros, at = self.payouts[key]
        payouts = self.vault.counter.payouts
        if state is PayoutState.APPROVED:
            if at is PayoutState.REQUESTED:
                for operator in ("op", "op2")[: POLICY.approvers_needed(micros)]:
                    moved = now(payouts.approve(name, operator=AccountId(operator), reason="why"))
                assert moved.state is state
                self.payouts[key] = (name, micros, state)
            return
        ask = payouts.mark(name, state, operator=OP, reason="why")
        if at is state:
            rows = self.database.rows()
            now(ask)
            assert self.database.rows() == rows
            return
        if state not in TRANSITIONS[at]:
            self.refused(ask, Conflict)
            return
        now(ask)
        self.payouts[key] = (name, micros, state)
        if state is PayoutState.SENT:
            self.on_payout -= micros
            self.bank += micros - POLICY.fee_micros
            self.fees += POLICY.fee_micros
        elif state in BACK:
            self.available += micros
            if at in (PayoutState.REQUESTED, PayoutState.APPROVED):
                self.on_payout -= micros
            else:
                self.bank -= micros - POLICY.fee_micros
                self.fees -= POLICY.fee_micros

    @rule(key=KEY, coins=COINS, steps=st.integers(0, 2))
    def withdraw(self, key: int, coins: int, steps: int) -> None:
        def ask() -> Coroutine[Any, Any, Any]:
            return self.vault.counter.refunds.withdraw(
                ANN, amount=Money(coins * COIN, "CNY"), reason="why", operator=OP, key=str(key)
            )

        free = self.cash - sum(talk.held.get("~", 0) for talk in self.talks.values())
        if key in self.withdrawals:
            if self.withdrawals[key][1] == coins * COIN:
                assert now(ask()).id == self.withdrawals[key][0]
            else:
                self.refused(ask(), Unprocessable)
        elif coins * COIN > free:
            self.refused(ask(), PaymentNeeded)
        else:
            made = now(ask())
            self.withdrawals[key] = (made.id, coins * COIN, WithdrawalState.DUE)
            self.cash -= coins * COIN
            self.due += coins * COIN
            for state in (WithdrawalState.SENT, WithdrawalState.FAILED)[:steps]:
                self.step_withdrawal(key, state)

    @precondition(lambda self: self.withdrawals)
    @rule(data=st.data(), state=st.sampled_from([WithdrawalState.SENT, WithdrawalState.FAILED]))
    def move_withdrawal(self, data: st.DataObject, state: WithdrawalState) -> None:
        self.step_withdrawal(data.draw(st.sampled_from(sorted(self.withdrawals))), state)

    def step_withdrawal(self, key: int, state: WithdrawalState) -> None:
        """One step of a withdrawal, allowed or not."""
        name, micros, at = self.withdrawals[key]
        ask = self.vault.counter.refunds.mark(name, state, reason="why", operator=OP)
        if at is WithdrawalState.FAILED:
            if state is at:
                now(ask)
            else:
                self.refused(ask, Conflict)
            return
        now(ask)
        if at is state:
            return
        self.withdrawals[key] = (name, micros, state)
        if at is WithdrawalState.DUE:
            self.due -= micros
        else:
            self.processor += micros
        if state is WithdrawalState.SENT:
            self.processor -= micros
        else:
            self.cash += micros
