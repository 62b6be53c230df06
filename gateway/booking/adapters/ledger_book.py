"""The ledger inside one transaction: reading balances and applying transfers.

Decides how a transfer becomes rows: itself, and one guarded statement for each
of its two accounts, which refuses what the account does not have.
Never begins or commits; it lives inside a command of the store (`ledger_store.py`).
Keeps: the rows of a command, its transfers and their effect commit together.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.booking.adapters.ledger_rows import (
    INSERT_ACCOUNT,
    INSERT_COMMAND,
    INSERT_TRANSFER,
    UNLESS_THERE,
    Recorded,
    account_row,
    balance_of,
    command_row,
    insert_all,
    transfer_of,
    transfer_row,
)
from gateway.booking.ledger.account import Balance, Chart, LedgerAccount, LedgerAccountId
from gateway.booking.ledger.command import Command
from gateway.booking.ledger.settlement import HeldLeg
from gateway.booking.ledger.transfer import EFFECTS, Transfer
from gateway.booking.ledger.wallet import Source
from gateway.errors import require
from gateway.ids import AccountId, SessionId

_DEBIT = """
UPDATE ledger_account
SET debits_pending = debits_pending + :pending, debits_posted = debits_posted + :posted
WHERE id = :id AND (guarded = 0
    OR credits_posted - debits_posted - debits_pending >= :pending + :posted)
"""
_CREDIT = """
UPDATE ledger_account
SET credits_pending = credits_pending + :pending, credits_posted = credits_posted + :posted
WHERE id = :id
"""
_OPEN_LEGS = """
SELECT held.id, command_id, kind, flow, debit_account, credit_account, micros, ends_id, session, hold, at_wall_ns,
       account.chart, account.expires_wall_ns
FROM ledger_transfer AS held JOIN ledger_account AS account ON account.id = held.debit_account
WHERE held.session = ? AND held.kind = 'pending'
  AND NOT EXISTS (
      SELECT 1 FROM ledger_transfer AS ending WHERE ending.session = held.session AND ending.ends_id = held.id)
ORDER BY held.seq
"""
_SOURCES = """
SELECT * FROM ledger_account WHERE owner = ? AND chart IN ('client_cash', 'client_promo')
"""


class Books(Protocol):
    """What a command asks of the ledger while it runs: a `Book`, or a `Desk` for many at once."""

    def recorded(self, command_id: str) -> Recorded | None:
        """What was answered to that command, if it was ever done."""
        ...

    def open_account(self, account: LedgerAccount) -> None:
        """Have the account; nothing changes where it exists."""
        ...

    def sources(self, owner: AccountId) -> list[Source]:
        """Every account that the owner can spend from."""
        ...

    def open_legs(self, session: SessionId) -> list[HeldLeg]:
        """Every pending transfer of the session that has not ended."""
        ...

    def is_barred(self, owner: AccountId) -> bool:
        """Whether nothing new may be set aside from that wallet."""
        ...

    def record(
        self,
        command: Command,
        transfers: Sequence[Transfer],
        *,
        answer: Mapping[str, Any],
        at_wall_ns: int,
        session: SessionId | None = None,
        memo: str = "",
    ) -> None:
        """Write the command, its answer and its transfers with their effect."""
        ...


class Book:
    """Reads and writes the ledger through an open transaction."""

    def __init__(self, transaction: sqlite3.Connection) -> None:
        self._transaction = transaction

    def recorded(self, command_id: str) -> Recorded | None:
        """What was answered to that command, if it was ever done."""
        row = self._transaction.execute(
            "SELECT fingerprint, answer FROM ledger_command WHERE id = ?", (command_id,)
        ).fetchone()
        return None if row is None else Recorded(*row)

    def open_account(self, account: LedgerAccount) -> None:
        """Have the account; nothing changes where it exists."""
        insert_all(self._transaction, INSERT_ACCOUNT, [account_row(account)], otherwise=UNLESS_THERE)

    def balance(self, account: LedgerAccountId) -> Balance:
        """The account's counters; all zero where it was never opened."""
        row = self._transaction.execute("SELECT * FROM ledger_account WHERE id = ?", (account,)).fetchone()
        return Balance() if row is None else balance_of(row)

    def sources(self, owner: AccountId) -> list[Source]:
        """Every account that the owner can spend from."""
        return [
            Source(
                account=row["id"],
                is_promo=row["chart"] == Chart.CLIENT_PROMO,
                expires_wall_ns=row["expires_wall_ns"],
                balance=balance_of(row),
            )
            for row in self._transaction.execute(_SOURCES, (owner,))
        ]

    def open_legs(self, session: SessionId) -> list[HeldLeg]:
        """Every pending transfer of the session that has not ended."""
        return [
            HeldLeg(
                transfer=transfer_of(leg),
                is_promo=chart == Chart.CLIENT_PROMO,
                expires_wall_ns=expires_wall_ns,
            )
            for *leg, chart, expires_wall_ns in self._transaction.execute(_OPEN_LEGS, (session,))
        ]

    def is_barred(self, owner: AccountId) -> bool:
        """Whether nothing new may be set aside from that wallet."""
        row = self._transaction.execute("SELECT 1 FROM ledger_bar WHERE owner = ?", (owner,)).fetchone()
        return row is not None

    def record(
        self,
        command: Command,
        transfers: Sequence[Transfer],
        *,
        answer: Mapping[str, Any],
        at_wall_ns: int,
        session: SessionId | None = None,
        memo: str = "",
    ) -> None:
        """Write the command, its answer and its transfers with their effect."""
        row = command_row(
            command,
            command.fingerprint,
            answer=dict(answer),
            at_wall_ns=at_wall_ns,
            session=session,
            memo=memo,
        )
        insert_all(self._transaction, INSERT_COMMAND, [row])
        for transfer in transfers:
            self._apply(transfer, command.id, at_wall_ns)

    def _apply(self, transfer: Transfer, command_id: str, at_wall_ns: int) -> None:
        insert_all(self._transaction, INSERT_TRANSFER, [transfer_row(transfer, command_id, at_wall_ns)])
        effect = EFFECTS[transfer.kind]
        change = {"pending": effect.pending * transfer.micros, "posted": effect.posted * transfer.micros}
        debited = self._transaction.execute(_DEBIT, {**change, "id": transfer.debit})
        require(debited.rowcount == 1, f"{transfer.debit} does not cover {transfer.micros} micros")
        credited = self._transaction.execute(_CREDIT, {**change, "id": transfer.credit})
        require(credited.rowcount == 1, f"{transfer.credit} is not open")
