"""Start-up and shutdown."""

import asyncio

import pytest

from gateway.facts import LegLost
from gateway.ids import AccountId, SessionId
from gateway.signaling.notice import (
    SessionEnded,
    Welcome,
)
from gateway.signaling.outcome import Outcome
from gateway.signaling.ports import SessionRow
from gateway.signaling.session import VOIDED
from gateway.terms import EndReason, MeterOrder, SessionKind, SessionState, Side, SuspendReason
from tests.signaling.fakes import TARIFF
from tests.signaling.world import (
    AS_PROVIDER,
    World,
    assert_voided,
    metering,
    principal_of,
    ringing,
)

pytestmark = pytest.mark.service


def stored(state: SessionState, number: int) -> SessionRow:
    return SessionRow(
        order=MeterOrder(
            session=SessionId(f"ses_{number}"),
            client=AccountId(f"acc_client_{number}"),
            provider=AccountId(f"acc_provider_{number}"),
            kind=SessionKind.VOICE,
            tariff=TARIFF,
            fee_bp=2000,
            duration_s_max=3600,
            nonce_client="non_c",
            nonce_provider="non_p",
        ),
        state=state,
        created_wall_ns=1,
    )


async def test_start_up_voids_what_never_metered_and_hands_back_the_rest() -> None:
    world = World()
    for number, state in enumerate(SessionState):
        world.sessions.rows[SessionId(f"ses_{number}")] = stored(state, number)

    kept = await world.desk.start()

    assert {row.state for row in kept} == {
        SessionState.METERING,
        SessionState.SUSPENDED,
        SessionState.RECOVERING,
        SessionState.ENDING,
        SessionState.RATED,
    }
    assert len(world.desk.roster) == len(kept)
    ends = {session: row.end_reason for session, row in world.sessions.rows.items() if row.end_reason}
    assert set(ends.values()) == {EndReason.SHUTDOWN, EndReason.CONNECT_FAILED}
    assert world.meters.voided == ends
    assert all(world.sessions.rows[session].state in VOIDED for session in ends)


async def test_after_a_restart_both_parties_take_their_session_up_again() -> None:
    world = World()
    row = stored(SessionState.METERING, 1)
    world.sessions.rows[row.order.session] = row
    await world.desk.start()

    client = await world.connect(principal_of(row.order.client))
    provider = await world.connect(principal_of(row.order.provider))

    for connection, side in ((client, Side.CLIENT), (provider, Side.PROVIDER)):
        card = connection.last(Welcome).sessions[0]
        assert (card.id, card.side, card.state) == (row.order.session, side, SessionState.METERING)
        assert card.nonce == ("non_c" if side is Side.CLIENT else "non_p")
        assert ("socket_back", row.order.session, side) in world.meters.calls
    await world.timer.pass_time(60)
    assert world.meters.stopped == {}


async def test_after_a_restart_a_party_that_stays_away_ends_the_session() -> None:
    world = World()
    row = stored(SessionState.METERING, 1)
    world.sessions.rows[row.order.session] = row
    await world.desk.start()
    await world.connect(principal_of(row.order.client))

    await world.timer.pass_time(15)

    assert world.meters.stopped == {row.order.session: EndReason.LOST_PROVIDER}


async def test_shutting_down_ends_everything_and_waits_for_the_receipts() -> None:
    world = World()
    talking = await metering(world)
    draining = asyncio.create_task(world.desk.drain())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not draining.done()
    await world.settle(talking.session)
    await draining

    assert talking.client.last(SessionEnded).reason is EndReason.SHUTDOWN


async def test_shutting_down_voids_what_rings() -> None:
    call = await ringing()

    await call.world.desk.drain()

    assert_voided(call, SessionState.CANCELLED, EndReason.SHUTDOWN)


async def test_a_shutdown_does_not_wait_for_ever() -> None:
    call = await metering()

    await call.world.desk.sessions.drain(wait_ns=1)

    assert call.world.meters.stopped == {call.session: EndReason.SHUTDOWN}


async def test_nothing_ticks_after_the_desk_is_closed() -> None:
    world = World()
    call = await metering(world)
    await ringing_elsewhere(world)
    world.legs.detach(call.client)

    await world.desk.close()

    await world.timer.pass_time(60)
    assert world.meters.stopped == {}
    assert world.meters.voided == {}
    assert len(world.sink.of(LegLost)) == 1


async def ringing_elsewhere(world: World) -> None:
    other = await world.online(principal_of(AccountId("acc_other_provider"), *AS_PROVIDER.roles))
    client = await world.connect(principal_of(AccountId("acc_other_client")))
    answer = await world.invite(client, provider=other.principal.account)
    assert answer.outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("last", "is_held", "end"),
    [
        ((SessionState.SUSPENDED, SuspendReason.SOS), True, EndReason.SOS),
        ((SessionState.SUSPENDED, SuspendReason.MODERATION), True, EndReason.OPERATOR),
        ((SessionState.SUSPENDED, SuspendReason.MEDIA_GAP), False, EndReason.OPERATOR),
        ((SessionState.METERING, None), False, EndReason.OPERATOR),
    ],
)
async def test_what_a_person_suspended_stays_held_through_a_restart(
    last: tuple[SessionState, SuspendReason | None], is_held: bool, end: EndReason
) -> None:
    world = World()
    session = SessionId("ses_1")
    world.sessions.rows[session] = stored(last[0], 1)
    world.sessions.steps = [
        (session, SessionState.SUSPENDED, SuspendReason.OPERATOR),
        (session, *last),
        (session, SessionState.RECOVERING, SuspendReason.RESTART),
    ]

    await world.desk.start()
    await world.desk.sessions.end_by_operator(session)

    assert [live.is_held for live in world.desk.roster] == [is_held]
    assert world.meters.stopped[session] is end
