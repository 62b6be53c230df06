"""The states of payouts and withdrawals, walked pair by pair, and who must approve."""

from dataclasses import replace

import pytest

from gateway.booking.ledger import withdrawal as withdrawals
from gateway.booking.ledger.payout import (
    BACK,
    TRANSITIONS,
    WAITING,
    ApprovalStatus,
    Payout,
    PayoutPolicy,
    PayoutState,
    RequestStatus,
    approval,
    coming_back,
    may_request,
    requesting,
    sending,
)
from gateway.booking.ledger.withdrawal import Withdrawal, WithdrawalState
from gateway.errors import InvariantBroken
from gateway.ids import AccountId

pytestmark = pytest.mark.core

POLICY = PayoutPolicy(minimum_micros=10, fee_micros=3, two_approvers_above_micros=500)
PAYOUT = Payout(
    id="pay_1",
    provider=AccountId("acc_pia"),
    micros=100,
    fee_micros=3,
    state=PayoutState.REQUESTED,
    approvers=(),
    requested_wall_ns=0,
    moved_wall_ns=0,
)
WITHDRAWAL = Withdrawal(
    id="wdr_1",
    account=AccountId("acc_ann"),
    micros=100,
    state=WithdrawalState.DUE,
    reason="why",
    requested_wall_ns=0,
    moved_wall_ns=0,
)
OP, OP2 = AccountId("acc_op"), AccountId("acc_op2")

WALK = """
    requested       approved failed
    approved        sent failed
    sent            awaiting_payee paid returned failed
    awaiting_payee  paid returned failed
    paid            returned
    returned
    failed
"""


def test_every_state_has_its_followers() -> None:
    rows = [line.split() for line in WALK.strip().splitlines()]
    assert {row[0]: set(row[1:]) for row in rows} == {
        state.value: {each.value for each in after} for state, after in TRANSITIONS.items()
    }


@pytest.mark.parametrize("state", PayoutState)
def test_wherever_it_is_the_whole_amount_comes_back_once(state: PayoutState) -> None:
    payout = replace(PAYOUT, state=state)
    if state in BACK:
        with pytest.raises(InvariantBroken):
            coming_back(payout)
        return
    went = requesting(payout) if state in WAITING else sending(payout)
    legs = coming_back(payout)
    assert sum(leg.micros for leg in legs) == sum(leg.micros for leg in went) == 100
    assert {leg.credit for leg in legs} == {"provider_available:acc_pia"}


@pytest.mark.parametrize(
    ("micros", "available", "status"),
    [
        (9, 100, RequestStatus.BELOW_MINIMUM),
        (10, 100, RequestStatus.ALLOWED),
        (100, 100, RequestStatus.ALLOWED),
        (101, 100, RequestStatus.INSUFFICIENT_EARNINGS),
        (9, 0, RequestStatus.BELOW_MINIMUM),
    ],
)
def test_what_may_be_asked_for(micros: int, available: int, status: RequestStatus) -> None:
    assert may_request(micros, available_micros=available, policy=POLICY) is status


@pytest.mark.parametrize(
    ("micros", "state", "approvers", "operator", "status"),
    [
        (500, PayoutState.REQUESTED, (), OP, ApprovalStatus.APPROVED),
        (501, PayoutState.REQUESTED, (), OP, ApprovalStatus.NEEDS_ANOTHER),
        (501, PayoutState.REQUESTED, (OP,), OP, ApprovalStatus.REPEATED),
        (501, PayoutState.REQUESTED, (OP,), OP2, ApprovalStatus.APPROVED),
        (100, PayoutState.REQUESTED, (), AccountId("acc_pia"), ApprovalStatus.OWN_PAYOUT),
        (100, PayoutState.APPROVED, (OP,), OP, ApprovalStatus.REPEATED),
        (100, PayoutState.SENT, (OP,), OP2, ApprovalStatus.NOT_NOW),
        (100, PayoutState.FAILED, (), OP, ApprovalStatus.NOT_NOW),
    ],
)
def test_who_must_approve(
    micros: int,
    state: PayoutState,
    approvers: tuple[AccountId, ...],
    operator: AccountId,
    status: ApprovalStatus,
) -> None:
    payout = replace(PAYOUT, micros=micros, state=state, approvers=approvers)
    assert approval(payout, operator, policy=POLICY) is status


@pytest.mark.parametrize("state", WithdrawalState)
def test_a_withdrawal_comes_back_from_where_it_is(state: WithdrawalState) -> None:
    there = replace(WITHDRAWAL, state=state)
    if WithdrawalState.FAILED not in withdrawals.TRANSITIONS[state]:
        with pytest.raises(InvariantBroken):
            withdrawals.coming_back(there)
        return
    leg = withdrawals.coming_back(there)
    sent = withdrawals.requesting(there) if state is WithdrawalState.DUE else withdrawals.sending(there)
    assert (leg.debit, leg.credit, leg.micros) == (sent.credit, "client_cash:acc_ann", sent.micros)
