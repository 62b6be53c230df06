"""The ledger on the database: each command of the books as one transaction.

Decides which work of the store does what is asked, and which query answers it.
Never decides amounts; the pure concepts do. Never tells anybody; the service does.
Keeps: an answer is given once what it says is committed; commands that wait at the
same time share statements (`ledger_work.py`), never their fate.
See docs/metering.md, "Ledger" and "Holds and warnings".
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.booking.adapters import ledger_audit, ledger_statement
from gateway.booking.adapters.ledger_book import Book
from gateway.booking.adapters.ledger_work import Grant, PlaceHold, Settle, TopUp, open_person
from gateway.booking.ledger import wallet
from gateway.booking.ledger.account import PERSONAL, Chart, platform
from gateway.booking.ledger.hold import HoldAnswer, HoldRequest
from gateway.booking.ledger.invariant import Finding
from gateway.booking.ledger.settlement import Charge, Split
from gateway.booking.ledger.statement import Earnings, Entry, Page
from gateway.booking.ledger.wallet import Wallet
from gateway.booking.wallet_ports import Settled
from gateway.errors import StoreDown
from gateway.ids import AccountId, SessionId
from gateway.store.ports import Store
from gateway.work import SumWork


class LedgerStore:
    """Satisfies `Ledger` of `wallet_ports.py`."""

    def __init__(self, database: Store, *, currency: str) -> None:
        self._database = database
        self.currency = currency

    @classmethod
    async def open(cls, database: Store, *, currency: str) -> "LedgerStore":
        """The books of `database`, with the platform's own accounts open.

        Raises:
            StoreDown: they are kept in another currency.
        """
        await database.write(lambda transaction: _open_books(transaction, currency))
        return cls(database, currency=currency)

    async def open_account(self, account: AccountId) -> None:
        """Have that person's accounts."""
        await self._database.write(lambda transaction: open_person(Book(transaction), account))

    async def place_hold(self, request: HoldRequest, *, now_wall_ns: int, also: SumWork) -> HoldAnswer:
        """Set money aside, once per hold id."""
        return await self._database.write(PlaceHold(request=request, now_wall_ns=now_wall_ns, also=also))

    async def settle(
        self, charge: Charge, *, now_wall_ns: int, also: Callable[[Any, Split], None]
    ) -> Settled:
        """End a session's holds and post its charge, once per session."""
        return await self._database.write(Settle(charge=charge, now_wall_ns=now_wall_ns, also=also))

    async def deposit(
        self, account: AccountId, *, payment: str, micros: int, memo: str, now_wall_ns: int
    ) -> bool:
        """Credit paid-in money, once per payment."""
        return await self._database.write(
            TopUp(account=account, payment=payment, micros=micros, memo=memo, now_wall_ns=now_wall_ns)
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
        return await self._database.write(
            Grant(
                account=account,
                campaign=campaign,
                micros=micros,
                expires_wall_ns=expires_wall_ns,
                now_wall_ns=now_wall_ns,
            )
        )

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
    work = TopUp(account=account, payment=payment, micros=micros, memo=memo, now_wall_ns=now_wall_ns)
    return work(transaction)


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
