"""The ledger inside one transaction: reading balances and applying transfers.

Decides how a transfer becomes rows: itself, and one guarded statement for each
of its two accounts, which refuses what the account does not have.
Never begins or commits; it lives inside a command of the store (`ledger_store.py`).
Keeps: the rows of a command, its transfers and their effect commit together.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.booking.ledger.account import Balance, Chart, LedgerAccount, LedgerAccountId
from gateway.booking.ledger.command import Command
from gateway.booking.ledger.settlement import HeldLeg
from gateway.booking.ledger.transfer import EFFECTS, Flow, Transfer, TransferKind
from gateway.booking.ledger.wallet import Source
from gateway.errors import require
from gateway.ids import AccountId, HoldId, SessionId, TransferId

_INSERT_TRANSFER = """
INSERT INTO ledger_transfer
    (id, command_id, kind, flow, debit_account, credit_account, micros, ends_id, session, hold, at_wall_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
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
SELECT held.*, account.chart, account.expires_wall_ns
FROM ledger_transfer AS held JOIN ledger_account AS account ON account.id = held.debit_account
WHERE held.session = ? AND held.kind = 'pending'
  AND NOT EXISTS (SELECT 1 FROM ledger_transfer AS ending WHERE ending.ends_id = held.id)
ORDER BY held.seq
"""
_SOURCES = """
SELECT * FROM ledger_account WHERE owner = ? AND chart IN ('client_cash', 'client_promo')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A command that has had its effect."""

    fingerprint: str
    answer: Mapping[str, Any]


class Book:
    """Reads and writes the ledger through an open transaction."""

    def __init__(self, transaction: sqlite3.Connection) -> None:
        self._transaction = transaction

    def recorded(self, command_id: str) -> Recorded | None:
        """What was answered to that command, if it was ever done."""
        row = self._transaction.execute(
            "SELECT fingerprint, answer FROM ledger_command WHERE id = ?", (command_id,)
        ).fetchone()
        return (
            None
            if row is None
            else Recorded(fingerprint=row["fingerprint"], answer=json.loads(row["answer"]))
        )

    def open_account(self, account: LedgerAccount) -> None:
        """Have the account; nothing changes where it exists."""
        self._transaction.execute(
            "INSERT INTO ledger_account (id, chart, owner, expires_wall_ns, guarded) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO NOTHING",
            (account.id, account.chart, account.owner, account.expires_wall_ns, int(account.is_guarded)),
        )

    def balance(self, account: LedgerAccountId) -> Balance:
        """The account's counters; all zero where it was never opened."""
        row = self._transaction.execute("SELECT * FROM ledger_account WHERE id = ?", (account,)).fetchone()
        return Balance() if row is None else _balance(row)

    def sources(self, owner: AccountId) -> list[Source]:
        """Every account that the owner can spend from."""
        return [
            Source(
                account=row["id"],
                is_promo=row["chart"] == Chart.CLIENT_PROMO,
                expires_wall_ns=row["expires_wall_ns"],
                balance=_balance(row),
            )
            for row in self._transaction.execute(_SOURCES, (owner,))
        ]

    def open_legs(self, session: SessionId) -> list[HeldLeg]:
        """Every pending transfer of the session that has not ended."""
        return [
            HeldLeg(
                transfer=_transfer(row),
                is_promo=row["chart"] == Chart.CLIENT_PROMO,
                expires_wall_ns=row["expires_wall_ns"],
            )
            for row in self._transaction.execute(_OPEN_LEGS, (session,))
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
        self._transaction.execute(
            "INSERT INTO ledger_command (id, name, fingerprint, session, memo, answer, at_wall_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                command.id,
                command.name,
                command.fingerprint,
                session,
                memo,
                json.dumps(dict(answer)),
                at_wall_ns,
            ),
        )
        for transfer in transfers:
            self._apply(transfer, command.id, at_wall_ns)

    def _apply(self, transfer: Transfer, command_id: str, at_wall_ns: int) -> None:
        self._transaction.execute(
            _INSERT_TRANSFER,
            (
                transfer.id,
                command_id,
                transfer.kind,
                transfer.flow,
                transfer.debit,
                transfer.credit,
                transfer.micros,
                transfer.ends,
                transfer.session,
                transfer.hold,
                at_wall_ns,
            ),
        )
        effect = EFFECTS[transfer.kind]
        change = {"pending": effect.pending * transfer.micros, "posted": effect.posted * transfer.micros}
        debited = self._transaction.execute(_DEBIT, {**change, "id": transfer.debit})
        require(debited.rowcount == 1, f"{transfer.debit} does not cover {transfer.micros} micros")
        credited = self._transaction.execute(_CREDIT, {**change, "id": transfer.credit})
        require(credited.rowcount == 1, f"{transfer.credit} is not open")


def _balance(row: sqlite3.Row) -> Balance:
    return Balance(
        debits_pending=row["debits_pending"],
        debits_posted=row["debits_posted"],
        credits_pending=row["credits_pending"],
        credits_posted=row["credits_posted"],
    )


def _transfer(row: sqlite3.Row) -> Transfer:
    return Transfer(
        id=TransferId(row["id"]),
        kind=TransferKind(row["kind"]),
        flow=Flow(row["flow"]),
        debit=LedgerAccountId(row["debit_account"]),
        credit=LedgerAccountId(row["credit_account"]),
        micros=row["micros"],
        ends=row["ends_id"],
        session=SessionId(row["session"]) if row["session"] is not None else None,
        hold=HoldId(row["hold"]) if row["hold"] is not None else None,
    )
