"""Reading, inside one transaction, what a flow starts from.

Decides how transfers of a settled session become its position: what each source
paid, what came back since, what is pending and reserved. Everything is counted
from the ledger's own rows, so that no second record can disagree with them.
Never writes. See `gateway/booking/ledger/position.py`.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from gateway.booking.adapters.ledger_book import Book
from gateway.booking.ledger.account import Chart, LedgerAccountId, pending_earnings_of, platform
from gateway.booking.ledger.command import Command
from gateway.booking.ledger.position import Leg, Part, Position, remaining
from gateway.errors import Conflict, Unprocessable
from gateway.ids import AccountId, SessionId, derived

_CHARGED = """
SELECT payer.id, payer.owner, payer.chart, payer.expires_wall_ns,
       sum(leg.micros) FILTER (WHERE leg.flow = 'fee') AS fee,
       sum(leg.micros) FILTER (WHERE leg.flow = 'earning') AS earned,
       max(payee.owner) AS provider, min(leg.seq) AS seq
FROM ledger_transfer AS leg
JOIN ledger_account AS payer ON payer.id = leg.debit_account
JOIN ledger_account AS payee ON payee.id = leg.credit_account
WHERE leg.session = ? AND leg.flow IN ('fee', 'earning')
GROUP BY payer.id ORDER BY seq
"""
_MADE_GOOD = """
SELECT payee.owner FROM ledger_transfer AS leg JOIN ledger_account AS payee ON payee.id = leg.credit_account
WHERE leg.session = ? AND leg.flow = 'make_good'
"""
_REFUNDED = """
SELECT answer ->> '$.parts' AS parts FROM ledger_command
WHERE session = ? AND name IN ('refund', 'case_decide')
"""
_ON_ACCOUNT = """
SELECT coalesce(sum(CASE WHEN credit_account = :account THEN micros ELSE -micros END), 0)
FROM ledger_transfer
WHERE session = :session AND kind IN ('posted', 'post')
  AND (credit_account = :account OR debit_account = :account)
"""


def position_of(transaction: sqlite3.Connection, session: SessionId) -> Position | None:
    """The session's position; None where it is not settled or nothing of it ever moved."""
    settled = transaction.execute(
        "SELECT at_wall_ns FROM ledger_command WHERE id = ?", (derived("settle", session),)
    ).fetchone()
    rows = transaction.execute(_CHARGED, (session,)).fetchall()
    if settled is None or not rows:
        return None if settled is None else _unpaid(transaction, session, settled["at_wall_ns"])
    provider = next((AccountId(row["provider"]) for row in rows if row["provider"] is not None), None)
    return Position(
        session=session,
        settled_wall_ns=settled["at_wall_ns"],
        client=AccountId(rows[0]["owner"]),
        provider=provider,
        legs=remaining(map(_leg, rows), _refunded(transaction, session)),
        pending_micros=_pending(transaction, session, provider),
        reserved_micros=_on_account(transaction, session, platform(Chart.DISPUTE_RESERVE).id),
    )


def answered(book: Book, command: Command, *, is_keyed: bool = False) -> Mapping[str, Any] | None:
    """What was answered to the same command before; None where it is new.

    Raises:
        Unprocessable: `is_keyed`, and its key was used with another body.
        Conflict: its name was used with another body.
    """
    before = book.recorded(command.id)
    if before is None:
        return None
    if before.fingerprint == command.fingerprint:
        return before.answer
    if is_keyed:
        raise Unprocessable("this Idempotency-Key was used with another body", code="idempotency_key_reused")
    raise Conflict(f"{command.name} {command.id} was done with another body")


def _unpaid(transaction: sqlite3.Connection, session: SessionId, settled_wall_ns: int) -> Position | None:
    """A session that cost nothing but was made good to the provider."""
    row = transaction.execute(_MADE_GOOD, (session,)).fetchone()
    if row is None:
        return None
    provider = AccountId(row["owner"])
    return Position(
        session=session,
        settled_wall_ns=settled_wall_ns,
        client=AccountId(""),
        provider=provider,
        legs=(),
        pending_micros=_pending(transaction, session, provider),
        reserved_micros=0,
    )


def _leg(row: sqlite3.Row) -> Leg:
    return Leg(
        source=LedgerAccountId(row["id"]),
        is_promo=row["chart"] == Chart.CLIENT_PROMO,
        expires_wall_ns=row["expires_wall_ns"],
        fee_micros=row["fee"] or 0,
        earned_micros=row["earned"] or 0,
    )


def _refunded(transaction: sqlite3.Connection, session: SessionId) -> list[Part]:
    return [
        (LedgerAccountId(source), fee, earned)
        for row in transaction.execute(_REFUNDED, (session,))
        for source, fee, earned in json.loads(row["parts"])
    ]


def _pending(transaction: sqlite3.Connection, session: SessionId, provider: AccountId | None) -> int:
    return 0 if provider is None else _on_account(transaction, session, pending_earnings_of(provider).id)


def _on_account(transaction: sqlite3.Connection, session: SessionId, account: LedgerAccountId) -> int:
    (micros,) = transaction.execute(_ON_ACCOUNT, {"session": session, "account": account}).fetchone()
    return int(micros)
