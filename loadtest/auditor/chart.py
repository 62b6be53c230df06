"""The chart of accounts and between which of its accounts money may move.

Decides which accounts must never be below zero and which pairs a posted transfer may
have, as the page's table of accounts and flows says.
Never looks at amounts or at who moved them; books.py does.
Keeps true: promotional money never leaves to a bank, and a hold is pending only.
"""

from typing import NamedTuple

GUARDED = frozenset(
    {
        "client_cash",
        "client_promo",
        "provider_pending",
        "provider_available",
        "booking_held",
        "payout_clearing",
        "refunds_due",
        "dispute_reserve",
    }
)
"""Charts whose accounts never go below zero, what is pending counted."""

WALLET = frozenset({"client_cash", "client_promo"})

_MOVES = """
processor_clearing  client_cash
promo_cost          client_promo
client_promo        promo_cost
client_cash         provider_pending platform_fee booking_held refunds_due dispute_reserve
client_promo        provider_pending platform_fee booking_held
booking_held        client_cash client_promo provider_pending platform_fee
provider_pending    provider_available dispute_reserve client_cash client_promo promo_cost refunds_due
provider_available  payout_clearing platform_fee dispute_reserve client_cash client_promo promo_cost refunds_due
platform_fee        client_cash client_promo promo_cost dispute_reserve refunds_due
metering_write_off  provider_pending client_cash client_promo promo_cost dispute_reserve refunds_due
dispute_reserve     provider_pending provider_available client_cash client_promo promo_cost platform_fee refunds_due
payout_clearing     bank provider_available platform_fee
bank                payout_clearing provider_available processor_clearing
refunds_due         processor_clearing client_cash
processor_clearing  bank refunds_due
"""

POSTED: dict[str, frozenset[str]] = {}
for _line in _MOVES.split("\n"):
    if _line:
        _debit, *_credits = _line.split()
        POSTED[_debit] = POSTED.get(_debit, frozenset()) | frozenset(_credits)


class Row(NamedTuple):
    """One transfer as the database has it."""

    seq: int
    id: str
    command_id: str
    kind: str
    flow: str
    debit: str
    credit: str
    micros: int
    ends_id: str | None
    session: str | None
    hold: str | None
    at_wall_ns: int


class Account(NamedTuple):
    """Who and what an account is."""

    chart: str
    owner: str | None
    expires_wall_ns: int | None


def is_lawful(row: Row, debit: str, credit: str) -> bool:
    """A transfer of this kind may move money between accounts of these charts."""
    if row.kind == "posted":
        return credit in POSTED.get(debit, ())
    if debit in WALLET and credit == "holds_control":
        return row.kind in ("pending", "void")
    return credit in POSTED.get(debit, ())
