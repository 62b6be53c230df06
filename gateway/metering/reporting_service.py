"""Takes the apps' own counts after the end and notes where they differ.

Drives: what was found comes from the receipt; a difference becomes a signed
note beside the receipt, which stays as it is.
Never decides whether a difference matters (`report.py`) and never touches money.
Keeps: the first report of a side stands; a note lowers the grade, never a bill.
"""

import structlog

from gateway.clock import rfc3339
from gateway.errors import GatewayError
from gateway.facts import ReviewOpened
from gateway.ids import SessionId
from gateway.metering import receipt as receipts
from gateway.metering.outside_ports import Outside
from gateway.metering.report import difference
from gateway.terms import Grade, Side

log = structlog.get_logger(__name__)


class Reporting:
    """The reports of sessions that are over."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def take(self, session: SessionId, side: Side, seconds: int) -> None:
        """An app says how many seconds it counted."""
        try:
            await self._take(session, side, seconds)
        except GatewayError as error:
            log.error("report_not_written", session=session, why=error.detail)

    async def _take(self, session: SessionId, side: Side, seconds: int) -> None:
        receipt = await self._outside.journal.receipt(session)
        if receipt is None:
            return
        body = receipts.read(receipt, "receipt")
        why = difference(
            side,
            seconds,
            witnessed_s=int(body["billed_s"]) + int(body["free_s"]),
            unwitnessed_s=int(body["unwitnessed_s"]),
        )
        note = None if why is None else self._note(str(body["receipt"]), why)
        is_first = await self._outside.journal.report(session, side, seconds=seconds, why=why, note=note)
        if why is not None and is_first:
            at_ns = self._outside.clock.monotonic_ns()
            self._outside.sink.tell(ReviewOpened(at_ns=at_ns, session=session, why=why))

    def _note(self, receipt: str, why: str) -> bytes:
        signer = self._outside.signer
        body = {
            "receipt": receipt,
            "grade": Grade.B,
            "why": why,
            "noted_at": rfc3339(self._outside.clock.wall_ns()),
            "issuer": {"key_id": signer.key_id, "public_key": signer.public_key.hex()},
        }
        signature = signer.sign(receipts.signed_part(body)).hex()
        return receipts.canonical({**body, "signature": signature})
