"""The auditor's price function against costs worked out by hand."""

from typing import Any

import pytest

from loadtest.auditor.price import cost, split, to_minor
from loadtest.auditor.windows import changes, period_at
from tests.loadtest_auditor.staged import NS, terms

pytestmark = pytest.mark.core

TIERS = [
    {"from_s": 0, "price_micros_per_minute": 6_000_000},
    {"from_s": 60, "price_micros_per_minute": 3_000_000},
]
NIGHT = {"days": [1, 2, 3, 4, 5, 6, 7], "from": "22:00", "until": "06:00"}
NIGHT |= {"tiers": [{"from_s": 0, "price_micros_per_minute": 1_200_000}]}
BLOCK: dict[str, Any] = {"kind": "block", "free_if_ended_within_s": 0}

# changes of the tariff, runs, messages, cost in micros
ROWS: list[tuple[dict[str, Any], list[tuple[int, int]], int, int]] = [
    ({}, [(0, 724)], 0, 36_200_000),
    ({}, [(0, 10)], 0, 0),
    ({}, [(0, 11)], 0, 550_000),
    ({"tiers": TIERS}, [(0, 60)], 0, 6_000_000),
    ({"tiers": TIERS}, [(0, 61)], 0, 6_050_000),
    ({"tiers": [{"from_s": 0, "price_micros_per_minute": 100}]}, [(0, 11)], 0, 18),
    ({"connect_fee_micros": 700_000}, [(0, 20)], 0, 1_700_000),
    ({"connect_fee_micros": 700_000, "free_s": 20}, [(0, 20)], 0, 0),
    ({"connect_fee_micros": 700_000, "free_s": 20}, [(0, 21)], 0, 750_000),
    ({"initial_block_s": 60}, [(0, 11)], 0, 3_000_000),
    ({"initial_block_s": 60}, [(0, 61)], 0, 3_050_000),
    ({"increment_s": 60, "free_if_ended_within_s": 0}, [(0, 59)], 0, 0),
    ({"increment_s": 60, "free_if_ended_within_s": 0}, [(0, 119)], 0, 3_000_000),
    ({"increment_s": 60, "rounding": "up"}, [(0, 61)], 0, 6_000_000),
    ({"increment_s": 60, "initial_block_s": 90}, [(0, 95)], 0, 4_500_000),
    ({"minimum_micros": 2_000_000}, [(0, 11)], 0, 2_000_000),
    ({"cap_micros": 1_000_000}, [(0, 600)], 0, 1_000_000),
    ({"windows": [NIGHT]}, [(0, 30), (1, 30)], 0, 2_100_000),
    ({"windows": [NIGHT], "initial_block_s": 60}, [(0, 30), (1, 30)], 0, 3_000_000),
    ({"windows": [NIGHT], "increment_s": 60, "rounding": "up"}, [(0, 70), (1, 80)], 0, 7_200_000),
    ({"windows": [NIGHT], "free_s": 40}, [(0, 30), (1, 30)], 0, 400_000),
    ({**BLOCK, "block": {"length_s": 600, "price_micros": 9, "overrun": "stop"}}, [(0, 600)], 0, 9),
    ({**BLOCK, "block": {"length_s": 600, "price_micros": 9, "overrun": "ask"}}, [(0, 600)], 0, 9),
    ({**BLOCK, "block": {"length_s": 600, "price_micros": 9, "overrun": "ask"}}, [(0, 601)], 0, 18),
    (
        {**BLOCK, "block": {"length_s": 60, "price_micros": 9, "overrun": "per_second"}},
        [(0, 80)],
        0,
        1_000_009,
    ),
    ({"kind": "per_session", "session_micros": 5_000_000}, [(0, 11)], 0, 5_000_000),
    ({"kind": "per_message", "message_micros": 500_000, "messages_free": 2}, [(0, 5)], 2, 0),
    ({"kind": "per_message", "message_micros": 500_000, "messages_free": 2}, [(0, 5)], 5, 1_500_000),
]


@pytest.mark.parametrize(("change", "runs", "messages", "micros"), ROWS)
def test_a_use_costs_what_it_costs_by_hand(
    change: dict[str, Any], runs: list[tuple[int, int]], messages: int, micros: int
) -> None:
    assert cost(terms(**change), runs, messages) == micros


def test_nothing_costs_nothing_and_cost_never_falls() -> None:
    for change, *_ in ROWS:
        costs = [cost(terms(**change), [(0, seconds)] if seconds else []) for seconds in range(200)]
        assert costs[0] == 0
        assert costs == sorted(costs)


def test_fee_and_share_sum_to_the_charge_and_the_provider_gets_the_remainder() -> None:
    assert split(36_200_000, 2_000) == (7_240_000, 28_960_000)
    assert split(10_001, 3_333) == (3_333, 6_668)
    assert to_minor(36_209_999, "CNY") == 36_200_000
    assert to_minor(36_209_999, "JPY") == 36_000_000
    assert to_minor(36_209_999, "KWD") == 36_209_000


# UTC instant of 2026-09-21 (a Monday) in hours, days of the window, period
@pytest.mark.parametrize(
    ("hour", "days", "period"),
    [(14, [1], 1), (13, [1], 0), (21, [1], 1), (22, [1], 0), (21, [2], 0), (14, [2], 0), (38, [2], 1)],
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins_on(
    hour: int, days: list[int], period: int
) -> None:
    found = terms(zone="Asia/Shanghai", windows=[NIGHT | {"days": days}])
    assert period_at(found, (1_789_948_800 + hour * 3_600) * NS) == period


def test_the_hour_that_comes_twice_counts_twice_and_the_one_that_is_skipped_never_comes() -> None:
    found = terms(zone="Europe/Berlin", windows=[NIGHT | {"from": "02:00", "until": "03:00"}])
    autumn, spring = 1_792_886_400 * NS, 1_774_742_400 * NS
    open_s = [
        sum(
            (end - begin) // NS
            for (begin, period), (end, _) in zip(steps, [*steps[1:], (day + 12 * 3_600 * NS, 0)], strict=True)
            if period
        )
        for day in (autumn, spring)
        for steps in [changes(found, from_wall_ns=day, until_wall_ns=day + 12 * 3_600 * NS)]
    ]
    assert open_s == [7_200, 0]
