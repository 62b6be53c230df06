"""Top-ups: from a client's wish to pay money in, to the credit.

Decides the steps: an order of ours first, then the provider's payment, then one
function that finishes the order, which the webhook and the client's own poll both
end in. A report is believed only if merchant, order, payment, amount and currency
are ours; it is the payment's id that keeps a second report from crediting again.
Never reads a card and never credits by itself; `Orders.finish` does, atomically.
See docs/metering.md, "Ledger".
"""

from collections.abc import Mapping

import structlog

from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.payment import (
    TOP_UP_MICROS_MAX,
    TOP_UP_MICROS_MIN,
    PaymentReport,
    ReportStatus,
    TopUpOrder,
    TopUpState,
    examine,
)
from gateway.booking.wallet_ports import Orders, PaymentProvider
from gateway.booking.wallet_service import WalletService
from gateway.clock import NS, Clock
from gateway.errors import GatewayError, NotFound, Unprocessable
from gateway.ids import AccountId, derived
from gateway.money import Money, micros_per_minor, written

_log = structlog.get_logger()


class TopUpService:
    """Money coming in."""

    def __init__(
        self,
        wallet: WalletService,
        *,
        orders: Orders,
        providers: Mapping[str, PaymentProvider],
        clock: Clock,
    ) -> None:
        self._wallet = wallet
        self._orders = orders
        self._providers = providers
        self._clock = clock

    async def create(
        self, account: AccountId, *, amount: Money, method: str, idempotency_key: str
    ) -> TopUpOrder:
        """An order and where to pay it; the same key and body answer the same order.

        Raises:
            Unprocessable: amount, currency or method cannot be, or the key was used with another body.
            Unavailable: the provider does not answer; the same key may be tried again.
        """
        self._check(amount, method)
        body = {"account": account, "method": method, **amount.wire()}
        key = derived("top_up_order", account, idempotency_key)
        order = TopUpOrder(
            id=f"top_{key.replace('-', '')}",
            account=account,
            micros=amount.micros,
            currency=amount.currency,
            method=method,
            state=TopUpState.PENDING,
            created_wall_ns=self._clock.wall_ns(),
        )
        request = Command(id=key, name=CommandName.TOP_UP, body=body)
        order = await self._orders.create(order, idempotency_key=idempotency_key, request=request)
        if order.payment is None:
            payment, pay_url = await self._provider(order.method).create(order)
            order = await self._orders.attach(order.id, payment=payment, pay_url=pay_url)
        return order

    async def order(self, account: AccountId, order_id: str) -> TopUpOrder:
        """The person's order; while it is pending, the provider is asked first.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        order = await self._orders.by_id(order_id)
        if order is None or order.account != account:
            raise NotFound("there is no such top-up of yours")
        if order.state is not TopUpState.PENDING or order.payment is None:
            return order
        try:
            report = await self._provider(order.method).query(order.payment)
            await self.complete(report, method=order.method)
        except GatewayError as error:
            # What we know is still an answer; the webhook or the next poll brings the rest.
            _log.warning("payment_query_failed", top_up=order.id, code=error.wire_code)
        return await self._orders.by_id(order_id) or order

    async def notice(self, method: str, headers: Mapping[str, str], body: bytes) -> None:
        """Take a provider's webhook.

        Raises:
            Unauthenticated: bad signature, or too old.
            Malformed: it cannot be read.
            NotFound: no order of ours has that payment, or nobody takes payments by that method.
            Unprocessable: it does not agree with the order.
        """
        now_s = self._clock.wall_ns() // NS
        await self.complete(self._provider(method).read_notice(headers, body, now_s=now_s), method=method)

    async def complete(self, report: PaymentReport, *, method: str) -> ReportStatus:
        """Finish the order that `report` is about, if it is; the one place where top-ups end.

        Raises:
            NotFound: no order of ours has that payment.
            Unprocessable: merchant, order, amount or currency are not ours.
        """
        order = await self._orders.by_payment(report.payment)
        if order is None or order.method != method:
            raise NotFound("no order has this payment")
        status = examine(order, report, merchant=self._provider(method).merchant)
        match status:
            case ReportStatus.NOTHING_NEW:
                pass
            case ReportStatus.SUCCEEDS:
                await self._finish(order, TopUpState.SUCCEEDED)
            case ReportStatus.FAILS:
                await self._finish(order, TopUpState.FAILED)
            case ReportStatus.OTHER_MERCHANT | ReportStatus.OTHER_ORDER | ReportStatus.OTHER_AMOUNT:
                _log.error("payment_disagrees", top_up=order.id, status=status)
                raise Unprocessable("the report does not agree with our order", code=status)
        return status

    async def _finish(self, order: TopUpOrder, state: TopUpState) -> None:
        is_changed = await self._orders.finish(order, state, now_wall_ns=self._clock.wall_ns())
        if not is_changed:
            return
        _log.info("top_up_finished", top_up=order.id, state=state, micros=order.micros, method=order.method)
        if state is TopUpState.SUCCEEDED:
            await self._wallet.announce(order.account)

    def _provider(self, method: str) -> PaymentProvider:
        provider = self._providers.get(method)
        if provider is None:
            raise NotFound(f"nobody takes payments by {method} here")
        return provider

    def _check(self, amount: Money, method: str) -> None:
        if method not in self._providers:
            known = ", ".join(sorted(self._providers)) or "nothing; no payment provider is set up"
            raise Unprocessable(f"money is paid in by {known}")
        currency = self._wallet.currency
        if amount.currency != currency:
            raise Unprocessable(f"wallets are kept in {currency}")
        if not TOP_UP_MICROS_MIN <= amount.micros <= TOP_UP_MICROS_MAX:
            least, most = written(TOP_UP_MICROS_MIN, currency), written(TOP_UP_MICROS_MAX, currency)
            raise Unprocessable(f"a top-up is between {least} and {most}", code="amount_out_of_range")
        if amount.micros % micros_per_minor(currency) != 0:
            raise Unprocessable(f"{currency} has no coin for this amount", code="amount_out_of_range")
