"""What people are shown of the books, as queries.

Decides which transfers make a line: all of one command that touch the wallet are
one entry, all of one settlement are one earning. Holds are not lines; what is
set aside is the wallet's `held`.
Never computes a balance from lines. Pages run backwards by the transfers' own
sequence, so that a new line never shifts an old page.
"""

import sqlite3

from gateway.booking.ledger.account import LedgerAccountId, available_earnings_of, pending_earnings_of
from gateway.booking.ledger.command import CommandName
from gateway.booking.ledger.statement import Earning, Earnings, Entry, Page, day_began_wall_ns
from gateway.ids import AccountId, SessionId

_SEQ_MAX = 2**63 - 1

_ENTRIES = """
WITH wallet AS (
    SELECT id FROM ledger_account WHERE owner = :owner AND chart IN ('client_cash', 'client_promo')
), movement AS (
    SELECT seq, command_id, -micros AS micros FROM ledger_transfer
    WHERE debit_account IN wallet AND kind IN ('posted', 'post') AND seq < :before
    UNION ALL
    SELECT seq, command_id, micros FROM ledger_transfer
    WHERE credit_account IN wallet AND kind IN ('posted', 'post') AND seq < :before
)
SELECT min(movement.seq) AS seq, sum(movement.micros) AS micros,
       command.id, command.name, command.session, command.memo, command.at_wall_ns
FROM movement JOIN ledger_command AS command ON command.id = movement.command_id
GROUP BY command.id ORDER BY seq DESC LIMIT :limit
"""
_EARNINGS = """
SELECT min(transfer.seq) AS seq, sum(transfer.micros) AS earned, command.session, command.at_wall_ns,
       command.answer ->> '$.charge_micros' AS charge, command.answer ->> '$.fee_micros' AS fee
FROM ledger_transfer AS transfer JOIN ledger_command AS command ON command.id = transfer.command_id
WHERE transfer.credit_account = :account AND transfer.flow = 'earning'
  AND transfer.kind IN ('posted', 'post') AND transfer.seq < :before
GROUP BY command.id ORDER BY seq DESC LIMIT :limit
"""
_EARNED_SINCE = """
SELECT coalesce(sum(micros), 0) FROM ledger_transfer
WHERE credit_account = ? AND flow = 'earning' AND kind IN ('posted', 'post') AND at_wall_ns >= ?
"""


def entries(
    connection: sqlite3.Connection, owner: AccountId, *, before: int | None, limit: int
) -> Page[Entry]:
    """Deposits and charges of the owner's wallet, newest first."""
    values = {"owner": owner, "before": _SEQ_MAX if before is None else before, "limit": limit + 1}
    rows = connection.execute(_ENTRIES, values).fetchall()
    items = [
        Entry(
            id=row["id"],
            at_wall_ns=row["at_wall_ns"],
            kind=CommandName(row["name"]),
            micros=row["micros"],
            session=SessionId(row["session"]) if row["session"] is not None else None,
            memo=row["memo"],
        )
        for row in rows[:limit]
    ]
    return Page(items=items, next=_next(rows, limit))


def earnings(
    connection: sqlite3.Connection,
    provider: AccountId,
    *,
    before: int | None,
    limit: int,
    now_wall_ns: int,
) -> Earnings:
    """The provider's sessions that earned something, newest first, and the sums beside them."""
    pending = pending_earnings_of(provider).id
    values = {"account": pending, "before": _SEQ_MAX if before is None else before, "limit": limit + 1}
    rows = connection.execute(_EARNINGS, values).fetchall()
    items = [
        Earning(
            session=SessionId(row["session"]),
            at_wall_ns=row["at_wall_ns"],
            charge_micros=row["charge"],
            fee_micros=row["fee"],
            earned_micros=row["earned"],
        )
        for row in rows[:limit]
    ]
    (today,) = connection.execute(_EARNED_SINCE, (pending, day_began_wall_ns(now_wall_ns))).fetchone()
    return Earnings(
        pending_micros=_posted(connection, pending),
        available_micros=_posted(connection, available_earnings_of(provider).id),
        today_micros=today,
        page=Page(items=items, next=_next(rows, limit)),
    )


def _posted(connection: sqlite3.Connection, account: LedgerAccountId) -> int:
    row = connection.execute(
        "SELECT credits_posted - debits_posted AS posted FROM ledger_account WHERE id = ?", (account,)
    ).fetchone()
    return 0 if row is None else int(row["posted"])


def _next(rows: list[sqlite3.Row], limit: int) -> int | None:
    """The sequence of the last line shown, where one more was found."""
    return int(rows[limit - 1]["seq"]) if len(rows) > limit else None
