"""Which price holds when, on clocks that jump, with offsets made up for the purpose."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import NS
from gateway.metering.schedule import Switch, ahead, period_at, switches, usage_from
from gateway.metering.tariff import Tariff, parse
from gateway.metering.window import Window, period_of
from tests.metering.tariff_shapes import flat, terms_2

pytestmark = pytest.mark.core

HOUR_S = 3600
MONDAY_S = 4 * 24 * HOUR_S
"""The first Monday of 1970, at midnight UTC."""


def tariff(*windows: tuple[str, str], days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)) -> Tariff:
    made: list[dict[str, Any]] = [
        {"days": list(days), "from": begin, "until": end, "tiers": flat(index + 1)}
        for index, (begin, end) in enumerate(windows)
    ]
    return parse(terms_2(zone="Test/Zone", windows=made))


def utc(zone: str, unix_s: int) -> int:
    assert zone == "Test/Zone"
    return 0


def jumping(at_s: int, *, before_s: int, after_s: int) -> Any:
    """A zone whose clocks jump once."""
    return lambda zone, unix_s: before_s if unix_s < at_s else after_s


def plan(made: Tariff, from_s: int, until_s: int, offset: Any = utc) -> list[tuple[int, int]]:
    """(seconds after Monday's midnight UTC, period) of each switch."""
    found = switches(
        made,
        from_wall_ns=(MONDAY_S + from_s) * NS,
        until_wall_ns=(MONDAY_S + until_s) * NS,
        offset_s_at=offset,
    )
    return [(switch.at_wall_ns // NS - MONDAY_S, switch.period) for switch in found]


def test_without_windows_the_base_price_holds_throughout() -> None:
    assert plan(parse(terms_2()), 100, 9_000_000) == [(100, 0)]


def test_a_window_begins_and_ends_at_its_minutes() -> None:
    made = tariff(("18:00", "23:30"))

    assert plan(made, 17 * HOUR_S, 24 * HOUR_S) == [
        (17 * HOUR_S, 0),
        (18 * HOUR_S, 1),
        (23 * HOUR_S + 1800, 0),
    ]
    assert plan(made, 18 * HOUR_S, 19 * HOUR_S) == [(18 * HOUR_S, 1)]
    assert plan(made, 17 * HOUR_S, 18 * HOUR_S) == [(17 * HOUR_S, 0)]


def test_a_window_past_midnight_belongs_to_the_day_it_begins_on() -> None:
    made = tariff(("22:00", "02:00"), days=(1,))

    assert plan(made, 0, 72 * HOUR_S) == [(0, 0), (22 * HOUR_S, 1), (26 * HOUR_S, 0)]


def test_a_window_of_sunday_night_reaches_into_monday() -> None:
    made = tariff(("22:00", "02:00"), days=(7,))

    assert plan(made, 0, 24 * HOUR_S) == [(0, 1), (2 * HOUR_S, 0)]


def test_windows_that_touch_switch_once_and_the_first_of_two_that_overlap_holds() -> None:
    made = tariff(("08:00", "12:00"), ("10:00", "14:00"), ("14:00", "24:00"))

    assert plan(made, 0, 25 * HOUR_S) == [
        (0, 0),
        (8 * HOUR_S, 1),
        (12 * HOUR_S, 2),
        (14 * HOUR_S, 3),
        (24 * HOUR_S, 0),
    ]


def test_the_zones_clock_counts_and_not_utc() -> None:
    shanghai = jumping(0, before_s=0, after_s=8 * HOUR_S)

    assert plan(tariff(("18:00", "24:00")), 9 * HOUR_S, 17 * HOUR_S, shanghai) == [
        (9 * HOUR_S, 0),
        (10 * HOUR_S, 1),
        (16 * HOUR_S, 0),
    ]


def test_an_hour_that_is_skipped_in_spring_never_holds() -> None:
    """Clocks go from 02:00 to 03:00."""
    spring = jumping(MONDAY_S + 2 * HOUR_S, before_s=0, after_s=HOUR_S)

    assert plan(tariff(("02:00", "03:00")), 0, 5 * HOUR_S, spring) == [(0, 0)]
    assert plan(tariff(("02:30", "04:00")), 0, 5 * HOUR_S, spring) == [
        (0, 0),
        (2 * HOUR_S, 1),
        (3 * HOUR_S, 0),
    ]


def test_an_hour_that_is_repeated_in_autumn_holds_both_times() -> None:
    """Clocks go from 03:00 back to 02:00."""
    autumn = jumping(MONDAY_S + 2 * HOUR_S, before_s=HOUR_S, after_s=0)

    assert plan(tariff(("02:00", "03:00")), 0, 5 * HOUR_S, autumn) == [(0, 0), (HOUR_S, 1), (3 * HOUR_S, 0)]
    assert plan(tariff(("02:00", "02:30")), 0, 5 * HOUR_S, autumn) == [
        (0, 0),
        (HOUR_S, 1),
        (HOUR_S + 1800, 0),
        (2 * HOUR_S, 1),
        (2 * HOUR_S + 1800, 0),
    ]


def test_a_day_that_a_zone_skips_has_no_windows() -> None:
    """At midnight of Tuesday the clocks go on by a whole day."""
    samoa = jumping(MONDAY_S + 24 * HOUR_S, before_s=0, after_s=24 * HOUR_S)

    assert plan(tariff(("08:00", "09:00"), days=(2,)), 0, 72 * HOUR_S, samoa) == [(0, 0)]
    assert plan(tariff(("08:00", "09:00"), days=(3,)), 0, 40 * HOUR_S, samoa) == [
        (0, 0),
        (32 * HOUR_S, 1),
        (33 * HOUR_S, 0),
    ]


@st.composite
def windows(draw: st.DrawFn) -> Window:
    begin = draw(st.integers(0, 1439))
    end = draw(st.integers(1, 1440).filter(lambda minute: minute != begin))
    days = draw(st.sets(st.integers(1, 7), min_size=1))
    return Window(days=tuple(sorted(days)), from_min=begin, until_min=end, tiers=())


@given(
    st.lists(windows(), min_size=1, max_size=3),
    st.integers(-20 * HOUR_S, 20 * HOUR_S).map(lambda at: at - at % 60),
    st.sampled_from([-HOUR_S, -1800, 0, 1800, HOUR_S, 24 * HOUR_S]),
    st.integers(0, 30 * HOUR_S),
)
def test_switches_agree_with_asking_each_second_alone(
    made: list[Window], jump_s: int, by_s: int, length_s: int
) -> None:
    rule = Tariff(currency="CNY", zone="Test/Zone", windows=tuple(made))
    offset = jumping(MONDAY_S + jump_s, before_s=0, after_s=by_s)
    begin = MONDAY_S - 10 * HOUR_S
    found = switches(
        rule, from_wall_ns=begin * NS + 5, until_wall_ns=(begin + length_s) * NS, offset_s_at=offset
    )

    for second in range(0, length_s, 60):
        local = begin + second + offset("", begin + second)
        day, minute = (local // 86_400 + 3) % 7 + 1, local % 86_400 // 60
        assert period_at(found, (begin + second) * NS + 5) == period_of(rule.windows, day, minute)
    assert all(a.period != b.period and a.at_wall_ns < b.at_wall_ns for a, b in itertools.pairwise(found))


def test_what_comes_is_counted_in_whole_seconds_from_now() -> None:
    found = (Switch(0, 0), Switch(10 * NS, 1), Switch(20 * NS, 0))

    assert ahead(found, 5 * NS) == ((0, 0), (5, 1), (15, 0))
    assert ahead(found, 5 * NS + 1) == ((0, 0), (5, 1), (15, 0))
    assert ahead(found, 10 * NS) == ((0, 1), (10, 0))
    assert ahead(found, 25 * NS) == ((0, 0),)
    assert ahead((Switch(0, 0),), 5) == ()


def test_seconds_from_an_instant_on_lie_in_the_periods_to_come() -> None:
    found = (Switch(0, 0), Switch(10 * NS, 1), Switch(20 * NS, 0))

    assert usage_from(found, 5 * NS, 30).runs == ((0, 5), (1, 10), (0, 15))
    assert usage_from(found, 5 * NS, 7).runs == ((0, 5), (1, 2))
    assert usage_from(found, 12 * NS, 3).runs == ((1, 3),)
    assert usage_from(found[:1], 5, 9).runs == ((0, 9),)
