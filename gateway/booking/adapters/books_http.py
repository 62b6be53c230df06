"""The operator's routes over money: refunds, payouts, cases, statements, bars.

Decides paths and who may call: operators alone, each act with a reason that goes
into the audit log first. Amounts and states are the services'.
Never moves money twice: refunds and withdrawals need an Idempotency-Key, the other
acts are named by what they are about. See docs/wire.md, "HTTP".
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from gateway.booking.adapters import books_bodies as bodies
from gateway.booking.adapters.flows_http import CaseAnswer, case_answer, payout_answer
from gateway.booking.dispute_service import DisputeService
from gateway.booking.flow_ports import Refunded
from gateway.booking.ledger.account_statement import Period, Statement
from gateway.booking.ledger.clearing import ProcessorLine
from gateway.booking.ledger.dispute import CaseState
from gateway.booking.ledger.payout import Payout
from gateway.booking.ledger.withdrawal import Withdrawal
from gateway.booking.operator_books_service import OperatorBooksService
from gateway.booking.payout_service import PayoutService
from gateway.booking.refund_service import RefundService
from gateway.clock import NS, rfc3339
from gateway.errors import Unprocessable
from gateway.http.money import MoneyBody
from gateway.http.route import Access, Call, Handler, Route
from gateway.ids import AccountId, SessionId


class CasesBody(BaseModel):
    """Cases in a state, oldest first."""

    items: list[CaseAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Everybody who serves operators."""

    refunds: RefundService
    payouts: PayoutService
    disputes: DisputeService
    books: OperatorBooksService


def routes(counter: Counter) -> list[Route]:
    """Every route of the operator over money."""
    return [*_moving(_Moving(counter)), *_payouts(_Payouts(counter)), *_reading(_Reading(counter))]


def _moving(do: "_Moving") -> list[Route]:
    mark = "What became of a withdrawal"
    return [
        _act("refunds", do.refund, bodies.RefundBody, bodies.RefundAnswer, "Refund a session", keyed=True),
        _act(
            "withdrawals",
            do.withdraw,
            bodies.WithdrawalBody,
            bodies.WithdrawalAnswer,
            "Send a client's cash back",
            keyed=True,
        ),
        _act(
            "withdrawals/{withdrawal_id}/mark",
            do.mark,
            bodies.WithdrawalMarkBody,
            bodies.WithdrawalAnswer,
            mark,
        ),
        _act(
            "processor-lines",
            do.book_line,
            bodies.ProcessorLineBody,
            bodies.ProcessorLineAnswer,
            "Book a line of a payment provider's statement, once",
        ),
        _act("cases/{case_id}/decide", do.decide, bodies.DecideBody, CaseAnswer, "Decide a case"),
    ]


def _payouts(do: "_Payouts") -> list[Route]:
    one, approve, send = bodies.OperatorPayout, bodies.ApproveBody, bodies.SendBody
    return [
        _get("payouts", do.in_state, bodies.OperatorPayouts, "Payouts in a state", query=bodies.PayoutQuery),
        _act("payouts/{payout_id}/approve", do.approve, approve, one, "Agree to a payout"),
        _act("payouts/{payout_id}/send", do.send, send, one, "Book a payout as handed to the bank"),
        _act("payouts/{payout_id}/mark", do.mark, bodies.MarkBody, one, "What became of a payout"),
    ]


def _reading(do: "_Reading") -> list[Route]:
    return [
        _get("cases", do.cases, CasesBody, "Cases in a state", query=bodies.CaseQuery),
        _get(
            "statements",
            do.statement,
            bodies.StatementBody,
            "A party's accounts over a period",
            query=bodies.StatementQuery,
        ),
        _get("trial-balance", do.trial_balance, bodies.TrialBalanceBody, "Everything by kind of account"),
        _get("bars", do.bars, bodies.BarsBody, "Wallets that nothing more is set aside from"),
        Route(
            method="DELETE",
            path="/v1/admin/bars/{account_id}",
            handler=do.lift,
            access=Access.OPERATOR,
            summary="Let new sessions be paid from a wallet again",
            tag="admin",
            body=bodies.LiftBody,
            status=204,
        ),
        Route(
            method="POST",
            path="/v1/admin/invariants/check",
            handler=do.check,
            access=Access.OPERATOR,
            summary="Look at every invariant over all rows, now",
            tag="admin",
            answer=bodies.AuditedAllBody,
            rate_per_minute=2,
        ),
    ]


def _act(
    path: str,
    handler: Handler,
    body: type[BaseModel],
    answer: type[BaseModel],
    summary: str,
    *,
    keyed: bool = False,
) -> Route:
    return Route(
        method="POST",
        path=f"/v1/admin/{path}",
        handler=handler,
        access=Access.OPERATOR,
        summary=f"{summary}; the reason goes into the audit log",
        tag="admin",
        body=body,
        answer=answer,
        is_idempotency_key_needed=keyed,
    )


def _get(
    path: str,
    handler: Handler,
    answer: type[BaseModel],
    summary: str,
    *,
    query: type[BaseModel] | None = None,
) -> Route:
    return Route(
        method="GET",
        path=f"/v1/admin/{path}",
        handler=handler,
        access=Access.OPERATOR,
        summary=summary,
        tag="admin",
        query=query,
        answer=answer,
    )


class _Moving:
    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._currency = counter.payouts.currency

    async def refund(self, call: Call) -> bodies.RefundAnswer:
        body: bodies.RefundBody = call.body
        refunded = await self._counter.refunds.refund(
            SessionId(body.session),
            amount=None if body.amount is None else body.amount.money(),
            reason=body.reason,
            operator=call.who.account,
            key=_key(call),
        )
        return self._refunded(refunded)

    async def withdraw(self, call: Call) -> bodies.WithdrawalAnswer:
        body: bodies.WithdrawalBody = call.body
        withdrawal = await self._counter.refunds.withdraw(
            AccountId(body.account),
            amount=body.amount.money(),
            reason=body.reason,
            operator=call.who.account,
            key=_key(call),
        )
        return self._withdrawal(withdrawal)

    async def mark(self, call: Call) -> bodies.WithdrawalAnswer:
        body: bodies.WithdrawalMarkBody = call.body
        withdrawal = await self._counter.refunds.mark(
            call.path["withdrawal_id"], body.state, reason=body.reason, operator=call.who.account
        )
        return self._withdrawal(withdrawal)

    async def book_line(self, call: Call) -> bodies.ProcessorLineAnswer:
        body: bodies.ProcessorLineBody = call.body
        fee = body.fee or MoneyBody(micros=0, currency=self._currency)
        is_ours = body.amount.currency == fee.currency == self._currency
        if not is_ours or min(body.amount.micros, fee.micros) < 0 or body.amount.micros + fee.micros == 0:
            raise Unprocessable(
                "a line is a positive amount of the books' currency", code="amount_out_of_range"
            )
        line = ProcessorLine(
            processor=body.processor, line=body.line, micros=body.amount.micros, fee_micros=fee.micros
        )
        is_new = await self._counter.refunds.book_line(line, reason=body.reason, operator=call.who.account)
        return bodies.ProcessorLineAnswer(is_new=is_new)

    async def decide(self, call: Call) -> CaseAnswer:
        body: bodies.DecideBody = call.body
        case, _refunded = await self._counter.disputes.decide(
            call.path["case_id"],
            CaseState.TO_CLIENT if body.outcome == "client" else CaseState.TO_PROVIDER,
            amount=None if body.amount is None else body.amount.money(),
            verdict=body.reason,
            operator=call.who.account,
        )
        return case_answer(case, self._currency)

    def _refunded(self, refunded: Refunded) -> bodies.RefundAnswer:
        return bodies.RefundAnswer(
            session=refunded.session,
            amount=self._money(refunded.refund_micros),
            to_cash=self._money(refunded.cash_micros),
            to_promo=self._money(refunded.promo_micros),
            lapsed=self._money(refunded.lapsed_micros),
            from_fee=self._money(refunded.fee_micros),
            from_provider=self._money(refunded.earned_micros),
            written_off=self._money(refunded.written_off_micros),
        )

    def _withdrawal(self, withdrawal: Withdrawal) -> bodies.WithdrawalAnswer:
        return bodies.WithdrawalAnswer(
            id=withdrawal.id,
            account=withdrawal.account,
            state=withdrawal.state,
            amount=self._money(withdrawal.micros),
        )

    def _money(self, micros: int) -> MoneyBody:
        return MoneyBody(micros=micros, currency=self._currency)


class _Payouts:
    def __init__(self, counter: Counter) -> None:
        self._payouts = counter.payouts

    async def in_state(self, call: Call) -> bodies.OperatorPayouts:
        query: bodies.PayoutQuery = call.query
        found = await self._payouts.in_state(query.state)
        return bodies.OperatorPayouts(items=[self._body(payout) for payout in found])

    async def approve(self, call: Call) -> bodies.OperatorPayout:
        body: bodies.ApproveBody = call.body
        return self._body(
            await self._payouts.approve(call.path["payout_id"], operator=call.who.account, reason=body.reason)
        )

    async def send(self, call: Call) -> bodies.OperatorPayout:
        body: bodies.SendBody = call.body
        return self._body(
            await self._payouts.send(
                call.path["payout_id"],
                operator=call.who.account,
                reason=body.reason,
                reference=body.reference,
            )
        )

    async def mark(self, call: Call) -> bodies.OperatorPayout:
        body: bodies.MarkBody = call.body
        return self._body(
            await self._payouts.mark(
                call.path["payout_id"], body.state, operator=call.who.account, reason=body.reason
            )
        )

    def _body(self, payout: Payout) -> bodies.OperatorPayout:
        return bodies.OperatorPayout(
            **payout_answer(payout, self._payouts.currency).model_dump(),
            provider=payout.provider,
            approvers=list(payout.approvers),
            reference=payout.reference,
        )


class _Reading:
    def __init__(self, counter: Counter) -> None:
        self._disputes = counter.disputes
        self._books = counter.books
        self._currency = counter.payouts.currency

    async def cases(self, call: Call) -> CasesBody:
        query: bodies.CaseQuery = call.query
        found = await self._disputes.in_state(query.state)
        return CasesBody(items=[case_answer(case, self._currency) for case in found])

    async def statement(self, call: Call) -> bodies.StatementBody:
        query: bodies.StatementQuery = call.query
        made = await self._books.statement(
            query.party,
            owner=AccountId(query.account) if query.account else None,
            period=Period(from_wall_ns=query.from_s * NS, until_wall_ns=query.until_s * NS),
        )
        csv = self._books.as_csv(made) if query.format == "csv" else None
        return bodies.StatementBody(
            party=made.party,
            account=made.owner,
            opening=self._money(made.opening_micros),
            closing=self._money(made.closing_micros),
            is_exact=made.is_exact,
            totals={flow.value: self._money(micros) for flow, micros in made.totals.items()},
            lines=[] if csv is not None else self._lines(made),
            csv=csv,
        )

    async def trial_balance(self, _call: Call) -> bodies.TrialBalanceBody:
        made = await self._books.trial_balance()
        fields = bodies.TrialLineBody.model_fields
        return bodies.TrialBalanceBody(
            is_zero=made.is_zero,
            posted_micros=made.posted_micros,
            pending_micros=made.pending_micros,
            lines=[
                bodies.TrialLineBody(**{name: getattr(line, name) for name in fields}) for line in made.lines
            ],
        )

    async def bars(self, _call: Call) -> bodies.BarsBody:
        found = await self._books.bars()
        return bodies.BarsBody(
            items=[
                bodies.BarBody(account=bar.account, why=bar.why, at=rfc3339(bar.at_wall_ns)) for bar in found
            ]
        )

    async def lift(self, call: Call) -> None:
        body: bodies.LiftBody = call.body
        account = AccountId(call.path["account_id"])
        await self._books.lift(account, operator=call.who.account, reason=body.reason)

    async def check(self, _call: Call) -> bodies.AuditedAllBody:
        findings = await self._books.audit_all()
        items = [
            bodies.AuditedBody(name=f.name, ok=f.ok, value=f.value, violations=list(f.violations))
            for f in findings
        ]
        return bodies.AuditedAllBody(ok=all(item.ok for item in items), items=items)

    def _lines(self, made: Statement) -> list[bodies.StatementLineBody]:
        return [
            bodies.StatementLineBody(
                at=rfc3339(line.at_wall_ns),
                command=line.command,
                flow=line.flow,
                account=line.account,
                amount=self._money(line.micros),
                session=line.session,
                memo=line.memo,
                transfer=line.transfer,
            )
            for line in made.lines
        ]

    def _money(self, micros: int) -> MoneyBody:
        return MoneyBody(micros=micros, currency=self._currency)


def _key(call: Call) -> str:
    key: Any = call.idempotency_key
    assert isinstance(key, str), "the server refuses a call without it"
    return key
