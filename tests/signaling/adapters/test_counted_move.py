"""The last move that says whether seconds count, and when it was: by the clock of its boot, not the one on the wall."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import NS, ManualClock
from gateway.ids import SessionId
from gateway.signaling.adapters.migrations import MIGRATIONS
from gateway.signaling.adapters.session_store import SessionStore
from gateway.store.database import Database
from gateway.terms import CountedMove, EndReason, SessionState, SuspendReason
from tests.signaling.adapters.test_session_store import bring, row

pytestmark = pytest.mark.adapter


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SessionStore]:
    database = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    yield SessionStore(database, clock=clock)
    await database.close()


async def test_a_move_is_dated_by_both_clocks_of_its_boot(store: SessionStore, clock: ManualClock) -> None:
    session = SessionId("ses_1")
    await bring(store, row(), SessionState.CONNECTING)
    assert await store.counted_move(session) is None

    await store.commit(store.move(session, SessionState.METERING))
    clock.advance(seconds=5)
    clock.step_wall(ns=-3_600 * NS)
    await store.commit(store.move(session, SessionState.SUSPENDED, SuspendReason.CLOCK))
    await store.commit(store.move(session, SessionState.ENDING, EndReason.FUNDS))

    assert await store.counted_move(session) == CountedMove(
        reason=SuspendReason.CLOCK,
        at_ns=clock.monotonic_ns(),
        boot=clock.boot_id,
        wall_ns=clock.wall_ns(),
    )


async def test_a_move_from_before_it_was_so_dated_has_the_wall_clock_alone(
    store: SessionStore, clock: ManualClock
) -> None:
    session = SessionId("ses_1")
    await bring(store, row(), SessionState.CONNECTING)
    await store.commit(
        lambda tx: tx.execute(
            "INSERT INTO session_transitions (session, seq, epoch, state, reason, at_wall_ns)"
            " VALUES (?, 90, 1, 'suspended', 'sos', 7)",
            (session,),
        )
    )

    assert await store.counted_move(session) == CountedMove(
        reason=SuspendReason.SOS, at_ns=None, boot="", wall_ns=7
    )
