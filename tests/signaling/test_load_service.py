"""New calls are refused while the node is strained; running ones never notice."""

import pytest
from structlog.testing import capture_logs

from gateway.clock import NS
from gateway.errors import Unavailable
from gateway.ids import AccountId
from gateway.signaling.load import LoadState, Marks, Strain
from gateway.signaling.notice import SessionRinging
from gateway.signaling.outcome import Outcome
from gateway.signaling.presence import Presence
from gateway.terms import Role
from tests.signaling.world import (
    AS_CLIENT,
    AS_PROVIDER,
    PROVIDER,
    World,
    metering,
    principal_of,
    tick,
)

pytestmark = pytest.mark.service

MARKS = Marks(
    sessions_max=2,
    cpu_percent_max=90,
    loop_lag_ms_max=200,
    tick_lag_ms_max=400,
    socket_drops_per_s_max=50,
    calm_s=10,
)
OTHER_PROVIDER = principal_of(AccountId("acc_other_provider"), Role.PROVIDER)
OTHER_CLIENT = principal_of(AccountId("acc_other_client"))


async def watched(marks: Marks = MARKS) -> World:
    """A world that looks at itself."""
    world = World(marks=marks)
    await world.desk.start()
    return world


async def strained(world: World, seconds: int, *, cpu_share: float = 0.95, drops_per_s: int = 0) -> None:
    """So many seconds in which the loop's thread uses that share of its core."""
    for _ in range(seconds):
        world.vitals.used_ns += round(cpu_share * NS)
        world.vitals.dropped += drops_per_s
        await world.timer.pass_time(1)


async def called(world: World) -> None:
    """Somebody who is not in a call calls somebody who is free."""
    provider = await world.online(OTHER_PROVIDER)
    client = await world.connect(OTHER_CLIENT)
    answer = await world.invite(client, provider=provider.principal.account)
    assert answer.outcome is Outcome.DONE


async def test_a_strained_node_refuses_with_a_sentence_and_says_when_to_try_again() -> None:
    world = await watched()
    await strained(world, 5)

    with pytest.raises(Unavailable) as refused:
        await called(world)

    assert refused.value.wire_code == "unavailable"
    assert refused.value.extensions == {"retry_after_s": 10}
    assert world.desk.load.reading().refused == {"cpu": 1}
    assert world.meters.orders == {}


async def test_a_short_peak_refuses_nobody() -> None:
    world = await watched()
    await strained(world, 3)
    await strained(world, 1, cpu_share=0.5)
    await strained(world, 3)

    await called(world)


async def test_calls_are_taken_again_after_a_lasting_calm() -> None:
    world = await watched()
    await strained(world, 5)
    await strained(world, 10, cpu_share=0.2)
    with pytest.raises(Unavailable):
        await called(world)
    await strained(world, 1, cpu_share=0.2)

    await called(world)


async def test_whoever_calls_a_full_node_may_still_be_seen_online() -> None:
    world = await watched()
    await world.online()
    await strained(world, 5)

    assert world.desk.presence.state(PROVIDER) is Presence.ONLINE


async def test_a_running_call_goes_on_while_the_node_is_full() -> None:
    world = await watched()
    call = await metering(world)
    await strained(world, 5)
    assert world.desk.load.reading().load.state is LoadState.FULL

    await world.fact(tick(call.session))
    world.legs.detach(call.client)
    back = await world.connect(AS_CLIENT)
    answer = await world.desk.calls.offer(back, call.session, "offer")
    sent = await world.desk.chat.send_by_socket(
        back, call.session, line_id="line_1", text="still there?", reply=back.send
    )

    assert (answer, sent) == ("answer to offer", Outcome.DONE)
    assert world.meters.stopped == {}
    assert [line.text for line in world.lines.lines[call.session]] == ["still there?"]


async def test_a_call_that_rings_when_the_node_fills_may_be_answered() -> None:
    world = await watched()
    await called(world)
    await strained(world, 5)
    (live,) = world.desk.roster
    device = await world.connect(OTHER_PROVIDER)

    assert await world.desk.sessions.accept(device, live.id) is Outcome.DONE


async def test_the_count_fills_at_once_even_between_two_looks() -> None:
    world = await watched(Marks(sessions_max=1, calm_s=2))
    await called(world)
    provider, client = await world.online(), await world.connect(AS_CLIENT)

    with pytest.raises(Unavailable, match="no further one"):
        await world.invite(client)

    assert provider.heard(SessionRinging) == []
    assert world.desk.load.reading().load.why == (Strain.SESSIONS,)
    (live,) = world.desk.roster
    await world.desk.sessions.decline(OTHER_PROVIDER, live.id)
    await world.timer.pass_time(4)
    assert (await world.invite(client)).outcome is Outcome.DONE


async def test_datagrams_that_the_kernel_drops_fill_the_node() -> None:
    world = await watched()
    await strained(world, 5, cpu_share=0.1, drops_per_s=60)

    assert world.desk.load.reading().load.why == (Strain.SOCKET_DROPS,)
    assert world.desk.load.reading().figures.socket_drops_per_s == pytest.approx(60)


async def test_a_refusal_is_counted_once_whatever_the_number_of_strains() -> None:
    world = await watched()
    await strained(world, 5, drops_per_s=60)
    with pytest.raises(Unavailable):
        await called(world)

    assert world.desk.load.reading().load.why == (Strain.CPU, Strain.SOCKET_DROPS)
    assert world.desk.load.reading().refused == {"cpu": 1}


async def test_a_loop_that_wakes_late_again_and_again_fills_the_node() -> None:
    world = await watched()
    for _ in range(6):
        for _ in range(10):
            world.desk.load.note_loop_lag(300.0)
        await strained(world, 1, cpu_share=0.1)

    assert world.desk.load.reading().load.why == (Strain.LOOP_LAG,)


async def test_one_stall_of_the_loop_fills_nothing() -> None:
    world = await watched()
    for second in range(8):
        for wake in range(10):
            world.desk.load.note_loop_lag(900.0 if (second, wake) == (3, 0) else 1.0)
        await strained(world, 1, cpu_share=0.1)

    assert world.desk.load.reading().load.state is LoadState.OPEN


async def test_ticks_that_are_told_late_fill_the_node_but_not_those_of_a_few() -> None:
    for sessions, state in ((5, LoadState.OPEN), (40, LoadState.FULL)):
        world = await watched()
        for _ in range(8):
            for _ in range(sessions):
                world.desk.load.note_tick(world.clock.monotonic_ns() - NS)
            await strained(world, 1, cpu_share=0.1)

        assert world.desk.load.reading().load.state is state, sessions


async def test_ticks_are_judged_by_the_facts_that_tell_them() -> None:
    world = await watched(Marks(tick_lag_ms_max=400))
    call = await metering(world)
    for number in range(1, 9):
        for _ in range(25):
            await world.fact(tick(call.session, number))
        await strained(world, 1)

    # The fact says that the second ended long ago.
    assert world.desk.load.reading().load.why == (Strain.TICK_LAG,)


async def test_every_change_is_an_alarm_in_the_log() -> None:
    world = await watched()
    with capture_logs() as lines:
        await strained(world, 6)
        await strained(world, 14, cpu_share=0.1)
        await world.desk.drain()

    told = [line for line in lines if line["event"].startswith("node_")]
    assert [(line["event"], line["log_level"]) for line in told] == [
        ("node_full", "warning"),
        ("node_open", "warning"),
        ("node_draining", "warning"),
    ]
    assert (told[0]["why"], told[0]["cpu_figure"]) == (["cpu"], 95.0)
    assert told[1]["was"] == ["cpu"]


async def test_a_node_that_drains_refuses_and_never_opens_again() -> None:
    world = await watched()
    await world.online()
    await world.desk.drain()
    await strained(world, 30, cpu_share=0.1)
    client = await world.connect(AS_CLIENT)

    with pytest.raises(Unavailable, match="shutting down") as refused:
        await world.invite(client)

    assert "retry_after_s" not in refused.value.extensions
    assert world.desk.load.reading().refused == {"draining": 1}
    assert world.desk.presence.set_wish(AS_PROVIDER, Presence.ONLINE) is Outcome.DONE


async def test_nobody_looks_after_the_desk_is_closed() -> None:
    world = await watched()
    await world.desk.close()
    await strained(world, 10)

    assert world.desk.load.reading().load.state is LoadState.OPEN
