"""The chart of accounts and what an account's four counters say.

Decides which accounts there are, what they are by nature, and which of them may
never be overdrawn. Promotional money has one account per grant, so that "the
earliest expiry first" is a question of order and not of bookkeeping.
Never moves money; `transfer.py` says how counters change.
Keeps: a guarded account's credits cover its debits, pending ones included.
See docs/metering.md, "Ledger".
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from gateway.ids import AccountId

LedgerAccountId = NewType("LedgerAccountId", str)
"""An account of the ledger: `client_cash:acc_…`, `platform_fee`."""


class Chart(StrEnum):
    """What an account is for."""

    BANK = "bank"
    """Money on the platform's own bank account."""
    PROCESSOR_CLEARING = "processor_clearing"
    """Money that a payment provider has taken and still owes the platform."""
    CLIENT_CASH = "client_cash"
    """Paid-in money of a client."""
    CLIENT_PROMO = "client_promo"
    """One promotional grant of a client; it can be spent, never withdrawn."""
    BOOKING_HELD = "booking_held"
    """Prepaid bookings that have not taken place."""
    HOLDS_CONTROL = "holds_control"
    """The far side of holds; only its pending counters move."""
    PROVIDER_PENDING = "provider_pending"
    """Earnings whose dispute window is open."""
    PROVIDER_AVAILABLE = "provider_available"
    """Earnings that may be paid out."""
    PAYOUT_CLEARING = "payout_clearing"
    """Payouts on their way."""
    REFUNDS_DUE = "refunds_due"
    """Refunds on their way back through the payment provider."""
    DISPUTE_RESERVE = "dispute_reserve"
    """Contested money."""
    PLATFORM_FEE = "platform_fee"
    """What the platform earns."""
    PROMO_COST = "promo_cost"
    """What promotions cost the platform."""
    METERING_WRITE_OFF = "metering_write_off"
    """What the platform pays for its own failures."""
    PROCESSOR_FEES = "processor_fees"
    """What payment providers keep for their service."""


class Nature(StrEnum):
    """What a balance of the account means."""

    ASSET = "asset"
    """Others owe it to the platform."""
    LIABILITY = "liability"
    """The platform owes it to others."""
    INCOME = "income"
    """Earned by the platform."""
    EXPENSE = "expense"
    """Spent by the platform."""
    CONTROL = "control"
    """Counts what is pending elsewhere."""


NATURE: Mapping[Chart, Nature] = MappingProxyType(
    {
        Chart.BANK: Nature.ASSET,
        Chart.PROCESSOR_CLEARING: Nature.ASSET,
        Chart.CLIENT_CASH: Nature.LIABILITY,
        Chart.CLIENT_PROMO: Nature.LIABILITY,
        Chart.BOOKING_HELD: Nature.LIABILITY,
        Chart.HOLDS_CONTROL: Nature.CONTROL,
        Chart.PROVIDER_PENDING: Nature.LIABILITY,
        Chart.PROVIDER_AVAILABLE: Nature.LIABILITY,
        Chart.PAYOUT_CLEARING: Nature.LIABILITY,
        Chart.REFUNDS_DUE: Nature.LIABILITY,
        Chart.DISPUTE_RESERVE: Nature.LIABILITY,
        Chart.PLATFORM_FEE: Nature.INCOME,
        Chart.PROMO_COST: Nature.EXPENSE,
        Chart.METERING_WRITE_OFF: Nature.EXPENSE,
        Chart.PROCESSOR_FEES: Nature.EXPENSE,
    }
)

PERSONAL = frozenset(
    {Chart.CLIENT_CASH, Chart.CLIENT_PROMO, Chart.PROVIDER_PENDING, Chart.PROVIDER_AVAILABLE}
)
"""Accounts that belong to a person; of the others there is one each."""


_CASH, _PROVIDER_PENDING = Chart.CLIENT_CASH.value, Chart.PROVIDER_PENDING.value


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAccount:
    """One account of the ledger."""

    id: LedgerAccountId
    chart: Chart
    owner: AccountId | None = None
    """Whose it is; None for the platform's own."""
    expires_wall_ns: int | None = None
    """When promotional money can no longer be set aside; None = never."""

    @property
    def is_guarded(self) -> bool:
        """Whether it may never be overdrawn: what is owed to others cannot be negative."""
        return NATURE[self.chart] is Nature.LIABILITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The four counters of an account, in micros; they only ever grow, but for the pending ones."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    @property
    def posted(self) -> int:
        """What is on the account, on its credit side."""
        return self.credits_posted - self.debits_posted

    @property
    def available(self) -> int:
        """What is on the account and not set aside."""
        return self.posted - self.debits_pending


@functools.cache
def platform(chart: Chart) -> LedgerAccount:
    """The platform's account of that kind."""
    return LedgerAccount(id=LedgerAccountId(chart.value), chart=chart)


def cash_id(owner: AccountId) -> LedgerAccountId:
    """Where a client's paid-in money is."""
    return LedgerAccountId(f"{_CASH}:{owner}")


def pending_earnings_id(owner: AccountId) -> LedgerAccountId:
    """Where a provider's part of a charge arrives."""
    return LedgerAccountId(f"{_PROVIDER_PENDING}:{owner}")


def cash_of(owner: AccountId) -> LedgerAccount:
    """A client's paid-in money."""
    return _personal(Chart.CLIENT_CASH, owner)


def promo_of(owner: AccountId, campaign: str, *, expires_wall_ns: int | None) -> LedgerAccount:
    """A client's grant from one campaign."""
    return LedgerAccount(
        id=LedgerAccountId(f"{Chart.CLIENT_PROMO}:{owner}:{campaign}"),
        chart=Chart.CLIENT_PROMO,
        owner=owner,
        expires_wall_ns=expires_wall_ns,
    )


def pending_earnings_of(owner: AccountId) -> LedgerAccount:
    """A provider's earnings whose dispute window is open."""
    return _personal(Chart.PROVIDER_PENDING, owner)


def available_earnings_of(owner: AccountId) -> LedgerAccount:
    """A provider's earnings that may be paid out."""
    return _personal(Chart.PROVIDER_AVAILABLE, owner)


def _personal(chart: Chart, owner: AccountId) -> LedgerAccount:
    return LedgerAccount(id=LedgerAccountId(f"{chart}:{owner}"), chart=chart, owner=owner)
