"""Deposits: how money comes into a wallet.

Decides the transfers of a top-up (the payment provider owes the platform, the
platform owes the client) and of a promotional grant (the platform pays).
Never decides whether a payment really arrived; `booking/payment.py` does.
Keeps: ids are derived from the payment or the campaign, so that neither can be
credited twice.
"""

import functools

from gateway.booking.ledger.account import Chart, LedgerAccount, cash_of, platform
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.ids import AccountId, TransferId, derived


@functools.lru_cache(maxsize=1_024)
def top_up_id(payment: str) -> str:
    """The id of the command that credits a payment: there is one for each."""
    return derived("top_up", payment)


def top_up_command(payment: str, *, account: AccountId, micros: int) -> Command:
    """The command that credits a payment; its id is the payment's."""
    return Command(
        id=top_up_id(payment), name=CommandName.TOP_UP, body={"account": account, "micros": micros}
    )


def deposit_id(command_id: str) -> TransferId:
    """The one transfer of a deposit's command."""
    return TransferId(f"{command_id}:0")


def top_up(payment: str, *, account: AccountId, micros: int) -> Transfer:
    """Paid-in money."""
    command_id = top_up_id(payment)
    return _deposit(Flow.TOP_UP, command_id, Chart.PROCESSOR_CLEARING, into=cash_of(account), micros=micros)


def promo_id(campaign: str, *, account: AccountId) -> str:
    """The id of the command that grants a campaign's money: there is one for each account."""
    return derived("promo", account, campaign)


def promo_command(campaign: str, *, account: AccountId, micros: int, expires_wall_ns: int | None) -> Command:
    """The command that grants promotional money; one grant per account and campaign."""
    return Command(
        id=promo_id(campaign, account=account),
        name=CommandName.PROMO_GRANT,
        body={"account": account, "micros": micros, "expires_wall_ns": expires_wall_ns},
    )


def promo_grant(command_id: str, *, into: LedgerAccount, micros: int) -> Transfer:
    """Promotional money."""
    return _deposit(Flow.PROMO_GRANT, command_id, Chart.PROMO_COST, into=into, micros=micros)


def _deposit(flow: Flow, command_id: str, source: Chart, *, into: LedgerAccount, micros: int) -> Transfer:
    return Transfer(
        id=deposit_id(command_id),
        kind=TransferKind.POSTED,
        flow=flow,
        debit=platform(source).id,
        credit=into.id,
        micros=micros,
    )
