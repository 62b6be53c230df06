"""Two processes over one database: one acts, the other writes nothing; the bill is one."""

import pytest

from gateway import facts
from gateway.clock import NS, ManualClock
from gateway.errors import Fenced
from gateway.limits import LEASE_NS
from gateway.metering.status import OpenStatus
from gateway.terms import EndReason
from gateway.work import nothing
from tests.metering.crash_world import FUNDS_MICROS, Process, Stored, call_order
from tests.metering.mortal_store import MortalStore, empty_disk

pytestmark = pytest.mark.adapter


class Split:
    """A process with a running call, and a second one beside it."""

    async def begin(self, *, second_node: str) -> "Split":
        """The call has run for five seconds; the second process starts."""
        self.clock, self.made = ManualClock(), call_order()
        self.disk = Stored(disk := empty_disk())
        self.first_store, self.second_store = MortalStore(disk), MortalStore(disk)
        self.first = Process(self.first_store, self.clock)
        await self.first.start()
        await self.first.fund(self.made)
        await self.first.call(self.made)
        await self.first.run(5)
        self.second = Process(self.second_store, self.clock, node=second_node)
        await self.second.start()
        return self

    async def silence(self, ns: int) -> None:
        """The first process is stopped for so long; the second one lives."""
        for _ in range(ns // (NS * 10)):
            self.clock.advance(seconds=10)
            await self.second.books.metering.sweep()

    @property
    def is_dropped(self) -> bool:
        """Whether the first process has let go."""
        return bool(self.first.sink.of(facts.MeterLost)) and self.first.books.metering.live() == []


async def test_another_node_leaves_a_living_owner_alone() -> None:
    split = await Split().begin(second_node="node-2")

    for _ in range(3):
        await split.first.run(10)
        await split.second.books.metering.sweep()

    assert split.second.books.metering.live() == []
    assert not split.is_dropped
    await split.second.kill()


async def test_an_owner_silent_for_two_leases_is_settled_by_another_node_and_drops_when_it_wakes() -> None:
    split = await Split().begin(second_node="node-2")
    durable_s = split.disk.durable_s(split.made)

    await split.silence(2 * LEASE_NS + 20 * NS)
    await split.second.until_receipt(split.made.session)
    rows = split.disk.count("SELECT count(*) FROM meter_seconds")
    assert split.made.session in split.first.gate.linked
    split.first.books.metering.poll()

    assert split.is_dropped
    assert split.made.session not in split.first.gate.linked
    split.clock.advance(seconds=1)
    await split.first.idle()
    assert split.disk.count("SELECT count(*) FROM meter_seconds") == rows
    receipt = split.disk.receipt(split.made)
    assert receipt is not None
    assert receipt["billed_s"] == durable_s
    assert split.first.sink.of(facts.ReceiptIssued) == []
    available = await split.second.books.wallet.available(split.made.client)
    assert available == FUNDS_MICROS - receipt["charge_micros"]
    await split.second.kill()


async def test_a_second_run_of_the_same_node_fences_the_first_at_its_next_row() -> None:
    split = await Split().begin(second_node="node-1")

    await split.first.run(1)

    assert split.is_dropped
    assert split.made.session not in split.first.gate.linked
    await split.second.recover()
    await split.second.until_receipt(split.made.session)
    assert split.disk.count("SELECT count(*) FROM receipts") == 1
    await split.second.kill()


async def test_a_fenced_process_cannot_settle_what_it_stopped() -> None:
    split = await Split().begin(second_node="node-1")

    split.first.books.metering.stop(split.made.session, EndReason.HANGUP_CLIENT)
    await split.first.run(3)

    assert split.is_dropped
    assert split.disk.receipt(split.made) is None
    assert split.first.sink.of(facts.ReceiptIssued) == []
    await split.second.kill()


async def test_a_fenced_process_opens_nothing_and_leaves_no_hold() -> None:
    split = await Split().begin(second_node="node-1")
    other = call_order(session="ses_2")

    with pytest.raises(Fenced):
        assert await split.first.books.metering.open(other, also=nothing) is OpenStatus.OPENED

    assert split.disk.count("SELECT count(*) FROM meter_orders") == 1
    assert split.disk.count("SELECT count(*) FROM meter_holds WHERE session = 'ses_2'") == 0
    await split.second.kill()


async def test_a_store_that_is_away_ends_the_call_by_its_hold_before_its_lease() -> None:
    split = await Split().begin(second_node="node-2")
    split.first_store.is_down = True

    await split.first.run(LEASE_NS // NS - 1)

    assert split.first.sink.of(facts.MeterLost) == []
    (stopped,) = split.first.sink.of(facts.MeterStopped)
    assert stopped.reason is EndReason.SHUTDOWN
    await split.first.run(2)
    assert split.is_dropped, "a lease that ran out drops also what waits to be settled"
    split.first_store.is_down = False
    await split.first.run(2)
    split.clock.advance(seconds=10)
    await split.first.books.metering.sweep()
    await split.first.until_receipt(split.made.session)
    receipt = split.disk.receipt(split.made)
    assert receipt is not None
    assert receipt["billed_s"] == split.disk.durable_s(split.made) == 60, "the spooled seconds are not lost"
    await split.second.kill()


async def test_an_unfinished_session_of_our_own_without_a_meter_is_settled() -> None:
    split = await Split().begin(second_node="node-2")
    sent = split.first.books.metering
    sent.poll()
    split.clock.advance(ns=LEASE_NS + NS)
    sent.poll()
    assert split.is_dropped

    await sent.sweep()
    await split.first.until_receipt(split.made.session)

    assert split.disk.count("SELECT count(*) FROM receipts") == 1
    await split.second.kill()
