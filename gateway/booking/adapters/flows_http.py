"""Routes for people: earnings out, and sessions contested.

Decides the bodies and who may call; the person is always the caller, never named
in the path, so nobody asks for another's money.
Never decides about money: `payout_service.py` and `dispute_service.py` do.
See docs/wire.md, "HTTP", and the generated /openapi.json.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.booking.dispute_service import DisputeService
from gateway.booking.ledger.dispute import Case, CaseState
from gateway.booking.ledger.payout import Payout, PayoutState
from gateway.booking.payout_service import PayoutService
from gateway.clock import rfc3339
from gateway.http.money import MoneyBody
from gateway.http.route import Access, Call, Route
from gateway.ids import SessionId

REASON_CHARACTERS_MIN, REASON_CHARACTERS_MAX = 3, 500
"""Of a reason that a second person can read."""
Reason = Annotated[str, Field(min_length=REASON_CHARACTERS_MIN, max_length=REASON_CHARACTERS_MAX)]
"""Why something is asked or done."""


class PayoutBody(BaseModel):
    """How much to pay out."""

    model_config = ConfigDict(extra="forbid")

    amount: MoneyBody


class PayoutAnswer(BaseModel):
    """A payout and where it is."""

    id: str
    state: PayoutState
    amount: MoneyBody
    fee: MoneyBody
    net: MoneyBody
    """What the payee gets."""
    requested_at: str
    """RFC 3339."""
    moved_at: str
    """When it entered its state, RFC 3339."""


class PayoutsBody(BaseModel):
    """Payouts, newest first."""

    items: list[PayoutAnswer]


class CaseBody(BaseModel):
    """What is contested, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    session: Annotated[str, Field(max_length=64)]
    reason: Reason


class CaseAnswer(BaseModel):
    """A case and where it is."""

    id: str
    session: str
    state: CaseState
    reason: str
    opened_at: str
    """RFC 3339."""
    decided_at: str | None
    reserved: MoneyBody
    """What was set apart of the provider's share."""
    refunded: MoneyBody
    """What the decision gave back to the client."""
    verdict: str


def routes(payouts: PayoutService, disputes: DisputeService) -> list[Route]:
    """Every route of people's longer flows."""
    handlers = _Handlers(payouts, disputes)
    return [
        Route(
            method="POST",
            path="/v1/provider/payouts",
            handler=handlers.request,
            access=Access.PROVIDER,
            summary="Ask for earnings to be paid out",
            tag="Wallet",
            body=PayoutBody,
            answer=PayoutAnswer,
            status=201,
            is_idempotency_key_needed=True,
            rate_per_minute=10,
        ),
        Route(
            method="GET",
            path="/v1/provider/payouts",
            handler=handlers.payouts,
            access=Access.PROVIDER,
            summary="My payouts",
            tag="Wallet",
            answer=PayoutsBody,
        ),
        Route(
            method="POST",
            path="/v1/cases",
            handler=handlers.contest,
            access=Access.SIGNED_IN,
            summary="Contest a session of mine within its dispute window; one case for each session",
            tag="Wallet",
            body=CaseBody,
            answer=CaseAnswer,
            status=201,
            rate_per_minute=10,
        ),
    ]


def payout_answer(payout: Payout, currency: str) -> PayoutAnswer:
    """The body of a payout."""
    return PayoutAnswer(
        id=payout.id,
        state=payout.state,
        amount=MoneyBody(micros=payout.micros, currency=currency),
        fee=MoneyBody(micros=payout.fee_micros, currency=currency),
        net=MoneyBody(micros=payout.net_micros, currency=currency),
        requested_at=rfc3339(payout.requested_wall_ns),
        moved_at=rfc3339(payout.moved_wall_ns),
    )


def case_answer(case: Case, currency: str) -> CaseAnswer:
    """The body of a case."""
    return CaseAnswer(
        id=case.id,
        session=case.session,
        state=case.state,
        reason=case.reason,
        opened_at=rfc3339(case.opened_wall_ns),
        decided_at=None if case.decided_wall_ns is None else rfc3339(case.decided_wall_ns),
        reserved=MoneyBody(micros=case.reserved_micros, currency=currency),
        refunded=MoneyBody(micros=case.refunded_micros, currency=currency),
        verdict=case.verdict,
    )


class _Handlers:
    def __init__(self, payouts: PayoutService, disputes: DisputeService) -> None:
        self._payouts = payouts
        self._disputes = disputes

    async def request(self, call: Call) -> PayoutAnswer:
        body: PayoutBody = call.body
        assert call.idempotency_key is not None, "the server refuses a call without it"
        payout = await self._payouts.request(
            call.who.account, amount=body.amount.money(), key=call.idempotency_key
        )
        return payout_answer(payout, self._payouts.currency)

    async def payouts(self, call: Call) -> PayoutsBody:
        found = await self._payouts.of_provider(call.who.account)
        return PayoutsBody(items=[payout_answer(each, self._payouts.currency) for each in found])

    async def contest(self, call: Call) -> CaseAnswer:
        body: CaseBody = call.body
        case = await self._disputes.open(SessionId(body.session), call.who.account, reason=body.reason)
        return case_answer(case, self._payouts.currency)
