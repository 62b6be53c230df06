"""The last seconds before a hang-up: told, acknowledged and billed although the process is busy."""

import pytest

from gateway import facts
from gateway.clock import NS
from gateway.limits import ENDING_DRAIN_NS
from gateway.metering.phase import MeterPhase
from gateway.terms import EndReason, Side
from tests.metering.bench import Bench
from tests.metering.service_world import World

pytestmark = pytest.mark.service


async def test_a_second_that_ended_before_the_hang_up_is_told_and_billed_although_no_poll_came_between() -> (
    None
):
    world = World()
    made = await world.call()
    await world.run(5)
    began_ns = world.sink.of(facts.MeterStarted)[-1].at_ns
    ended_s = (world.clock.monotonic_ns() - began_ns) // NS + 1
    world.clock.advance(ns=began_ns + ended_s * NS - world.clock.monotonic_ns())

    world.service.stop(made.session, EndReason.HANGUP_CLIENT)

    assert [fact.tick for fact in world.sink.of(facts.TickCounted)] == list(range(1, ended_s + 1))
    assert (await world.settled(made.session))["billed_s"] == ended_s


async def test_a_broken_second_is_not_told_at_the_hang_up() -> None:
    world = World()
    made = await world.call()
    await world.run(5)
    told = len(world.sink.of(facts.TickCounted))

    world.service.stop(made.session, EndReason.HANGUP_CLIENT)

    assert len(world.sink.of(facts.TickCounted)) == told


def test_what_had_come_when_the_drain_ended_counts_although_it_is_heard_after_a_late_poll() -> None:
    bench, tick = _hung_up_with_a_tick_unacknowledged()

    bench.step()
    bench.meter.acknowledge(Side.PROVIDER, tick, bench.heads[tick])
    bench.step()

    assert bench.meter.phase is MeterPhase.STOPPED
    assert bench.meter.record.tally.unwitnessed_s == 0


def test_a_drain_ends_at_the_second_poll_after_its_time() -> None:
    bench, _ = _hung_up_with_a_tick_unacknowledged()

    bench.step()
    bench.step()

    assert bench.meter.phase is MeterPhase.STOPPED
    assert bench.meter.record.tally.unwitnessed_s == 1


def _hung_up_with_a_tick_unacknowledged() -> tuple[Bench, int]:
    """The client has hung up, the provider has not answered the last tick, and no poll came for the whole drain."""
    bench = Bench().started().run(3)
    bench.provider.acks = False
    bench.run(1)
    bench.effects += bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    bench.now_ns += ENDING_DRAIN_NS
    bench.wall_ns += ENDING_DRAIN_NS
    return bench, max(bench.heads)
