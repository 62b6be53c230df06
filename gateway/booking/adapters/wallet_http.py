"""The wallet's routes: what people have, how money comes in, what providers earned.

Decides the bodies and who may call; the person is always the caller, never named
in the path, so nobody can ask for another's wallet.
Never decides about money: `wallet_service.py` and `top_up_service.py` do.
See docs/wire.md, "HTTP", and the generated /openapi.json.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.booking.ledger.statement import COOL_OFF_DAYS
from gateway.booking.payment import TopUpOrder, TopUpState
from gateway.booking.top_up_service import TopUpService
from gateway.booking.wallet_service import WalletService
from gateway.clock import rfc3339
from gateway.http.cursor import PageQuery, read_cursor, written_cursor
from gateway.http.money import MoneyBody
from gateway.http.route import Access, Call, Route
from gateway.ids import AccountId
from gateway.money import Money

_TAG = "Wallet"


class WalletBody(BaseModel):
    """What a person has; available = cash + promo - held."""

    available: MoneyBody
    """What could be spent now."""
    cash: MoneyBody
    promo: MoneyBody
    """Promotional money: spent first, never paid out."""
    held: MoneyBody
    """Set aside for sessions that are going on."""


class EntryBody(BaseModel):
    """One line of a wallet."""

    id: str
    at: str
    """RFC 3339."""
    kind: str
    """`top_up`, `promo_grant`, `settle`, `refund`, `promo_expiry`, `withdrawal`, `withdrawal_back`, `case_decide`."""
    amount: MoneyBody
    """Signed: a charge is negative."""
    session: str | None
    memo: str


class EntriesBody(BaseModel):
    """A page of a wallet's lines, newest first."""

    items: list[EntryBody]
    next: str | None


class TopUpBody(BaseModel):
    """How much to pay in, and how."""

    model_config = ConfigDict(extra="forbid")

    amount: MoneyBody
    method: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")] = "sandbox"


class TopUpAnswer(BaseModel):
    """A top-up and where to pay it."""

    id: str
    state: TopUpState
    amount: MoneyBody
    pay_url: str | None
    created_at: str
    """RFC 3339."""


class EarningBody(BaseModel):
    """What one session earned."""

    session: str
    at: str
    """When it was settled, RFC 3339."""
    billed_s: int | None
    """None where the receipt cannot be found."""
    charge: MoneyBody
    fee: MoneyBody
    earned: MoneyBody
    available_on: str
    """Day (UTC) on which the dispute window has closed."""


class EarningsBody(BaseModel):
    """A provider's money and the sessions it came from."""

    pending: MoneyBody
    """Earned, the dispute window still open."""
    available: MoneyBody
    today: MoneyBody
    """Earned since midnight UTC."""
    items: list[EarningBody]
    next: str | None


def routes(wallet: WalletService, top_ups: TopUpService, *, window_days: int = COOL_OFF_DAYS) -> list[Route]:
    """Every route of the wallet; an earning is payable after `window_days`."""
    handlers = _Handlers(wallet, top_ups, window_days=window_days)
    return [*_reading_routes(handlers), *_paying_routes(handlers)]


def _reading_routes(handlers: "_Handlers") -> list[Route]:
    return [
        Route(
            method="GET",
            path="/v1/wallet",
            handler=handlers.wallet,
            access=Access.SIGNED_IN,
            summary="What I have",
            tag=_TAG,
            answer=WalletBody,
        ),
        Route(
            method="GET",
            path="/v1/wallet/entries",
            handler=handlers.entries,
            access=Access.SIGNED_IN,
            summary="What came in and went out",
            tag=_TAG,
            query=PageQuery,
            answer=EntriesBody,
        ),
        Route(
            method="GET",
            path="/v1/provider/earnings",
            handler=handlers.earnings,
            access=Access.PROVIDER,
            summary="What my sessions earned",
            tag=_TAG,
            query=PageQuery,
            answer=EarningsBody,
        ),
    ]


def _paying_routes(handlers: "_Handlers") -> list[Route]:
    return [
        Route(
            method="POST",
            path="/v1/wallet/topups",
            handler=handlers.top_up,
            access=Access.CLIENT,
            summary="Pay money in",
            tag=_TAG,
            body=TopUpBody,
            answer=TopUpAnswer,
            status=201,
            is_idempotency_key_needed=True,
            rate_per_minute=30,
        ),
        Route(
            method="GET",
            path="/v1/wallet/topups/{top_up_id}",
            handler=handlers.top_up_state,
            access=Access.CLIENT,
            summary="How a top-up stands; asks the payment provider while it is pending",
            tag=_TAG,
            answer=TopUpAnswer,
        ),
        Route(
            method="POST",
            path="/v1/payments/sandbox/notify",
            handler=handlers.sandbox_notice,
            access=Access.PUBLIC,
            summary="Webhook of the sandbox payment provider (Standard Webhooks)",
            tag=_TAG,
            status=204,
        ),
    ]


class _Handlers:
    def __init__(self, wallet: WalletService, top_ups: TopUpService, *, window_days: int) -> None:
        self._wallet = wallet
        self._top_ups = top_ups
        self._window_days = window_days

    async def wallet(self, call: Call) -> WalletBody:
        wallet = await self._wallet.wallet(call.who.account)
        return WalletBody(
            available=self._money(wallet.available_micros),
            cash=self._money(wallet.cash_micros),
            promo=self._money(wallet.promo_micros),
            held=self._money(wallet.held_micros),
        )

    async def entries(self, call: Call) -> EntriesBody:
        query: PageQuery = call.query
        page = await self._wallet.entries(call.who.account, before=_before(query), limit=query.limit)
        items = [
            EntryBody(
                id=entry.id,
                at=rfc3339(entry.at_wall_ns),
                kind=entry.kind,
                amount=self._money(entry.micros),
                session=entry.session,
                memo=entry.memo,
            )
            for entry in page.items
        ]
        return EntriesBody(items=items, next=_next(page.next))

    async def top_up(self, call: Call) -> TopUpAnswer:
        body: TopUpBody = call.body
        assert call.idempotency_key is not None, "the server refuses a call without it"
        order = await self._top_ups.create(
            call.who.account,
            amount=body.amount.money(),
            method=body.method,
            idempotency_key=call.idempotency_key,
        )
        return _top_up(order)

    async def top_up_state(self, call: Call) -> TopUpAnswer:
        account: AccountId = call.who.account
        return _top_up(await self._top_ups.order(account, call.path["top_up_id"]))

    async def sandbox_notice(self, call: Call) -> None:
        await self._top_ups.notice("sandbox", call.headers, call.raw)

    async def earnings(self, call: Call) -> EarningsBody:
        query: PageQuery = call.query
        report = await self._wallet.earnings(call.who.account, before=_before(query), limit=query.limit)
        earnings = report.earnings
        items = [
            EarningBody(
                session=earning.session,
                at=rfc3339(earning.at_wall_ns),
                billed_s=report.billed_s.get(earning.session),
                charge=self._money(earning.charge_micros),
                fee=self._money(earning.fee_micros),
                earned=self._money(earning.earned_micros),
                available_on=earning.available_on(window_days=self._window_days).isoformat(),
            )
            for earning in earnings.page.items
        ]
        return EarningsBody(
            pending=self._money(earnings.pending_micros),
            available=self._money(earnings.available_micros),
            today=self._money(earnings.today_micros),
            items=items,
            next=_next(earnings.page.next),
        )

    def _money(self, micros: int) -> MoneyBody:
        return MoneyBody(micros=micros, currency=self._wallet.currency)


def _top_up(order: TopUpOrder) -> TopUpAnswer:
    return TopUpAnswer(
        id=order.id,
        state=order.state,
        amount=MoneyBody.of(Money(order.micros, order.currency)),
        pay_url=order.pay_url,
        created_at=rfc3339(order.created_wall_ns),
    )


def _before(query: PageQuery) -> int | None:
    return None if query.cursor is None else read_cursor(query.cursor, int)[0]


def _next(before: int | None) -> str | None:
    return None if before is None else written_cursor(before)
