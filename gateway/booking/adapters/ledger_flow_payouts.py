"""Payouts on the database: the row, its state and its transfers in one transaction.

Decides that a payout moves only along its table and together with its legs, and
that repeating a move answers as before: a batch that is run twice pays once.
Never decides who may approve or what a payout needs (`ledger/payout.py`).
Keeps: what lies on payout clearing is what the waiting payouts say.
"""

import json
import sqlite3
from collections.abc import Sequence

from gateway.booking.adapters.ledger_book import Book
from gateway.booking.adapters.ledger_flow_reading import answered
from gateway.booking.ledger import payout as payouts
from gateway.booking.ledger.account import available_earnings_of
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.payout import (
    BACK,
    TRANSITIONS,
    ApprovalStatus,
    Payout,
    PayoutPolicy,
    PayoutState,
    RequestStatus,
)
from gateway.booking.ledger.transfer import Transfer
from gateway.errors import Conflict, Forbidden, NotFound, PaymentNeeded, Unprocessable
from gateway.ids import AccountId, derived
from gateway.store.ports import Store

_INSERT = """
INSERT INTO ledger_payout (id, provider, micros, fee_micros, state, approvers, reference,
    requested_wall_ns, moved_wall_ns) VALUES (?, ?, ?, ?, 'requested', '[]', '', ?, ?)
"""
_UPDATE = "UPDATE ledger_payout SET state = ?, approvers = ?, reference = ?, moved_wall_ns = ? WHERE id = ?"


class LedgerPayouts:
    """Satisfies `Payouts` of `flow_ports.py`."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def request(self, payout: Payout, *, policy: PayoutPolicy) -> Payout:
        """Store it and set the money apart, or answer the one of the same key."""
        return await self._database.write(lambda transaction: _request(transaction, payout, policy))

    async def approve(
        self, payout: str, operator: AccountId, *, policy: PayoutPolicy, now_wall_ns: int
    ) -> Payout:
        """Note an approval."""

        def write(transaction: sqlite3.Connection) -> Payout:
            found = _found(transaction, payout)
            status = payouts.approval(found, operator, policy=policy)
            if not _is_new(status):
                return found
            state = PayoutState.APPROVED if status is ApprovalStatus.APPROVED else found.state
            approvers = json.dumps([*found.approvers, operator])
            transaction.execute(_UPDATE, (state, approvers, found.reference, now_wall_ns, payout))
            return _found(transaction, payout)

        return await self._database.write(write)

    async def move(self, payout: str, state: PayoutState, *, reference: str, now_wall_ns: int) -> Payout:
        """Bring it to `state`, with the transfers that belong to it."""

        def write(transaction: sqlite3.Connection) -> Payout:
            found = _found(transaction, payout)
            if found.state is state:
                return found
            if state is PayoutState.APPROVED or state not in TRANSITIONS[found.state]:
                raise Conflict(f"the payout is {found.state} and cannot become {state}", code="payout_state")
            _book(transaction, found, state, now_wall_ns)
            values = (state, json.dumps(found.approvers), reference or found.reference, now_wall_ns, payout)
            transaction.execute(_UPDATE, values)
            return _found(transaction, payout)

        return await self._database.write(write)

    async def of_provider(self, provider: AccountId, *, limit: int) -> Sequence[Payout]:
        """The provider's, newest first."""
        query = "SELECT * FROM ledger_payout WHERE provider = ? ORDER BY requested_wall_ns DESC, id LIMIT ?"
        return await self._many(query, (provider, limit))

    async def in_state(self, state: PayoutState, *, limit: int) -> Sequence[Payout]:
        """Everybody's in that state, oldest first."""
        query = "SELECT * FROM ledger_payout WHERE state = ? ORDER BY requested_wall_ns, id LIMIT ?"
        return await self._many(query, (state, limit))

    async def _many(self, query: str, values: tuple[str, int]) -> list[Payout]:
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        return [_payout(row) for row in rows]


def _request(transaction: sqlite3.Connection, payout: Payout, policy: PayoutPolicy) -> Payout:
    book = Book(transaction)
    body: dict[str, str | int | None] = {"provider": payout.provider, "micros": payout.micros}
    command = Command(id=derived("payout", payout.id), name=CommandName.PAYOUT, body=body)
    if answered(book, command, is_keyed=True) is not None:
        return _found(transaction, payout.id)
    earnings = available_earnings_of(payout.provider)
    available = book.balance(earnings.id).available
    _demand(payouts.may_request(payout.micros, available_micros=available, policy=policy))
    _record(book, command, payouts.requesting(payout), payout.requested_wall_ns)
    moments = (payout.requested_wall_ns, payout.requested_wall_ns)
    transaction.execute(_INSERT, (payout.id, payout.provider, payout.micros, payout.fee_micros, *moments))
    return _found(transaction, payout.id)


def _book(transaction: sqlite3.Connection, payout: Payout, state: PayoutState, now_wall_ns: int) -> None:
    """The transfers of a move, under a name of their own."""
    if state is PayoutState.SENT:
        name, transfers = CommandName.PAYOUT_SENT, payouts.sending(payout)
    elif state in BACK:
        name, transfers = CommandName.PAYOUT_BACK, payouts.coming_back(payout)
    else:
        return
    command = Command(id=derived(name, payout.id), name=name, body={"payout": payout.id, "state": state})
    _record(Book(transaction), command, transfers, now_wall_ns)


def _record(book: Book, command: Command, transfers: Sequence[Transfer], at_wall_ns: int) -> None:
    answer = {"micros": sum(transfer.micros for transfer in transfers)}
    book.record(command, transfers, answer=answer, at_wall_ns=at_wall_ns)


def _demand(status: RequestStatus) -> None:
    match status:
        case RequestStatus.BELOW_MINIMUM:
            raise Unprocessable("that is less than what is paid out", code="payout_below_minimum")
        case RequestStatus.INSUFFICIENT_EARNINGS:
            raise PaymentNeeded("your available earnings do not cover it", code="insufficient_earnings")
        case RequestStatus.ALLOWED:
            pass


def _is_new(status: ApprovalStatus) -> bool:
    match status:
        case ApprovalStatus.NOT_NOW:
            raise Conflict("the payout is not waiting for approval", code="payout_state")
        case ApprovalStatus.OWN_PAYOUT:
            raise Forbidden("nobody approves his own payout", code="own_payout")
        case ApprovalStatus.REPEATED:
            return False
        case ApprovalStatus.NEEDS_ANOTHER | ApprovalStatus.APPROVED:
            return True


def _found(connection: sqlite3.Connection, payout: str) -> Payout:
    row = connection.execute("SELECT * FROM ledger_payout WHERE id = ?", (payout,)).fetchone()
    if row is None:
        raise NotFound("there is no such payout")
    return _payout(row)


def _payout(row: sqlite3.Row) -> Payout:
    return Payout(
        id=row["id"],
        provider=AccountId(row["provider"]),
        micros=row["micros"],
        fee_micros=row["fee_micros"],
        state=PayoutState(row["state"]),
        approvers=tuple(AccountId(each) for each in json.loads(row["approvers"])),
        requested_wall_ns=row["requested_wall_ns"],
        moved_wall_ns=row["moved_wall_ns"],
        reference=row["reference"],
    )
