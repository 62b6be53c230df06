"""Disputes on the database: the case, its reserve and the session's state in one transaction.

Decides that opening and deciding commit together with the transfers and with the
work that moves the session; that one session has one case, for good.
Never decides who is right and never judges amounts (`ledger/dispute.py`).
Keeps: what is reserved is what the open cases say. See docs/metering.md, "Ledger".
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from gateway.booking.adapters.ledger_book import Book
from gateway.booking.adapters.ledger_flow_reading import answered, position_of
from gateway.booking.adapters.ledger_flows import available_of, planned, refund_answer, refunded_of
from gateway.booking.flow_ports import Decision, Refunded
from gateway.booking.ledger import dispute
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.dispute import Case, CaseState, OpenStatus, case_id
from gateway.booking.ledger.position import Position
from gateway.errors import Conflict, NotFound, Unprocessable, require
from gateway.ids import AccountId, SessionId, derived
from gateway.store.ports import Store
from gateway.work import Work

_INSERT = """
INSERT INTO ledger_case (id, session, opened_by, reason, state, reserved_micros, refunded_micros,
    opened_wall_ns, verdict) VALUES (?, ?, ?, ?, 'open', ?, 0, ?, '')
"""
_DECIDE = """
UPDATE ledger_case SET state = ?, refunded_micros = ?, decided_wall_ns = ?, decided_by = ?, verdict = ?
WHERE id = ? AND state = 'open'
"""


class LedgerCases:
    """Satisfies `Cases` of `flow_ports.py`."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def open(
        self, session: SessionId, who: AccountId, *, reason: str, window_ns: int, now_wall_ns: int, also: Work
    ) -> Case:
        """Store the case and set its money apart."""

        def write(transaction: sqlite3.Connection) -> Case:
            found = _by_id(transaction, case_id(session))
            if found is not None:
                return _same(found, who)
            position = position_of(transaction, session)
            _demand(dispute.may_open(position, who, window_ns=window_ns, now_wall_ns=now_wall_ns))
            assert position is not None, "a session that may be contested is settled"
            _open(transaction, position, who, reason=reason, now_wall_ns=now_wall_ns)
            also(transaction)
            return _found(transaction, case_id(session))

        return await self._database.write(write)

    async def decide(
        self, decision: Decision, *, now_wall_ns: int, also: Work
    ) -> tuple[Case, Refunded | None]:
        """End the case and its reserve."""
        return await self._database.write(
            lambda transaction: _decide(transaction, decision, now_wall_ns=now_wall_ns, also=also)
        )

    async def by_id(self, case: str) -> Case | None:
        """One case."""
        return await self._database.read(lambda connection: _by_id(connection, case))

    async def in_state(self, state: CaseState, *, limit: int) -> Sequence[Case]:
        """Cases in that state, oldest first."""
        query = "SELECT * FROM ledger_case WHERE state = ? ORDER BY opened_wall_ns LIMIT ?"
        rows = await self._database.read(
            lambda connection: connection.execute(query, (state, limit)).fetchall()
        )
        return [_case(row) for row in rows]


def _open(
    transaction: sqlite3.Connection, position: Position, who: AccountId, *, reason: str, now_wall_ns: int
) -> None:
    book, session = Book(transaction), position.session
    transfers = dispute.opening(position, available_micros=available_of(book, position))
    reserved = sum(transfer.micros for transfer in transfers)
    command = Command(
        id=derived("case_open", session), name=CommandName.CASE_OPEN, body={"session": session, "by": who}
    )
    answer = {"reserved_micros": reserved}
    book.record(command, transfers, answer=answer, at_wall_ns=now_wall_ns, session=session, memo=reason)
    transaction.execute(_INSERT, (case_id(session), session, who, reason, reserved, now_wall_ns))


def _decide(
    transaction: sqlite3.Connection, decision: Decision, *, now_wall_ns: int, also: Work
) -> tuple[Case, Refunded | None]:
    book, case = Book(transaction), _found(transaction, decision.case)
    body = {"outcome": decision.outcome, "micros": decision.micros, "verdict": decision.verdict}
    command = Command(id=derived("case_decide", case.id), name=CommandName.CASE_DECIDE, body=body)
    if (before := answered(book, command)) is not None:
        return case, refunded_of(before) if before["parts"] else None
    position = position_of(transaction, case.session)
    require(position is not None, "a case is about a settled session")
    assert position is not None
    transfers: list[Any] = []
    answer: dict[str, Any] = {"parts": []}
    if decision.outcome is CaseState.TO_CLIENT:
        wanted = position.refundable_micros if decision.micros is None else decision.micros
        if not 0 < wanted <= position.refundable_micros:
            raise Unprocessable(
                "a client gets back more than nothing and at most what is left of the charge",
                code="refund_above_charge",
            )
        plan = planned(book, command.id, position, micros=wanted, now_wall_ns=now_wall_ns)
        transfers, answer = [*plan.transfers], refund_answer(position, plan)
    used = dispute.taken_from_reserve(transfers)
    transfers += dispute.release(position, used_micros=used)
    book.record(
        command,
        transfers,
        answer=answer,
        at_wall_ns=now_wall_ns,
        session=case.session,
        memo=decision.verdict,
    )
    refunded = refunded_of(answer) if answer["parts"] else None
    values = (decision.outcome, refunded.refund_micros if refunded else 0, now_wall_ns)
    transaction.execute(_DECIDE, (*values, decision.operator, decision.verdict, case.id))
    also(transaction)
    return _found(transaction, case.id), refunded


def _same(case: Case, who: AccountId) -> Case:
    if case.opened_by != who:
        raise Conflict("the other side has opened a case of this session", code="case_exists")
    return case


def _demand(status: OpenStatus) -> None:
    match status:
        case OpenStatus.NOT_A_PARTY:
            raise NotFound("there is no such settled session of yours")
        case OpenStatus.NOTHING_CHARGED:
            raise Conflict("nothing of this session's charge is left to contest", code="nothing_charged")
        case OpenStatus.TOO_LATE:
            raise Conflict("the dispute window of this session has closed", code="dispute_window_closed")
        case OpenStatus.ALLOWED:
            pass


def _found(connection: sqlite3.Connection, case: str) -> Case:
    found = _by_id(connection, case)
    if found is None:
        raise NotFound("there is no such case")
    return found


def _by_id(connection: sqlite3.Connection, case: str) -> Case | None:
    row = connection.execute("SELECT * FROM ledger_case WHERE id = ?", (case,)).fetchone()
    return None if row is None else _case(row)


def _case(row: sqlite3.Row) -> Case:
    return Case(
        id=row["id"],
        session=SessionId(row["session"]),
        opened_by=AccountId(row["opened_by"]),
        reason=row["reason"],
        state=CaseState(row["state"]),
        reserved_micros=row["reserved_micros"],
        refunded_micros=row["refunded_micros"],
        opened_wall_ns=row["opened_wall_ns"],
        decided_wall_ns=row["decided_wall_ns"],
        decided_by=AccountId(row["decided_by"]) if row["decided_by"] is not None else None,
        verdict=row["verdict"],
    )
