"""Random commands against the books, beside a small ledger written from the design page alone."""

import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.booking.adapters.ledger_flows import LedgerFlows
from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.booking.ledger.hold import HoldStatus
from gateway.booking.maturing_service import MaturingService
from gateway.booking.wallet_service import WalletService
from gateway.clock import NS, ManualClock
from gateway.errors import Conflict
from gateway.ids import AccountId, HoldId, SessionId
from gateway.store.database import Database
from gateway.store.schema import migrate
from gateway.work import nothing
from tests.booking_ledger.conftest import MIGRATIONS, Facts, Receipts, Sessions, order

pytestmark = pytest.mark.adapter

T = TypeVar("T")

WHO = st.sampled_from(["acc_ann", "acc_ben"])
SESSION = st.integers(0, 5)
AMOUNT = st.integers(1, 400)


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """The answer of a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    raise AssertionError("it waited")


class InlineDatabase:
    """The store without its thread: each command in a savepoint of one connection."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA foreign_keys = ON")
        migrate(self.connection, MIGRATIONS)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self.connection.execute("SAVEPOINT command")
        try:
            return work(self.connection)
        except BaseException:
            self.connection.execute("ROLLBACK TO command")
            raise
        finally:
            self.connection.execute("RELEASE command")

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return query(self.connection)

    def rows(self) -> int:
        """How many rows were ever inserted, changed or deleted."""
        return self.connection.total_changes


@dataclass
class Pocket:
    """One source of money in the model."""

    expires_s: int | None
    is_promo: bool
    money: int
    held: int = 0

    @property
    def order(self) -> tuple[bool, float]:
        return (not self.is_promo, float("inf") if self.expires_s is None else self.expires_s)


@dataclass
class Person:
    """A wallet in the model; grants are keyed by their campaign."""

    cash: Pocket = field(default_factory=lambda: Pocket(None, is_promo=False, money=0))
    promos: dict[str, Pocket] = field(default_factory=dict)

    def pockets(self, now_s: int) -> Iterator[tuple[Pocket, int]]:
        named = [*sorted(self.promos.items()), ("~", self.cash)]
        for _name, pocket in sorted(named, key=lambda item: (item[1].order, item[0])):
            has_expired = pocket.expires_s is not None and now_s >= pocket.expires_s
            yield pocket, 0 if has_expired else pocket.money - pocket.held


class LedgerMachine(RuleBasedStateMachine):
    """Every rule asks the real ledger and the model, and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.database = InlineDatabase()
        self.clock = ManualClock()
        self.sessions = Sessions()
        ledger = now(LedgerStore.open(cast("Database", self.database), currency="CNY"))
        self.wallet = WalletService(
            ledger, clock=self.clock, sink=Facts(), open_sessions=self.sessions, billed_seconds=Receipts()
        )
        flows = LedgerFlows(cast("Database", self.database), currency="CNY")
        self.maturing = MaturingService(self.wallet, flows=flows, clock=self.clock, window_ns=10**18)
        self.began_s = self.clock.wall_ns() // NS
        self.people = {"acc_ann": Person(), "acc_ben": Person()}
        self.payments: dict[str, tuple[str, int]] = {}
        self.holds: dict[str, tuple[tuple[str, str, int], int]] = {}
        self.legs: dict[str, list[tuple[Pocket, int]]] = {}
        self.payer: dict[str, str] = {}
        self.settled: dict[str, tuple[int, int]] = {}

    def teardown(self) -> None:
        self.database.connection.close()

    @property
    def now_s(self) -> int:
        return self.clock.wall_ns() // NS - self.began_s

    @rule(who=WHO, payment=st.integers(0, 4), micros=AMOUNT)
    def top_up(self, who: str, payment: int, micros: int) -> None:
        name, rows = f"p{payment}", self.database.rows()
        try:
            is_new = now(self.wallet.deposit(AccountId(who), micros=micros, payment=name, memo=""))
        except Conflict:
            assert self.payments[name] != (who, micros)
            assert self.database.rows() == rows
            return
        assert is_new == (name not in self.payments)
        assert self.payments.setdefault(name, (who, micros)) == (who, micros)
        if is_new:
            self.people[who].cash.money += micros

    @rule(
        who=WHO, campaign=st.integers(0, 3), micros=AMOUNT, expires_s=st.one_of(st.none(), st.integers(1, 60))
    )
    def promo(self, who: str, campaign: int, micros: int, expires_s: int | None) -> None:
        name, promos = f"c{campaign}", self.people[who].promos
        expires = None if expires_s is None else (self.began_s + expires_s) * NS
        try:
            is_new = now(
                self.wallet.grant_promo(AccountId(who), micros=micros, campaign=name, expires_wall_ns=expires)
            )
        except Conflict:
            assert name in promos
            return
        assert is_new == (name not in promos)
        if is_new:
            promos[name] = Pocket(expires_s, is_promo=True, money=micros)

    @rule(session=SESSION, ordinal=st.integers(0, 2), want=AMOUNT, least=AMOUNT, who=WHO)
    def hold(self, session: int, ordinal: int, want: int, least: int, who: str) -> None:
        name, hold, rows = f"ses_{session}", f"h{session}-{ordinal}", self.database.rows()
        who = self.payer.setdefault(name, who)
        least = min(want, least)
        self.sessions.open |= {SessionId(name)} - {SessionId(over) for over in self.settled}
        try:
            answer = now(
                self.wallet.place_hold(
                    HoldId(hold),
                    session=SessionId(name),
                    account=AccountId(who),
                    want_micros=want,
                    least_micros=least,
                    also=nothing,
                )
            )
        except Conflict:
            assert name in self.settled
            assert self.database.rows() == rows
            return
        if hold in self.holds:
            asked, placed = self.holds[hold]
            is_same = asked == (name, who, want)
            assert answer.status is (
                HoldStatus.EXISTS if is_same else HoldStatus.EXISTS_WITH_DIFFERENT_AMOUNT
            )
            assert answer.placed_micros == placed
            return
        pockets = list(self.people[who].pockets(self.now_s))
        amount = min(want, sum(free for _pocket, free in pockets))
        if amount < least:
            assert answer.status is HoldStatus.INSUFFICIENT_FUNDS
            assert self.database.rows() == rows
            return
        assert (answer.status, answer.placed_micros) == (HoldStatus.PLACED, amount)
        self.holds[hold] = ((name, who, want), amount)
        for pocket, free in pockets:
            part = min(amount, free)
            amount -= part
            pocket.held += part
            self.legs.setdefault(name, []).append((pocket, part))

    @rule(session=SESSION, charge=st.integers(0, 900), fee_bp=st.integers(0, 10_000))
    def settle(self, session: int, charge: int, fee_bp: int) -> None:
        name = f"ses_{session}"
        who = self.payer.setdefault(name, "acc_ann")
        ran: list[int] = []
        split = now(
            self.wallet.settle(
                order(name, client=AccountId(who), fee_bp=fee_bp),
                charge_micros=charge,
                also=lambda _transaction, split: ran.append(split.charge_micros),
            )
        )
        self.sessions.open.discard(SessionId(name))
        if name in self.settled:
            assert (split.charge_micros, split.fee_micros) == self.settled[name]
            assert ran == []
            return
        legs = self.legs.get(name, [])
        expected = min(charge, sum(part for _pocket, part in legs))
        assert ran == [split.charge_micros] == [expected]
        assert split.fee_micros == expected * fee_bp // 10_000
        assert split.earned_micros == expected - split.fee_micros
        self.settled[name] = (expected, split.fee_micros)
        for pocket, part in legs:
            pocket.held -= part
        # Campaigns of equal expiry are spent by name; parts of one pocket are one after the other.
        for pocket, _free in self.people[who].pockets(0):
            part = min(expected, sum(held for held_from, held in legs if held_from is pocket))
            expected -= part
            pocket.money -= part
        assert expected == 0

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule()
    def sweep(self) -> None:
        """What is left of expired grants is taken back; what is held stays until its hold has ended."""
        now(self.maturing.look())
        for person in self.people.values():
            for pocket in person.promos.values():
                if pocket.expires_s is not None and self.now_s >= pocket.expires_s:
                    pocket.money = pocket.held

    @invariant()
    def every_invariant_of_the_books_holds(self) -> None:
        assert [finding for finding in now(self.wallet.audit()) if not finding.ok] == []

    @invariant()
    def wallets_are_as_the_model_says(self) -> None:
        for who, person in self.people.items():
            wallet = now(self.wallet.wallet(AccountId(who)))
            assert wallet.available_micros == sum(free for _pocket, free in person.pockets(self.now_s))
            assert wallet.cash_micros == person.cash.money
            assert wallet.available_micros == wallet.cash_micros + wallet.promo_micros - wallet.held_micros

    @invariant()
    def what_clients_lost_others_have(self) -> None:
        earned = now(self.wallet.earnings(AccountId("acc_pia"))).earnings.pending_micros
        charged = sum(charge for charge, _fee in self.settled.values())
        assert earned == charged - sum(fee for _charge, fee in self.settled.values())


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
