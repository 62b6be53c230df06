"""The ledger's tables.

Decides what the database itself refuses, whatever the code above it does: to
change or delete a transfer or a command, to end a hold twice or by another
amount, to overdraw a guarded account, to shrink a posted counter.
Never holds a balance that transfers do not explain; `ledger_audit.py` proves it.
See docs/metering.md, "Ledger".
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.store.migration import Migration

_TABLES = """
CREATE TABLE ledger_book (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    currency TEXT NOT NULL
) STRICT;

CREATE TABLE ledger_account (
    id TEXT PRIMARY KEY,
    chart TEXT NOT NULL,
    owner TEXT,
    expires_wall_ns INTEGER,
    guarded INTEGER NOT NULL CHECK (guarded IN (0, 1)),
    debits_pending INTEGER NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
    debits_posted INTEGER NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
    credits_pending INTEGER NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
    credits_posted INTEGER NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
    CHECK (guarded = 0 OR credits_posted - debits_posted - debits_pending >= 0)
) STRICT;
CREATE INDEX ledger_account_owner ON ledger_account (owner, chart) WHERE owner IS NOT NULL;

CREATE TABLE ledger_command (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    session TEXT,
    memo TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (json_valid(answer)),
    at_wall_ns INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX ledger_command_settle ON ledger_command (session) WHERE name = 'settle';

CREATE TABLE ledger_transfer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    command_id TEXT NOT NULL REFERENCES ledger_command (id),
    kind TEXT NOT NULL CHECK (kind IN ('posted', 'pending', 'post', 'void')),
    flow TEXT NOT NULL,
    debit_account TEXT NOT NULL REFERENCES ledger_account (id),
    credit_account TEXT NOT NULL REFERENCES ledger_account (id),
    micros INTEGER NOT NULL CHECK (micros BETWEEN 1 AND 1000000000000000),
    ends_id TEXT REFERENCES ledger_transfer (id),
    session TEXT,
    hold TEXT,
    at_wall_ns INTEGER NOT NULL,
    CHECK (debit_account <> credit_account),
    CHECK ((ends_id IS NOT NULL) = (kind IN ('post', 'void')))
) STRICT;
CREATE UNIQUE INDEX ledger_transfer_ends ON ledger_transfer (ends_id) WHERE ends_id IS NOT NULL;
CREATE INDEX ledger_transfer_session ON ledger_transfer (session) WHERE session IS NOT NULL;
CREATE INDEX ledger_transfer_command ON ledger_transfer (command_id);
CREATE INDEX ledger_transfer_debit ON ledger_transfer (debit_account, seq);
CREATE INDEX ledger_transfer_credit ON ledger_transfer (credit_account, seq);

CREATE TABLE ledger_bar (
    owner TEXT PRIMARY KEY,
    why TEXT NOT NULL,
    at_wall_ns INTEGER NOT NULL
) STRICT;
"""

_GUARDS = """
CREATE TRIGGER ledger_transfer_is_final BEFORE UPDATE ON ledger_transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never edited'); END;
CREATE TRIGGER ledger_transfer_stays BEFORE DELETE ON ledger_transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;
CREATE TRIGGER ledger_command_is_final BEFORE UPDATE ON ledger_command
BEGIN SELECT RAISE(ABORT, 'a command is never edited'); END;
CREATE TRIGGER ledger_command_stays BEFORE DELETE ON ledger_command
BEGIN SELECT RAISE(ABORT, 'a command is never deleted'); END;
CREATE TRIGGER ledger_account_stays BEFORE DELETE ON ledger_account
BEGIN SELECT RAISE(ABORT, 'an account is never deleted'); END;
CREATE TRIGGER ledger_book_is_final BEFORE UPDATE ON ledger_book
BEGIN SELECT RAISE(ABORT, 'a ledger keeps its currency'); END;

CREATE TRIGGER ledger_account_is_itself BEFORE UPDATE ON ledger_account
WHEN NEW.id <> OLD.id OR NEW.chart <> OLD.chart OR NEW.owner IS NOT OLD.owner
  OR NEW.expires_wall_ns IS NOT OLD.expires_wall_ns OR NEW.guarded <> OLD.guarded
BEGIN SELECT RAISE(ABORT, 'an account is never renamed'); END;
CREATE TRIGGER ledger_account_only_grows BEFORE UPDATE ON ledger_account
WHEN NEW.debits_posted < OLD.debits_posted OR NEW.credits_posted < OLD.credits_posted
BEGIN SELECT RAISE(ABORT, 'posted money is never taken back'); END;

CREATE TRIGGER ledger_transfer_ends_whole BEFORE INSERT ON ledger_transfer
WHEN NEW.ends_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM ledger_transfer AS held
    WHERE held.id = NEW.ends_id AND held.kind = 'pending' AND held.micros = NEW.micros
      AND held.debit_account = NEW.debit_account AND held.credit_account = NEW.credit_account)
BEGIN SELECT RAISE(ABORT, 'a pending transfer ends whole and between its own accounts'); END;
CREATE TRIGGER ledger_transfer_after_settlement BEFORE INSERT ON ledger_transfer
WHEN NEW.flow = 'hold' AND EXISTS (
    SELECT 1 FROM ledger_command WHERE name = 'settle' AND session = NEW.session)
BEGIN SELECT RAISE(ABORT, 'nothing is set aside for a settled session'); END;
"""

_LEANER = """
CREATE TABLE account_next (
    id TEXT PRIMARY KEY,
    chart TEXT NOT NULL,
    owner TEXT,
    expires_wall_ns INTEGER,
    guarded INTEGER NOT NULL CHECK (guarded IN (0, 1)),
    debits_pending INTEGER NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
    debits_posted INTEGER NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
    credits_pending INTEGER NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
    credits_posted INTEGER NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
    CHECK (guarded = 0 OR credits_posted - debits_posted - debits_pending >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE command_next (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    session TEXT,
    memo TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (json_valid(answer)),
    at_wall_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE transfer_next (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    command_id TEXT NOT NULL REFERENCES command_next (id),
    kind TEXT NOT NULL CHECK (kind IN ('posted', 'pending', 'post', 'void')),
    flow TEXT NOT NULL,
    debit_account TEXT NOT NULL REFERENCES account_next (id),
    credit_account TEXT NOT NULL REFERENCES account_next (id),
    micros INTEGER NOT NULL CHECK (micros BETWEEN 1 AND 1000000000000000),
    ends_id TEXT,
    session TEXT,
    hold TEXT,
    at_wall_ns INTEGER NOT NULL,
    CHECK (debit_account <> credit_account),
    CHECK ((ends_id IS NOT NULL) = (kind IN ('post', 'void')))
) STRICT;

INSERT INTO account_next SELECT id, chart, owner, expires_wall_ns, guarded,
    debits_pending, debits_posted, credits_pending, credits_posted FROM ledger_account;
INSERT INTO command_next SELECT id, name, fingerprint, session, memo, answer, at_wall_ns FROM ledger_command;
INSERT INTO transfer_next SELECT seq, id, command_id, kind, flow, debit_account, credit_account, micros, ends_id,
    session, hold, at_wall_ns FROM ledger_transfer ORDER BY seq;
DROP TABLE ledger_transfer;
DROP TABLE ledger_command;
DROP TABLE ledger_account;
ALTER TABLE account_next RENAME TO ledger_account;
ALTER TABLE command_next RENAME TO ledger_command;
ALTER TABLE transfer_next RENAME TO ledger_transfer;

CREATE INDEX ledger_account_owner ON ledger_account (owner, chart) WHERE owner IS NOT NULL;
CREATE UNIQUE INDEX ledger_command_settle ON ledger_command (session) WHERE name = 'settle';
CREATE UNIQUE INDEX ledger_transfer_ends ON ledger_transfer (ends_id) WHERE ends_id IS NOT NULL;
CREATE INDEX ledger_transfer_session ON ledger_transfer (session) WHERE session IS NOT NULL;
CREATE INDEX ledger_transfer_top_up ON ledger_transfer (command_id) WHERE flow = 'top_up';
CREATE INDEX ledger_transfer_debit ON ledger_transfer (debit_account, seq) WHERE kind IN ('posted', 'post');
CREATE INDEX ledger_transfer_credit ON ledger_transfer (credit_account, seq) WHERE kind IN ('posted', 'post');
"""
"""The same tables in fewer trees. Accounts and commands are stored by their id, and transfers number
themselves (none is ever deleted, so no number comes twice). What a transfer ends is looked up once, by
the trigger. Statements ask about money that moved,
so holds are not indexed by account; a command finds its transfers by walking, but for the top-ups that the
monitor asks about."""


def _guards_of(*tables: str) -> str:
    """The guards of the first step that stand on these tables; a table takes its guards with it."""
    guards = [f"{guard}END;" for guard in _GUARDS.split("END;")[:-1]]
    return "".join(guard for guard in guards if any(f" ON {table}" in guard for table in tables))


MIGRATIONS: tuple[Migration, ...] = (
    Migration("booking.ledger", 1, _TABLES + _GUARDS),
    Migration(
        "booking.ledger", 2, _LEANER + _guards_of("ledger_account", "ledger_command", "ledger_transfer")
    ),
)
"""The ledger's steps."""


_APPENDED = """
CREATE TABLE command_next (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    session TEXT,
    memo TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (json_valid(answer)),
    at_wall_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE transfer_next (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    command_id TEXT NOT NULL REFERENCES command_next (id),
    kind TEXT NOT NULL CHECK (kind IN ('posted', 'pending', 'post', 'void')),
    flow TEXT NOT NULL,
    debit_account TEXT NOT NULL REFERENCES ledger_account (id),
    credit_account TEXT NOT NULL REFERENCES ledger_account (id),
    micros INTEGER NOT NULL CHECK (micros BETWEEN 1 AND 1000000000000000),
    ends_id TEXT,
    session TEXT,
    hold TEXT,
    at_wall_ns INTEGER NOT NULL,
    CHECK (debit_account <> credit_account),
    CHECK ((ends_id IS NOT NULL) = (kind IN ('post', 'void')))
) STRICT;

INSERT INTO command_next SELECT id, name, fingerprint, session, memo, answer, at_wall_ns FROM ledger_command
    ORDER BY at_wall_ns, id;
INSERT INTO transfer_next SELECT seq, id, command_id, kind, flow, debit_account, credit_account, micros, ends_id,
    session, hold, at_wall_ns FROM ledger_transfer ORDER BY seq;
DROP TABLE ledger_transfer;
DROP TABLE ledger_command;
ALTER TABLE command_next RENAME TO ledger_command;
ALTER TABLE transfer_next RENAME TO ledger_transfer;

CREATE UNIQUE INDEX ledger_command_settle ON ledger_command (session) WHERE name = 'settle';
CREATE UNIQUE INDEX ledger_transfer_session ON ledger_transfer (session, id) WHERE session IS NOT NULL;
CREATE UNIQUE INDEX ledger_transfer_id ON ledger_transfer (id) WHERE session IS NULL;
CREATE UNIQUE INDEX ledger_transfer_ends ON ledger_transfer (ends_id) WHERE ends_id IS NOT NULL;
CREATE INDEX ledger_transfer_top_up ON ledger_transfer (command_id) WHERE flow = 'top_up';
CREATE INDEX ledger_transfer_debit ON ledger_transfer (debit_account, seq) WHERE kind IN ('posted', 'post');
CREATE INDEX ledger_transfer_credit ON ledger_transfer (credit_account, seq) WHERE kind IN ('posted', 'post');
"""

APPENDED = _APPENDED + _guards_of("ledger_command", "ledger_transfer").replace(
    "held.id = NEW.ends_id", "held.session = NEW.session AND held.id = NEW.ends_id"
)
"""The same tables, with fewer pages written by a commit; whoever runs it also restores what else stood on them.

Commands lie in the order they came, and only their ids are sorted: a row is long, and sorted itself it would
be written along with its neighbours. A session's transfers are found, and told apart, beside each other: what
one command writes is then in one page of that tree. A transfer ends one of its own session, which is where the
trigger looks."""


_WHOLE = """NEW.ends_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM ledger_transfer AS held
    WHERE held.session = NEW.session AND held.id = NEW.ends_id AND held.kind = 'pending'
      AND held.micros = NEW.micros AND held.debit_account = NEW.debit_account
      AND held.credit_account = NEW.credit_account)"""
_AFTER_SETTLEMENT = """NEW.flow = 'hold' AND EXISTS (
    SELECT 1 FROM ledger_command WHERE name = 'settle' AND session = NEW.session)"""
_KNOWN = """EXISTS (SELECT 1 FROM ledger_command WHERE id = NEW.command_id)
    AND EXISTS (SELECT 1 FROM ledger_account WHERE id = NEW.debit_account)
    AND EXISTS (SELECT 1 FROM ledger_account WHERE id = NEW.credit_account)"""

_FITTED = """
CREATE TABLE transfer_next (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    command_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('posted', 'pending', 'post', 'void')),
    flow TEXT NOT NULL,
    debit_account TEXT NOT NULL,
    credit_account TEXT NOT NULL,
    micros INTEGER NOT NULL CHECK (micros BETWEEN 1 AND 1000000000000000),
    ends_id TEXT,
    session TEXT,
    hold TEXT,
    at_wall_ns INTEGER NOT NULL,
    CHECK (debit_account <> credit_account),
    CHECK ((ends_id IS NOT NULL) = (kind IN ('post', 'void')))
) STRICT;
INSERT INTO transfer_next SELECT seq, id, command_id, kind, flow, debit_account, credit_account, micros, ends_id,
    session, hold, at_wall_ns FROM ledger_transfer ORDER BY seq;
DROP TABLE ledger_transfer;
ALTER TABLE transfer_next RENAME TO ledger_transfer;

CREATE UNIQUE INDEX ledger_transfer_session ON ledger_transfer (session, id) WHERE session IS NOT NULL;
CREATE UNIQUE INDEX ledger_transfer_id ON ledger_transfer (id) WHERE session IS NULL;
CREATE UNIQUE INDEX ledger_transfer_ends ON ledger_transfer (session, ends_id) WHERE ends_id IS NOT NULL;
CREATE INDEX ledger_transfer_top_up ON ledger_transfer (command_id) WHERE flow = 'top_up';
CREATE INDEX ledger_transfer_debit ON ledger_transfer (debit_account, seq) WHERE kind IN ('posted', 'post');
CREATE INDEX ledger_transfer_credit ON ledger_transfer (credit_account, seq) WHERE kind IN ('posted', 'post');

CREATE TRIGGER ledger_transfer_is_final BEFORE UPDATE ON ledger_transfer
BEGIN SELECT RAISE(FAIL, 'a transfer is never edited'); END;
CREATE TRIGGER ledger_transfer_stays BEFORE DELETE ON ledger_transfer
BEGIN SELECT RAISE(FAIL, 'a transfer is never deleted'); END;
CREATE TRIGGER ledger_transfer_fits BEFORE INSERT ON ledger_transfer
WHEN ({whole}) OR ({after_settlement}) OR NOT ({known})
BEGIN
    SELECT RAISE(FAIL, 'a pending transfer ends whole and between its own accounts') WHERE {whole};
    SELECT RAISE(FAIL, 'nothing is set aside for a settled session') WHERE {after_settlement};
    SELECT RAISE(FAIL, 'a transfer is of a command, between accounts that are open');
END;

DROP TRIGGER ledger_account_is_itself;
DROP TRIGGER ledger_account_only_grows;
CREATE TRIGGER ledger_account_grows BEFORE UPDATE ON ledger_account
WHEN NEW.debits_posted < OLD.debits_posted OR NEW.credits_posted < OLD.credits_posted
  OR NEW.id <> OLD.id OR NEW.chart <> OLD.chart OR NEW.owner IS NOT OLD.owner
  OR NEW.expires_wall_ns IS NOT OLD.expires_wall_ns OR NEW.guarded <> OLD.guarded
BEGIN
    SELECT RAISE(FAIL, 'posted money is never taken back')
    WHERE NEW.debits_posted < OLD.debits_posted OR NEW.credits_posted < OLD.credits_posted;
    SELECT RAISE(FAIL, 'an account is never renamed');
END;
"""

FITTED = (
    _FITTED.replace("{whole}", _WHOLE)
    .replace("{after_settlement}", _AFTER_SETTLEMENT)
    .replace("{known}", _KNOWN)
)
"""The same tables, watched at less cost: one trigger looks at what comes in, and what ends is found by its session.

A statement that may be undone by itself has SQLite copy each page before the change. RAISE(FAIL) and
`OR FAIL` say that it is not: whoever writes undoes the whole command, or all that share the statement."""

MERGED: Mapping[str, str] = MappingProxyType(
    {
        "ledger_transfer_ends_whole": "ledger_transfer_fits",
        "ledger_transfer_after_settlement": "ledger_transfer_fits",
        "ledger_account_is_itself": "ledger_account_grows",
        "ledger_account_only_grows": "ledger_account_grows",
    }
)
"""Guards of earlier steps, each with the one that says its sentence now."""
