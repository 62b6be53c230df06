"""Promotional money that has run out of time.

Decides that what is left of an expired grant, and is not held, goes back to promo
cost; what is held may still be charged, and what of it is released goes back at a
later look. Each look at a grant has its own command, named by grant and ordinal.
Never takes a grant that has not expired. See docs/metering.md, "Ledger".
"""

from gateway.booking.ledger.account import Chart, LedgerAccountId, platform
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.booking.ledger.wallet import Source
from gateway.ids import TransferId, derived


def command(grant: LedgerAccountId, *, ordinal: int) -> Command:
    """The `ordinal`-th time, from 0, that something of the grant runs out."""
    return Command(
        id=derived("promo_expiry", grant, ordinal),
        name=CommandName.PROMO_EXPIRY,
        body={"grant": grant, "ordinal": ordinal},
    )


def plan(grant: Source, *, ordinal: int, now_wall_ns: int) -> Transfer | None:
    """The transfer that takes back what is left; None where nothing is due."""
    left = grant.balance.available
    if not (grant.is_promo and grant.has_expired(now_wall_ns) and left > 0):
        return None
    return Transfer(
        id=TransferId(derived(Flow.PROMO_EXPIRY, grant.account, ordinal)),
        kind=TransferKind.POSTED,
        flow=Flow.PROMO_EXPIRY,
        debit=grant.account,
        credit=platform(Chart.PROMO_COST).id,
        micros=left,
    )
