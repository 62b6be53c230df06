"""The ledger's shorter flows on the database: expiry, cool-off, refunds, statement lines.

Decides the order inside a transaction: was it done before, may it be done, plan
(`gateway/booking/ledger/`), write. Never decides amounts; the pure concepts do.
Keeps: a refused command leaves no row behind; each has its derived id, so that a
timer or an operator who repeats it moves nothing twice.
See docs/metering.md, "Ledger".
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.booking.adapters.ledger_book import Book
from gateway.booking.adapters.ledger_flow_reading import answered, position_of
from gateway.booking.flow_ports import Refunded
from gateway.booking.ledger import clearing, cool_off, dispute, expiry, refund
from gateway.booking.ledger.account import available_earnings_of
from gateway.booking.ledger.clearing import ProcessorLine
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.position import Position
from gateway.booking.ledger.refund import RefundPlan
from gateway.errors import Conflict, NotFound
from gateway.ids import AccountId, SessionId
from gateway.money import written
from gateway.store.ports import Store

_GRANTS_DUE = """
SELECT id, owner FROM ledger_account
WHERE expires_wall_ns IS NOT NULL AND credits_posted > debits_posted AND expires_wall_ns <= ?
  AND credits_posted - debits_posted - debits_pending > 0
ORDER BY expires_wall_ns LIMIT ?
"""
_TIMES_EXPIRED = """
SELECT count(*) FROM ledger_transfer
WHERE debit_account = ? AND flow = 'promo_expiry' AND kind IN ('posted', 'post')
"""
_SETTLED_BEFORE = """
SELECT at_wall_ns, id, session FROM ledger_command AS settled
WHERE name = 'settle' AND (at_wall_ns, id) > (?, ?) AND at_wall_ns <= ?
  AND NOT EXISTS (SELECT 1 FROM ledger_command AS done
                  WHERE done.name = 'cool_off' AND done.session = settled.session)
  AND EXISTS (SELECT 1 FROM ledger_transfer AS leg
              WHERE leg.session = settled.session AND leg.flow IN ('earning', 'make_good'))
ORDER BY at_wall_ns, id LIMIT ?
"""
_OPEN_CASE = "SELECT 1 FROM ledger_case WHERE session = ? AND state = 'open'"


class LedgerFlows:
    """Satisfies `Flows` of `flow_ports.py`."""

    def __init__(self, database: Store, *, currency: str) -> None:
        self._database = database
        self._currency = currency

    async def grants_due(self, *, now_wall_ns: int, limit: int) -> Sequence[tuple[str, AccountId]]:
        """Expired grants that have something left which is not held."""
        rows = await self._database.read(
            lambda connection: connection.execute(_GRANTS_DUE, (now_wall_ns, limit)).fetchall()
        )
        return [(row["id"], AccountId(row["owner"])) for row in rows]

    async def expire(self, grant: str, *, now_wall_ns: int) -> int:
        """Take back what is left of an expired grant."""
        return await self._database.write(lambda transaction: _expire(transaction, grant, now_wall_ns))

    async def settled_before(
        self, *, after: tuple[int, str], until_wall_ns: int, limit: int
    ) -> Sequence[tuple[tuple[int, str], SessionId]]:
        """Settlements in order, from after that position on."""
        values = (*after, until_wall_ns, limit)
        rows = await self._database.read(
            lambda connection: connection.execute(_SETTLED_BEFORE, values).fetchall()
        )
        return [((row["at_wall_ns"], row["id"]), SessionId(row["session"])) for row in rows]

    async def cool_off(self, session: SessionId, *, window_ns: int, now_wall_ns: int) -> int:
        """Make what is pending of the session payable."""
        return await self._database.write(
            lambda transaction: _cool_off(transaction, session, window_ns=window_ns, now_wall_ns=now_wall_ns)
        )

    async def refund(
        self, refund: str, *, session: SessionId, micros: int | None, reason: str, now_wall_ns: int
    ) -> Refunded:
        """Give back a settled charge, or part of it."""
        command = Command(
            id=refund, name=CommandName.REFUND, body={"session": session, "micros": micros, "reason": reason}
        )
        return await self._database.write(
            lambda transaction: self._refund(
                transaction, command, session=session, micros=micros, memo=reason, now_wall_ns=now_wall_ns
            )
        )

    async def book_line(self, line: ProcessorLine, *, now_wall_ns: int) -> bool:
        """Book a line of a payment provider's statement once."""

        def write(transaction: sqlite3.Connection) -> bool:
            book, command = Book(transaction), clearing.command(line)
            if answered(book, command) is not None:
                return False
            memo = f"{line.processor} {line.line}"
            book.record(command, clearing.plan(line), answer={}, at_wall_ns=now_wall_ns, memo=memo)
            return True

        return await self._database.write(write)

    def _refund(
        self,
        transaction: sqlite3.Connection,
        command: Command,
        *,
        session: SessionId,
        micros: int | None,
        memo: str,
        now_wall_ns: int,
    ) -> Refunded:
        book = Book(transaction)
        if (before := answered(book, command, is_keyed=True)) is not None:
            return refunded_of(before)
        position = position_of(transaction, session)
        if position is None or position.refundable_micros == 0:
            raise NotFound("there is no settled charge of this session that could be given back")
        if transaction.execute(_OPEN_CASE, (session,)).fetchone() is not None:
            raise Conflict("a case of this session is open; decide it instead", code="case_open")
        wanted = position.refundable_micros if micros is None else micros
        if wanted > position.refundable_micros:
            left = written(position.refundable_micros, self._currency)
            raise Conflict(f"only {left} of this charge is left", code="refund_above_charge")
        plan = planned(book, command.id, position, micros=wanted, now_wall_ns=now_wall_ns)
        answer = refund_answer(position, plan)
        book.record(
            command, plan.transfers, answer=answer, at_wall_ns=now_wall_ns, session=session, memo=memo
        )
        return refunded_of(answer)


def planned(book: Book, command_id: str, position: Position, *, micros: int, now_wall_ns: int) -> RefundPlan:
    """A refund of the position, its purses filled with what the provider has."""
    purses = dispute.purses(position, available_micros=available_of(book, position))
    return refund.plan(command_id, position, micros=micros, purses=purses, now_wall_ns=now_wall_ns)


def available_of(book: Book, position: Position) -> int:
    """What the session's provider could be paid out now."""
    if position.provider is None:
        return 0
    return book.balance(available_earnings_of(position.provider).id).available


def refund_answer(position: Position, plan: RefundPlan) -> dict[str, Any]:
    """What is kept as the answer to a refund; later refunds start from its parts."""
    return {
        "session": position.session,
        "client": position.client,
        "refund_micros": plan.cash + plan.promo + plan.lapsed,
        "cash_micros": plan.cash,
        "promo_micros": plan.promo,
        "lapsed_micros": plan.lapsed,
        "fee_micros": plan.fee,
        "earned_micros": plan.earned,
        "written_off_micros": plan.written_off,
        "parts": [list(part) for part in plan.parts],
    }


def refunded_of(answer: Mapping[str, Any]) -> Refunded:
    """A stored answer as it is given."""
    return Refunded(**{name: value for name, value in answer.items() if name != "parts"})


def _expire(transaction: sqlite3.Connection, grant: str, now_wall_ns: int) -> int:
    book = Book(transaction)
    row = transaction.execute("SELECT owner FROM ledger_account WHERE id = ?", (grant,)).fetchone()
    source = next((each for each in book.sources(AccountId(row["owner"])) if each.account == grant), None)
    (ordinal,) = transaction.execute(_TIMES_EXPIRED, (grant,)).fetchone()
    if source is None:
        return 0
    transfer = expiry.plan(source, ordinal=ordinal, now_wall_ns=now_wall_ns)
    if transfer is None:
        return 0
    command = expiry.command(source.account, ordinal=ordinal)
    book.record(command, [transfer], answer={"micros": transfer.micros}, at_wall_ns=now_wall_ns)
    return transfer.micros


def _cool_off(
    transaction: sqlite3.Connection, session: SessionId, *, window_ns: int, now_wall_ns: int
) -> int:
    book, command = Book(transaction), cool_off.command(session)
    position = position_of(transaction, session)
    if position is None or answered(book, command) is not None:
        return 0
    transfer = cool_off.plan(position, window_ns=window_ns, now_wall_ns=now_wall_ns)
    if transfer is None:
        return 0
    answer = {"micros": transfer.micros}
    book.record(command, [transfer], answer=answer, at_wall_ns=now_wall_ns, session=session)
    return transfer.micros
