"""Three clocks: where one ran shorter than the server's, the shorter time is billed."""

from itertools import pairwise

import pytest

from gateway.clock import NS
from gateway.metering.clock_agreement import AppClock, RtpClock
from gateway.metering.evidence import decode, split_entries
from gateway.metering.record import Record
from gateway.metering.tick import Tick, TickFinding
from gateway.terms import EndReason, Grade, SessionKind, Side, SuspendReason
from tests.metering.bench import T0, Bench, evidence, order

pytestmark = pytest.mark.core


def talked(bench: Bench, seconds: int) -> Bench:
    """A call of so many seconds, ended by the client."""
    bench.started().run(seconds)
    bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    return bench.ended()


def cut(bench: Bench) -> list[Tick]:
    """Seconds that a short clock took away."""
    found = [decode(entry) for entry in split_entries(bytes(bench.meter.record.entries))]
    return [tick for tick in found if isinstance(tick, Tick) and tick.short_clocks]


def expected_cut(seconds: int, rate_ppm: int) -> int:
    """Whole seconds beyond 250 ms + 0.5 % that a clock of that rate is short after `seconds`."""
    lag_ms = seconds * 1000 * (1_000_000 - rate_ppm) // 1_000_000
    return max(0, lag_ms - 250 - seconds * 5) // 1000


@pytest.mark.parametrize("rate_ppm", [1_000_000, 996_000, 1_050_000])
def test_clocks_within_the_tolerance_or_ahead_change_nothing(rate_ppm: int) -> None:
    bench = Bench()
    bench.client.rtp_ppm = bench.provider.app_ppm = rate_ppm

    talked(bench, 120)

    assert bench.meter.record.tally.billed_s == 120
    assert (bench.meter.grade, bench.meter.review_reasons) == (Grade.A, ())


@pytest.mark.parametrize(
    ("side", "clock", "bits"),
    [
        (Side.CLIENT, "rtp", 1),
        (Side.PROVIDER, "rtp", 2),
        (Side.CLIENT, "app", 4),
        (Side.PROVIDER, "app", 8),
    ],
)
@pytest.mark.parametrize("rate_ppm", [980_000, 900_000])
def test_the_shortest_clock_is_billed_and_the_seconds_are_marked(
    side: Side, clock: str, bits: int, rate_ppm: int
) -> None:
    bench = Bench()
    person = bench.client if side is Side.CLIENT else bench.provider
    setattr(person, f"{clock}_ppm", rate_ppm)

    talked(bench, 120)

    ticks = cut(bench)
    assert abs(len(ticks) - expected_cut(120, rate_ppm)) <= 1
    assert len(ticks) >= expected_cut(119, rate_ppm)
    assert {(tick.short_clocks, tick.finding) for tick in ticks} == {(bits, TickFinding.UNWITNESSED)}
    assert bench.meter.record.tally.billed_s == 120 - len(ticks)
    assert bench.meter.grade is Grade.B
    assert f"the {'RTP' if clock == 'rtp' else 'app'} clock of the {side}" in bench.meter.review_reasons[0]


def test_several_short_clocks_cost_what_the_shortest_costs() -> None:
    one, four = Bench(), Bench()
    one.client.rtp_ppm = 900_000
    for person in four.people:
        person.rtp_ppm = person.app_ppm = 900_000

    talked(one, 60), talked(four, 60)

    assert abs(len(cut(four)) - len(cut(one))) <= 1


def test_a_clock_that_ran_longer_before_does_not_make_up_for_running_shorter() -> None:
    bench = Bench()
    bench.client.rtp_ppm = 1_200_000
    bench.started().run(30)
    bench.client.rtp_ppm = 900_000
    bench.run(60)

    assert len(cut(bench)) >= expected_cut(60, 900_000) - 1


def test_seconds_are_cut_as_soon_as_the_clock_has_fallen_behind() -> None:
    bench = Bench()
    bench.client.rtp_ppm = 500_000

    talked(bench, 20)

    numbers = [tick.number for tick in cut(bench)]
    assert numbers[0] in (2, 3, 4)
    assert numbers == sorted(numbers)
    assert max(later - sooner for sooner, later in pairwise(numbers)) <= 3


def test_a_stored_record_keeps_its_grade() -> None:
    bench = Bench()
    bench.provider.app_ppm = 900_000
    talked(bench, 60)

    record = Record.replayed(order(), bytes(bench.meter.record.entries))

    assert record.short_clocks == 8


def test_a_muted_leg_that_sends_nothing_has_no_clock_to_compare() -> None:
    bench = Bench()
    bench.client.talks = False
    bench.meter.set_muted(Side.CLIENT, muted=True)

    talked(bench, 60)

    assert cut(bench) == []


def test_a_text_session_compares_the_apps_only() -> None:
    bench = Bench(order(SessionKind.TEXT))
    bench.client.talks = bench.provider.talks = False
    bench.client.app_ppm = 900_000

    talked(bench, 60)

    assert {tick.short_clocks for tick in cut(bench)} == {4}


def test_time_in_a_pause_is_not_compared() -> None:
    bench = Bench()
    bench.started().run(10)
    bench.meter.pause(SuspendReason.OPERATOR, bench.now_ns)
    bench.step()
    bench.client.rtp_ppm = bench.client.app_ppm = 100_000
    bench.run(20)
    bench.client.rtp_ppm, bench.client.app_ppm = 1_000_000, 1_000_000
    bench.meter.resume(SuspendReason.OPERATOR, bench.now_ns)
    bench.run(20)

    assert cut(bench) == []


def test_rtp_time_is_not_compared_across_a_silence_or_a_new_leg() -> None:
    clock = RtpClock()
    for quarter in range(200):
        at_ns = T0 + quarter * NS // 4 + (quarter // 20) * 3 * NS
        clock.note(
            evidence(Side.CLIENT, rtp_packets=quarter, rtp_last_ns=at_ns, rtp_span=1 + quarter * 12_000)
        )

    assert clock.comparison.lag_ns == 0
    assert clock.comparison.short_s == 0


def test_a_leg_that_reconnects_begins_a_new_comparison() -> None:
    clock = RtpClock()
    leg = evidence(Side.CLIENT, rtp_packets=9, rtp_last_ns=T0, rtp_span=9_000)
    clock.note(leg)
    clock.note(leg._replace(connected=False))
    clock.note(leg._replace(rtp_last_ns=T0 + NS // 2))

    assert clock.comparison.compared_ns == 0


def seen_through_stalls(rate_ppm: int) -> AppClock:
    """Two minutes in which every ten seconds the way to the app stalls for up to four."""
    clock = AppClock()
    for number in range(1, 121):
        seen_ms = number * 1000 + 100 + max(0, 4 - number % 10) * 1000
        clock.note(seen_ms * rate_ppm // 1_000_000, end_ns=T0 + number * NS, now_ns=T0 + seen_ms * 1_000_000)
    return clock


def test_late_acknowledgements_are_not_taken_for_a_short_clock() -> None:
    assert seen_through_stalls(1_000_000).comparison.short_s == 0


def test_a_short_app_clock_is_seen_through_late_acknowledgements() -> None:
    assert seen_through_stalls(950_000).comparison.short_s in (4, 5)


def test_a_reloaded_app_whose_clock_begins_anew_is_not_short() -> None:
    clock = AppClock()
    for number in range(1, 61):
        said_ms = number * 1000 if number < 30 else (number - 29) * 1000
        clock.note(said_ms, end_ns=T0 + number * NS, now_ns=T0 + number * NS)

    assert clock.comparison.short_s == 0


def test_a_repeated_or_older_acknowledgement_compares_nothing() -> None:
    clock = AppClock()
    clock.note(10_000, end_ns=T0 + 10 * NS, now_ns=T0 + 10 * NS)
    clock.note(11_000, end_ns=T0 + 10 * NS, now_ns=T0 + 11 * NS)
    clock.note(9_000, end_ns=T0 + 9 * NS, now_ns=T0 + 12 * NS)

    assert (clock.comparison.compared_ns, clock.last_ms) == (0, 10_000)
