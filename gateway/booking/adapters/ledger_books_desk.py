"""The books as operators read them, on the database.

Decides nothing; it runs the queries of `ledger_party_statement.py` in a reader.
Never writes. Satisfies `BooksDesk` of `operator_books_service.py`.
Keeps: each answer is one snapshot.
"""

import sqlite3
from collections.abc import Sequence

from gateway.booking.adapters import ledger_party_statement
from gateway.booking.ledger.account_statement import Party, Period, Statement, TrialBalance
from gateway.booking.operator_books_service import Bar
from gateway.ids import AccountId
from gateway.store.ports import Store


class LedgerBooksDesk:
    """Statements, trial balance and bars."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def statement(self, party: Party, *, owner: AccountId | None, period: Period) -> Statement:
        """A party's accounts over a period."""
        return await self._database.read(
            lambda connection: ledger_party_statement.statement(connection, party, owner=owner, period=period)
        )

    async def trial_balance(self) -> TrialBalance:
        """Every account by kind."""
        return await self._database.read(ledger_party_statement.trial_balance)

    async def bars(self) -> Sequence[Bar]:
        """Every barred wallet, the newest first."""

        def query(connection: sqlite3.Connection) -> list[Bar]:
            found = connection.execute("SELECT * FROM ledger_bar ORDER BY at_wall_ns DESC, owner")
            return [
                Bar(account=AccountId(row["owner"]), why=row["why"], at_wall_ns=row["at_wall_ns"])
                for row in found
            ]

        return await self._database.read(query)
