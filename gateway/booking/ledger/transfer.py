"""Transfers: the only way money moves.

Decides what a transfer is and how each kind changes the four counters of the two
accounts it names. A transfer is never edited: what is pending ends by a new
transfer that posts or voids it whole.
Never checks balances; `hold.py` and `settlement.py` plan within them and the
store's guarded statement refuses the rest.
Keeps: the debit side and the credit side change by the same amount.
See docs/metering.md, "Ledger".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.booking.ledger.account import LedgerAccountId
from gateway.errors import require
from gateway.ids import HoldId, SessionId, TransferId

TRANSFER_MICROS_MAX = 10**15
"""A thousand million units; larger amounts are mistakes, and sums stay far inside 64 bits."""


class TransferKind(StrEnum):
    """What a transfer does to the counters."""

    POSTED = "posted"
    """Money moves at once."""
    PENDING = "pending"
    """Money is set aside on the debit side until it is posted or voided."""
    POST = "post"
    """Ends a pending transfer: the money moves."""
    VOID = "void"
    """Ends a pending transfer: the money is free again."""


class Flow(StrEnum):
    """Why money moves."""

    TOP_UP = "top_up"
    """processor clearing → client cash."""
    PROMO_GRANT = "promo_grant"
    """promo cost → client promo."""
    HOLD = "hold"
    """client promo, then cash → holds control, pending only."""
    RELEASE = "release"
    """The void of a hold's leg."""
    EARNING = "earning"
    """client → provider pending: the provider's part of a charge."""
    FEE = "fee"
    """client → platform fee: the platform's part of a charge."""
    MAKE_GOOD = "make_good"
    """metering write-off → provider pending: seconds that the platform's own failure left unbilled."""
    PROMO_EXPIRY = "promo_expiry"
    """client promo → promo cost: what is left of a grant that has expired."""
    REFUND = "refund"
    """platform fee, provider, dispute reserve or write-off → where the charge came from."""
    COOL_OFF = "cool_off"
    """provider pending → provider available: the dispute window of a session has closed."""
    DISPUTE_OPEN = "dispute_open"
    """provider pending, then available → dispute reserve."""
    DISPUTE_RELEASE = "dispute_release"
    """dispute reserve → provider available."""
    PAYOUT = "payout"
    """provider available → payout clearing."""
    PAYOUT_SENT = "payout_sent"
    """payout clearing → bank: what the payee gets."""
    PAYOUT_FEE = "payout_fee"
    """payout clearing → platform fee."""
    PAYOUT_BACK = "payout_back"
    """Each leg of a payout that did not arrive, the other way."""
    WITHDRAWAL = "withdrawal"
    """client cash → refunds due: paid-in money on its way back."""
    WITHDRAWAL_SENT = "withdrawal_sent"
    """refunds due → processor clearing: the payment provider has given it back."""
    WITHDRAWAL_BACK = "withdrawal_back"
    """Each leg of a withdrawal that did not arrive, the other way."""
    PROCESSOR_LINE = "processor_line"
    """bank → processor clearing: what the payment provider owed has arrived at the bank."""
    PROCESSOR_FEE = "processor_fee"
    """processor fees → processor clearing: what the payment provider kept."""


def leg_id(hold: HoldId, ordinal: int) -> TransferId:
    """The pending transfer that takes the `ordinal`th source's part of a hold."""
    return TransferId(f"{hold}:{ordinal}")


def void_id(held: str) -> TransferId:
    """What frees a pending transfer; it happens once, so it needs no other name."""
    return TransferId(f"{held}:void")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How often the amount is added to each pair of counters."""

    pending: int
    """On the debit side's pending debits and the credit side's pending credits."""
    posted: int
    """On the debit side's posted debits and the credit side's posted credits."""


EFFECTS: Mapping[TransferKind, Effect] = MappingProxyType(
    {
        TransferKind.POSTED: Effect(pending=0, posted=1),
        TransferKind.PENDING: Effect(pending=1, posted=0),
        TransferKind.POST: Effect(pending=-1, posted=1),
        TransferKind.VOID: Effect(pending=-1, posted=0),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One movement between two accounts."""

    id: TransferId
    kind: TransferKind
    flow: Flow
    debit: LedgerAccountId
    """The account the money comes from."""
    credit: LedgerAccountId
    """The account the money goes to."""
    micros: int
    """More than nothing."""
    ends: TransferId | None = None
    """The pending transfer that a POST or VOID ends; None for the other kinds."""
    session: SessionId | None = None
    """The session it belongs to, where there is one."""
    hold: HoldId | None = None
    """The hold it is a leg of, where there is one."""

    def __post_init__(self) -> None:
        require(0 < self.micros <= TRANSFER_MICROS_MAX, "a transfer moves between 1 and 10^15 micros")
        require(self.debit != self.credit, "a transfer names two accounts")
        ends_one = self.kind in {TransferKind.POST, TransferKind.VOID}
        require(
            (self.ends is not None) == ends_one, "a post or void, and nothing else, ends a pending transfer"
        )
