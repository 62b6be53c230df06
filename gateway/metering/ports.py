"""What metering needs from others: the purse, the gate, evidence, its journal, signing.

Declares shapes only; `app.py` fills them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from gateway.ids import AccountId, HoldId, SessionId
from gateway.metering.owner_ports import RowKey
from gateway.terms import (
    CountedMove,
    EndReason,
    LegEvidence,
    MeterOrder,
    SessionState,
    Side,
    SuspendReason,
)
from gateway.work import SumWork, Work


class HoldStatus(StrEnum):
    """What became of a hold, in order of precedence."""

    PLACED = "placed"
    EXISTS = "exists"
    """Placed before under this id; the answer carries the amount placed then."""
    EXISTS_WITH_DIFFERENT_AMOUNT = "exists_with_different_amount"
    ACCOUNT_BARRED = "account_barred"
    INSUFFICIENT_FUNDS = "insufficient_funds"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAnswer:
    """A hold as the ledger has it."""

    status: HoldStatus
    placed_micros: int
    """What is now set aside under this id; 0 when refused."""
    available_micros: int
    """What the wallet has left, pending subtracted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where a settled charge came from and went; computed inside the transaction."""

    charge_micros: int
    promo_micros: int
    """Part of the charge paid from promotional money."""
    cash_micros: int
    """Part of the charge paid from cash."""
    fee_micros: int
    earned_micros: int
    """Provider's share; fee + earned = charge."""
    available_micros: int
    """What the client's wallet has left afterwards."""


class Purse(Protocol):
    """The wallet's side of a session, filled by booking."""

    async def place_hold(
        self,
        hold: HoldId,
        *,
        session: SessionId,
        account: AccountId,
        want_micros: int,
        least_micros: int,
        also: SumWork,
    ) -> HoldAnswer:
        """Set aside `want_micros`, or whatever is available down to `least_micros`.

        `also` gets the placed micros, commits with it and is not run when the hold is refused or EXISTS.

        Raises:
            StoreDown: nothing was written.
        """
        ...

    async def settle(
        self,
        order: MeterOrder,
        *,
        charge_micros: int,
        make_good_micros: int = 0,
        also: Callable[[Any, Split], None],
    ) -> Split:
        """Void every hold of the session and post the charge (0 allowed), in one transaction.

        `make_good_micros` goes to the provider from the platform's write-off; the client pays none of it.

        `also` runs last in it, with the split. A charge above what was held is capped to it.
        Done once: a second call answers the first split and does not run `also`.

        Raises:
            StoreDown: nothing was written.
        """
        ...

    async def available(self, account: AccountId) -> int:
        """What the wallet could still set aside, in micros."""
        ...


class Gate(Protocol):
    """The relay, as the meter sees it."""

    def link(self, session: SessionId) -> None:
        """Forward both ways from the next packet."""
        ...

    def unlink(self, session: SessionId) -> None:
        """Stop forwarding both ways from the next packet."""
        ...

    def evidence(self) -> Sequence[LegEvidence]:
        """One reading of every leg's counters."""
        ...


class Moves(Protocol):
    """The session's state row, filled by signalling's store."""

    def move(
        self, session: SessionId, state: SessionState, reason: EndReason | SuspendReason | None = None
    ) -> Work:
        """A work that compare-and-swaps the session's state and appends the transition."""
        ...

    async def counted_move(self, session: SessionId) -> CountedMove | None:
        """The last move that says whether seconds count; None where none has been stored.

        Raises:
            StoreDown: it cannot be read.
        """
        ...

    async def end_reason(self, session: SessionId) -> EndReason | None:
        """Why the session was stopped; None while it may go on.

        Raises:
            StoreDown: it cannot be read.
        """
        ...

    def finish(self, session: SessionId, reason: EndReason, *, has_counted: bool) -> Work:
        """A work that brings the session to its end from wherever its row is.

        Settled where seconds were counted, else the side exit of the state it is in. Nothing
        is written where it is over already.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRecord:
    """What the journal knows of one session that has no receipt yet."""

    order: MeterOrder
    entries: bytes
    """Its evidence entries in order, concatenated (see `evidence.py`)."""
    held_micros: int
    """Sum of the holds placed."""
    holds: int
    """How many holds were placed."""


class Journal(Protocol):
    """Append-only evidence; every write for a session is refused (`Fenced`) unless the session is ours."""

    def register(self, order: MeterOrder) -> Work:
        """A work that stores the order and makes the session ours, to run with the first hold."""
        ...

    def held(self, session: SessionId, *, ordinal: int, micros: int) -> Work:
        """A work that notes a hold, to run with it."""
        ...

    async def append(self, second: int, entries: Sequence[tuple[SessionId, bytes]], *, key: RowKey) -> None:
        """One row with the new entries of all live sessions, in one commit; once per key.

        Raises:
            Fenced: some of the sessions are not the key's owner's any more; nothing was written.
            StoreDown: nothing was written.
        """
        ...

    def close(self, session: SessionId, *, receipt: bytes, evidence: bytes) -> Work:
        """A work that stores the receipt and the evidence bundle, to run with the settlement."""
        ...

    async def report(
        self, session: SessionId, side: Side, *, seconds: int, why: str | None, note: bytes | None
    ) -> bool:
        """Store an app's own count after the end, why it needs a look, and the note on the receipt.

        Answers whether it is the side's first report; a later one changes nothing.
        """
        ...

    async def commit(self, work: Work) -> None:
        """Run one work in a transaction of its own."""
        ...

    async def load(self, session: SessionId) -> MeterRecord | None:
        """Everything known of a session that has no receipt yet."""
        ...

    async def receipt(self, session: SessionId) -> bytes | None:
        """The stored receipt (canonical JSON)."""
        ...

    async def bundle(self, session: SessionId) -> bytes | None:
        """The stored evidence bundle (canonical JSON, see `receipt.py`)."""
        ...


class Signer(Protocol):
    """The gateway's receipt key."""

    @property
    def key_id(self) -> str:
        """First 16 hexadecimal digits of the public key's SHA-256."""
        ...

    @property
    def public_key(self) -> bytes:
        """Raw ed25519 public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes (RFC 8032)."""
        ...
