"""The record and what the store has of it."""

import pytest

from gateway.clock import NS
from gateway.metering import effect
from gateway.metering.evidence import AnchorKind
from gateway.metering.record import Record
from gateway.terms import EndReason, Side
from tests.metering.bench import Bench, order

pytestmark = pytest.mark.core


def anchored(record: Record, at_ns: int) -> None:
    """One more entry."""
    record.anchor(AnchorKind.RESTART, at_ns=at_ns, wall_ns=at_ns, boot=bytes(16))


def test_the_stored_head_follows_only_what_is_written() -> None:
    record = Record.begun(order())
    genesis = record.head
    anchored(record, 1)
    after_one = record.head

    taken = record.take_new()
    anchored(record, 2)
    assert record.stored_head == genesis
    record.stored()

    assert record.stored_head == after_one
    assert len(record.take_new()) == len(taken)


def test_what_could_not_be_written_is_given_again_and_is_not_taken_for_stored() -> None:
    record = Record.begun(order())
    genesis = record.head
    anchored(record, 1)
    record.give_back(record.take_new())
    record.stored()
    assert record.stored_head == genesis

    anchored(record, 2)

    assert record.take_new() == bytes(record.entries)
    record.stored()
    assert record.stored_head == record.head


def test_a_replayed_record_is_stored_to_its_end() -> None:
    bench = Bench().started().run(3)

    record = Record.replayed(order(), bytes(bench.meter.record.entries))

    assert record.stored_head == record.head
    assert record.take_new() == b""


def test_ticks_go_out_with_the_stored_head_and_are_acknowledged_with_it() -> None:
    bench = Bench().started()
    bench.client.acks = bench.provider.acks = False
    bench.run(1)
    stored = bench.meter.record.stored_head
    bench.run(1)

    assert bench.heads[2] == stored
    assert bench.meter.acknowledge(Side.CLIENT, 2, stored) is effect.Ack.ACKNOWLEDGED
    assert bench.meter.record.stored_head == bench.meter.record.head or bench.now_ns % NS != NS // 2


def test_while_nothing_is_stored_ticks_repeat_the_last_stored_head() -> None:
    bench = Bench().started()
    record = bench.meter.record
    before = record.stored_head
    bench.stores = False

    bench.run(3)

    assert {bench.heads[number] for number in (1, 2, 3)} == {before}
    assert record.tally.billed_s >= 2


def test_a_session_that_ends_before_its_first_second_stops_at_its_start() -> None:
    bench = Bench().connect()
    while not bench.meter.record.start:
        bench.step()
    after = Bench().recover(bench)
    after.meter.stop(EndReason.OPERATOR, after.now_ns)
    after.ended()

    start, stop = after.meter.record.start, after.meter.record.stop
    assert start is not None
    assert stop is not None
    assert (stop.at_ns, stop.wall_ns, stop.boot) == (start.at_ns, start.wall_ns, start.boot)
