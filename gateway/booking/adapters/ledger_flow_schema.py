"""The tables of the ledger's longer flows: payouts, withdrawals, cases.

Decides what is kept of a flow that lasts for days: what it is about and where it
is. What it moved is in the ledger's own transfers, which name its id.
Never holds a balance. The indexes let the timers find what is due without looking
at everything that ever was. See docs/metering.md, "Ledger".
"""

from gateway.booking.adapters import ledger_schema
from gateway.store.migration import Migration

_TABLES = """
CREATE TABLE ledger_payout (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    micros INTEGER NOT NULL CHECK (micros > 0),
    fee_micros INTEGER NOT NULL CHECK (fee_micros >= 0 AND fee_micros < micros),
    state TEXT NOT NULL CHECK (state IN
        ('requested', 'approved', 'sent', 'awaiting_payee', 'paid', 'returned', 'failed')),
    approvers TEXT NOT NULL CHECK (json_valid(approvers)),
    reference TEXT NOT NULL,
    requested_wall_ns INTEGER NOT NULL,
    moved_wall_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_payout_provider ON ledger_payout (provider, requested_wall_ns);
CREATE INDEX ledger_payout_state ON ledger_payout (state, requested_wall_ns);

CREATE TABLE ledger_withdrawal (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    micros INTEGER NOT NULL CHECK (micros > 0),
    state TEXT NOT NULL CHECK (state IN ('due', 'sent', 'done', 'failed')),
    reason TEXT NOT NULL,
    requested_wall_ns INTEGER NOT NULL,
    moved_wall_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_withdrawal_state ON ledger_withdrawal (state, requested_wall_ns);

CREATE TABLE ledger_case (
    id TEXT PRIMARY KEY,
    session TEXT NOT NULL UNIQUE,
    opened_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'to_provider', 'to_client')),
    reserved_micros INTEGER NOT NULL CHECK (reserved_micros >= 0),
    refunded_micros INTEGER NOT NULL CHECK (refunded_micros >= 0),
    opened_wall_ns INTEGER NOT NULL,
    decided_wall_ns INTEGER,
    decided_by TEXT,
    verdict TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_case_state ON ledger_case (state, opened_wall_ns);
"""

_GUARDS = """
CREATE TRIGGER ledger_payout_stays BEFORE DELETE ON ledger_payout
BEGIN SELECT RAISE(ABORT, 'a payout is never deleted'); END;
CREATE TRIGGER ledger_payout_is_itself BEFORE UPDATE ON ledger_payout
WHEN NEW.id <> OLD.id OR NEW.provider <> OLD.provider OR NEW.micros <> OLD.micros
  OR NEW.fee_micros <> OLD.fee_micros OR OLD.state IN ('returned', 'failed')
BEGIN SELECT RAISE(ABORT, 'what a payout is about never changes'); END;
CREATE TRIGGER ledger_withdrawal_stays BEFORE DELETE ON ledger_withdrawal
BEGIN SELECT RAISE(ABORT, 'a withdrawal is never deleted'); END;
CREATE TRIGGER ledger_withdrawal_is_itself BEFORE UPDATE ON ledger_withdrawal
WHEN NEW.id <> OLD.id OR NEW.account <> OLD.account OR NEW.micros <> OLD.micros
  OR OLD.state IN ('done', 'failed')
BEGIN SELECT RAISE(ABORT, 'what a withdrawal is about never changes'); END;
CREATE TRIGGER ledger_case_stays BEFORE DELETE ON ledger_case
BEGIN SELECT RAISE(ABORT, 'a case is never deleted'); END;
CREATE TRIGGER ledger_case_is_final BEFORE UPDATE ON ledger_case
WHEN NEW.id <> OLD.id OR NEW.session <> OLD.session OR OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'a decided case is never changed'); END;
"""

_OF_COMMANDS = """
CREATE INDEX ledger_command_settled ON ledger_command (at_wall_ns, id) WHERE name = 'settle';
CREATE INDEX ledger_command_refunded ON ledger_command (session) WHERE name IN ('refund', 'case_decide');
CREATE INDEX ledger_command_cooled ON ledger_command (session) WHERE name = 'cool_off';
"""

_DUE = f"""
CREATE INDEX ledger_account_expiring ON ledger_account (expires_wall_ns)
    WHERE expires_wall_ns IS NOT NULL AND credits_posted > debits_posted;{_OF_COMMANDS}\
CREATE INDEX top_up_order_command ON top_up_order (command_id) WHERE command_id IS NOT NULL;
CREATE INDEX top_up_order_finished ON top_up_order (finished_wall_ns) WHERE finished_wall_ns IS NOT NULL;
"""

MIGRATIONS: tuple[Migration, ...] = (
    Migration("booking.flows", 1, _TABLES + _GUARDS + _DUE),
    Migration("booking.flows", 2, ledger_schema.APPENDED + _OF_COMMANDS),
    Migration("booking.flows", 3, ledger_schema.FITTED),
)
"""The flows' steps; they come after the ledger's and the orders'."""
