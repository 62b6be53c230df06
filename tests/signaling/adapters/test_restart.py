"""A process that starts again on the store of the one before."""

from pathlib import Path

import pytest

from gateway.signaling.adapters.chat_store import ChatStore
from gateway.signaling.adapters.migrations import MIGRATIONS
from gateway.signaling.adapters.session_store import SessionStore
from gateway.signaling.chat_notice import ChatMessage
from gateway.signaling.notice import Welcome
from gateway.signaling.outcome import Outcome
from gateway.store.database import Database
from gateway.terms import EndReason, SessionState, SuspendReason
from tests.signaling.world import AS_CLIENT, AS_PROVIDER, World, accepted, metering, ringing

pytestmark = pytest.mark.adapter


@pytest.mark.parametrize(
    ("begin", "state", "reason"),
    [
        (ringing, SessionState.CANCELLED, EndReason.SHUTDOWN),
        (accepted, SessionState.CONNECT_FAILED, EndReason.CONNECT_FAILED),
    ],
)
async def test_a_call_that_never_metered_is_voided_and_both_are_free(
    tmp_path: Path, begin: object, state: SessionState, reason: EndReason
) -> None:
    assert callable(begin)
    database = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    world = World()
    store = SessionStore(database, clock=world.clock)
    before = await begin(World(store=store, kept=ChatStore(database)))
    after = World(store=store, kept=ChatStore(database))

    assert await after.desk.start() == []

    row = await store.load(before.session)
    assert row is not None
    assert (row.state, row.end_reason) == (state, reason)
    await database.close()


async def test_a_metered_call_and_its_chat_go_on_where_they_were(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    clock = World().clock
    store, lines = SessionStore(database, clock=clock), ChatStore(database)
    before = await metering(World(store=store, kept=lines))
    session = before.session
    sent = before.world.desk.chat.send_by_socket
    await sent(before.client, session, line_id="m1", text="before", reply=lambda _: None)
    after = World(store=store, kept=lines)

    kept = await after.desk.start()
    await store.commit(store.move(session, SessionState.RECOVERING, SuspendReason.RESTART))
    client, provider = await after.connect(AS_CLIENT), await after.connect(AS_PROVIDER)
    chat = after.desk.chat
    again = await chat.send_by_socket(client, session, line_id="m1", text="before", reply=client.send)
    fresh = await chat.send_by_socket(client, session, line_id="m2", text="after", reply=client.send)

    assert [row.order.session for row in kept] == [session]
    assert client.last(Welcome).sessions[0].id == session
    assert again is fresh is Outcome.DONE
    assert [(line.seq, line.text) for line in provider.heard(ChatMessage)] == [(2, "after")]
    await database.close()
