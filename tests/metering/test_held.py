"""What must not spread or be forgotten: a fault of one meter, a suspension that a person has yet to lift."""

import pytest

from gateway import facts
from gateway.clock import NS
from gateway.ids import AccountId, SessionId
from gateway.metering.held import held_by, written_hold
from gateway.metering.owner_ports import Orphan
from gateway.metering.record import Record
from gateway.terms import CountedMove, EndReason, Side, SuspendReason
from tests.metering.bench import Bench, order
from tests.metering.service_world import World

pytestmark = pytest.mark.service


async def test_a_meter_that_fails_leaves_the_others_counting_and_is_settled_from_its_evidence() -> None:
    world = World()
    broken = await world.call()
    sound = await world.call(order(session=SessionId("ses_2"), provider=AccountId("acc_other")))
    await world.run(10)
    for person in world.people.pop(broken.session):
        reading = person.leg._replace(session=broken.session, rtp_last_ns="not a number")
        world.gate.legs[broken.session, person.side] = reading
    await world.run(5)

    assert [fact.session for fact in world.sink.of(facts.MeterLost)] == [broken.session]
    assert broken.session not in world.gate.linked
    assert [reading.session for reading in world.service.live()] == [sound.session]
    ticks = [fact.tick for fact in world.sink.of(facts.TickCounted) if fact.session == sound.session]
    assert ticks[-5:] == list(range(ticks[-1] - 4, ticks[-1] + 1))

    world.gate.legs.pop((broken.session, Side.CLIENT))
    world.gate.legs.pop((broken.session, Side.PROVIDER))
    world.owners.lone = [Orphan(session=broken.session, is_ours=True)]
    await world.service.sweep()
    receipt = await world.settled(broken.session)
    assert (receipt["end_reason"], receipt["billed_s"]) == ("shutdown", 10)


async def test_what_a_person_suspended_stays_suspended_and_unforwarded_through_a_restart() -> None:
    world = World()
    made = await world.call()
    await world.run(10)
    world.service.pause(made.session, SuspendReason.SOS)
    await world.run(2)
    await world.restart()

    await world.service.recover([made.session])
    for side in Side:
        world.service.socket_back(made.session, side)
    await world.run(6)
    assert made.session not in world.gate.linked
    assert world.moves.states[-2:] == ["recovering", "suspended"]

    world.service.resume(made.session, SuspendReason.SOS)
    await world.run(5)
    assert made.session in world.gate.linked
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)
    assert int(receipt["billed_s"]) in (14, 15)
    assert int(receipt["paused_s"]) >= 5


async def test_a_pause_while_both_are_awaited_after_a_restart_holds_when_they_are_back() -> None:
    world = World()
    made = await world.call()
    await world.run(10)
    await world.restart()
    await world.service.recover([made.session])
    world.service.pause(made.session, SuspendReason.MODERATION)

    for side in Side:
        world.service.socket_back(made.session, side)
    await world.run(6)

    assert made.session not in world.gate.linked
    assert world.sink.of(facts.MeterSuspended)[-1].reason is SuspendReason.MODERATION
    assert world.sink.of(facts.MeterResumed) == []


async def test_a_suspension_whose_move_the_store_never_took_is_known_from_the_evidence() -> None:
    world = World()
    made = await world.call()
    await world.run(10)
    world.service.pause(made.session, SuspendReason.SOS)
    await world.run(4)
    del world.moves.made[-1]
    world.moves.newest_ns = 0
    await world.restart()

    await world.service.recover([made.session])
    for side in Side:
        world.service.socket_back(made.session, side)
    await world.run(6)

    assert made.session not in world.gate.linked
    assert world.moves.states[-3:] == ["suspended", "recovering", "suspended"]
    assert {fact.reason for fact in world.sink.of(facts.MeterSuspended)} == {SuspendReason.SOS}


async def test_a_lifted_suspension_whose_lift_the_store_never_took_does_not_come_back() -> None:
    world = World()
    made = await world.call()
    await world.run(10)
    world.service.pause(made.session, SuspendReason.OPERATOR)
    await world.run(4)
    world.service.resume(made.session, SuspendReason.OPERATOR)
    await world.run(4)
    del world.moves.made[-1]
    world.moves.newest_ns = 1
    await world.restart()

    await world.service.recover([made.session])
    for side in Side:
        world.service.socket_back(made.session, side)
    await world.run(6)

    assert made.session in world.gate.linked
    assert world.moves.states[-3:] == ["metering", "recovering", "metering"]


SET_NS = 3_600 * NS
"""By how much somebody set the wall clock."""


def paused() -> Record:
    """Three seconds that count, and two that an operator paused."""
    bench = Bench().started().run(3)
    bench.meter.pause(SuspendReason.OPERATOR, bench.now_ns)
    return bench.run(2).meter.record


@pytest.mark.parametrize(
    ("reason", "later_ns", "wall_off_ns", "boot", "expected"),
    [
        (None, 0, 0, "boot-1", None),
        (None, -2 * NS, 0, "boot-1", SuspendReason.OPERATOR),
        (None, 0, -SET_NS, "boot-1", None),
        (None, -2 * NS, SET_NS, "boot-1", SuspendReason.OPERATOR),
        (SuspendReason.CLOCK, 0, -SET_NS, "boot-1", None),
        (SuspendReason.SOS, 0, 0, "boot-1", SuspendReason.SOS),
        (SuspendReason.SOS, -2 * NS, SET_NS, "boot-1", SuspendReason.OPERATOR),
        (None, -SET_NS, 0, "boot-2", None),
        (None, SET_NS, -2 * NS, "boot-2", SuspendReason.OPERATOR),
        (None, None, 0, "", None),
        (None, None, -2 * NS, "", SuspendReason.OPERATOR),
    ],
)
def test_the_later_of_move_and_second_decides_whatever_the_wall_clock_says(
    reason: SuspendReason | None,
    later_ns: int | None,
    wall_off_ns: int,
    boot: str,
    expected: SuspendReason | None,
) -> None:
    record = paused()
    move = CountedMove(
        reason=reason,
        at_ns=None if later_ns is None else record.last_tick_ns + later_ns,
        boot=boot,
        wall_ns=record.last_tick_wall_ns + wall_off_ns,
    )

    assert held_by(move, record) is expected


def test_without_a_move_the_evidence_decides_and_without_a_second_the_move() -> None:
    move = CountedMove(reason=SuspendReason.SOS, at_ns=5, boot="boot-1", wall_ns=5)

    assert held_by(None, paused()) is SuspendReason.OPERATOR
    assert held_by(move, Record.begun(order())) is SuspendReason.SOS
    assert held_by(None, Record.begun(order())) is None


@pytest.mark.parametrize("reason", SuspendReason)
def test_the_store_knows_only_of_what_a_person_lifts(reason: SuspendReason) -> None:
    move = CountedMove(reason=reason, at_ns=5, boot="boot-1", wall_ns=5)
    is_persons = reason in {SuspendReason.OPERATOR, SuspendReason.SOS, SuspendReason.MODERATION}

    assert written_hold(move) is (reason if is_persons else None)
    assert written_hold(None) is None
