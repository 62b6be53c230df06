"""Evidence reaches a disk in order, whatever the store does; nobody waits for it."""

import json

import pytest

from gateway import facts
from gateway.clock import NS
from gateway.errors import StoreDown
from gateway.ids import AccountId, SessionId
from gateway.limits import JOURNAL_AFTER_NS
from gateway.metering.adapters.receipt_key import is_signed
from gateway.metering.status import OpenStatus
from gateway.metering.verification import problems_of
from gateway.terms import EndReason
from gateway.work import nothing
from tests.metering.bench import order
from tests.metering.service_world import SIX_A_MINUTE, World

pytestmark = pytest.mark.service

TWO = SessionId("ses_2")


def stored(world: World, session: str = "ses_1") -> bytes:
    """The session's entries in the journal."""
    return b"".join(entry for row in world.journal.rows for owner, entry in row if owner == session)


def complete(world: World, session: SessionId) -> bool:
    """Whether the journal has exactly the evidence of the bundle."""
    bundle = json.loads(world.journal.closed[session][1])
    return stored(world, session).hex() == "".join(bundle["entries"])


async def test_one_row_a_second_is_written_in_the_last_quarter_of_the_nodes_second() -> None:
    world = World()
    await world.call()
    await world.run(2)
    written = []
    for _ in range(8):
        before = len(world.journal.rows)
        await world.step()
        if len(world.journal.rows) > before:
            written.append(world.clock.monotonic_ns() % NS)

    assert written == [JOURNAL_AFTER_NS] * 2


async def test_a_second_acknowledged_promptly_is_durable_within_the_second_after_it() -> None:
    world = World()
    await world.call()
    await world.run(5)
    ticks = len(world.sink.of(facts.TickCounted))
    before = len(stored(world))
    await world.step()
    await world.step()

    assert world.sink.of(facts.TickCounted)[-1].billed_s == ticks - 1
    assert len(stored(world)) > before


async def test_a_tick_quotes_the_head_of_what_is_on_a_disk() -> None:
    world = World()
    made = await world.call()
    await world.run(3)
    world.journal.is_down = world.spool.is_full = True
    await world.run(1)
    heads = {fact.head for fact in world.sink.of(facts.TickCounted)[-1:]}
    await world.run(4)

    assert {fact.head for fact in world.sink.of(facts.TickCounted)[-4:]} == heads
    world.spool.is_full = False
    await world.run(2)
    assert {fact.head for fact in world.sink.of(facts.TickCounted)[-1:]} != heads
    assert made.session in world.gate.linked


async def test_while_the_store_refuses_rows_go_to_the_spool_and_follow_in_order() -> None:
    world = World()
    made = await world.call()
    await world.run(3)
    world.journal.is_down = True
    await world.run(4)
    assert len(world.spool.rows) == 4
    world.journal.is_down = False
    await world.run(2)

    assert world.spool.rows == []
    numbers = [key.number for key in world.journal.keys]
    assert numbers == sorted(set(numbers))
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)
    assert receipt["billed_s"] == 9
    assert complete(world, made.session)


async def test_a_store_that_hangs_stops_nothing_and_its_row_counts_once() -> None:
    world = World()
    made = await world.call()
    await world.run(3)
    world.journal.is_hung = True
    await world.run(6)
    assert len(world.sink.of(facts.TickCounted)) >= 8
    assert len(world.spool.rows) >= 4

    world.journal.is_hung = False
    world.journal.hung.set()
    await world.run(2)
    assert world.spool.rows == []
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    receipt = await world.settled(made.session)
    assert receipt["billed_s"] == 11
    assert complete(world, made.session)
    assert problems_of(*world.journal.closed[made.session], check_signature=is_signed) == []


async def test_a_cut_is_instant_while_the_store_hangs() -> None:
    world = World()
    made = await world.call()
    world.journal.is_hung = True
    await world.run(3)

    world.service.stop(made.session, EndReason.MODERATION)

    assert made.session not in world.gate.linked
    assert world.sink.of(facts.MeterStopped)[-1].reason is EndReason.MODERATION


async def test_what_a_dead_process_spooled_is_in_the_journal_before_anything_is_recovered() -> None:
    world = World()
    made = await world.call()
    await world.run(3)
    world.journal.is_down = True
    await world.run(4)
    world.journal.is_down = False
    world.gate.legs.clear()
    world.people.clear()
    await world.restart()

    assert world.spool.rows == []
    await world.service.recover([made.session])
    receipt = await world.settled(made.session)
    assert receipt["billed_s"] == 6, "the second that ended when it died was not written yet"
    assert complete(world, made.session)


async def test_a_row_that_is_both_spooled_and_journalled_counts_once() -> None:
    world = World()
    made = await world.call()
    await world.run(3)
    world.journal.is_down = True
    await world.run(2)
    spooled = list(world.spool.rows)
    world.journal.is_down = False
    await world.run(2)
    world.spool.rows += spooled
    world.gate.legs.clear()
    world.people.clear()
    await world.restart()

    await world.service.recover([made.session])
    receipt = await world.settled(made.session)
    assert receipt["billed_s"] == 6, "the second that ended when it died was not written yet"
    assert complete(world, made.session)


async def test_closing_with_the_store_down_leaves_everything_in_the_spool() -> None:
    world = World()
    made = await world.call()
    await world.run(3)
    world.journal.is_down = True
    await world.run(2)
    await world.step()

    await world.service.close()

    world.journal.is_down = False
    world.gate.legs.clear()
    world.people.clear()
    await world.restart()
    await world.service.recover([made.session])
    receipt = await world.settled(made.session)
    assert receipt["billed_s"] == 5
    assert complete(world, made.session)


async def test_a_new_session_while_the_store_is_down_is_refused_and_leaves_nothing() -> None:
    world = World()
    world.purse.is_down = True

    with pytest.raises(StoreDown):
        await world.service.open(order(), also=nothing)

    world.purse.is_down = False
    assert world.service.live() == []
    assert await world.service.open(order(), also=nothing) is OpenStatus.OPENED


async def test_sessions_that_end_together_share_their_last_row() -> None:
    world = World()
    first = await world.call()
    second = await world.call(order(tariff=SIX_A_MINUTE, session=TWO, provider=AccountId("acc_other")))
    await world.run(3)
    before = len(world.journal.rows)
    for made in (first, second):
        world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    await world.settled(first.session)

    assert len(world.journal.rows) - before <= 3
    assert complete(world, first.session)
