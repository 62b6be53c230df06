"""Disputes and the session's own state: one commit, along signalling's table."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.admin.adapters import audit_store
from gateway.admin.adapters.audit_store import AuditTable
from gateway.bridge.treasury import BooksLog, DisputedSessions
from gateway.clock import ManualClock
from gateway.errors import Conflict
from gateway.ids import AccountId, SessionId
from gateway.signaling.adapters import migrations as signaling_migrations
from gateway.signaling.adapters.session_store import SessionStore
from gateway.store.database import Database
from gateway.terms import SessionState

pytestmark = pytest.mark.adapter

SESSION = SessionId("ses_1")
_ROW = """
INSERT INTO sessions (id, client, provider, kind, state, tariff, tariff_hash, fee_bp, duration_s_max,
    nonce_client, nonce_provider, created_wall_ns, seq, epoch)
VALUES ('ses_1', 'acc_ann', 'acc_pia', 'voice', ?, '{}', '', 0, 60, '', '', 0, 9, 1)
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    migrations = (*signaling_migrations.MIGRATIONS, *audit_store.MIGRATIONS)
    opened = await Database.open(tmp_path / "gateway.db", migrations)
    yield opened
    await opened.close()


async def _in_state(database: Database, state: SessionState) -> DisputedSessions:
    await database.write(lambda transaction: transaction.execute(_ROW, (state,)))
    return DisputedSessions(SessionStore(database, clock=ManualClock()))


async def _state(database: Database) -> str:
    return str(await database.read(lambda c: c.execute("SELECT state FROM sessions").fetchone()[0]))


async def test_a_settled_session_is_disputed_and_then_adjusted(database: Database) -> None:
    moves = await _in_state(database, SessionState.SETTLED)
    for state in (SessionState.DISPUTED, SessionState.ADJUSTED):
        await database.write(moves.move(SESSION, state))
        assert await _state(database) == state


async def test_a_session_that_goes_on_is_not_disputed(database: Database) -> None:
    moves = await _in_state(database, SessionState.METERING)
    with pytest.raises(Conflict):
        await database.write(moves.move(SESSION, SessionState.DISPUTED))
    assert await _state(database) == "metering"


async def test_what_operators_do_to_money_is_sealed_in_their_log(database: Database) -> None:
    log = BooksLog(AuditTable(database), ManualClock())
    await log.note(AccountId("acc_op"), "refund", subject=SESSION, why="a good reason")
    (record,) = await AuditTable(database).newest(before=None, limit=9)
    assert (record.entry.who, record.entry.what, record.entry.subject) == ("acc_op", "refund", "ses_1")
