"""Withdrawals on the database: the row, its state and its transfers in one transaction.

Decides that a withdrawal moves only along its table and together with its legs,
and that repeating a move answers as before.
Never takes what is held, and never promotional money (`ledger/withdrawal.py`).
Keeps: what lies on refunds due is what the due withdrawals say.
"""

import sqlite3

from gateway.booking.adapters.ledger_book import Book
from gateway.booking.adapters.ledger_flow_reading import answered
from gateway.booking.ledger import withdrawal as withdrawals
from gateway.booking.ledger.account import cash_of
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.withdrawal import TRANSITIONS, Withdrawal, WithdrawalState
from gateway.errors import Conflict, NotFound, PaymentNeeded
from gateway.ids import AccountId, derived
from gateway.store.ports import Store

_INSERT = """
INSERT INTO ledger_withdrawal (id, account, micros, state, reason, requested_wall_ns, moved_wall_ns)
VALUES (?, ?, ?, 'due', ?, ?, ?)
"""


class LedgerWithdrawals:
    """Satisfies `Withdrawals` of `flow_ports.py`."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def request(self, withdrawal: Withdrawal) -> Withdrawal:
        """Store it and set the money apart, or answer the one of the same key."""
        return await self._database.write(lambda transaction: _request(transaction, withdrawal))

    async def move(self, withdrawal: str, state: WithdrawalState, *, now_wall_ns: int) -> Withdrawal:
        """Bring it to `state`, with the transfers that belong to it."""

        def write(transaction: sqlite3.Connection) -> Withdrawal:
            found = _found(transaction, withdrawal)
            if found.state is state:
                return found
            if state not in TRANSITIONS[found.state]:
                raise Conflict(
                    f"the withdrawal is {found.state} and cannot become {state}", code="withdrawal_state"
                )
            _book(transaction, found, state, now_wall_ns)
            transaction.execute(
                "UPDATE ledger_withdrawal SET state = ?, moved_wall_ns = ? WHERE id = ?",
                (state, now_wall_ns, withdrawal),
            )
            return _found(transaction, withdrawal)

        return await self._database.write(write)


def _request(transaction: sqlite3.Connection, withdrawal: Withdrawal) -> Withdrawal:
    book = Book(transaction)
    body: dict[str, str | int | None] = {
        "account": withdrawal.account,
        "micros": withdrawal.micros,
        "reason": withdrawal.reason,
    }
    command = Command(id=derived("withdrawal", withdrawal.id), name=CommandName.WITHDRAWAL, body=body)
    if answered(book, command, is_keyed=True) is not None:
        return _found(transaction, withdrawal.id)
    if book.balance(cash_of(withdrawal.account).id).available < withdrawal.micros:
        raise PaymentNeeded("the client's cash that is not held does not cover it", code="insufficient_funds")
    at_wall_ns = withdrawal.requested_wall_ns
    book.record(command, [withdrawals.requesting(withdrawal)], answer={}, at_wall_ns=at_wall_ns)
    what = (withdrawal.id, withdrawal.account, withdrawal.micros, withdrawal.reason)
    transaction.execute(_INSERT, (*what, at_wall_ns, at_wall_ns))
    return _found(transaction, withdrawal.id)


def _book(
    transaction: sqlite3.Connection, withdrawal: Withdrawal, state: WithdrawalState, now_wall_ns: int
) -> None:
    """The transfer of a move, under a name of its own."""
    if state is WithdrawalState.SENT:
        name, transfer = CommandName.WITHDRAWAL_SENT, withdrawals.sending(withdrawal)
    elif state is WithdrawalState.FAILED:
        name, transfer = CommandName.WITHDRAWAL_BACK, withdrawals.coming_back(withdrawal)
    else:
        return
    command = Command(id=derived(name, withdrawal.id), name=name, body={"withdrawal": withdrawal.id})
    Book(transaction).record(command, [transfer], answer={}, at_wall_ns=now_wall_ns)


def _found(connection: sqlite3.Connection, withdrawal: str) -> Withdrawal:
    row = connection.execute("SELECT * FROM ledger_withdrawal WHERE id = ?", (withdrawal,)).fetchone()
    if row is None:
        raise NotFound("there is no such withdrawal")
    return Withdrawal(
        id=row["id"],
        account=AccountId(row["account"]),
        micros=row["micros"],
        state=WithdrawalState(row["state"]),
        reason=row["reason"],
        requested_wall_ns=row["requested_wall_ns"],
        moved_wall_ns=row["moved_wall_ns"],
    )
