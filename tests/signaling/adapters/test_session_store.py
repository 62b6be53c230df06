"""Sessions in a real SQLite file."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import ManualClock
from gateway.errors import Fenced
from gateway.ids import AccountId, SessionId
from gateway.limits import CLIENT_SESSIONS_MAX
from gateway.signaling.adapters.migrations import MIGRATIONS
from gateway.signaling.adapters.session_store import SessionStore
from gateway.signaling.ports import MoveRefused, SessionRow
from gateway.signaling.session import FINISHED, OPEN, RINGS, can_move
from gateway.store.database import Database
from gateway.terms import EndReason, MeterOrder, SessionKind, SessionState, SuspendReason
from gateway.work import together
from tests.signaling.fakes import TARIFF

pytestmark = pytest.mark.adapter


def way_to(target: SessionState) -> list[SessionState]:
    """The shortest way from CREATED."""
    ways = [[SessionState.CREATED]]
    for way in ways:
        if way[-1] is target:
            return way[1:]
        ways += [[*way, state] for state in SessionState if can_move(way[-1], state) and state not in way]
    raise AssertionError(target)


def row(number: int = 1, *, client: str | None = None, provider: str | None = None) -> SessionRow:
    return SessionRow(
        order=MeterOrder(
            session=SessionId(f"ses_{number}"),
            client=AccountId(client or f"acc_client_{number}"),
            provider=AccountId(provider or f"acc_provider_{number}"),
            kind=SessionKind.TEXT,
            tariff=TARIFF,
            fee_bp=2000,
            duration_s_max=3600,
            slot_ends_wall_ns=7,
            nonce_client="non_c",
            nonce_provider="non_p",
        ),
        state=SessionState.CREATED,
        created_wall_ns=number,
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> SessionStore:
    return SessionStore(database, clock=ManualClock())


async def bring(store: SessionStore, stored: SessionRow, state: SessionState) -> None:
    await store.commit(store.create(stored))
    for step in way_to(state):
        await store.commit(store.move(stored.order.session, step))


async def test_a_session_is_read_back_as_it_was_stored(store: SessionStore) -> None:
    await store.commit(store.create(row()))

    assert await store.load(SessionId("ses_1")) == row()
    assert await store.load(SessionId("ses_2")) is None


async def test_every_step_is_one_row_with_its_reason(store: SessionStore) -> None:
    session = SessionId("ses_1")
    await bring(store, row(), SessionState.METERING)
    await store.commit(store.move(session, SessionState.SUSPENDED, SuspendReason.MEDIA_GAP))
    await store.commit(store.move(session, SessionState.ENDING, EndReason.FUNDS))

    steps = await store.timeline(session)

    assert [step.seq for step in steps] == list(range(1, 8))
    assert [(step.state, step.reason) for step in steps[-3:]] == [
        (SessionState.METERING, None),
        (SessionState.SUSPENDED, SuspendReason.MEDIA_GAP),
        (SessionState.ENDING, EndReason.FUNDS),
    ]


@pytest.mark.parametrize("state", SessionState)
async def test_the_store_allows_exactly_the_moves_of_the_table(
    store: SessionStore, state: SessionState
) -> None:
    for number, target in enumerate(SessionState):
        stored = row(number)
        await bring(store, stored, state)
        move = store.move(stored.order.session, target)
        if can_move(state, target):
            await store.commit(move)
            target_row = await store.load(stored.order.session)
            assert target_row is not None
            assert target_row.state is target
        else:
            with pytest.raises(MoveRefused):
                await store.commit(move)
            assert len(await store.timeline(stored.order.session)) == len(way_to(state)) + 1


async def test_an_unknown_session_cannot_move(store: SessionStore) -> None:
    with pytest.raises(MoveRefused):
        await store.commit(store.move(SessionId("ses_9"), SessionState.RINGING))


async def test_the_first_end_reason_stands(store: SessionStore) -> None:
    session = SessionId("ses_1")
    await bring(store, row(), SessionState.METERING)
    await store.commit(store.move(session, SessionState.ENDING, EndReason.HANGUP_CLIENT))
    await store.commit(store.move(session, SessionState.RATED, EndReason.FUNDS))

    stored = await store.load(session)

    assert stored is not None
    assert stored.end_reason is EndReason.HANGUP_CLIENT


@pytest.mark.parametrize("state", SessionState)
async def test_one_open_session_per_provider(store: SessionStore, state: SessionState) -> None:
    await bring(store, row(1), state)
    second = row(2, provider=row(1).order.provider)

    if state in OPEN:
        with pytest.raises(MoveRefused):
            await store.commit(store.create(second))
        assert await store.load(SessionId("ses_2")) is None
    else:
        await store.commit(store.create(second))


@pytest.mark.parametrize("state", SessionState)
async def test_a_few_open_sessions_per_client(store: SessionStore, state: SessionState) -> None:
    client = row(0).order.client
    for number in range(CLIENT_SESSIONS_MAX):
        await bring(store, row(number, client=client), state)
    one_more = row(9, client=client)

    if state in OPEN:
        with pytest.raises(MoveRefused):
            await store.commit(store.create(one_more))
        assert await store.load(SessionId("ses_9")) is None
    else:
        await store.commit(store.create(one_more))


class Owned:
    """A fence by hand."""

    def __init__(self) -> None:
        self.epochs: dict[SessionId, int] = {}

    def epoch(self, transaction: sqlite3.Connection, session: SessionId) -> int:
        if session not in self.epochs:
            raise Fenced(f"{session} is somebody else's")
        return self.epochs[session]

    def is_ours(self, connection: sqlite3.Connection, session: SessionId) -> bool:
        return session in self.epochs


async def test_only_the_owner_moves_a_session_and_its_transitions_carry_the_epoch(
    database: Database,
) -> None:
    owned = Owned()
    store, session = SessionStore(database, clock=ManualClock(), fence=owned), SessionId("ses_1")
    owned.epochs[session] = 1
    await bring(store, row(), SessionState.METERING)
    owned.epochs.clear()
    for move in (
        store.move(session, SessionState.ENDING, EndReason.FUNDS),
        store.finish(session, EndReason.SHUTDOWN, has_counted=True),
    ):
        with pytest.raises(Fenced):
            await store.commit(move)
    assert await store.unfinished() == []
    assert len(await store.open_anywhere()) == 1

    owned.epochs[session] = 2
    await store.commit(store.finish(session, EndReason.SHUTDOWN, has_counted=True))

    epochs = await database.read(
        lambda tx: [found[0] for found in tx.execute("SELECT epoch FROM session_transitions ORDER BY seq")]
    )
    assert epochs == [1, 1, 1, 1, 1, 2, 2, 2]


async def test_a_dispute_is_no_owners(database: Database) -> None:
    owned = Owned()
    store, session = SessionStore(database, clock=ManualClock(), fence=owned), SessionId("ses_1")
    owned.epochs[session] = 1
    await bring(store, row(), SessionState.SETTLED)
    owned.epochs.clear()

    await store.commit(store.move(session, SessionState.DISPUTED))

    stored = await store.load(session)
    assert stored is not None
    assert stored.state is SessionState.DISPUTED


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("has_counted", [True, False])
async def test_a_session_is_finished_from_wherever_it_is(
    store: SessionStore, state: SessionState, has_counted: bool
) -> None:
    session = SessionId("ses_1")
    await bring(store, row(), state)
    before = await store.load(session)
    assert before is not None

    await store.commit(store.finish(session, EndReason.SHUTDOWN, has_counted=has_counted))

    after = await store.load(session)
    assert after is not None
    assert after.state in FINISHED
    if state in FINISHED:
        assert after == before
    elif state in RINGS:
        assert after.state is SessionState.CANCELLED
    elif state in (SessionState.ACCEPTED, SessionState.CONNECTING) and not has_counted:
        assert after.state is SessionState.CONNECT_FAILED
    else:
        assert after.state is SessionState.SETTLED


async def test_a_refused_creation_takes_its_whole_transaction_back(
    store: SessionStore, database: Database
) -> None:
    await bring(store, row(1), SessionState.RINGING)
    second = row(2, provider="acc_provider_1")

    def money(transaction: sqlite3.Connection) -> None:
        transaction.execute("INSERT INTO chat_reads (session, side, seq) VALUES ('ses_1', 'client', 1)")

    with pytest.raises(MoveRefused):
        await store.commit(together(money, store.create(second)))

    def count(connection: sqlite3.Connection) -> int:
        found: int = connection.execute("SELECT COUNT(*) FROM chat_reads").fetchone()[0]
        return found

    assert await database.read(count) == 0


async def test_a_busy_attempt_is_stored_beside_the_open_session(store: SessionStore) -> None:
    await bring(store, row(1), SessionState.RINGING)
    attempt = replace(row(2, provider="acc_provider_1"), state=SessionState.BUSY, end_reason=EndReason.BUSY)

    await store.commit(store.create(attempt))

    assert await store.load(SessionId("ses_2")) == attempt
    steps = await store.timeline(SessionId("ses_2"))
    assert [(step.state, step.reason) for step in steps] == [
        (SessionState.CREATED, None),
        (SessionState.BUSY, EndReason.BUSY),
    ]


async def test_of_many_acceptances_at_once_one_is_written(store: SessionStore) -> None:
    await bring(store, row(), SessionState.RINGING)
    accept = store.move(SessionId("ses_1"), SessionState.ACCEPTED)

    answers = await asyncio.gather(*(store.commit(accept) for _ in range(20)), return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["MoveRefused"] * 19 + ["NoneType"]


async def test_a_take_over_begins_a_new_epoch(store: SessionStore) -> None:
    session = SessionId("ses_1")
    await bring(store, row(), SessionState.METERING)
    await store.commit(store.move(session, SessionState.RECOVERING, SuspendReason.RESTART))
    await store.commit(store.move(session, SessionState.METERING))

    stored = await store.load(session)

    assert stored is not None
    assert stored.epoch == 2
    assert [step.seq for step in await store.timeline(session)] == list(range(1, 8))


@pytest.mark.parametrize(
    ("reason", "held"),
    [
        (SuspendReason.SOS, SuspendReason.SOS),
        (SuspendReason.MODERATION, SuspendReason.MODERATION),
        (SuspendReason.OPERATOR, SuspendReason.OPERATOR),
        (SuspendReason.MEDIA_GAP, None),
        (SuspendReason.TEXT_IDLE, None),
    ],
)
async def test_it_knows_what_a_person_has_yet_to_lift(
    store: SessionStore, reason: SuspendReason, held: SuspendReason | None
) -> None:
    session = SessionId("ses_1")
    await bring(store, row(), SessionState.METERING)
    assert await store.held_reason(session) is None

    await store.commit(store.move(session, SessionState.SUSPENDED, reason))
    await store.commit(store.move(session, SessionState.RECOVERING, SuspendReason.RESTART))
    assert await store.held_reason(session) is held

    await store.commit(store.move(session, SessionState.METERING))
    assert await store.held_reason(session) is None
    assert await store.held_reason(SessionId("ses_unknown")) is None


async def test_start_up_finds_exactly_what_is_unfinished(store: SessionStore) -> None:
    for number, state in enumerate(SessionState):
        await bring(store, row(number), state)

    found = await store.unfinished()

    assert [stored.state for stored in found] == [state for state in SessionState if state not in FINISHED]


async def test_a_page_is_newest_first_and_goes_on_where_it_stopped(store: SessionStore) -> None:
    for number in range(5):
        as_client = number % 2 == 0
        parties = {"client": "acc_me"} if as_client else {"provider": "acc_me"}
        await bring(store, row(number, **parties), SessionState.CANCELLED)
    await bring(store, row(9), SessionState.RINGING)

    first = await store.page(AccountId("acc_me"), before=None, limit=3)
    last = first[-1]
    second = await store.page(AccountId("acc_me"), before=(last.created_wall_ns, last.order.session), limit=3)

    assert [stored.order.session for stored in (*first, *second)] == [
        "ses_4",
        "ses_3",
        "ses_2",
        "ses_1",
        "ses_0",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE session_transitions SET state = 'settled'",
        "DELETE FROM session_transitions",
        "INSERT INTO session_transitions SELECT * FROM session_transitions",
    ],
)
async def test_the_history_of_a_session_cannot_be_rewritten(store: SessionStore, statement: str) -> None:
    await store.commit(store.create(row()))

    with pytest.raises(sqlite3.IntegrityError):
        await store.commit(lambda transaction: transaction.execute(statement).close())
