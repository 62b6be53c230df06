"""A process that dies at any operation of its store leaves one right bill."""

from sqlite3 import Connection

import pytest

from gateway.clock import ManualClock
from gateway.metering.tariff import tariff_of
from gateway.money import floor_to_minor
from gateway.terms import EndReason, Side
from tests.metering.crash_world import FUNDS_MICROS, Died, Process, Stored, call_order
from tests.metering.mortal_store import MortalStore, copied, empty_disk

pytestmark = pytest.mark.adapter

SECONDS = 4
UNTIL_NEXT_HOLD_S = 42


async def whole_call(process: Process, *, seconds: int = SECONDS) -> None:
    """From an empty session table to the receipt."""
    made = call_order()
    await process.call(made)
    await process.run(seconds)
    process.books.metering.stop(made.session, EndReason.HANGUP_CLIENT)
    await process.until_receipt(made.session)


async def funded() -> Connection:
    """A disk on which the client has money and nothing has happened yet."""
    template = empty_disk()
    process = Process(MortalStore(template), ManualClock())
    await process.start()
    await process.fund(call_order())
    await process.kill()
    return template


async def rehearsed(template: Connection, *, seconds: int) -> MortalStore:
    """The whole call without a death."""
    store = MortalStore(copied(template))
    process = Process(store, ManualClock())
    await process.start()
    await whole_call(process, seconds=seconds)
    await process.kill()
    return store


async def test_a_process_that_dies_at_any_operation_leaves_one_right_bill() -> None:
    template = await funded()
    operations = (await rehearsed(template, seconds=SECONDS)).operations
    assert operations >= 15

    for number in range(1, operations + 1):
        for after_effect in (False, True):
            store = MortalStore(copied(template), dies_at=number, after_effect=after_effect)
            await died_at(store, seconds=SECONDS)


async def test_a_hold_and_its_note_are_there_together_or_not_at_all() -> None:
    template = await funded()
    store = await rehearsed(template, seconds=UNTIL_NEXT_HOLD_S)
    assert Stored(store.disk).count("SELECT count(*) FROM meter_holds") == 2

    holds = set()
    for number in range(store.operations - 12, store.operations):
        for after_effect in (False, True):
            mortal = MortalStore(copied(template), dies_at=number, after_effect=after_effect)
            await died_at(mortal, seconds=UNTIL_NEXT_HOLD_S)
            disk = Stored(mortal.disk)
            noted = disk.count("SELECT sum(micros) FROM meter_holds")
            held = disk.count("SELECT sum(micros) FROM ledger_transfer WHERE kind = 'pending'")
            assert noted == held
            holds.add(disk.count("SELECT count(*) FROM meter_holds"))
    assert holds == {1, 2}


async def test_after_a_death_both_come_back_and_the_bill_is_what_both_processes_wrote() -> None:
    template = await funded()
    operations = (await rehearsed(template, seconds=SECONDS)).operations
    made = call_order()
    for number in range(8, operations - 2):
        store = MortalStore(copied(template), dies_at=number)
        clock, disk = ManualClock(), Stored(store.disk)
        process = Process(store, clock)
        await process.start()
        with pytest.raises(Died):
            await whole_call(process)
        await process.kill()
        clock.advance(seconds=3)
        again = Process(MortalStore(store.disk), clock)
        again.people = process.people
        await again.start()
        await again.recover()
        for side in Side:
            again.books.metering.socket_back(made.session, side)
        await again.run(5)
        again.books.metering.stop(made.session, EndReason.HANGUP_CLIENT)
        if not disk.receipt(made):
            await again.until_receipt(made.session)

        await holds_are_over_and_money_adds_up(again, disk, disk.durable_s(made))
        await again.kill()


async def died_at(store: MortalStore, *, seconds: int) -> None:
    """Lets a call die there, restarts, and looks at what it cost."""
    made, clock, disk = call_order(), ManualClock(), Stored(store.disk)
    process = Process(store, clock)
    try:
        await process.start()
        await whole_call(process, seconds=seconds)
    except Died:
        pass
    await process.kill()
    durable_s = disk.durable_s(made)
    clock.advance(seconds=3)

    again = Process(MortalStore(store.disk), clock)
    await again.start()
    await again.recover()
    if disk.count("SELECT count(*) FROM meter_orders") and not disk.receipt(made):
        await again.until_receipt(made.session)

    await holds_are_over_and_money_adds_up(again, disk, durable_s)
    await again.kill()


async def holds_are_over_and_money_adds_up(process: Process, disk: Stored, durable_s: int) -> None:
    """Every promise about money, after the dust has settled."""
    made = call_order()
    receipt = disk.receipt(made)
    assert (receipt is not None) == bool(disk.count("SELECT count(*) FROM meter_orders"))
    charged = 0
    if receipt is not None:
        tariff = tariff_of(made.tariff)
        charged = receipt["charge_micros"]
        assert receipt["billed_s"] + receipt["free_s"] == durable_s == disk.durable_s(made)
        assert charged == floor_to_minor(tariff.cost(durable_s), tariff.currency)
        assert disk.count("SELECT count(*) FROM session_owners") == 0
    wallet = process.books.wallet
    assert await wallet.available(made.client) == FUNDS_MICROS - charged
    assert disk.count("SELECT count(*) FROM ledger_command WHERE name = 'settle'") == bool(receipt)
    assert [finding.name for finding in await wallet.audit() if not finding.ok] == []
    assert await process.books.sessions.open_anywhere() == []
