"""From an invitation to a ringing phone."""

import asyncio

import pytest

from gateway.errors import StoreDown, Unavailable
from gateway.facts import LegJoined, SessionMoved, SessionOpened
from gateway.ids import AccountId
from gateway.limits import CLIENT_SESSIONS_MAX, RING_NS
from gateway.signaling.admission import INVITE_BURST
from gateway.signaling.desk_service import Desk
from gateway.signaling.notice import PresenceNotice, SessionEnded, SessionRinging
from gateway.signaling.outcome import Outcome
from gateway.signaling.ports import OpenStatus
from gateway.signaling.presence import Presence
from gateway.terms import EndReason, Role, SessionKind, SessionState, Side
from tests.signaling.fakes import CHEAPER, TARIFF
from tests.signaling.world import (
    AS_CLIENT,
    AS_PROVIDER,
    CLIENT,
    PROVIDER,
    World,
    principal_of,
    ringing,
)

pytestmark = pytest.mark.service


async def test_an_invitation_places_the_hold_and_rings_on_every_device_of_the_provider() -> None:
    world = World()
    phone, tablet = await world.online(), await world.connect(AS_PROVIDER)
    client = await world.connect(AS_CLIENT)

    answer = await world.invite(client)

    assert answer.outcome is Outcome.DONE
    assert answer.ringing is not None
    card = answer.ringing.session
    assert (card.state, card.side, card.tariff_hash) == (SessionState.RINGING, Side.CLIENT, TARIFF.hash)
    assert card.expires_at == answer.ringing.expires_at
    assert world.meters.orders[card.id].client == CLIENT
    for device in (phone, tablet):
        told = device.last(SessionRinging)
        assert told.session.side is Side.PROVIDER
        assert told.session.client.nickname == "nick of acc_client"
        assert told.session.nonce is None
    assert client.heard(SessionRinging) == []


async def test_the_session_and_its_first_steps_are_stored_in_one_transaction_with_the_hold() -> None:
    call = await ringing()

    assert [state for _, state, _ in call.world.sessions.steps] == [
        SessionState.CREATED,
        SessionState.RINGING,
    ]
    assert call.row.order.nonce_client != call.row.order.nonce_provider


async def test_a_ringing_session_is_told_as_facts_and_as_presence() -> None:
    call = await ringing()

    assert [fact.client for fact in call.world.sink.of(SessionOpened)] == [CLIENT]
    assert [fact.state for fact in call.world.sink.of(SessionMoved)] == [SessionState.RINGING]
    assert [fact.side for fact in call.world.sink.of(LegJoined)] == [Side.CLIENT]
    assert call.client.last(PresenceNotice).state is Presence.RINGING


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (OpenStatus.INSUFFICIENT_FUNDS, Outcome.INSUFFICIENT_FUNDS),
        (OpenStatus.TARIFF_INVALID, Outcome.TARIFF_INVALID),
        (OpenStatus.EXISTS, Outcome.WRONG_STATE),
    ],
)
async def test_without_a_hold_nobody_rings(status: OpenStatus, outcome: Outcome) -> None:
    world = World()
    provider, client = await world.online(), await world.connect(AS_CLIENT)
    world.meters.opens = status

    answer = await world.invite(client)

    assert answer.outcome is outcome
    assert provider.heard(SessionRinging) == []
    assert len(world.desk.roster) == 0
    assert world.desk.presence.state(PROVIDER) is Presence.ONLINE


@pytest.mark.parametrize("status", OpenStatus)
async def test_every_answer_of_the_meter_is_understood(status: OpenStatus) -> None:
    world = World()
    await world.online()
    client = await world.connect(AS_CLIENT)
    world.meters.opens = status

    answer = await world.invite(client)

    assert (answer.outcome is Outcome.DONE) is (status is OpenStatus.OPENED)


async def test_another_price_is_refused_with_the_fresh_one() -> None:
    world = World()
    await world.online()
    client = await world.connect(AS_CLIENT)
    world.people.tariff = CHEAPER

    answer = await world.invite(client, tariff_hash=TARIFF.hash)

    assert answer.outcome is Outcome.TARIFF_CHANGED
    assert answer.fresh == CHEAPER


async def test_an_invitation_without_a_hash_takes_the_present_price() -> None:
    world = World()
    await world.online()

    answer = await world.invite(await world.connect(AS_CLIENT), tariff_hash=None)

    assert answer.outcome is Outcome.DONE


@pytest.mark.parametrize("wish", [Presence.PAUSED, Presence.OFFLINE])
async def test_a_provider_who_takes_no_calls_is_offline_to_callers(wish: Presence) -> None:
    world = World()
    await world.online()
    world.desk.presence.set_wish(AS_PROVIDER, wish)

    answer = await world.invite(await world.connect(AS_CLIENT))

    assert answer.outcome is Outcome.PROVIDER_OFFLINE


async def test_a_barred_client_and_a_barred_provider_are_told_apart() -> None:
    world = World()
    await world.online()
    client = await world.connect(AS_CLIENT)

    world.people.barred = {CLIENT}
    assert (await world.invite(client)).outcome is Outcome.BARRED
    world.people.barred = {PROVIDER}
    assert (await world.invite(client)).outcome is Outcome.PROVIDER_OFFLINE


async def test_an_unknown_provider_is_not_found() -> None:
    world = World()

    answer = await world.invite(await world.connect(AS_CLIENT), provider=AccountId("acc_nobody"))

    assert answer.outcome is Outcome.NOT_FOUND


async def test_only_clients_call() -> None:
    world = World()
    await world.online()
    operator = await world.connect(principal_of(AccountId("acc_op"), Role.OPERATOR))

    assert (await world.invite(operator)).outcome is Outcome.FORBIDDEN


async def test_a_call_to_a_busy_provider_is_on_record_without_money() -> None:
    call = await ringing()
    second = await call.world.connect(principal_of(AccountId("acc_second")))

    answer = await call.world.invite(second)

    assert answer.outcome is Outcome.BUSY
    rows = list(call.world.sessions.rows.values())
    assert [row.state for row in rows] == [SessionState.RINGING, SessionState.BUSY]
    assert rows[1].end_reason is EndReason.BUSY
    assert list(call.world.meters.orders) == [call.session]
    assert call.world.sink.of(SessionMoved)[-1].reason is EndReason.BUSY


async def test_a_busy_provider_is_busy_even_while_the_store_is_down() -> None:
    call = await ringing()
    second = await call.world.connect(principal_of(AccountId("acc_second")))
    call.world.sessions.is_down = True

    assert (await call.world.invite(second)).outcome is Outcome.BUSY


async def test_a_client_may_be_in_three_sessions_at_once_and_in_no_more() -> None:
    call = await ringing()
    outcomes = []
    for number in range(3):
        other = principal_of(AccountId(f"acc_other_provider_{number}"), Role.PROVIDER)
        call.world.people.providers.add(other.account)
        await call.world.online(other)
        answer = await call.world.invite(call.client, provider=other.account)
        outcomes.append(answer.outcome)

    assert outcomes == [Outcome.DONE, Outcome.DONE, Outcome.BUSY]
    assert len(call.world.sessions.rows) == CLIENT_SESSIONS_MAX


async def test_a_provider_who_is_called_does_not_call_anybody() -> None:
    call = await ringing()
    both = principal_of(PROVIDER, Role.PROVIDER, Role.CLIENT)
    other = principal_of(AccountId("acc_other_provider"), Role.PROVIDER)
    await call.world.online(other)

    answer = await call.world.invite(await call.world.connect(both), provider=other.account)

    assert answer.outcome is Outcome.BUSY


async def test_two_invitations_at_once_leave_one_session() -> None:
    world = World()
    await world.online()
    first = await world.connect(principal_of(AccountId("acc_first")))
    second = await world.connect(principal_of(AccountId("acc_second")))
    world.meters.gate = asyncio.Event()

    attempts = [asyncio.create_task(world.invite(one)) for one in (first, second)]
    await asyncio.sleep(0)
    world.meters.gate.set()
    outcomes = [(await attempt).outcome for attempt in attempts]

    assert outcomes == [Outcome.DONE, Outcome.BUSY]


async def test_what_the_database_refuses_all_the_same_is_busy() -> None:
    call = await ringing()
    call.world.desk.roster.remove(call.live)
    call.world.desk.presence.refresh(PROVIDER)
    second = await call.world.connect(principal_of(AccountId("acc_second")))

    answer = await call.world.invite(second)

    assert answer.outcome is Outcome.BUSY
    assert len(call.world.desk.roster) == 0


async def test_a_store_that_is_down_refuses_the_call_and_frees_both() -> None:
    world = World()
    await world.online()
    client = await world.connect(AS_CLIENT)
    world.sessions.is_down = True

    with pytest.raises(StoreDown):
        await world.invite(client)

    world.sessions.is_down = False
    assert (await world.invite(client)).outcome is Outcome.DONE


async def test_calling_too_often_is_refused() -> None:
    world = World()
    client = await world.connect(AS_CLIENT)

    outcomes = [(await world.invite(client)).outcome for _ in range(INVITE_BURST + 1)]

    assert outcomes == [Outcome.PROVIDER_OFFLINE] * INVITE_BURST + [Outcome.TOO_MANY_REQUESTS]


async def test_a_gateway_that_shuts_down_takes_no_calls() -> None:
    world = World()
    await world.online()
    client = await world.connect(AS_CLIENT)
    await world.desk.drain()

    with pytest.raises(Unavailable):
        await world.invite(client)


async def test_a_video_session_beyond_those_there_may_be_is_refused_and_a_voice_session_is_not() -> None:
    world = World()
    world.desk = Desk(world.outside, video_sessions_max=0)
    await world.online()
    client = await world.connect(AS_CLIENT)

    with pytest.raises(Unavailable) as refused:
        await world.invite(client, kind=SessionKind.VIDEO)

    assert refused.value.wire_code == "video_full"
    assert (await world.invite(client)).outcome is Outcome.DONE


async def test_nobody_answers_and_the_call_is_missed() -> None:
    call = await ringing()

    await call.world.timer.pass_time(RING_NS / 1e9)

    assert call.stored() is SessionState.MISSED
    assert call.world.meters.voided == {call.session: EndReason.MISSED}
    for side in Side:
        ended = call.side(side).last(SessionEnded)
        assert ended.reason is EndReason.MISSED
        assert ended.receipt == {"receipt": f"rcp_{call.session}", "session": call.session}
    assert call.world.desk.presence.state(PROVIDER) is Presence.ONLINE


async def test_a_call_can_be_missed_only_at_its_deadline() -> None:
    call = await ringing()

    await call.world.timer.pass_time(RING_NS / 1e9 - 0.001)

    assert call.stored() is SessionState.RINGING


async def test_a_missed_call_is_voided_as_soon_as_the_store_is_back() -> None:
    call = await ringing()
    call.world.sessions.is_down = True
    await call.world.timer.pass_time(RING_NS / 1e9 + 1)
    assert call.stored() is SessionState.RINGING

    call.world.sessions.is_down = False
    await call.world.timer.pass_time(5)

    assert call.stored() is SessionState.MISSED
    assert len(call.provider.heard(SessionEnded)) == 1


async def test_a_socket_that_left_while_its_hold_was_placed_has_lost_its_leg() -> None:
    world = World()
    await world.online()
    client = await world.connect(AS_CLIENT)
    world.meters.gate = asyncio.Event()
    attempt = asyncio.create_task(world.invite(client, kind=SessionKind.TEXT))
    await asyncio.sleep(0)

    world.legs.detach(client)
    world.meters.gate.set()
    answer = await attempt
    await world.timer.pass_time(15)

    assert answer.ringing is not None
    assert world.sessions.rows[answer.ringing.session.id].state is SessionState.CANCELLED
