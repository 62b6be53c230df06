"""What operators read of the books, and the bars they lift.

Decides the order of an operator's act: it is on record first, then it is done.
Never moves money (`refund_service.py`, `payout_service.py`, `dispute_service.py`).
Keeps: a bar is lifted by a person with a reason, never by itself; where the books
are still wrong the next look sets it again.
See docs/operations.md, "At three in the morning".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.booking.flow_ports import OperatorLog
from gateway.booking.ledger.account_statement import Party, Period, Statement, TrialBalance
from gateway.booking.ledger.invariant import Finding
from gateway.booking.wallet_service import WalletService
from gateway.errors import NotFound, Unprocessable
from gateway.ids import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A wallet that nothing more is set aside from."""

    account: AccountId
    why: str
    """The invariant that broke."""
    at_wall_ns: int


class BooksDesk(Protocol):
    """The books, as operators read them."""

    async def statement(self, party: Party, *, owner: AccountId | None, period: Period) -> Statement:
        """A party's accounts over a period.

        Raises:
            Unprocessable: more lines than one statement has.
        """
        ...

    async def trial_balance(self) -> TrialBalance:
        """Every account by kind."""
        ...

    async def bars(self) -> Sequence[Bar]:
        """Every barred wallet, the newest first."""
        ...


class FullAudit(Protocol):
    """The monitor's watch, on demand."""

    async def audit_all(self) -> list[Finding]:
        """Look at everything from zero."""
        ...

    def forget(self, owner: AccountId) -> None:
        """What was found of that wallet's receipts is no longer held against it."""
        ...


class OperatorBooksService:
    """The books on an operator's desk."""

    def __init__(
        self,
        wallet: WalletService,
        *,
        desk: BooksDesk,
        audit: FullAudit,
        log: OperatorLog,
        as_csv: Callable[[Statement], str],
    ) -> None:
        self._wallet = wallet
        self._desk = desk
        self._audit = audit
        self._operators = log
        self.as_csv = as_csv
        """A statement as a table."""

    async def statement(self, party: Party, *, owner: AccountId | None, period: Period) -> Statement:
        """A party's accounts over a period.

        Raises:
            Unprocessable: the period is empty, the owner is missing or one too many, too many lines.
        """
        if period.from_wall_ns >= period.until_wall_ns:
            raise Unprocessable("a period ends after it begins", code="bad_period")
        if (owner is None) != (party is Party.PLATFORM):
            raise Unprocessable(
                "clients and providers have statements by account, the platform has one", code="bad_party"
            )
        return await self._desk.statement(party, owner=owner, period=period)

    async def trial_balance(self) -> TrialBalance:
        """Every account by kind, its counters beside its transfers from zero."""
        return await self._desk.trial_balance()

    async def audit_all(self) -> list[Finding]:
        """Look at everything from zero, now."""
        return await self._audit.audit_all()

    async def bars(self) -> Sequence[Bar]:
        """Every barred wallet, the newest first."""
        return await self._desk.bars()

    async def lift(self, account: AccountId, *, operator: AccountId, reason: str) -> None:
        """Let new sessions be paid from that wallet again.

        Raises:
            NotFound: it is not barred.
        """
        if all(bar.account != account for bar in await self._desk.bars()):
            raise NotFound("this wallet is not barred")
        await self._operators.note(operator, "bar.lift", subject=account, why=reason)
        self._audit.forget(account)
        await self._wallet.unbar(account)
