"""Which price holds in which second, by the monotonic clock."""

import pytest

from gateway.clock import NS
from gateway.metering.evidence import Anchor, AnchorKind, decode, split_entries
from gateway.metering.rate_period import RatePeriods
from gateway.metering.schedule import Switch
from gateway.metering.tick import Tick
from gateway.terms import Side
from tests.metering.bench import T0, WALL0, Bench, order
from tests.metering.test_checkpoints import v2

pytestmark = pytest.mark.core

NIGHT = v2(
    zone="Asia/Shanghai",
    windows=[
        {
            "days": [1, 2, 3, 4, 5, 6, 7],
            "from": "22:00",
            "until": "06:00",
            "tiers": [{"from_s": 0, "price_micros_per_minute": 12_000_000}],
        }
    ],
)


def tied(*switches: Switch) -> RatePeriods:
    periods = RatePeriods()
    periods.plan(switches)
    periods.tie(Anchor(kind=AnchorKind.ACCEPTED, after_tick=0, at_ns=T0, wall_ns=WALL0, boot=bytes(16)))
    return periods


def by_tick(bench: Bench) -> dict[int, int]:
    found = [decode(entry) for entry in split_entries(bytes(bench.meter.record.entries))]
    return {tick.number: tick.period for tick in found if isinstance(tick, Tick)}


def test_a_second_has_the_period_in_force_when_it_begins() -> None:
    periods = tied(Switch(WALL0, 0), Switch(WALL0 + 10 * NS + 1, 1), Switch(WALL0 + 20 * NS, 0))

    assert [periods.at(T0 + second * NS) for second in (0, 10, 11, 19, 20)] == [0, 0, 1, 1, 0]


def test_what_comes_is_told_in_whole_seconds_from_now() -> None:
    periods = tied(Switch(WALL0, 0), Switch(WALL0 + 10 * NS + 1, 1), Switch(WALL0 + 20 * NS, 0))

    assert periods.ahead(T0 + 5 * NS) == ((0, 0), (6, 1), (15, 0))
    assert periods.ahead(T0 + 11 * NS) == ((0, 1), (9, 0))


def test_without_windows_everything_lies_in_period_0() -> None:
    assert tied(Switch(WALL0, 0)).is_plain
    assert RatePeriods().at(T0) == 0


def test_a_session_that_lies_in_one_window_throughout_has_its_period() -> None:
    assert tied(Switch(WALL0, 1)).at(T0 + 5 * NS) == 1


def test_the_tally_keeps_seconds_by_period_and_the_price_follows() -> None:
    bench = Bench(order(tariff=NIGHT))
    bench.meter.connect(
        bench.now_ns, wall_ns=bench.wall_ns, switches=(Switch(WALL0, 0), Switch(WALL0 + 10 * NS, 1))
    )
    for side in Side:
        bench.meter.confirm(side, bench.now_ns)
    bench.run(20)

    usage = bench.meter.record.tally.usage
    first, second = usage.runs
    assert (first[0], second[0]) == (0, 1)
    assert bench.meter.tick_end_ns(first[1]) == T0 + 10 * NS
    assert bench.meter.tariff.cost(usage) == first[1] * 100_000 + second[1] * 200_000


def test_no_second_is_served_that_the_holds_do_not_cover_at_the_dearer_price() -> None:
    bench = Bench(order(tariff=NIGHT))
    bench.meter.cover.held_micros = 2_050_000
    bench.meter.hold_failed(is_money_out=True)
    bench.meter.connect(
        bench.now_ns, wall_ns=bench.wall_ns, switches=(Switch(WALL0, 0), Switch(WALL0 + 10 * NS, 1))
    )
    for side in Side:
        bench.meter.confirm(side, bench.now_ns)
    bench.ended()

    usage = bench.meter.record.tally.usage
    cost = bench.meter.tariff.cost(usage)
    assert cost <= 2_050_000 < bench.meter.tariff.cost(usage.plus(1))
    assert len(usage.runs) == 2


def test_a_step_of_the_wall_clock_moves_no_switch_and_a_restart_ties_it_anew() -> None:
    plan = (Switch(WALL0, 0), Switch(WALL0 + 30 * NS, 1))
    bench = Bench(order(tariff=NIGHT))
    bench.meter.connect(bench.now_ns, wall_ns=bench.wall_ns, switches=plan)
    for side in Side:
        bench.meter.confirm(side, bench.now_ns)
    bench.run(5)
    bench.wall_ns += 3600 * NS
    bench.run(5)
    assert set(by_tick(bench).values()) == {0}

    after = Bench(order(tariff=NIGHT))
    after.now_ns, after.wall_ns = bench.now_ns + NS, WALL0 + 20 * NS
    after.recover(bench, switches=plan)
    for side in Side:
        after.meter.set_socket(side, present=True)
    after.run(25)

    restart = next(a for a in after.meter.record.anchors if a.kind is AnchorKind.RESTART)
    switched = next(number for number, period in by_tick(after).items() if period)
    begins_wall_ns = restart.wall_ns + after.meter.tick_end_ns(switched - 1) - restart.at_ns
    assert WALL0 + 30 * NS <= begins_wall_ns < WALL0 + 31 * NS


def test_the_booked_slot_ends_the_session_after_a_restart_too() -> None:
    made = order(slot_ends_wall_ns=WALL0 + 40 * NS)
    before = Bench(made).started().run(10)
    after = Bench(made)
    after.now_ns, after.wall_ns = before.now_ns, before.wall_ns
    after.recover(before)
    for side in Side:
        after.meter.set_socket(side, present=True)

    after.ended()

    stop = after.meter.record.stop
    assert stop is not None
    assert stop.reason == "slot_end"
    assert stop.wall_ns <= WALL0 + 40 * NS
