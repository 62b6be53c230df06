"""Payments: an order of ours, what the provider reports, and whether they agree.

Decides when a report may finish an order: merchant, order, payment, amount and
currency must all be ours; a success is final, and a decline that turns into a
success is believed, since then the money is there.
Never asks the provider and never credits; `top_up_service.py` and the ledger do.
See docs/metering.md, "Ledger", and Standard Webhooks for how reports arrive.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.ids import AccountId

TOP_UP_MICROS_MIN = 1_000_000
"""One unit: below it the provider's own fee is the larger part."""
TOP_UP_MICROS_MAX = 10_000_000_000
"""Ten thousand units: more in one go is a mistake or worse."""


class TopUpState(StrEnum):
    """Where an order is; the spelling is the wire's."""

    PENDING = "pending"
    """The client has not paid, or the provider has not said so."""
    SUCCEEDED = "succeeded"
    """Paid and credited, in one transaction."""
    FAILED = "failed"
    """Declined; nothing was credited."""


class PaymentState(StrEnum):
    """Where the provider says a payment is."""

    OPEN = "open"
    PAID = "paid"
    DECLINED = "declined"


class ReportStatus(StrEnum):
    """What a report does to its order, in order of precedence."""

    OTHER_MERCHANT = "other_merchant"
    OTHER_ORDER = "other_order"
    """The report names another order, or another payment, than ours."""
    OTHER_AMOUNT = "other_amount"
    """Amount or currency differ."""
    NOTHING_NEW = "nothing_new"
    """The order is where the report says, or further."""
    SUCCEEDS = "succeeds"
    FAILS = "fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpOrder:
    """A client's wish to pay money in."""

    id: str
    account: AccountId
    micros: int
    currency: str
    method: str
    """Which provider: `sandbox`."""
    state: TopUpState
    created_wall_ns: int
    payment: str | None = None
    """The provider's name for it, once it has one."""
    pay_url: str | None = None
    """Where the client pays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReport:
    """What the provider says, by webhook or when asked."""

    payment: str
    merchant: str
    order: str
    state: PaymentState
    micros: int
    currency: str


def examine(order: TopUpOrder, report: PaymentReport, *, merchant: str) -> ReportStatus:
    """What `report` does to `order`."""
    if report.merchant != merchant:
        return ReportStatus.OTHER_MERCHANT
    if report.order != order.id or report.payment != order.payment:
        return ReportStatus.OTHER_ORDER
    if (report.micros, report.currency) != (order.micros, order.currency):
        return ReportStatus.OTHER_AMOUNT
    if report.state is PaymentState.PAID and order.state is not TopUpState.SUCCEEDED:
        return ReportStatus.SUCCEEDS
    if report.state is PaymentState.DECLINED and order.state is TopUpState.PENDING:
        return ReportStatus.FAILS
    return ReportStatus.NOTHING_NEW
