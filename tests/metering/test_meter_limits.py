"""What ends a call or warns of its end: money, the hard maximum, the slot."""

import pytest

from gateway.clock import NS
from gateway.metering import effect
from gateway.metering.phase import MeterPhase
from gateway.metering.tariff import parse
from gateway.terms import EndReason, Side, TariffSnapshot, WarningReason
from tests.metering.bench import T0, WALL0, Bench, order, terms

pytestmark = pytest.mark.core


def priced(per_minute: int, **changes: object) -> Bench:
    tariff = TariffSnapshot.of(terms(tiers=[{"from_s": 0, "price_micros_per_minute": per_minute}], **changes))
    bench = Bench(order(tariff=tariff))
    bench.meter.cover.held_micros = 0
    return bench


def test_the_hold_is_extended_by_a_quantum_when_twenty_seconds_are_left() -> None:
    bench = priced(6_000_000)
    bench.meter.hold_placed(6_000_000)

    bench.started().run(39)
    assert bench.of(effect.HoldNeeded) == []
    bench.run(1)

    (needed,) = bench.of(effect.HoldNeeded)
    assert needed.request.want_micros == 6_000_000
    assert needed.request.least_micros == 100_000


def test_without_more_money_the_call_is_cut_at_the_exact_second() -> None:
    bench = priced(6_000_000)
    bench.meter.hold_placed(3_000_000)
    bench.started()
    bench.meter.hold_failed(is_money_out=True)
    started_ns = bench.now_ns

    bench.ended()

    stopped = bench.of(effect.Stopped)[0]
    assert stopped.reason is EndReason.FUNDS
    assert stopped.at_ns == started_ns + 30 * NS
    assert bench.meter.record.tally.billed_s == 30
    assert bench.meter.tariff.cost(30) == 3_000_000


def test_a_hold_that_never_answers_ends_the_call_inside_the_committed_money() -> None:
    bench = priced(6_000_000)
    bench.meter.hold_placed(3_000_000)

    bench.started().ended()

    assert bench.of(effect.Stopped)[0].reason is EndReason.SHUTDOWN
    assert bench.meter.record.tally.billed_s == 30


def test_a_top_up_lets_the_call_go_on() -> None:
    bench = priced(6_000_000)
    bench.meter.hold_placed(3_000_000)
    bench.started().run(20)
    bench.meter.hold_failed(is_money_out=True)
    bench.run(5)

    bench.meter.money_came()
    assert bench.meter.hold_request()
    bench.meter.hold_placed(6_000_000)
    bench.run(30)

    assert bench.meter.phase is MeterPhase.RUNNING


def test_the_hard_maximum_ends_the_call_at_its_second() -> None:
    bench = Bench(order(duration_s_max=12)).started()
    started_ns = bench.now_ns

    bench.ended()

    stopped = bench.of(effect.Stopped)[0]
    assert (stopped.reason, stopped.at_ns) == (EndReason.MAX_DURATION, started_ns + 12 * NS)
    assert bench.meter.record.tally.billed_s == 12


def test_the_end_of_the_booked_slot_ends_the_call() -> None:
    bench = Bench(order(slot_ends_wall_ns=WALL0 + 20 * NS)).started()

    bench.ended()

    stopped = bench.of(effect.Stopped)[0]
    assert stopped.reason is EndReason.SLOT_END
    assert stopped.at_ns <= T0 + 20 * NS


def test_warnings_come_once_at_each_threshold_with_their_reason() -> None:
    bench = Bench(order(duration_s_max=130)).started()

    bench.ended(within_s=140)

    warned = [(made.seconds_left, made.reason) for made in bench.of(effect.Warned)]
    assert warned == [(left, WarningReason.MAX_DURATION) for left in (120, 60, 30, 10)]


def test_free_seconds_are_found_free_and_cost_nothing() -> None:
    tariff = TariffSnapshot.of(terms(free_s=5))
    bench = Bench(order(tariff=tariff)).started().run(10)
    bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    bench.ended()

    tally = bench.meter.record.tally
    assert (tally.free_s, tally.billed_s) == (5, 5)
    assert parse(tariff.terms()).cost(tally.witnessed_s) == 250_000
