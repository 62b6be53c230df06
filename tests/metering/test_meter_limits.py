"""What ends a call or warns of its end: money, the hard maximum, the slot."""

import pytest

from gateway.clock import NS
from gateway.ids import SessionId
from gateway.metering import effect
from gateway.metering.closing_service import Meters, Wallets
from gateway.metering.meter import Meter
from gateway.metering.phase import MeterPhase
from gateway.metering.tariff import parse
from gateway.terms import EndReason, Side, SuspendReason, TariffSnapshot, WarningReason
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


def test_no_hold_asks_for_more_than_the_maximum_lets_the_call_cost() -> None:
    tariff = TariffSnapshot.of(terms(tiers=[{"from_s": 0, "price_micros_per_minute": 6_000_000}]))
    bench = Bench(order(tariff=tariff, duration_s_max=45))
    bench.meter.cover.held_micros = 0
    bench.meter.hold_placed(3_000_000)
    bench.started().run(10)

    (needed,) = bench.of(effect.HoldNeeded)
    assert needed.request.want_micros == 1_500_000
    bench.meter.hold_placed(1_500_000)
    assert bench.ended().of(effect.Stopped)[0].reason is EndReason.MAX_DURATION


def test_seconds_missed_while_the_store_is_away_end_the_call_as_shutdown_not_for_want_of_money() -> None:
    bench = priced(6_000_000)
    bench.meter.hold_placed(3_000_000)
    bench.started().run(29)
    bench.meter.hold_failed(is_money_out=False)

    bench.now_ns += 5 * NS
    made = bench.meter.second(bench.now_ns, funds_left_s=1_000)

    assert [each.reason for each in made if isinstance(each, effect.Stopped)] == [EndReason.SHUTDOWN]


def test_a_pause_before_the_first_second_suspends_when_it_begins_and_not_before() -> None:
    bench = priced(6_000_000)
    bench.meter.hold_placed(6_000_000)
    bench.connect()
    while bench.meter.phase is not MeterPhase.RUNNING:
        bench.step()
    bench.now_ns = bench.meter.segment_at_ns - 1
    bench.meter.pause(SuspendReason.SOS, bench.now_ns)
    bench.run(2)

    moves = [type(each) for each in bench.effects if isinstance(each, effect.Started | effect.Suspended)]
    assert moves == [effect.Started, effect.Suspended]


def test_ended_seconds_that_are_paused_do_not_count_as_used_while_they_wait() -> None:
    bench = priced(6_000_000)
    bench.meter.hold_placed(6_000_000)
    bench.started().run(5)
    bench.client.acks = False
    bench.run(3)
    bench.meter.pause(SuspendReason.MODERATION, bench.now_ns)
    bench.run(4)

    assert bench.meter.record.tally.ticks == 5
    assert bench.meter.spend(bench.now_ns).usage.seconds == 8


def test_a_sibling_that_has_stopped_spends_no_more_and_its_hold_still_counts_for_the_wallet() -> None:
    live, beside, over = (priced(6_000_000) for _ in range(3))
    for bench, micros in ((live, 15_000_000), (beside, 3_000_000), (over, 6_000_000)):
        bench.meter.hold_placed(micros)
        bench.started().run(5)
    over.meter.stop(EndReason.HANGUP_CLIENT, over.now_ns)

    (_, made), _ = closed(live.meter, beside.meter, over.meter)

    # Money for 240 s, of which 6, 6 and 5 are used; two share the rest.
    assert [each.left_s for each in made if isinstance(each, effect.Ticked)] == [(240 - 6 - 6 - 5) // 2]


def test_what_is_set_aside_for_a_sibling_is_not_there_for_this_session() -> None:
    live, beside = priced(6_000_000), priced(600_000)
    for bench, micros in ((live, 3_000_000), (beside, 9_000_000)):
        bench.meter.hold_placed(micros)
        bench.started().run(5)

    (_, made), _ = closed(live.meter, beside.meter)

    assert [each.left_s for each in made if isinstance(each, effect.Ticked)] == [30 - 6]


def closed(*theirs: Meter) -> list[tuple[Meter, list[effect.Effect]]]:
    """The running second of all of them closes; they live on one wallet."""
    now_ns, meters = theirs[0].due_ns, Meters()
    for number, meter in enumerate(theirs):
        meters[SessionId(f"ses_{number}")] = meter
    ended = [meter for meter in theirs if meter.due_ns <= now_ns]
    return list(Wallets().seconds_closed(ended, now_ns, meters=meters, fault=bench_fault))


def bench_fault(_meter: Meter, error: Exception) -> None:
    raise error
