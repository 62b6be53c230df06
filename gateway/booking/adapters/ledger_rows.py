"""Ledger values as rows, and rows as values.

Decides the columns of what is inserted and how a stored row is read; the one place
that spells both, whichever way the books are written (`ledger_book.py` one command
at a time, `ledger_desk.py` many).
Never runs a statement. See `ledger_schema.py` for the tables.
"""

import functools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from gateway.booking.ledger.account import (
    Balance,
    LedgerAccount,
    LedgerAccountId,
    available_earnings_of,
    cash_of,
    pending_earnings_of,
)
from gateway.booking.ledger.command import Command
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.ids import AccountId, HoldId, SessionId, TransferId

INSERT_ACCOUNT = "INSERT OR FAIL INTO ledger_account (id, chart, owner, expires_wall_ns, guarded) VALUES"
INSERT_COMMAND = (
    "INSERT OR FAIL INTO ledger_command (id, name, fingerprint, session, memo, answer, at_wall_ns) VALUES"
)
TRANSFER_COLUMNS = (
    "id",
    "command_id",
    "kind",
    "flow",
    "debit_account",
    "credit_account",
    "micros",
    "ends_id",
    "session",
    "hold",
    "at_wall_ns",
)
"""Of a transfer's row, in this order wherever one is written or read."""
INSERT_TRANSFER = f"INSERT OR FAIL INTO ledger_transfer ({', '.join(TRANSFER_COLUMNS)}) VALUES"
UNLESS_THERE = " ON CONFLICT (id) DO NOTHING"
_UPDATE = """
UPDATE OR FAIL ledger_account
SET debits_pending = to_be.column2, debits_posted = to_be.column3,
    credits_pending = to_be.column4, credits_posted = to_be.column5
FROM (VALUES {values}) AS to_be
WHERE id = to_be.column1 AND debits_pending = to_be.column6 AND debits_posted = to_be.column7
  AND credits_pending = to_be.column8 AND credits_posted = to_be.column9
"""
ROWS_OF_STATEMENT = (128, 64, 32, 16, 8, 4, 2, 1)
"""Rows inserted by one statement; few sizes, so that each is prepared once, and few statements for any number:
after each the thread waits for its turn with the event loop's."""
_WRITTEN = json.JSONEncoder(separators=(",", ":"))

Row = tuple[Any, ...]
"""Values for one of the inserts: texts, numbers and None."""


class Recorded(NamedTuple):
    """A command that has had its effect."""

    fingerprint: str
    written: str
    """The answer as it is stored."""

    @property
    def answer(self) -> Mapping[str, Any]:
        """What was answered."""
        answer: dict[str, Any] = json.loads(self.written)
        return answer


def insert_all(
    transaction: sqlite3.Connection, insert: str, rows: Sequence[Row], *, otherwise: str = ""
) -> None:
    """Insert `rows` in order, many by each statement: the event loop runs on while SQLite works."""
    done = 0
    for size in ROWS_OF_STATEMENT:
        while len(rows) - done >= size:
            chunk = rows[done : done + size]
            statement = _statement(insert, otherwise, size=size, columns=len(chunk[0]))
            transaction.execute(statement, list(chain.from_iterable(chunk)))
            done += size


def update_all(transaction: sqlite3.Connection, changes: Sequence[Row]) -> int:
    """Set counters of accounts where they still are what was read; how many were.

    Each change is an account's id, its four counters and the four that were read.
    """
    done = updated = 0
    for size in ROWS_OF_STATEMENT:
        while len(changes) - done >= size:
            chunk = changes[done : done + size]
            updated += transaction.execute(_update(size), list(chain.from_iterable(chunk))).rowcount
            done += size
    return updated


@functools.cache
def _update(size: int) -> str:
    values = f"({', '.join('?' * 9)})"
    return _UPDATE.format(values=", ".join([values] * size))


@functools.cache
def _statement(insert: str, otherwise: str, *, size: int, columns: int) -> str:
    values = f"({', '.join('?' * columns)})"
    return f"{insert} {', '.join([values] * size)}{otherwise}"


@functools.lru_cache(maxsize=4_096)
def accounts_of(person: AccountId) -> tuple[LedgerAccount, ...]:
    """The accounts that everybody has."""
    return cash_of(person), pending_earnings_of(person), available_earnings_of(person)


def account_row(account: LedgerAccount) -> Row:
    """An account with nothing on it."""
    return account.id, account.chart.value, account.owner, account.expires_wall_ns, int(account.is_guarded)


def command_row(
    command: Command,
    fingerprint: str,
    *,
    answer: dict[str, Any],
    at_wall_ns: int,
    session: SessionId | None,
    memo: str,
) -> Row:
    """A command with its answer."""
    return command.id, command.name.value, fingerprint, session, memo, _WRITTEN.encode(answer), at_wall_ns


def transfer_row(transfer: Transfer, command_id: str, at_wall_ns: int) -> Row:
    """A transfer of that command."""
    return (
        transfer.id,
        command_id,
        transfer.kind.value,
        transfer.flow.value,
        transfer.debit,
        transfer.credit,
        transfer.micros,
        transfer.ends,
        transfer.session,
        transfer.hold,
        at_wall_ns,
    )


def balance_of(row: sqlite3.Row) -> Balance:
    """The counters of a stored account."""
    return Balance(
        debits_pending=row["debits_pending"],
        debits_posted=row["debits_posted"],
        credits_pending=row["credits_pending"],
        credits_posted=row["credits_posted"],
    )


def transfer_of(row: Sequence[Any]) -> Transfer:
    """A stored transfer, from the values of `TRANSFER_COLUMNS`."""
    name, _command, kind, flow, debit, credit, micros, ends, session, hold, _at_wall_ns = row
    return Transfer(
        id=TransferId(name),
        kind=TransferKind(kind),
        flow=Flow(flow),
        debit=LedgerAccountId(debit),
        credit=LedgerAccountId(credit),
        micros=micros,
        ends=ends,
        session=SessionId(session) if session is not None else None,
        hold=HoldId(hold) if hold is not None else None,
    )
