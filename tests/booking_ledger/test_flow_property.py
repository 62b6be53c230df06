"""Random flows against the books, beside a till that keeps plain heaps of money.

One client, one provider. Earlier commands are repeated, and repeated with another
body, between all the others; grants expire and windows close while money is held,
contested or on its way.
"""

from collections.abc import Coroutine
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import initialize, invariant, precondition, rule

from gateway.booking.ledger.dispute import CaseState, case_id
from gateway.booking.ledger.invariant import FROM_RECEIPTS
from gateway.booking.ledger.payout import PayoutState
from gateway.clock import NS
from gateway.errors import Conflict, NotFound, Unprocessable
from gateway.ids import AccountId, HoldId, SessionId
from gateway.money import Money
from gateway.work import nothing
from tests.booking_ledger.conftest import order
from tests.booking_ledger.heaps import ANN, COIN, COINS, KEY, OP, PIA, SESSION, Grant, Heaps, Talk
from tests.booking_ledger.test_ledger_property import now
from tests.booking_ledger.vault import WINDOW_S

pytestmark = pytest.mark.adapter


class FlowMachine(Heaps):
    """Every rule asks the real books and the heaps, and compares."""

    @initialize(coins=COINS, expires_s=st.integers(1, WINDOW_S))
    def three_sessions_are_settled(self, coins: int, expires_s: int) -> None:
        """Otherwise most runs would end before there is anything to refund, contest or pay out."""
        self.top_up(60)
        self.grant(coins, expires_s)
        for session in range(3):
            self.hold(session, 333_333)
            self.settle(session, share=100 - session, fee_bp=2_500, good=session)

    @rule(coins=COINS)
    def top_up(self, coins: int) -> None:
        payment = f"p{self.database.rows()}"

        def ask() -> Coroutine[Any, Any, bool]:
            return self.wallet.deposit(ANN, micros=coins * COIN, payment=payment, memo="")

        assert now(ask())
        self.done.append((ask, False))
        self.cash += coins * COIN
        self.processor += coins * COIN

    @rule(coins=COINS, expires_s=st.one_of(st.none(), st.integers(1, 2 * WINDOW_S)))
    def grant(self, coins: int, expires_s: int | None) -> None:
        name = f"c{len(self.grants)}"
        at_s = None if expires_s is None else self.now_s + expires_s
        expires = None if at_s is None else (self.began_s + at_s) * NS
        now(self.wallet.grant_promo(ANN, micros=coins * COIN, campaign=name, expires_wall_ns=expires))
        self.grants[name] = Grant(at_s, coins * COIN)
        self.cost += coins * COIN

    @rule(session=SESSION, micros=st.integers(1, 700_000))
    def hold(self, session: int, micros: int) -> None:
        talk = self.talks.setdefault(session, Talk())
        if talk.is_settled:
            return
        name = f"h{session}-{self.database.rows()}"
        self.sessions.open.add(SessionId(f"ses_{session}"))
        answer = now(
            self.wallet.place_hold(
                HoldId(name),
                session=SessionId(f"ses_{session}"),
                account=ANN,
                want_micros=micros,
                least_micros=1,
                also=nothing,
            )
        )
        by_expiry = sorted(
            self.grants.items(), key=lambda item: (item[1].expires_s or 10**12, f"client_promo:ann:{item[0]}")
        )
        free = {grant: 0 if self.has_expired(grant) else heap.money - heap.held for grant, heap in by_expiry}
        free["~"] = self.cash - sum(each.held.get("~", 0) for each in self.talks.values())
        assert answer.placed_micros == min(micros, sum(free.values()))
        rest = answer.placed_micros
        for source, there in free.items():
            part = min(rest, there)
            rest -= part
            talk.held[source] = talk.held.get(source, 0) + part
            if source != "~":
                self.grants[source].held += part

    @rule(session=SESSION, share=st.integers(0, 100), fee_bp=st.integers(0, 10_000), good=st.integers(0, 999))
    def settle(self, session: int, share: int, fee_bp: int, good: int) -> None:
        talk = self.talks.setdefault(session, Talk())
        charge = sum(talk.held.values()) * share // 100

        def ask() -> Coroutine[Any, Any, Any]:
            return self.wallet.settle(
                order(f"ses_{session}", client=ANN, provider=PIA, fee_bp=fee_bp),
                charge_micros=charge,
                make_good_micros=good,
                also=lambda _transaction, _split: None,
            )

        split = now(ask())
        if talk.is_settled:
            return
        self.done.append((ask, split))
        self.sessions.open.discard(SessionId(f"ses_{session}"))
        talk.is_settled, talk.settled_s = True, self.now_s
        talk.fee = charge * fee_bp // 10_000
        talk.earned = charge - talk.fee
        talk.pending = talk.earned + good
        self.fees += talk.fee
        self.written_off += good
        rest = charge
        by_expiry = sorted(
            (name for name in talk.held if name != "~"),
            key=lambda name: (self.grants[name].expires_s or 10**12, f"client_promo:ann:{name}"),
        )
        for source in [*by_expiry, "~"]:
            part = min(rest, talk.held.get(source, 0))
            rest -= part
            if part:
                talk.paid[source] = part
            if source == "~":
                self.cash -= part
            else:
                self.grants[source].money -= part
                self.grants[source].held -= talk.held[source]
        talk.held = {}

    @rule(seconds=st.sampled_from([1, 3600, WINDOW_S // 2, WINDOW_S - 1, WINDOW_S]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule()
    def mature(self) -> None:
        now(self.vault.maturing.look())
        for name, grant in self.grants.items():
            if self.has_expired(name):
                self.cost -= grant.money - grant.held
                grant.money = grant.held
        for talk in self.talks.values():
            if talk.is_settled and self.now_s >= talk.settled_s + WINDOW_S:
                self.available += talk.pending
                talk.pending = 0

    @rule(steps=st.integers(0, 4))
    def a_week_passes_and_earnings_are_paid_out(self, steps: int) -> None:
        self.clock.advance(seconds=WINDOW_S)
        self.mature()
        coins = self.available // COIN
        unused = [key for key in range(5) if key not in self.payouts]
        if coins and unused:
            self.payout(unused[0], coins)
            way = (PayoutState.APPROVED, PayoutState.SENT, PayoutState.PAID, PayoutState.RETURNED)
            for state in way[:steps]:
                self.step_payout(unused[0], state)

    def give_back(self, talk: Talk, refunded: Any) -> None:
        """Take a refund's answer into the heaps, checking that it is in proportion and the right people pay."""
        micros, whole = refunded.refund_micros, talk.left
        assert abs(refunded.earned_micros * whole - talk.earned * micros) <= whole * 2 * len(talk.paid)
        assert refunded.fee_micros + refunded.earned_micros == micros
        assert refunded.cash_micros + refunded.promo_micros + refunded.lapsed_micros == micros
        rest = refunded.earned_micros
        for heap in ("reserved", "pending"):
            part = min(rest, getattr(talk, heap))
            setattr(talk, heap, getattr(talk, heap) - part)
            rest -= part
        part = min(rest, self.available)
        self.available -= part
        assert refunded.written_off_micros == rest - part
        self.written_off += rest - part
        self.fees -= refunded.fee_micros
        talk.fee -= refunded.fee_micros
        talk.earned -= refunded.earned_micros
        self.cash += refunded.cash_micros
        self.cost -= refunded.lapsed_micros
        for source in talk.paid:
            if source != "~":
                account = f"client_promo:ann:{source}"
                money = self.posted(account)
                assert self.has_expired(source) <= (money == self.grants[source].money)
                talk.paid[source] -= money - self.grants[source].money
                assert talk.paid[source] >= 0
                self.grants[source].money = money

    @rule(key=KEY, session=SESSION, coins=st.one_of(st.none(), COINS))
    def refund(self, key: int, session: int, coins: int | None) -> None:
        talk = self.talks.get(session, Talk())
        amount = None if coins is None else Money(coins * COIN, "CNY")

        def ask() -> Coroutine[Any, Any, Any]:
            return self.vault.counter.refunds.refund(
                SessionId(f"ses_{session}"), amount=amount, reason="why", operator=OP, key=str(key)
            )

        if key in self.refunds:
            before = self.refunds[key]
            if before[:2] == (session, coins or 0):
                assert now(ask()) == before[2]
            else:
                self.refused(ask(), Unprocessable)
        elif not talk.left:
            self.refused(ask(), NotFound)
        elif talk.case == "open" or (coins or 0) * COIN > talk.left:
            self.refused(ask(), Conflict)
        else:
            refunded = now(ask())
            assert refunded.refund_micros == (talk.left if coins is None else coins * COIN)
            self.refunds[key] = (session, coins or 0, refunded)
            self.give_back(talk, refunded)

    @rule(session=SESSION, who=st.sampled_from([ANN, PIA]))
    def contest(self, session: int, who: AccountId) -> None:
        talk = self.talks.get(session, Talk())

        def ask() -> Coroutine[Any, Any, Any]:
            return self.vault.counter.disputes.open(SessionId(f"ses_{session}"), who, reason="why")

        if talk.case:
            found = now(self.vault.cases.by_id(case_id(SessionId(f"ses_{session}"))))
            if found.opened_by == who:
                assert now(ask()) == found
            else:
                self.refused(ask(), Conflict)
        elif not talk.is_settled or not talk.left or self.now_s >= talk.settled_s + WINDOW_S:
            rows = self.database.rows()
            with pytest.raises((NotFound, Conflict)):
                now(ask())
            assert self.database.rows() == rows
        else:
            case = now(ask())
            reserved = min(talk.earned, talk.pending)
            talk.pending -= reserved
            more = min(talk.earned - reserved, self.available)
            self.available -= more
            talk.reserved, talk.case = reserved + more, "open"
            assert case.reserved_micros == talk.reserved

    @precondition(lambda self: any(talk.case == "open" for talk in self.talks.values()))
    @rule(data=st.data(), is_clients=st.booleans(), coins=st.one_of(st.none(), COINS))
    def decide(self, data: st.DataObject, is_clients: bool, coins: int | None) -> None:
        session = data.draw(
            st.sampled_from([number for number, talk in self.talks.items() if talk.case == "open"])
        )
        talk = self.talks[session]
        outcome = CaseState.TO_CLIENT if is_clients else CaseState.TO_PROVIDER
        amount = None if coins is None else Money(coins * COIN, "CNY")

        def ask() -> Coroutine[Any, Any, Any]:
            return self.vault.counter.disputes.decide(
                case_id(SessionId(f"ses_{session}")), outcome, amount=amount, verdict="why", operator=OP
            )

        if is_clients and (coins or 0) * COIN > talk.left:
            self.refused(ask(), Unprocessable)
            return
        case, refunded = now(ask())
        talk.case = case.state
        if refunded is not None:
            self.give_back(talk, refunded)
        self.available += talk.reserved
        talk.reserved = 0
        self.done.append((ask, (case, refunded)))

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def repeat_an_earlier_command(self, data: st.DataObject) -> None:
        ask, answered = data.draw(st.sampled_from(self.done))
        rows = self.database.rows()
        assert now(ask()) == answered
        assert self.database.rows() == rows

    @invariant()
    def every_heap_is_as_large_as_its_account(self) -> None:
        heaps = {
            "client_cash:ann": self.cash,
            "provider_pending:pia": sum(talk.pending for talk in self.talks.values()),
            "provider_available:pia": self.available,
            "dispute_reserve": sum(talk.reserved for talk in self.talks.values()),
            "payout_clearing": self.on_payout,
            "refunds_due": self.due,
            "platform_fee": self.fees,
            "metering_write_off": -self.written_off,
            "promo_cost": -self.cost,
            "processor_clearing": -self.processor,
            "bank": self.bank,
            **{f"client_promo:ann:{name}": grant.money for name, grant in self.grants.items()},
        }
        assert {account: self.posted(account) for account in heaps} == heaps

    @invariant()
    def both_ways_of_looking_find_nothing_wrong(self) -> None:
        broken = [finding for finding in now(self.wallet.audit()) if not finding.ok]
        look = now(self.vault.books.look())
        broken += [finding for finding in look.findings if not finding.ok]
        sentences = [
            sentence
            for finding in broken
            if finding.name not in FROM_RECEIPTS
            for sentence in finding.violations
        ]
        # Weeks pass here while nobody sends a payout: that the watch says so is right.
        assert [sentence for sentence in sentences if "has waited" not in sentence] == []


TestFlows = FlowMachine.TestCase
TestFlows.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
