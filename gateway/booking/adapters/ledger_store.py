"""The ledger on the database: each command of the books as one transaction.

Decides the order inside a transaction: was it done before, may it be done, plan
(`gateway/booking/ledger/`), write, then whatever commits along with it.
Never decides amounts; the pure concepts do. Never tells anybody; the service does.
Keeps: a refused command leaves no row behind, so it may be tried again.
See docs/metering.md, "Ledger" and "Holds and warnings".
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gateway.booking.adapters import ledger_audit, ledger_statement
from gateway.booking.adapters.ledger_book import Book
from gateway.booking.ledger import deposit, hold, settlement, wallet
from gateway.booking.ledger.account import (
    PERSONAL,
    Chart,
    available_earnings_of,
    cash_of,
    pending_earnings_of,
    platform,
    promo_of,
)
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.hold import HoldAnswer, HoldRequest, HoldStatus
from gateway.booking.ledger.invariant import Finding
from gateway.booking.ledger.settlement import Charge, Split
from gateway.booking.ledger.statement import Earnings, Entry, Page
from gateway.booking.ledger.wallet import Wallet
from gateway.booking.wallet_ports import Settled
from gateway.errors import Conflict, StoreDown
from gateway.ids import AccountId, SessionId, derived
from gateway.store.database import Database
from gateway.work import Work


class LedgerStore:
    """Satisfies `Ledger` of `wallet_ports.py`."""

    def __init__(self, database: Database, *, currency: str) -> None:
        self._database = database
        self.currency = currency

    @classmethod
    async def open(cls, database: Database, *, currency: str) -> "LedgerStore":
        """The books of `database`, with the platform's own accounts open.

        Raises:
            StoreDown: they are kept in another currency.
        """
        await database.write(lambda transaction: _open_books(transaction, currency))
        return cls(database, currency=currency)

    async def open_account(self, account: AccountId) -> None:
        """Have that person's accounts."""
        await self._database.write(lambda transaction: _open_person(Book(transaction), account))

    async def place_hold(self, request: HoldRequest, *, now_wall_ns: int, also: Work) -> HoldAnswer:
        """Set money aside, once per hold id."""
        return await self._database.write(lambda transaction: _place(transaction, request, now_wall_ns, also))

    async def settle(
        self, charge: Charge, *, now_wall_ns: int, also: Callable[[Any, Split], None]
    ) -> Settled:
        """End a session's holds and post its charge, once per session."""
        return await self._database.write(lambda transaction: _settle(transaction, charge, now_wall_ns, also))

    async def deposit(
        self, account: AccountId, *, payment: str, micros: int, memo: str, now_wall_ns: int
    ) -> bool:
        """Credit paid-in money, once per payment."""
        return await self._database.write(
            lambda transaction: credit(
                transaction, account, payment=payment, micros=micros, memo=memo, now_wall_ns=now_wall_ns
            )
        )

    async def grant_promo(
        self,
        account: AccountId,
        *,
        campaign: str,
        micros: int,
        expires_wall_ns: int | None,
        now_wall_ns: int,
    ) -> bool:
        """Credit promotional money, once per account and campaign."""
        command = deposit.promo_command(
            campaign, account=account, micros=micros, expires_wall_ns=expires_wall_ns
        )
        grant = promo_of(account, campaign, expires_wall_ns=expires_wall_ns)

        def give(transaction: sqlite3.Connection) -> bool:
            book = Book(transaction)
            if _is_done(book, command):
                return False
            _open_person(book, account)
            book.open_account(grant)
            transfer = deposit.promo_grant(campaign, into=grant, micros=micros)
            book.record(command, [transfer], answer={}, at_wall_ns=now_wall_ns, memo=campaign)
            return True

        return await self._database.write(give)

    async def wallet(self, account: AccountId, *, now_wall_ns: int) -> Wallet:
        """What the person has."""
        sources = await self._database.read(lambda connection: Book(connection).sources(account))
        return wallet.summed(sources, now_wall_ns=now_wall_ns, currency=self.currency)

    async def entries(self, account: AccountId, *, before: int | None, limit: int) -> Page[Entry]:
        """Lines of the person's wallet."""
        return await self._database.read(
            lambda connection: ledger_statement.entries(connection, account, before=before, limit=limit)
        )

    async def earnings(
        self, provider: AccountId, *, before: int | None, limit: int, now_wall_ns: int
    ) -> Earnings:
        """What the person earned."""
        return await self._database.read(
            lambda connection: ledger_statement.earnings(
                connection, provider, before=before, limit=limit, now_wall_ns=now_wall_ns
            )
        )

    async def audit(self) -> Sequence[Finding]:
        """Every invariant, in one snapshot."""
        return await self._database.read(ledger_audit.audit)

    async def sessions_holding(self) -> Mapping[SessionId, AccountId]:
        """Sessions that have an open hold."""
        return await self._database.read(ledger_audit.sessions_holding)

    async def bar(self, accounts: Sequence[AccountId], *, why: str, now_wall_ns: int) -> None:
        """Set nothing more aside from those wallets; the first reason stands."""
        rows = [(account, why, now_wall_ns) for account in accounts]

        def add(transaction: sqlite3.Connection) -> None:
            transaction.executemany(
                "INSERT INTO ledger_bar (owner, why, at_wall_ns) VALUES (?, ?, ?) ON CONFLICT (owner) DO NOTHING",
                rows,
            )

        await self._database.write(add)

    async def unbar(self, account: AccountId) -> None:
        """Lift the bar."""

        def remove(transaction: sqlite3.Connection) -> None:
            transaction.execute("DELETE FROM ledger_bar WHERE owner = ?", (account,))

        await self._database.write(remove)


def credit(
    transaction: sqlite3.Connection,
    account: AccountId,
    *,
    payment: str,
    micros: int,
    memo: str,
    now_wall_ns: int,
) -> bool:
    """Credit a payment inside an open transaction; False when it had been credited.

    Raises:
        Conflict: it was credited to somebody else, or with another amount.
    """
    book = Book(transaction)
    command = deposit.top_up_command(payment, account=account, micros=micros)
    if _is_done(book, command):
        return False
    _open_person(book, account)
    transfer = deposit.top_up(payment, account=account, micros=micros)
    book.record(command, [transfer], answer={}, at_wall_ns=now_wall_ns, memo=memo)
    return True


def _place(transaction: sqlite3.Connection, request: HoldRequest, now_wall_ns: int, also: Work) -> HoldAnswer:
    book = Book(transaction)
    command = Command(
        id=f"hold:{request.hold}",
        name=CommandName.HOLD,
        body={"session": request.session, "account": request.account, "want_micros": request.want_micros},
    )
    sources = book.sources(request.account)
    available = wallet.available_micros(sources, now_wall_ns=now_wall_ns)
    if (before := book.recorded(command.id)) is not None:
        is_same = before.fingerprint == command.fingerprint
        status = HoldStatus.EXISTS if is_same else HoldStatus.EXISTS_WITH_DIFFERENT_AMOUNT
        placed: int = before.answer["placed_micros"]
        return HoldAnswer(status=status, placed_micros=placed, available_micros=available)
    if book.recorded(_settle_id(request.session)) is not None:
        raise Conflict(f"session {request.session} is settled; nothing more is set aside for it")
    if book.is_barred(request.account):
        return HoldAnswer(status=HoldStatus.ACCOUNT_BARRED, placed_micros=0, available_micros=available)
    planned = hold.plan(request, sources, now_wall_ns=now_wall_ns)
    if planned.status is HoldStatus.PLACED:
        answer = {"placed_micros": planned.placed_micros}
        book.record(
            command, planned.transfers, answer=answer, at_wall_ns=now_wall_ns, session=request.session
        )
        also(transaction)
    return HoldAnswer(
        status=planned.status,
        placed_micros=planned.placed_micros,
        available_micros=available - planned.placed_micros,
    )


def _settle(
    transaction: sqlite3.Connection,
    charge: Charge,
    now_wall_ns: int,
    also: Callable[[Any, Split], None],
) -> Settled:
    book = Book(transaction)
    if (before := book.recorded(_settle_id(charge.session))) is not None:
        return Settled(split=Split(**before.answer), is_first=False)
    command = Command(
        id=_settle_id(charge.session),
        name=CommandName.SETTLE,
        body={"client": charge.client, "provider": charge.provider, "charge_micros": charge.micros},
    )
    _open_person(book, charge.provider)
    planned = settlement.settle(charge, book.open_legs(charge.session))
    left = wallet.debited(book.sources(charge.client), planned.transfers)
    split = planned.split(available_micros=wallet.available_micros(left, now_wall_ns=now_wall_ns))
    book.record(
        command, planned.transfers, answer=asdict(split), at_wall_ns=now_wall_ns, session=charge.session
    )
    also(transaction, split)
    return Settled(split=split, is_first=True)


def _settle_id(session: SessionId) -> str:
    return derived("settle", session)


def _is_done(book: Book, command: Command) -> bool:
    before = book.recorded(command.id)
    if before is not None and before.fingerprint != command.fingerprint:
        raise Conflict(f"{command.name} {command.id} was done with another account, amount or expiry")
    return before is not None


def _open_person(book: Book, account: AccountId) -> None:
    for opened in (cash_of(account), pending_earnings_of(account), available_earnings_of(account)):
        book.open_account(opened)


def _open_books(transaction: sqlite3.Connection, currency: str) -> None:
    transaction.execute(
        "INSERT INTO ledger_book (one, currency) VALUES (1, ?) ON CONFLICT (one) DO NOTHING", (currency,)
    )
    (kept,) = transaction.execute("SELECT currency FROM ledger_book").fetchone()
    if kept != currency:
        raise StoreDown(f"this ledger is kept in {kept}, the configuration says {currency}")
    book = Book(transaction)
    for chart in Chart:
        if chart not in PERSONAL:
            book.open_account(platform(chart))
