"""Payouts: earnings on their way to a provider's bank.

Decides the states and who moves between them, how many operators must approve, and
the transfers: the whole amount leaves the available earnings at the request; when
it is sent the fee stays and the rest goes to the bank; what does not arrive comes
back leg by leg. Never talks to a bank.
Keeps: a payout is sent once and comes back at most once, whole.
See docs/metering.md, "Ledger".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.booking.ledger.account import Chart, LedgerAccountId, available_earnings_of, platform
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.errors import require
from gateway.ids import AccountId, TransferId, derived


class PayoutState(StrEnum):
    """Where a payout is; the spelling is the wire's."""

    REQUESTED = "requested"
    """The provider asked; the money is set apart."""
    APPROVED = "approved"
    """Operators have agreed."""
    SENT = "sent"
    """The bank has the order."""
    AWAITING_PAYEE = "awaiting_payee"
    """The bank waits for something from the payee."""
    PAID = "paid"
    """It arrived."""
    RETURNED = "returned"
    """The bank sent it back; it is the provider's again."""
    FAILED = "failed"
    """It was refused, or never went out; it is the provider's again."""


TRANSITIONS: Mapping[PayoutState, frozenset[PayoutState]] = MappingProxyType(
    {
        PayoutState.REQUESTED: frozenset({PayoutState.APPROVED, PayoutState.FAILED}),
        PayoutState.APPROVED: frozenset({PayoutState.SENT, PayoutState.FAILED}),
        PayoutState.SENT: frozenset(
            {PayoutState.AWAITING_PAYEE, PayoutState.PAID, PayoutState.RETURNED, PayoutState.FAILED}
        ),
        PayoutState.AWAITING_PAYEE: frozenset({PayoutState.PAID, PayoutState.RETURNED, PayoutState.FAILED}),
        # Banks return money days after they reported it as paid.
        PayoutState.PAID: frozenset({PayoutState.RETURNED}),
        PayoutState.RETURNED: frozenset(),
        PayoutState.FAILED: frozenset(),
    }
)
"""What may follow each state."""

WAITING = frozenset({PayoutState.REQUESTED, PayoutState.APPROVED})
"""The money lies on payout clearing."""
BACK = frozenset({PayoutState.RETURNED, PayoutState.FAILED})
"""The money is the provider's again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutPolicy:
    """What operators set."""

    minimum_micros: int = 10_000_000
    """Less is not paid out: the bank's own fee is the larger part."""
    fee_micros: int = 0
    """What the platform keeps of each."""
    two_approvers_above_micros: int = 5_000_000_000
    """Beyond it a second operator must approve."""

    def approvers_needed(self, micros: int) -> int:
        """How many operators must approve a payout of `micros`."""
        return 2 if micros > self.two_approvers_above_micros else 1


class RequestStatus(StrEnum):
    """Whether a payout may be requested, in order of precedence."""

    BELOW_MINIMUM = "below_minimum"
    INSUFFICIENT_EARNINGS = "insufficient_earnings"
    """It is more than what is available."""
    ALLOWED = "allowed"


class ApprovalStatus(StrEnum):
    """What an approval does, in order of precedence."""

    NOT_NOW = "not_now"
    """The payout is not waiting for approval."""
    OWN_PAYOUT = "own_payout"
    """Nobody approves his own."""
    REPEATED = "repeated"
    """The same operator has approved; nothing changes."""
    NEEDS_ANOTHER = "needs_another"
    """Noted; a second operator must agree."""
    APPROVED = "approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """One payout."""

    id: str
    """`pay_…`, derived from provider and key."""
    provider: AccountId
    micros: int
    """What leaves the earnings, fee included."""
    fee_micros: int
    state: PayoutState
    approvers: tuple[AccountId, ...]
    """Operators who have approved, in order."""
    requested_wall_ns: int
    moved_wall_ns: int
    """When it entered its state."""
    reference: str = ""
    """The bank's name for it."""

    @property
    def net_micros(self) -> int:
        """What the payee gets."""
        return self.micros - self.fee_micros


def may_request(micros: int, *, available_micros: int, policy: PayoutPolicy) -> RequestStatus:
    """Whether that much may be paid out."""
    if micros < policy.minimum_micros or micros <= policy.fee_micros:
        return RequestStatus.BELOW_MINIMUM
    if micros > available_micros:
        return RequestStatus.INSUFFICIENT_EARNINGS
    return RequestStatus.ALLOWED


def approval(payout: Payout, operator: AccountId, *, policy: PayoutPolicy) -> ApprovalStatus:
    """What `operator`'s approval does."""
    if operator in payout.approvers:
        return ApprovalStatus.REPEATED
    if payout.state is not PayoutState.REQUESTED:
        return ApprovalStatus.NOT_NOW
    if operator == payout.provider:
        return ApprovalStatus.OWN_PAYOUT
    is_enough = len(payout.approvers) + 1 >= policy.approvers_needed(payout.micros)
    return ApprovalStatus.APPROVED if is_enough else ApprovalStatus.NEEDS_ANOTHER


def requesting(payout: Payout) -> tuple[Transfer, ...]:
    """Set the whole amount apart."""
    return tuple(_legs(payout, Flow.PAYOUT, [(_of(payout), _CLEARING, payout.micros)]))


def sending(payout: Payout) -> tuple[Transfer, ...]:
    """The payee's part to the bank, the fee to the platform."""
    return (
        *_legs(payout, Flow.PAYOUT_SENT, [(_CLEARING, platform(Chart.BANK).id, payout.net_micros)]),
        *_legs(payout, Flow.PAYOUT_FEE, [(_CLEARING, _FEE, payout.fee_micros)]),
    )


def coming_back(payout: Payout) -> tuple[Transfer, ...]:
    """Every leg so far, the other way; the provider has the whole amount again."""
    require(payout.state not in BACK, "a payout comes back once")
    if payout.state in WAITING:
        return tuple(_legs(payout, Flow.PAYOUT_BACK, [(_CLEARING, _of(payout), payout.micros)]))
    moves = [
        (platform(Chart.BANK).id, _of(payout), payout.net_micros),
        (_FEE, _of(payout), payout.fee_micros),
    ]
    return tuple(_legs(payout, Flow.PAYOUT_BACK, moves))


def _legs(
    payout: Payout, flow: Flow, moves: Sequence[tuple[LedgerAccountId, LedgerAccountId, int]]
) -> Iterator[Transfer]:
    for debit, credit, micros in moves:
        if micros > 0:
            yield Transfer(
                id=TransferId(derived(flow, payout.id, debit)),
                kind=TransferKind.POSTED,
                flow=flow,
                debit=debit,
                credit=credit,
                micros=micros,
            )


def _of(payout: Payout) -> LedgerAccountId:
    return available_earnings_of(payout.provider).id


_CLEARING = platform(Chart.PAYOUT_CLEARING).id
_FEE = platform(Chart.PLATFORM_FEE).id
