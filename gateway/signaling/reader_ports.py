"""What signalling reads of a finished session: its receipt and its evidence.

Declares shapes only; `app.py` fills them from metering. A receipt and an
evidence bundle are JSON objects that are passed on as they are.
"""

from typing import Protocol

from gateway.ids import SessionId


class ReceiptReader(Protocol):
    """Receipts."""

    async def receipt(self, session: SessionId) -> dict[str, object] | None:
        """The signed receipt; None where none is issued yet."""
        ...


class EvidenceReader(Protocol):
    """Evidence bundles."""

    async def evidence(self, session: SessionId) -> dict[str, object] | None:
        """The bundle from which the receipt can be recomputed; None where there is none yet."""
        ...
