"""A payment provider that takes no money: the built-in twin of a real one.

Decides what its side of a payment is: created once per order, open until somebody
approves or declines it on its page, final then. It reports by a signed webhook
and answers queries, and its reports are checked as strictly as a real one's.
Never touches the ledger or the orders; it is another company that happens to keep
its payments in a table of its own here. See Standard Webhooks.
"""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.booking.payment import PaymentReport, PaymentState, TopUpOrder
from gateway.booking.webhook_signature import SignatureStatus, sign, verify
from gateway.clock import NS, Clock, rfc3339
from gateway.errors import GatewayError, Malformed, NotFound, Unauthenticated
from gateway.ids import IdSource, derived
from gateway.store.migration import Migration
from gateway.store.ports import Store

_log = structlog.get_logger()

Deliver = Callable[[Mapping[str, str], bytes], Awaitable[None]]
"""Brings a webhook (headers with lower-case names, body) to whoever wants it."""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "booking.sandbox",
        1,
        """
        CREATE TABLE sandbox_payment (
            id TEXT PRIMARY KEY,
            order_id TEXT NOT NULL UNIQUE,
            micros INTEGER NOT NULL,
            currency TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'declined')),
            created_wall_ns INTEGER NOT NULL
        ) STRICT;
        """,
    ),
)
"""The sandbox's steps."""


class _Payment(BaseModel):
    """`data` of a webhook."""

    model_config = ConfigDict(strict=True)

    payment: str
    merchant: str
    order: str
    state: str
    micros: int
    currency: str


class _Notice(BaseModel):
    """A webhook's body."""

    model_config = ConfigDict(strict=True)

    type: str
    timestamp: str
    data: _Payment


class SandboxPayments:
    """Satisfies `PaymentProvider` of `wallet_ports.py`; `decide` is what its page calls."""

    def __init__(
        self, database: Store, *, secret: bytes, clock: Clock, ids: IdSource, merchant: str = "gateway"
    ) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock
        self._ids = ids
        self._deliver: Deliver | None = None
        self.merchant = merchant

    def deliver_to(self, deliver: Deliver) -> None:
        """Where webhooks go from now on."""
        self._deliver = deliver

    async def create(self, order: TopUpOrder) -> tuple[str, str]:
        """(payment id, path to pay at); the same for the same order."""
        fresh = self._ids.new("pay")
        now_ns = self._clock.wall_ns()

        def insert(transaction: sqlite3.Connection) -> str:
            transaction.execute(
                "INSERT INTO sandbox_payment (id, order_id, micros, currency, state, created_wall_ns)"
                " VALUES (?, ?, ?, ?, 'open', ?) ON CONFLICT (order_id) DO NOTHING",
                (fresh, order.id, order.micros, order.currency, now_ns),
            )
            row = transaction.execute(
                "SELECT id FROM sandbox_payment WHERE order_id = ?", (order.id,)
            ).fetchone()
            return str(row["id"])

        payment = await self._database.write(insert)
        return payment, f"/sandbox/pay/{payment}"

    async def query(self, payment: str) -> PaymentReport:
        """What the sandbox knows of a payment.

        Raises:
            NotFound: it has no such payment.
        """
        return await self._database.read(lambda connection: self._report(connection, payment))

    async def decide(self, payment: str, *, is_approved: bool) -> PaymentReport:
        """The payer's decision; the first one stands. Sends the webhook, again if asked again.

        Raises:
            NotFound: it has no such payment.
        """
        state = PaymentState.PAID if is_approved else PaymentState.DECLINED

        def move(transaction: sqlite3.Connection) -> PaymentReport:
            transaction.execute(
                "UPDATE sandbox_payment SET state = ? WHERE id = ? AND state = 'open'", (state, payment)
            )
            return self._report(transaction, payment)

        report = await self._database.write(move)
        await self._send(report)
        return report

    def read_notice(self, headers: Mapping[str, str], body: bytes, *, now_s: int) -> PaymentReport:
        """What a webhook reports, its signature checked over the raw bytes.

        Raises:
            Unauthenticated: bad signature, or too old.
            Malformed: it cannot be read.
        """
        status = verify(self._secret, headers, body, now_s=now_s)
        if status is not SignatureStatus.GOOD:
            raise Unauthenticated(f"the webhook's signature is {status}", code=f"signature_{status}")
        try:
            data = _Notice.model_validate_json(body).data
            state = PaymentState(data.state)
        except (ValidationError, ValueError) as error:
            raise Malformed("the webhook is signed, but not what the sandbox sends") from error
        return PaymentReport(
            payment=data.payment,
            merchant=data.merchant,
            order=data.order,
            state=state,
            micros=data.micros,
            currency=data.currency,
        )

    def notice(self, report: PaymentReport) -> tuple[Mapping[str, str], bytes]:
        """The signed webhook (headers, body) for `report`, dated now."""
        now_ns = self._clock.wall_ns()
        data = {
            "payment": report.payment,
            "merchant": report.merchant,
            "order": report.order,
            "state": report.state,
            "micros": report.micros,
            "currency": report.currency,
        }
        content = {"type": f"payment.{report.state}", "timestamp": rfc3339(now_ns), "data": data}
        body = json.dumps(content, separators=(",", ":")).encode()
        # The same event keeps its id however often it is sent (Standard Webhooks, "webhook-id").
        message_id = f"msg_{derived(report.payment, report.state).replace('-', '')}"
        headers = sign(self._secret, message_id=message_id, timestamp_s=now_ns // NS, body=body)
        return {**headers, "content-type": "application/json"}, body

    async def _send(self, report: PaymentReport) -> None:
        if self._deliver is None:
            return
        headers, body = self.notice(report)
        try:
            await self._deliver(headers, body)
        except GatewayError as error:
            # As with a real provider, the payer is not told; a poll of the order brings it in.
            _log.warning("webhook_not_taken", payment=report.payment, code=error.wire_code)

    def _report(self, connection: sqlite3.Connection, payment: str) -> PaymentReport:
        row = connection.execute("SELECT * FROM sandbox_payment WHERE id = ?", (payment,)).fetchone()
        if row is None:
            raise NotFound("there is no such payment")
        return PaymentReport(
            payment=row["id"],
            merchant=self.merchant,
            order=row["order_id"],
            state=PaymentState(row["state"]),
            micros=row["micros"],
            currency=row["currency"],
        )
