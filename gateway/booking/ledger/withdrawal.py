"""Withdrawals: paid-in money on its way back through the payment provider.

Decides the states and the transfers: the amount leaves the client's cash at the
request, leaves the platform's books when the payment provider has given it back,
and returns leg by leg where it did not arrive.
Never takes promotional money, which can be spent and never withdrawn.
Keeps: a withdrawal is sent once and comes back at most once, whole.
See docs/metering.md, "Ledger".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.booking.ledger.account import Chart, LedgerAccountId, cash_of, platform
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.errors import require
from gateway.ids import AccountId, TransferId, derived


class WithdrawalState(StrEnum):
    """Where a withdrawal is; the spelling is the wire's."""

    DUE = "due"
    """Set apart; the payment provider has yet to be told."""
    SENT = "sent"
    """The payment provider has taken it on its account."""
    DONE = "done"
    """The client's bank or card has it."""
    FAILED = "failed"
    """It did not arrive; it is the client's cash again."""


TRANSITIONS: Mapping[WithdrawalState, frozenset[WithdrawalState]] = MappingProxyType(
    {
        WithdrawalState.DUE: frozenset({WithdrawalState.SENT, WithdrawalState.FAILED}),
        WithdrawalState.SENT: frozenset({WithdrawalState.DONE, WithdrawalState.FAILED}),
        WithdrawalState.DONE: frozenset(),
        WithdrawalState.FAILED: frozenset(),
    }
)
"""What may follow each state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """One withdrawal."""

    id: str
    """`wdr_…`, derived from the operator's key."""
    account: AccountId
    micros: int
    state: WithdrawalState
    reason: str
    requested_wall_ns: int
    moved_wall_ns: int
    """When it entered its state."""


def requesting(withdrawal: Withdrawal) -> Transfer:
    """Set the amount apart."""
    return _leg(withdrawal, Flow.WITHDRAWAL, cash_of(withdrawal.account).id, _DUE)


def sending(withdrawal: Withdrawal) -> Transfer:
    """The payment provider owes the platform that much less."""
    return _leg(withdrawal, Flow.WITHDRAWAL_SENT, _DUE, _CLEARING)


def coming_back(withdrawal: Withdrawal) -> Transfer:
    """From where it is, back to the client's cash."""
    require(WithdrawalState.FAILED in TRANSITIONS[withdrawal.state], "a withdrawal comes back once")
    where = _DUE if withdrawal.state is WithdrawalState.DUE else _CLEARING
    return _leg(withdrawal, Flow.WITHDRAWAL_BACK, where, cash_of(withdrawal.account).id)


def _leg(withdrawal: Withdrawal, flow: Flow, debit: LedgerAccountId, credit: LedgerAccountId) -> Transfer:
    return Transfer(
        id=TransferId(derived(flow, withdrawal.id)),
        kind=TransferKind.POSTED,
        flow=flow,
        debit=debit,
        credit=credit,
        micros=withdrawal.micros,
    )


_DUE = platform(Chart.REFUNDS_DUE).id
_CLEARING = platform(Chart.PROCESSOR_CLEARING).id
