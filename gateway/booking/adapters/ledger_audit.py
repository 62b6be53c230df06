"""Looking at all of the books: one query for each invariant.

Decides by counting transfers anew, in SQL that shares nothing with the code that
moved the money; one snapshot, in a reader thread, without holding up a write. What
is looked at every few seconds is what is new (`ledger_replay.py`).
Never changes anything. What needs other packages (which sessions are over) is put
together by `wallet_service.py` from `sessions_holding`.
See `gateway/booking/ledger/invariant.py` for what each value means.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from gateway.booking.ledger.invariant import Breach, Finding, Invariant, balanced, counted
from gateway.ids import AccountId, SessionId

_SUMS = """
SELECT coalesce(sum(debits_posted) - sum(credits_posted), 0) AS posted,
       coalesce(sum(debits_pending) - sum(credits_pending), 0) AS pending
FROM ledger_account
"""
_OVERDRAWN = """
SELECT id, owner, credits_posted - debits_posted - debits_pending AS available FROM ledger_account
WHERE available < 0 AND chart NOT IN
    ('bank', 'processor_clearing', 'holds_control', 'platform_fee', 'promo_cost', 'metering_write_off',
     'processor_fees')
"""
_PENDING_DIFFERS = """
WITH open_hold AS (
    SELECT * FROM ledger_transfer AS held WHERE kind = 'pending'
      AND id NOT IN (SELECT ends_id FROM ledger_transfer WHERE ends_id IS NOT NULL)
), expected AS (
    SELECT account, sum(debit) AS debits, sum(credit) AS credits FROM (
        SELECT debit_account AS account, micros AS debit, 0 AS credit FROM open_hold
        UNION ALL SELECT credit_account, 0, micros FROM open_hold
    ) GROUP BY account
)
SELECT id, owner, debits_pending, credits_pending,
       coalesce(debits, 0) AS debits, coalesce(credits, 0) AS credits
FROM ledger_account LEFT JOIN expected ON expected.account = ledger_account.id
WHERE debits_pending <> coalesce(debits, 0) OR credits_pending <> coalesce(credits, 0)
"""
_BADLY_ENDED = """
WITH ending AS (
    SELECT ends_id, count(*) AS endings, sum(micros) AS micros
    FROM ledger_transfer WHERE ends_id IS NOT NULL GROUP BY ends_id
)
SELECT held.id, account.owner, held.session, coalesce(ending.endings, 0) AS endings
FROM ledger_transfer AS held
JOIN ledger_account AS account ON account.id = held.debit_account
LEFT JOIN ending ON ending.ends_id = held.id
WHERE held.kind = 'pending' AND (
    ending.endings > 1 OR ending.micros <> held.micros
    OR (ending.endings IS NULL AND EXISTS (SELECT 1 FROM ledger_command AS settlement
                                WHERE settlement.name = 'settle' AND settlement.session = held.session)))
"""
_SPLIT_DIFFERS = """
WITH settled AS (
    SELECT command.id, command.session,
           command.answer ->> '$.charge_micros' AS charge, command.answer ->> '$.promo_micros' AS promo,
           command.answer ->> '$.cash_micros' AS cash, command.answer ->> '$.fee_micros' AS fee,
           command.answer ->> '$.earned_micros' AS earned,
           coalesce(sum(leg.micros) FILTER (WHERE leg.kind = 'void'), 0) AS held,
           coalesce(sum(leg.micros) FILTER (WHERE leg.flow = 'fee'), 0) AS fee_posted,
           coalesce(sum(leg.micros) FILTER (WHERE leg.flow = 'earning'), 0) AS earned_posted,
           coalesce(sum(leg.micros) FILTER (WHERE leg.kind = 'posted' AND payer.chart = 'client_promo'), 0)
               AS promo_posted,
           coalesce(sum(leg.micros) FILTER (WHERE leg.kind = 'posted' AND payer.chart = 'client_cash'), 0)
               AS cash_posted,
           max(payer.owner) AS owner
    FROM ledger_command AS command
    LEFT JOIN ledger_transfer AS leg ON leg.command_id = command.id
    LEFT JOIN ledger_account AS payer ON payer.id = leg.debit_account
    WHERE command.name = 'settle' GROUP BY command.id
)
SELECT * FROM settled
WHERE fee_posted + earned_posted <> charge OR fee_posted <> fee OR earned_posted <> earned
   OR promo_posted <> promo OR cash_posted <> cash OR promo + cash <> charge OR charge > held
"""
_REPLAY_DIFFERS = """
WITH movement AS (
    SELECT debit_account AS account, 'debit' AS side, kind, micros FROM ledger_transfer
    UNION ALL SELECT credit_account, 'credit', kind, micros FROM ledger_transfer
), replay AS (
    SELECT account,
           sum(CASE side WHEN 'debit' THEN pending END) AS dp, sum(CASE side WHEN 'debit' THEN posted END) AS dd,
           sum(CASE side WHEN 'credit' THEN pending END) AS cp, sum(CASE side WHEN 'credit' THEN posted END) AS cd
    FROM (SELECT account, side,
                 CASE kind WHEN 'pending' THEN micros WHEN 'posted' THEN 0 ELSE -micros END AS pending,
                 CASE WHEN kind IN ('posted', 'post') THEN micros ELSE 0 END AS posted
          FROM movement)
    GROUP BY account
)
SELECT id, owner FROM ledger_account LEFT JOIN replay ON replay.account = ledger_account.id
WHERE debits_pending <> coalesce(dp, 0) OR debits_posted <> coalesce(dd, 0)
   OR credits_pending <> coalesce(cp, 0) OR credits_posted <> coalesce(cd, 0)
"""
_TOP_UP_DIFFERS = """
SELECT top_up.id, top_up.account AS owner, top_up.state, top_up.micros,
       coalesce(sum(transfer.micros), 0) AS credited
FROM top_up_order AS top_up
LEFT JOIN ledger_command AS command ON command.id = top_up.command_id
LEFT JOIN ledger_transfer AS transfer ON transfer.command_id = command.id
GROUP BY top_up.id
HAVING credited <> CASE top_up.state WHEN 'succeeded' THEN top_up.micros ELSE 0 END
"""
_MOVED_DIFFERS = """
WITH moved AS (
    SELECT command_id, sum(micros) AS micros FROM ledger_transfer
    WHERE kind <> 'void' AND flow <> 'dispute_release' GROUP BY command_id
), answered AS (
    SELECT id, session, CASE name
        WHEN 'hold' THEN answer ->> '$.placed_micros'
        WHEN 'refund' THEN answer ->> '$.refund_micros'
        WHEN 'case_open' THEN answer ->> '$.reserved_micros'
        WHEN 'case_decide' THEN coalesce(answer ->> '$.refund_micros', 0)
        ELSE answer ->> '$.micros' END AS micros
    FROM ledger_command WHERE name IN ('hold', 'refund', 'cool_off', 'promo_expiry', 'case_open',
        'case_decide', 'payout', 'payout_sent', 'payout_back')
)
SELECT answered.id, answered.micros AS said, coalesce(moved.micros, 0) AS moved, NULL AS owner
FROM answered LEFT JOIN moved ON moved.command_id = answered.id WHERE said <> coalesce(moved.micros, 0)
UNION ALL
SELECT moved.command_id, 0, moved.micros, NULL FROM moved
WHERE NOT EXISTS (SELECT 1 FROM ledger_command WHERE ledger_command.id = moved.command_id)
"""
_OVER_REFUNDED = """
SELECT leg.session, max(account.owner) AS owner,
       sum(leg.micros) FILTER (WHERE leg.flow = 'refund') AS refunded,
       coalesce(sum(leg.micros) FILTER (WHERE leg.flow <> 'refund'), 0) AS charged
FROM ledger_transfer AS leg
LEFT JOIN ledger_account AS account ON account.id = leg.debit_account AND leg.flow <> 'refund'
WHERE leg.session IN (SELECT session FROM ledger_command WHERE name IN ('refund', 'case_decide'))
  AND leg.flow IN ('refund', 'fee', 'earning')
GROUP BY leg.session HAVING refunded > charged
"""
_CLEARING = """
WITH explained AS (
    SELECT 'payout_clearing' AS id, coalesce(sum(micros), 0) AS micros, min(requested_wall_ns) AS since
    FROM ledger_payout WHERE state IN ('requested', 'approved')
    UNION ALL SELECT 'refunds_due', coalesce(sum(micros), 0), min(requested_wall_ns)
    FROM ledger_withdrawal WHERE state = 'due'
    UNION ALL SELECT 'dispute_reserve', coalesce(sum(reserved_micros), 0), min(opened_wall_ns)
    FROM ledger_case WHERE state = 'open'
    UNION ALL SELECT 'booking_held', 0, NULL
)
SELECT explained.id, explained.micros, explained.since, NULL AS owner,
       account.credits_posted - account.debits_posted AS balance,
       (SELECT at_wall_ns FROM ledger_transfer ORDER BY seq DESC LIMIT 1) AS newest
FROM explained JOIN ledger_account AS account ON account.id = explained.id
"""
CLEARING_DAYS_MAX = 30
"""Money that is on its way for longer has been forgotten."""
_DAY_NS = 24 * 3600 * 1_000_000_000
_HOLDING = """
SELECT DISTINCT held.session, account.owner
FROM ledger_transfer AS held JOIN ledger_account AS account ON account.id = held.debit_account
WHERE held.kind = 'pending' AND held.session IS NOT NULL
  AND NOT EXISTS (
      SELECT 1 FROM ledger_transfer AS ending WHERE ending.session = held.session AND ending.ends_id = held.id)
"""


def audit(connection: sqlite3.Connection) -> Sequence[Finding]:
    """A finding for every invariant that the database alone can answer."""
    sums = connection.execute(_SUMS).fetchone()
    return [
        balanced(Invariant.POSTED_BALANCE, sums["posted"]),
        balanced(Invariant.PENDING_BALANCE, sums["pending"]),
        counted(Invariant.NO_OVERDRAFT, _overdrawn(connection)),
        counted(Invariant.PENDING_IS_HOLDS, _pending(connection)),
        counted(Invariant.HOLDS_END_ONCE, _ended(connection)),
        counted(Invariant.SPLIT_IS_EXACT, _splits(connection)),
        counted(Invariant.REPLAY, _replayed(connection)),
        counted(Invariant.TOP_UPS, _top_ups(connection)),
        counted(Invariant.REFUNDS, _over_refunded(connection)),
        counted(Invariant.CLEARING, clearing(connection)),
        counted(Invariant.ANSWERS, _moved(connection)),
    ]


def sessions_holding(connection: sqlite3.Connection) -> Mapping[SessionId, AccountId]:
    """Sessions that have an open hold, and whose money it is."""
    return {SessionId(row["session"]): AccountId(row["owner"]) for row in connection.execute(_HOLDING)}


def clearing(connection: sqlite3.Connection) -> Iterator[Breach]:
    """Clearing accounts that hold what no open item explains, or for too long; costs as open items do."""
    for row in connection.execute(_CLEARING):
        if row["balance"] != row["micros"]:
            yield _breach(row, f"{row['id']} holds {row['balance']} micros, open items say {row['micros']}")
        if row["since"] is not None and row["newest"] - row["since"] > CLEARING_DAYS_MAX * _DAY_NS:
            yield _breach(row, f"{row['id']} has waited for more than {CLEARING_DAYS_MAX} days")


def _over_refunded(connection: sqlite3.Connection) -> Iterator[Breach]:
    for row in connection.execute(_OVER_REFUNDED):
        charged = f"{row['charged']} charged"
        yield _breach(row, f"{row['session']} had {row['refunded']} micros refunded of {charged}")


def _moved(connection: sqlite3.Connection) -> Iterator[Breach]:
    for row in connection.execute(_MOVED_DIFFERS):
        yield _breach(row, f"command {row['id']} answered {row['said']} micros and moved {row['moved']}")


def _overdrawn(connection: sqlite3.Connection) -> Iterator[Breach]:
    for row in connection.execute(_OVERDRAWN):
        yield _breach(row, f"{row['id']} is overdrawn by {-row['available']} micros")


def _pending(connection: sqlite3.Connection) -> Iterator[Breach]:
    for row in connection.execute(_PENDING_DIFFERS):
        counters = f"{row['debits_pending']}/{row['credits_pending']}"
        yield _breach(
            row, f"{row['id']} has {counters} pending, its holds say {row['debits']}/{row['credits']}"
        )


def _ended(connection: sqlite3.Connection) -> Iterator[Breach]:
    for row in connection.execute(_BADLY_ENDED):
        yield _breach(row, f"hold leg {row['id']} of {row['session']} has {row['endings']} endings")


def _splits(connection: sqlite3.Connection) -> Iterator[Breach]:
    for row in connection.execute(_SPLIT_DIFFERS):
        posted = f"{row['earned_posted']} earned and {row['fee_posted']} fee of {row['held']} held"
        yield _breach(row, f"{row['session']} was charged {row['charge']}, posted {posted}")


def _replayed(connection: sqlite3.Connection) -> Iterator[Breach]:
    for row in connection.execute(_REPLAY_DIFFERS):
        yield _breach(row, f"{row['id']} differs from the sum of its transfers")


def _top_ups(connection: sqlite3.Connection) -> Iterator[Breach]:
    for row in connection.execute(_TOP_UP_DIFFERS):
        yield _breach(
            row, f"top-up {row['id']} is {row['state']} for {row['micros']}, credited {row['credited']}"
        )


def _breach(row: sqlite3.Row, sentence: str) -> Breach:
    return Breach(sentence=sentence, owner=AccountId(row["owner"]) if row["owner"] is not None else None)
