"""What happens about money when a session is over: disputes, refunds, withdrawals, payouts.

Decides who contests what and how an operator decides; the gateway's own services
do it. Most of it is asked for twice, for whoever asks may not have heard.
Never waits for an answer, and never decides what is owed.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from gateway.booking.ledger.dispute import Case, CaseState
from gateway.booking.ledger.payout import Payout, PayoutState
from gateway.booking.ledger.withdrawal import Withdrawal, WithdrawalState
from gateway.ids import AccountId
from gateway.money import Money
from gateway.terms import Side
from loadtest.simulation.call import Call
from loadtest.simulation.node import Node
from loadtest.simulation.stage import Stage

OPERATORS = (AccountId("acc_operator_1"), AccountId("acc_operator_2"))
COIN_MICROS = 10_000
DISPUTED_SHARE = 0.06
REFUNDED_SHARE = 0.05
WITHDRAWN_SHARE = 0.04
PAID_OUT_SHARE = 0.25
PAID_OUT_AGAIN_S = (0, 30, 60)
"""Who asks for a payout asks again, for earnings are not at his disposal at once."""
SENT_SHARE = 0.8
"""Payouts that reach the bank; the others are refused before."""

Deed = Callable[[Node], Coroutine[Any, Any, Any]]


class Office:
    """Operators and the people who write to them."""

    def __init__(self, stage: Stage, node: Callable[[], Node | None]) -> None:
        self._stage = stage
        self._node = node
        self._letters = 0

    def over(self, call: Call) -> None:
        """A session that had begun is over."""
        dice = self._stage.dice
        if dice.random() < DISPUTED_SHARE:
            self._later(lambda: self._dispute(call, dice.choice(list(Side))))
        if dice.random() < REFUNDED_SHARE:
            self._later(lambda: self._refund(call))
        if dice.random() < WITHDRAWN_SHARE:
            self._later(lambda: self._withdraw(call.client))
        if dice.random() < PAID_OUT_SHARE:
            self._later(lambda: self._pay_out(call.provider))

    def _later(self, do: Callable[[], None]) -> None:
        self._stage.after(self._stage.between(1, 12), do)

    def _ask(self, deed: Deed, answered: Callable[[Any], None] | None = None) -> None:
        """Ask for it, often twice."""
        for _ in range(self._stage.dice.choice((1, 2))):
            self._stage.after(self._stage.between(0, 3), self._ask_now, deed, answered)

    def _ask_now(self, deed: Deed, answered: Callable[[Any], None] | None) -> None:
        node = self._node()
        if node is not None:
            node.run(lambda: deed(node), answered)

    def _key(self) -> str:
        self._letters += 1
        return f"letter-{self._letters}"

    def _amount(self) -> Money:
        return Money(self._stage.dice.randrange(1, 300) * COIN_MICROS, "CNY")

    def _dispute(self, call: Call, side: Side) -> None:
        who, dice = call.account(side), self._stage.dice
        outcome = dice.choice((CaseState.TO_PROVIDER, CaseState.TO_CLIENT))
        amount = self._amount() if outcome is CaseState.TO_CLIENT and dice.random() < 0.5 else None

        def opened(case: Case | None) -> None:
            if case is not None:
                self._later(
                    lambda: self._ask(
                        lambda node: node.treasury.counter.disputes.decide(
                            case.id, outcome, amount=amount, verdict="heard", operator=OPERATORS[0]
                        )
                    )
                )

        self._ask(lambda node: node.treasury.counter.disputes.open(call.id, who, reason="unheard"), opened)

    def _refund(self, call: Call) -> None:
        """Give back a part, and later the same again; or all of it at once."""
        amount = self._amount() if self._stage.dice.random() < 0.6 else None

        def give_back() -> None:
            key = self._key()
            self._ask(
                lambda node: node.treasury.counter.refunds.refund(
                    call.id, amount=amount, reason="goodwill", operator=OPERATORS[0], key=key
                )
            )

        give_back()
        if amount is not None:
            self._later(give_back)

    def _withdraw(self, client: AccountId) -> None:
        amount, key = self._amount(), self._key()
        end = self._stage.dice.choice((WithdrawalState.DONE, WithdrawalState.FAILED))

        async def carry_out(node: Node, withdrawal: Withdrawal) -> None:
            for state in (WithdrawalState.SENT, end):
                await node.treasury.counter.refunds.mark(
                    withdrawal.id, state, reason="the bank said so", operator=OPERATORS[0]
                )

        def asked(withdrawal: Withdrawal | None) -> None:
            if withdrawal is not None:
                self._later(lambda: self._ask(lambda node: carry_out(node, withdrawal)))

        self._ask(
            lambda node: node.treasury.counter.refunds.withdraw(
                client, amount=amount, reason="asked for", operator=OPERATORS[0], key=key
            ),
            asked,
        )

    def _pay_out(self, provider: AccountId) -> None:
        amount, key, dice = self._amount(), self._key(), self._stage.dice
        is_sent = dice.random() < SENT_SHARE
        end = dice.choice((PayoutState.PAID, PayoutState.RETURNED)) if is_sent else PayoutState.FAILED

        async def carry_out(node: Node, payout: Payout) -> None:
            payouts = node.treasury.counter.payouts
            for operator in OPERATORS:
                await payouts.approve(payout.id, operator=operator, reason="looks right")
            if is_sent:
                await payouts.send(payout.id, operator=OPERATORS[0], reason="weekly")
            await payouts.mark(payout.id, end, operator=OPERATORS[1], reason="the bank said so")

        def requested(payout: Payout | None) -> None:
            if payout is not None:
                self._later(lambda: self._ask(lambda node: carry_out(node, payout)))

        def request() -> None:
            self._ask(
                lambda node: node.treasury.counter.payouts.request(provider, amount=amount, key=key),
                requested,
            )

        for delay_s in PAID_OUT_AGAIN_S:
            self._stage.after(delay_s, request)
