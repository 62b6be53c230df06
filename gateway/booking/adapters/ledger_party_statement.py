"""Statements per party and the trial balance, as queries; reads only.

Decides which transfers a statement has: every side that touches one of the party's
accounts in the period. Balances at an instant are added up from zero, never taken
from counters, so that a statement proves itself.
Never shows more lines than fit into one answer; a shorter period does.
See `gateway/booking/ledger/account_statement.py`.
"""

import csv
import io
import json
import sqlite3
from collections.abc import Iterator, Sequence

from gateway.booking.ledger.account import Chart
from gateway.booking.ledger.account_statement import (
    CHARTS,
    Party,
    Period,
    Statement,
    StatementLine,
    TrialBalance,
    TrialLine,
    rows,
)
from gateway.booking.ledger.command import CommandName
from gateway.booking.ledger.transfer import Flow
from gateway.errors import Unprocessable
from gateway.ids import AccountId, SessionId

LINES_MAX = 10_000
"""Lines of one statement."""

_ACCOUNTS = """
SELECT id FROM ledger_account WHERE owner IS :owner AND chart IN (SELECT value FROM json_each(:charts))
"""
_BALANCE_AT = """
SELECT coalesce(sum(micros), 0) FROM (
    SELECT micros, at_wall_ns FROM ledger_transfer
    WHERE credit_account IN (SELECT value FROM json_each(:accounts)) AND kind IN ('posted', 'post')
    UNION ALL
    SELECT -micros, at_wall_ns FROM ledger_transfer
    WHERE debit_account IN (SELECT value FROM json_each(:accounts)) AND kind IN ('posted', 'post')
) WHERE at_wall_ns < :at
"""
_LINES = """
SELECT side.*, command.name, command.memo FROM (
    SELECT seq, id, command_id, flow, credit_account AS account, micros, session, at_wall_ns
    FROM ledger_transfer
    WHERE credit_account IN (SELECT value FROM json_each(:accounts)) AND kind IN ('posted', 'post')
    UNION ALL
    SELECT seq, id, command_id, flow, debit_account, -micros, session, at_wall_ns
    FROM ledger_transfer
    WHERE debit_account IN (SELECT value FROM json_each(:accounts)) AND kind IN ('posted', 'post')
) AS side JOIN ledger_command AS command ON command.id = side.command_id
WHERE side.at_wall_ns >= :from AND side.at_wall_ns < :until
ORDER BY side.seq, account LIMIT :limit
"""
_TRIAL = """
WITH movement AS (
    SELECT debit_account AS account, kind, micros AS debit, 0 AS credit FROM ledger_transfer
    UNION ALL SELECT credit_account, kind, 0, micros FROM ledger_transfer
), replay AS (
    SELECT account,
           sum(CASE kind WHEN 'pending' THEN debit WHEN 'posted' THEN 0 ELSE -debit END) AS dp,
           sum(CASE WHEN kind IN ('posted', 'post') THEN debit ELSE 0 END) AS dd,
           sum(CASE kind WHEN 'pending' THEN credit WHEN 'posted' THEN 0 ELSE -credit END) AS cp,
           sum(CASE WHEN kind IN ('posted', 'post') THEN credit ELSE 0 END) AS cd
    FROM movement GROUP BY account
)
SELECT chart, count(*) AS accounts, sum(debits_posted) AS dd, sum(credits_posted) AS cd,
       sum(debits_pending) AS dp, sum(credits_pending) AS cp,
       sum(debits_posted <> coalesce(replay.dd, 0) OR credits_posted <> coalesce(replay.cd, 0)
           OR debits_pending <> coalesce(replay.dp, 0) OR credits_pending <> coalesce(replay.cp, 0)) AS differing
FROM ledger_account LEFT JOIN replay ON replay.account = ledger_account.id
GROUP BY chart ORDER BY chart
"""


def statement(
    connection: sqlite3.Connection, party: Party, *, owner: AccountId | None, period: Period
) -> Statement:
    """The party's accounts over the period, in one snapshot.

    Raises:
        Unprocessable: more than 10,000 lines.
    """
    accounts = _accounts(connection, party, owner)
    lines = list(_lines(connection, accounts, period))
    if len(lines) > LINES_MAX:
        raise Unprocessable(
            f"a statement has at most {LINES_MAX} lines; ask for a shorter period", code="statement_too_long"
        )
    return Statement(
        party=party,
        owner=owner,
        currency=_currency(connection),
        period=period,
        opening_micros=balance_at(connection, accounts, at_wall_ns=period.from_wall_ns),
        closing_micros=balance_at(connection, accounts, at_wall_ns=period.until_wall_ns),
        lines=lines,
    )


def balance_at(connection: sqlite3.Connection, accounts: Sequence[str], *, at_wall_ns: int) -> int:
    """What was on those accounts just before the instant, added up from zero."""
    values = {"accounts": json.dumps(list(accounts)), "at": at_wall_ns}
    (micros,) = connection.execute(_BALANCE_AT, values).fetchone()
    return int(micros)


def trial_balance(connection: sqlite3.Connection) -> TrialBalance:
    """Every account by kind, its counters beside its transfers from zero."""
    lines = [
        TrialLine(
            chart=Chart(row["chart"]),
            accounts=row["accounts"],
            debits_posted=row["dd"],
            credits_posted=row["cd"],
            debits_pending=row["dp"],
            credits_pending=row["cp"],
            differing=row["differing"],
        )
        for row in connection.execute(_TRIAL)
    ]
    return TrialBalance(currency=_currency(connection), lines=lines)


def as_csv(made: Statement) -> str:
    """The statement as a table."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows(made))
    return text.getvalue()


def _accounts(connection: sqlite3.Connection, party: Party, owner: AccountId | None) -> list[str]:
    values = {"owner": owner, "charts": json.dumps(sorted(CHARTS[party]))}
    return [row["id"] for row in connection.execute(_ACCOUNTS, values)]


def _lines(
    connection: sqlite3.Connection, accounts: Sequence[str], period: Period
) -> Iterator[StatementLine]:
    values = {
        "accounts": json.dumps(list(accounts)),
        "from": period.from_wall_ns,
        "until": period.until_wall_ns,
        "limit": LINES_MAX + 1,
    }
    for row in connection.execute(_LINES, values):
        yield StatementLine(
            at_wall_ns=row["at_wall_ns"],
            command=CommandName(row["name"]),
            flow=Flow(row["flow"]),
            account=row["account"],
            micros=row["micros"],
            session=SessionId(row["session"]) if row["session"] is not None else None,
            memo=row["memo"],
            transfer=row["id"],
        )


def _currency(connection: sqlite3.Connection) -> str:
    (currency,) = connection.execute("SELECT currency FROM ledger_book").fetchone()
    return str(currency)
