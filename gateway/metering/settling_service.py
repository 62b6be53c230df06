"""From a stopped meter to a signed receipt and moved money, in one transaction.

Drives: evidence to the journal, then one purse transaction that voids the
holds, posts the charge, stores receipt and evidence and moves the session.
Never decides a second or a price (`meter.py`, `tariff.py`).
Keeps: done once per session, whoever asks; while the store is down it is tried
again; what somebody else settled is told by nobody here.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.errors import Fenced, StoreDown
from gateway.facts import ReceiptIssued, ReviewOpened
from gateway.ids import ReceiptId
from gateway.metering import receipt as receipts
from gateway.metering.journaling_service import Journaling
from gateway.metering.make_good import make_good_micros
from gateway.metering.meter import Meter
from gateway.metering.outside_ports import Outside
from gateway.metering.ports import Split
from gateway.metering.receipt import Paid, Statement
from gateway.terms import Grade
from gateway.work import Work

RETRY_S = 1.0
"""Between tries while the store is down."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """Everything of a settlement that can be worked out before it."""

    outline: dict[str, Any]
    charge_micros: int
    make_good_micros: int
    evidence: bytes


class Settler:
    """Rates, signs and settles stopped meters."""

    def __init__(self, outside: Outside, *, journaling: Journaling) -> None:
        self._outside = outside
        self._journaling = journaling

    async def settle(self, meter: Meter, *, also: Work | None = None) -> None:
        """Settle `meter`, which is STOPPED, and tell the receipt.

        `also` moves the session itself (a call nobody took); without it the session goes to its
        end from wherever it is.

        Raises:
            Fenced: the session is somebody else's; nothing was written.
        """
        await self._journaling.complete(meter)
        statement = self._statement(meter)
        # A long call has thousands of entries; they are walked beside the event loop.
        bill = await asyncio.to_thread(self._prepared, statement)
        move = also or self._outside.moves.finish(
            meter.order.session, statement.reason, has_counted=meter.record.start is not None
        )
        split = await self._until_stored(meter, bill, move)
        self._tell(meter, statement, split)

    def _prepared(self, statement: Statement) -> _Bill:
        outside, order = self._outside, statement.order
        key = outside.signer
        return _Bill(
            outline=receipts.outlined(statement, key_id=key.key_id, public_key=key.public_key),
            charge_micros=statement.charge_micros(),
            make_good_micros=make_good_micros(
                statement.found,
                statement.tariff,
                fee_bp=order.fee_bp,
                seconds_max=outside.make_good_s_max,
            ),
            evidence=receipts.canonical(receipts.bundle(order, statement.entries)),
        )

    async def _until_stored(self, meter: Meter, bill: _Bill, move: Work) -> Split:
        order = meter.order
        while True:
            finish = _Finish(self._outside, meter, bill, move)
            try:
                split = await self._outside.purse.settle(
                    order,
                    charge_micros=bill.charge_micros,
                    make_good_micros=bill.make_good_micros,
                    also=finish,
                )
            except StoreDown as error:
                log.error("settlement_waits", session=order.session, why=error.detail, retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)
            else:
                if not finish.has_run:
                    raise Fenced(f"{order.session} has been settled by another process")
                return split

    def _statement(self, meter: Meter) -> Statement:
        assert meter.stop_mark is not None, "only a stopped meter is settled"
        return Statement(
            receipt=ReceiptId(self._outside.ids.new("rcp")),
            order=meter.order,
            tariff=meter.tariff,
            entries=bytes(meter.record.entries),
            reason=meter.stop_mark.reason,
            grade=meter.grade,
            warnings=tuple(meter.warnings),
            offset_s_at=self._outside.offset_s_at,
        )

    def _tell(self, meter: Meter, statement: Statement, split: Split) -> None:
        order, now_ns = statement.order, self._outside.clock.monotonic_ns()
        self._outside.sink.tell(
            ReceiptIssued(
                at_ns=now_ns,
                session=order.session,
                receipt=statement.receipt,
                reason=statement.reason,
                client=order.client,
                provider=order.provider,
                billed_s=meter.record.tally.billed_s,
                charge_micros=split.charge_micros,
                fee_micros=split.fee_micros,
                earned_micros=split.earned_micros,
                currency=statement.tariff.currency,
                grade=Grade(statement.grade),
            )
        )
        for why in meter.review_reasons:
            self._outside.sink.tell(ReviewOpened(at_ns=now_ns, session=order.session, why=why))


class _Finish:
    """What commits with the money: the receipt, the evidence, the session's last move."""

    def __init__(self, outside: Outside, meter: Meter, bill: _Bill, move: Work) -> None:
        self._outside = outside
        self._meter = meter
        self._bill = bill
        self._move = move
        self.has_run = False

    def __call__(self, transaction: Any, split: Split) -> None:
        """Run inside the settlement."""
        meter, bill = self._meter, self._bill
        body = receipts.completed(bill.outline, meter.tariff, _paid(split))
        if bill.make_good_micros:
            body["make_good_micros"] = bill.make_good_micros
        body["signature"] = self._outside.signer.sign(receipts.signed_part(body)).hex()
        self._move(transaction)
        close = self._outside.journal.close(
            meter.order.session, receipt=receipts.canonical(body), evidence=bill.evidence
        )
        close(transaction)
        self.has_run = True


def _paid(split: Split) -> Paid:
    return Paid(
        charge_micros=split.charge_micros,
        promo_micros=split.promo_micros,
        cash_micros=split.cash_micros,
        fee_micros=split.fee_micros,
        earned_micros=split.earned_micros,
    )
