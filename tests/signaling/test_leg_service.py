"""Sockets, legs, grace and resumption."""

import pytest

from gateway.facts import LegJoined, LegLost, LegResumed
from gateway.ids import SessionId
from gateway.limits import SOCKETS_PER_ACCOUNT_MAX
from gateway.signaling.leg import LegState
from gateway.signaling.notice import (
    LegBackNotice,
    LegLostNotice,
    LegReplacedNotice,
    PresenceNotice,
    SessionEnded,
    SessionRinging,
    TickNotice,
    Welcome,
)
from gateway.signaling.outcome import Outcome
from gateway.signaling.socket_ports import CloseCode
from gateway.terms import EndReason, Role, SessionState, Side
from tests.signaling.world import (
    AS_CLIENT,
    AS_PROVIDER,
    AS_STRANGER,
    PROVIDER,
    World,
    accepted,
    metering,
    principal_of,
    ringing,
    tick,
)

pytestmark = pytest.mark.service


async def test_a_lost_socket_is_told_to_the_meter_and_to_the_other_side() -> None:
    call = await metering()
    call.forget()

    call.world.legs.detach(call.client)

    assert call.live.legs[Side.CLIENT].state is LegState.LOST
    assert ("socket_lost", call.session, Side.CLIENT) in call.world.meters.calls
    assert [notice.side for notice in call.provider.heard(LegLostNotice)] == [Side.CLIENT]
    assert [fact.side for fact in call.world.sink.of(LegLost)] == [Side.CLIENT]


async def test_a_leg_resumed_within_its_grace_goes_on() -> None:
    call = await metering()
    token = call.client.last(Welcome).resume_token
    call.world.legs.detach(call.client)
    await call.world.timer.pass_time(14)

    back = await call.world.connect(AS_CLIENT, resume=token)
    await call.world.timer.pass_time(60)

    assert call.live.legs[Side.CLIENT].is_held_by(back.id)
    assert ("socket_back", call.session, Side.CLIENT) in call.world.meters.calls
    assert [notice.side for notice in call.provider.heard(LegBackNotice)] == [Side.CLIENT]
    assert len(call.world.sink.of(LegResumed)) == 1
    assert call.world.meters.stopped == {}


@pytest.mark.parametrize(
    ("side", "reason"), [(Side.CLIENT, EndReason.LOST_CLIENT), (Side.PROVIDER, EndReason.LOST_PROVIDER)]
)
async def test_a_leg_that_stays_away_ends_the_session_when_its_grace_is_over(
    side: Side, reason: EndReason
) -> None:
    call = await metering()
    call.world.legs.detach(call.side(side))

    await call.world.timer.pass_time(14.999)
    assert call.world.meters.stopped == {}
    await call.world.timer.pass_time(0.001)

    assert await call.world.settle(call.session) is reason
    assert call.side(side.other).last(SessionEnded).reason is reason


async def test_a_leg_lost_before_the_start_ends_the_session_too() -> None:
    call = await accepted()
    call.world.legs.detach(call.provider)

    await call.world.timer.pass_time(15)

    assert call.world.meters.stopped == {call.session: EndReason.LOST_PROVIDER}


async def test_the_end_of_a_session_reaches_whoever_comes_back_too_late() -> None:
    call = await metering()
    call.world.legs.detach(call.client)
    await call.world.timer.pass_time(15)
    await call.world.settle(call.session)

    back = await call.world.connect(AS_CLIENT)
    again = await call.world.connect(AS_CLIENT)

    assert back.last(Welcome).sessions == []
    assert back.last(SessionEnded).reason is EndReason.LOST_CLIENT
    assert again.heard(SessionEnded) == []


async def test_a_client_that_leaves_while_it_rings_cancels_after_its_grace() -> None:
    call = await ringing()
    call.world.legs.detach(call.client)

    await call.world.timer.pass_time(14)
    assert call.stored() is SessionState.RINGING
    await call.world.timer.pass_time(1)

    assert call.stored() is SessionState.CANCELLED
    assert call.provider.last(SessionEnded).reason is EndReason.CANCELLED


async def test_a_client_that_comes_back_while_it_rings_keeps_ringing() -> None:
    call = await ringing()
    call.world.legs.detach(call.client)
    await call.world.timer.pass_time(5)

    back = await call.world.connect(AS_CLIENT)
    await call.world.timer.pass_time(20)

    card = back.last(Welcome).sessions[0]
    assert (card.id, card.state, card.side) == (call.session, SessionState.RINGING, Side.CLIENT)
    assert card.expires_at is not None
    assert call.stored() is SessionState.RINGING
    assert call.provider.heard(LegLostNotice) == []


async def test_a_provider_that_leaves_while_it_rings_is_missed_at_the_deadline() -> None:
    call = await ringing()
    call.world.legs.detach(call.provider)

    await call.world.timer.pass_time(29)
    assert call.stored() is SessionState.RINGING
    await call.world.timer.pass_time(1)

    assert call.stored() is SessionState.MISSED


async def test_a_provider_that_comes_back_while_it_rings_can_still_accept() -> None:
    call = await ringing()
    call.world.legs.detach(call.provider)

    call.provider = await call.world.connect(AS_PROVIDER)

    assert call.provider.last(Welcome).sessions[0].state is SessionState.RINGING
    await call.accept()


async def test_a_client_lost_while_it_rang_is_lost_to_the_meter_upon_acceptance() -> None:
    call = await ringing()
    call.world.legs.detach(call.client)

    await call.accept()

    assert ("socket_lost", call.session, Side.CLIENT) in call.world.meters.calls
    await call.world.timer.pass_time(15)
    assert call.world.meters.stopped == {call.session: EndReason.LOST_CLIENT}


async def test_the_newest_socket_takes_the_leg_by_offering_media() -> None:
    call = await metering()
    call.forget()
    phone = await call.world.connect(AS_CLIENT)

    answer = await call.world.desk.calls.offer(phone, call.session, "offer")

    assert answer == "answer to offer"
    assert [notice.session for notice in call.client.heard(LegReplacedNotice)] == [call.session]
    assert call.client.closed is None
    assert len(call.world.sink.of(LegJoined)) == 1
    assert call.provider.heard(LegLostNotice) == []


async def test_a_replaced_socket_hears_no_more_ticks_and_cannot_speak_for_the_leg() -> None:
    call = await metering()
    phone = await call.world.connect(AS_CLIENT)
    await call.world.desk.calls.offer(phone, call.session, "offer")

    await call.world.fact(tick(call.session))
    acknowledged = await call.world.desk.calls.acknowledge(call.client, call.session, tick=1, head="h")

    assert call.client.heard(TickNotice) == []
    assert len(phone.heard(TickNotice)) == 1
    assert acknowledged is Outcome.REPLACED
    assert not [entry for entry in call.world.meters.calls if entry[0] == "acknowledge"]


async def test_a_replaced_socket_can_still_hang_up() -> None:
    call = await metering()
    phone = await call.world.connect(AS_CLIENT)
    await call.world.desk.calls.offer(phone, call.session, "offer")

    assert await call.world.desk.sessions.end(call.client.principal, call.session) is Outcome.DONE


async def test_a_replaced_socket_that_closes_loses_nothing() -> None:
    call = await metering()
    phone = await call.world.connect(AS_CLIENT)
    await call.world.desk.calls.offer(phone, call.session, "offer")

    call.world.legs.detach(call.client)

    assert call.live.legs[Side.CLIENT].is_held_by(phone.id)


async def test_resuming_takes_the_leg_from_a_socket_that_seems_alive_and_closes_it() -> None:
    call = await metering()
    token = call.client.last(Welcome).resume_token

    reloaded = await call.world.connect(AS_CLIENT, resume=token)

    assert call.live.legs[Side.CLIENT].is_held_by(reloaded.id)
    assert call.client.closed == (CloseCode.REPLACED, "resumed elsewhere")
    card = reloaded.last(Welcome).sessions[0]
    assert card.nonce == call.live.nonce(Side.CLIENT)
    assert card.ice_servers


async def test_another_device_that_only_signs_in_takes_nothing_from_a_living_one() -> None:
    call = await metering()

    tablet = await call.world.connect(AS_CLIENT)

    assert call.live.legs[Side.CLIENT].is_held_by(call.client.id)
    assert tablet.last(Welcome).sessions[0].id == call.session


async def test_a_resume_token_works_once_and_only_for_its_account() -> None:
    call = await metering()
    token = call.client.last(Welcome).resume_token

    await call.world.connect(AS_STRANGER, resume=token)
    assert call.client.closed is None
    second = await call.world.connect(AS_CLIENT, resume=token)
    third = await call.world.connect(AS_CLIENT, resume=token)

    assert call.live.legs[Side.CLIENT].is_held_by(second.id)
    assert second.closed is None
    assert third.closed is None


async def test_a_fresh_socket_takes_up_a_lost_leg_without_a_token() -> None:
    call = await metering()
    call.world.legs.detach(call.client)

    back = await call.world.connect(AS_CLIENT)

    assert call.live.legs[Side.CLIENT].is_held_by(back.id)


async def test_a_leg_whose_grace_is_over_is_not_taken_up() -> None:
    call = await metering()
    call.world.legs.detach(call.client)
    await call.world.timer.pass_time(16)

    back = await call.world.connect(AS_CLIENT)

    assert await call.world.desk.calls.offer(back, call.session, "offer") is Outcome.WRONG_STATE


async def test_the_oldest_of_too_many_sockets_gives_way() -> None:
    world = World()
    sockets = [await world.connect(AS_CLIENT) for _ in range(SOCKETS_PER_ACCOUNT_MAX + 1)]

    assert sockets[0].closed == (CloseCode.REPLACED, "too many devices")
    assert not any(socket.closed for socket in sockets[1:])


async def test_the_welcome_comes_before_everything_else() -> None:
    call = await metering()
    call.world.legs.detach(call.client)

    back = await call.world.connect(AS_CLIENT)

    assert isinstance(back.sent[0], Welcome)
    welcome = back.sent[0]
    assert (welcome.account.id, welcome.account.nickname) == ("acc_client", "nick of acc_client")
    assert (welcome.ping_s, welcome.dead_s) == (5, 15)


async def test_nothing_is_rung_on_a_socket_bound_to_another_session() -> None:
    world = World()
    bound = await world.connect(principal_of(PROVIDER, Role.PROVIDER, session=SessionId("ses_other")))
    call = await ringing(world)

    assert len(call.provider.heard(SessionRinging)) == 1
    assert bound.heard(SessionRinging) == []
    assert bound.last(Welcome).sessions == []


async def test_a_timer_that_fires_early_waits_out_the_grace() -> None:
    call = await metering()
    call.world.legs.detach(call.client)
    call.live.alarms["grace-client"].cancel()
    call.world.clock.advance(seconds=10)
    call.world.legs.await_return(call.live, Side.CLIENT)

    await call.world.timer.pass_time(4.9)
    assert call.world.meters.stopped == {}
    await call.world.timer.pass_time(0.2)

    assert call.world.meters.stopped == {call.session: EndReason.LOST_CLIENT}


async def test_a_provider_who_reloads_is_offline_for_that_time_and_online_again() -> None:
    world = World()
    client = await world.connect(AS_CLIENT)
    provider = await world.online()
    world.legs.detach(provider)
    await world.timer.pass_time(14)
    await world.connect(AS_PROVIDER)

    states = [notice.state for notice in client.heard(PresenceNotice)]
    assert [str(state) for state in states] == ["online", "offline", "online"]
