"""Which providers may be called."""

from dataclasses import replace

import pytest

from gateway.errors import Unavailable
from gateway.ids import AccountId
from gateway.signaling.adapters.presence_memory import Board, PresenceMemory
from gateway.signaling.desk_service import Desk
from gateway.signaling.notice import PresenceNotice
from gateway.signaling.outcome import Outcome
from gateway.signaling.presence import Presence
from gateway.terms import Role, SessionState
from tests.signaling.world import AS_CLIENT, AS_PROVIDER, PROVIDER, World, metering, principal_of, ringing

pytestmark = pytest.mark.service


class FailingPresence(PresenceMemory):
    """A shared store that is down until it is mended."""

    is_down = True

    async def put(self, provider: AccountId, presence: Presence) -> None:
        if self.is_down:
            raise Unavailable("the test says so")
        await super().put(provider, presence)


def world_with(store: PresenceMemory) -> World:
    world = World()
    world.desk = Desk(replace(world.outside, presence=store))
    return world


async def test_a_wish_is_told_to_everybody_once() -> None:
    world = World()
    client = await world.connect(AS_CLIENT)
    await world.online()

    world.desk.presence.set_wish(AS_PROVIDER, Presence.ONLINE)
    world.desk.presence.set_wish(AS_PROVIDER, Presence.PAUSED)

    told = [(notice.provider_id, notice.state) for notice in client.heard(PresenceNotice)]
    assert told == [(PROVIDER, Presence.ONLINE), (PROVIDER, Presence.PAUSED)]
    assert world.desk.presence.all() == {PROVIDER: Presence.PAUSED}


async def test_providers_see_themselves_and_not_each_other() -> None:
    world = World()
    other = await world.connect(principal_of(AccountId("acc_other"), Role.PROVIDER))
    provider = await world.online()

    assert provider.last(PresenceNotice).state is Presence.ONLINE
    assert list(other.heard(PresenceNotice)) == []


async def test_only_providers_have_presence_and_only_some_states_are_theirs_to_choose() -> None:
    world = World()
    await world.online()
    presence = world.desk.presence

    assert presence.set_wish(AS_CLIENT, Presence.ONLINE) is Outcome.FORBIDDEN
    assert presence.set_wish(AS_PROVIDER, Presence.IN_SESSION) is Outcome.FORBIDDEN
    assert presence.state(PROVIDER) is Presence.ONLINE


async def test_presence_follows_a_call_from_ring_to_end() -> None:
    call = await metering()

    await call.world.desk.sessions.end(AS_CLIENT, call.session)
    await call.world.settle(call.session)

    states = [notice.state for notice in call.client.heard(PresenceNotice)]
    assert states == [Presence.RINGING, Presence.IN_SESSION, Presence.ONLINE]


async def test_a_provider_in_a_session_stays_so_without_a_socket() -> None:
    call = await metering()

    call.world.legs.detach(call.provider)

    assert call.live.state is SessionState.METERING
    assert call.world.desk.presence.state(PROVIDER) is Presence.IN_SESSION


async def test_a_wish_outlives_the_last_socket_by_the_grace_only() -> None:
    world = World()
    provider = await world.online()
    world.legs.detach(provider)
    await world.timer.pass_time(15)

    await world.connect(AS_PROVIDER)

    assert world.desk.presence.state(PROVIDER) is Presence.OFFLINE


async def test_other_nodes_hear_of_ours_and_we_of_theirs() -> None:
    board = Board()
    here, there = world_with(PresenceMemory(board)), world_with(PresenceMemory(board))
    await here.desk.start()
    await there.desk.start()
    client = await there.connect(AS_CLIENT)

    await here.online()
    await here.desk.presence.flush()

    assert there.desk.presence.state(PROVIDER) is Presence.ONLINE
    assert client.last(PresenceNotice).provider_id == PROVIDER
    await here.desk.close()
    assert there.desk.presence.state(PROVIDER) is Presence.OFFLINE


async def test_a_node_that_starts_later_learns_who_is_there() -> None:
    board = Board()
    here, there = world_with(PresenceMemory(board)), world_with(PresenceMemory(board))
    await here.online()
    await here.desk.presence.flush()

    await there.desk.start()

    assert there.desk.presence.all() == {PROVIDER: Presence.ONLINE}


async def test_a_shared_store_that_is_down_holds_up_nobody_and_is_told_later() -> None:
    board = Board()
    store = FailingPresence(board)
    world = world_with(store)
    await ringing(world)
    await world.desk.presence.flush()
    assert board.seen == {}
    assert world.desk.presence.state(PROVIDER) is Presence.RINGING

    store.is_down = False
    await world.timer.pass_time(2)
    await world.desk.presence.flush()

    assert board.seen == {PROVIDER: Presence.RINGING}


async def test_a_client_who_is_no_provider_never_has_presence() -> None:
    world = World()
    client = await world.connect(principal_of(AccountId("acc_x"), Role.CLIENT))
    world.legs.detach(client)

    assert world.desk.presence.all() == {}
    assert world.timer.waiting == 1


async def test_closing_while_the_shared_store_is_down_leaves_nothing_behind() -> None:
    world = world_with(FailingPresence(Board()))
    await world.online()

    await world.desk.close()

    assert world.timer.waiting == 0
