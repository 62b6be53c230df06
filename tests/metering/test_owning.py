"""What a process does when a session is not its own any more, and with sessions nobody acts for."""

import pytest

from gateway import facts
from gateway.clock import NS
from gateway.ids import AccountId, SessionId
from gateway.limits import LEASE_NS
from gateway.metering.owner_ports import Orphan
from gateway.terms import EndReason
from tests.metering.bench import order
from tests.metering.service_world import SIX_A_MINUTE, World

pytestmark = pytest.mark.service

TWO = SessionId("ses_2")


async def two_calls() -> World:
    """Two sessions of different people."""
    world = World()
    await world.call()
    await world.call(
        order(tariff=SIX_A_MINUTE, session=TWO, client=AccountId("acc_else"), provider=AccountId("acc_other"))
    )
    await world.run(3)
    return world


async def test_a_row_that_is_fenced_drops_the_lost_session_and_keeps_the_other() -> None:
    world = await two_calls()
    world.owners.lost.add(TWO)

    await world.run(2)

    assert [fact.session for fact in world.sink.of(facts.MeterLost)] == [TWO]
    assert [reading.session for reading in world.service.live()] == ["ses_1"]
    assert TWO not in world.gate.linked
    assert "ses_1" in world.gate.linked
    assert {owner for owner, _ in world.journal.rows[-1]} == {"ses_1"}


async def test_a_fenced_hold_drops_the_session() -> None:
    world = World()
    made = await world.call()
    await world.run(39)
    world.owners.lost.add(made.session)
    world.journal.is_hung = True

    await world.until(lambda: bool(world.sink.of(facts.MeterLost)))

    assert len(world.purse.holds) == 1
    assert world.service.live() == []


async def test_a_lost_session_is_dropped_without_a_receipt_and_later_calls_are_harmless() -> None:
    world = World()
    made = await world.call()
    await world.run(3)
    world.owners.lost.add(made.session)
    await world.run(1)

    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    await world.run(3)

    assert world.journal.closed == {}
    assert world.sink.of(facts.MeterStopped) == []
    assert "ending" not in world.moves.states


async def test_a_lease_that_ends_drops_everything_at_the_next_poll() -> None:
    world = await two_calls()

    world.clock.advance(ns=LEASE_NS)
    world.service.poll()

    assert {fact.session for fact in world.sink.of(facts.MeterLost)} == {"ses_1", "ses_2"}
    assert world.gate.linked == set()
    assert world.service.live() == []


async def test_a_process_without_sessions_keeps_its_lease_by_sweeping() -> None:
    world = World()
    for _ in range(30):
        world.clock.advance(seconds=10)
        await world.service.sweep()
    assert world.owners.renewals == 30

    await world.call()
    await world.run(2)
    assert world.sink.of(facts.MeterLost) == []


async def test_rows_keep_the_lease_so_that_a_sweep_need_not() -> None:
    world = World()
    await world.call()
    await world.run(8)
    before = world.owners.renewals

    await world.service.sweep()

    assert world.owners.renewals == before


async def test_an_orphan_is_settled_from_its_evidence_and_one_with_a_meter_is_left_alone() -> None:
    world = World()
    made = await world.call()
    await world.run(5)
    world.owners.lone.append(Orphan(session=made.session, is_ours=True))
    await world.service.sweep()
    assert world.journal.closed == {}

    world.people.clear()
    world.gate.legs.clear()
    await world.restart()
    world.owners.lone.append(Orphan(session=made.session, is_ours=False))
    await world.service.sweep()
    receipt = await world.settled(made.session)

    assert receipt["end_reason"] == "shutdown"
    assert receipt["billed_s"] == 4
    assert receipt["charge_micros"] == 400_000


async def test_no_orphan_is_settled_before_the_spool_is_in_the_journal() -> None:
    world = World()
    made = await world.call()
    await world.run(3)
    world.journal.is_down = True
    await world.run(2)
    world.owners.lone.append(Orphan(session=SessionId("ses_gone"), is_ours=False))

    await world.service.sweep()

    assert len(world.owners.lone) == 1
    assert made.session in world.gate.linked


async def test_a_session_whose_hold_is_being_placed_is_no_orphan() -> None:
    world = World()
    world.owners.lone.append(Orphan(session=order().session, is_ours=True))
    await world.call()

    await world.service.sweep()

    assert len(world.owners.lone) == 1
    assert world.clock.monotonic_ns() > NS
