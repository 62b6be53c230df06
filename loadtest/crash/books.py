"""The gateway's file after the last kill, read from outside.

Decides by plain SQL whether the money in the ledger is the money on the receipts,
client by client and provider by provider, whether anything was charged twice and
whether a hold or a session is still open. The auditor replays the rest.
Never imports what it checks and never writes. Tables: docs/metering.md, "Ledger".
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OPEN_STATES = (
    *("created", "ringing", "accepted", "connecting", "metering", "suspended"),
    *("recovering", "ending", "rated"),
)
_POSTED = "SELECT id, chart, owner, credits_posted - debits_posted FROM ledger_account"
_DEPOSITS = """
    SELECT a.owner, sum(t.micros) FROM ledger_transfer t JOIN ledger_account a ON a.id = t.credit_account
    WHERE t.kind = 'posted' AND a.chart IN ('client_cash', 'client_promo') GROUP BY a.owner
"""
_CHARGES = """
    SELECT t.session, t.command_id, sum(t.micros) FROM ledger_transfer t
    JOIN ledger_account a ON a.id = t.debit_account
    WHERE t.kind IN ('posted', 'post') AND t.session IS NOT NULL
      AND a.chart IN ('client_cash', 'client_promo') GROUP BY t.session, t.command_id
"""
_OPEN_HOLDS = """
    SELECT count(*) FROM ledger_transfer held WHERE held.kind = 'pending'
      AND id NOT IN (SELECT ends_id FROM ledger_transfer WHERE ends_id IS NOT NULL)
"""


@dataclass(slots=True, kw_only=True)
class Books:
    """What the file says."""

    sessions: int = 0
    drift_micros: int = 0
    """Sum over all people of what they have apart from what the receipts say they should have."""
    double_charges: int = 0
    """Sessions that were charged by more than one command, or more than their receipt says."""
    stuck_holds: int = 0
    """Holds that nothing has ended, though no session is live."""
    unsettled: int = 0
    """Sessions that are not over."""
    lacking: int = 0
    """Sessions that are over after metering and have no receipt."""
    charged_micros: int = 0
    receipts: dict[str, bytes] = field(default_factory=dict)
    """By session."""
    bundles: dict[str, bytes] = field(default_factory=dict)
    """Evidence by session."""
    problems: list[str] = field(default_factory=list)


def read(database: Path) -> Books:
    """Read a closed file."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
        return _read(reader)


def _read(reader: sqlite3.Connection) -> Books:
    rows = reader.execute("SELECT session, receipt, evidence FROM receipts").fetchall()
    books = Books(
        receipts={row[0]: bytes(row[1]) for row in rows}, bundles={row[0]: bytes(row[2]) for row in rows}
    )
    states = Counter[str](dict(reader.execute("SELECT state, count(*) FROM sessions GROUP BY state")))
    books.sessions = states.total()
    books.unsettled = sum(states[state] for state in OPEN_STATES)
    books.lacking = reader.execute(
        "SELECT count(*) FROM sessions s WHERE state = 'settled'"
        " AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.session = s.id)"
    ).fetchone()[0]
    books.stuck_holds = reader.execute(_OPEN_HOLDS).fetchone()[0]
    receipts = {session: json.loads(body) for session, body in books.receipts.items()}
    books.charged_micros = sum(receipt["charge_micros"] for receipt in receipts.values())
    _compare_charges(books, receipts, reader)
    for sentence, micros in _drifts(receipts, reader):
        books.drift_micros += abs(micros)
        books.problems.append(sentence)
    return books


def _compare_charges(books: Books, receipts: dict[str, Any], reader: sqlite3.Connection) -> None:
    charged: Counter[str] = Counter()
    commands: Counter[str] = Counter()
    for session, _, micros in reader.execute(_CHARGES):
        charged[session] += micros
        commands[session] += 1
    for session in charged:
        stated = receipts[session]["charge_micros"] if session in receipts else 0
        if commands[session] > 1 or charged[session] > stated:
            books.double_charges += 1
            books.problems.append(f"{session}: {charged[session]} micros charged, {stated} on its receipt")


def _drifts(receipts: dict[str, Any], reader: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """Whoever has not what the receipts say, and by how much."""
    expected: Counter[tuple[str, str | None]] = Counter()
    for owner, micros in reader.execute(_DEPOSITS):
        expected["client", owner] += micros
    for receipt in receipts.values():
        expected["client", receipt["client"]["id"]] -= receipt["charge_micros"]
        expected["provider", receipt["provider"]["id"]] += receipt["earned_micros"]
        expected["platform_fee", None] += receipt["fee_micros"]
    found: Counter[tuple[str, str | None]] = Counter()
    for _, chart, owner, micros in reader.execute(_POSTED):
        kind = chart.split("_")[0] if owner is not None else chart
        if kind in ("client", "provider", "platform_fee"):
            found[kind, owner] += micros
    for who in {*expected, *found}:
        if found[who] != expected[who]:
            yield f"{who}: has {found[who]}, by the receipts {expected[who]}", found[who] - expected[who]
