"""From a stopped meter to a signed receipt and moved money, in one transaction.

Drives: evidence to the journal, then one purse transaction that voids the
holds, posts the charge, stores receipt and evidence and moves the session.
Never decides a second or a price (`meter.py`, `tariff.py`).
Keeps: done once per session; while the store is down it is tried again.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.errors import StoreDown
from gateway.facts import FactSink, ReceiptIssued
from gateway.ids import IdSource, ReceiptId
from gateway.metering import receipt as receipts
from gateway.metering.meter import Meter
from gateway.metering.ports import Journal, Moves, Purse, Signer, Split
from gateway.metering.receipt import Paid, Statement
from gateway.terms import EndReason, Grade, SessionState
from gateway.work import Work, nothing

RETRY_S = 1.0
"""Between tries while the store is down."""

log = structlog.get_logger(__name__)


class Settler:
    """Rates, signs and settles stopped meters."""

    def __init__(
        self,
        *,
        purse: Purse,
        journal: Journal,
        moves: Moves,
        signer: Signer,
        clock: Clock,
        ids: IdSource,
        sink: FactSink,
    ) -> None:
        self._purse = purse
        self._journal = journal
        self._moves = moves
        self._signer = signer
        self._clock = clock
        self._ids = ids
        self._sink = sink

    async def settle(self, meter: Meter, *, also: Work = nothing, has_moved: bool = False) -> Split:
        """Settle `meter`, which is STOPPED; `also` commits with it.

        `has_moved` says that `also` moves the session itself (a call nobody took).
        """
        statement = self._statement(meter)
        # A long call has thousands of entries; they are walked beside the event loop.
        outline, charge_micros, evidence = await asyncio.to_thread(self._prepared, statement)
        moves = [] if has_moved else self._moved(meter, statement.reason)

        def finish(transaction: Any, split: Split) -> None:
            body = receipts.completed(outline, meter.tariff, _paid(split))
            body["signature"] = self._signer.sign(receipts.signed_part(body)).hex()
            for work in (*moves, also):
                work(transaction)
            self._journal.close(meter.order.session, receipt=receipts.canonical(body), evidence=evidence)(
                transaction
            )

        split = await self._until_stored(meter, charge_micros, finish)
        self._tell(statement, split, billed_s=meter.record.tally.billed_s)
        return split

    def _prepared(self, statement: Statement) -> tuple[dict[str, Any], int, bytes]:
        outline = receipts.outlined(statement, key_id=self._signer.key_id, public_key=self._signer.public_key)
        evidence = receipts.canonical(receipts.bundle(statement.order, statement.entries))
        return outline, statement.charge_micros(), evidence

    async def _until_stored(self, meter: Meter, charge_micros: int, finish: Any) -> Split:
        session = meter.order.session
        while True:
            try:
                if fresh := meter.record.take_new():
                    await self._keep(meter, fresh)
                return await self._purse.settle(meter.order, charge_micros=charge_micros, also=finish)
            except StoreDown as error:
                log.error("settlement_waits", session=session, why=error.detail, retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)

    async def _keep(self, meter: Meter, fresh: bytes) -> None:
        try:
            await self._journal.append(0, [(meter.order.session, fresh)])
        except StoreDown:
            meter.record.give_back(fresh)
            raise

    def _statement(self, meter: Meter) -> Statement:
        assert meter.stop_mark is not None, "only a stopped meter is settled"
        return Statement(
            receipt=ReceiptId(self._ids.new("rcp")),
            order=meter.order,
            tariff=meter.tariff,
            entries=bytes(meter.record.entries),
            reason=meter.stop_mark.reason,
            grade=meter.grade,
            warnings=tuple(meter.warnings),
        )

    def _moved(self, meter: Meter, reason: EndReason) -> Sequence[Work]:
        session = meter.order.session
        if not meter.has_counted:
            return (self._moves.move(session, SessionState.CONNECT_FAILED, reason),)
        return (
            self._moves.move(session, SessionState.RATED, reason),
            self._moves.move(session, SessionState.SETTLED, reason),
        )

    def _tell(self, statement: Statement, split: Split, *, billed_s: int) -> None:
        order = statement.order
        self._sink.tell(
            ReceiptIssued(
                at_ns=self._clock.monotonic_ns(),
                session=order.session,
                receipt=statement.receipt,
                reason=statement.reason,
                client=order.client,
                provider=order.provider,
                billed_s=billed_s,
                charge_micros=split.charge_micros,
                fee_micros=split.fee_micros,
                earned_micros=split.earned_micros,
                currency=statement.tariff.currency,
                grade=Grade(statement.grade),
            )
        )


def _paid(split: Split) -> Paid:
    return Paid(
        charge_micros=split.charge_micros,
        promo_micros=split.promo_micros,
        cash_micros=split.cash_micros,
        fee_micros=split.fee_micros,
        earned_micros=split.earned_micros,
    )
