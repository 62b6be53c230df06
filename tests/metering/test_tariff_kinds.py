"""What usage costs under every kind of tariff, in rows worked by hand."""

import json
from typing import Any

import pytest

from gateway.metering.tariff import parse
from gateway.metering.usage import Usage
from gateway.terms import SessionKind, Side
from tests.metering.tariff_shapes import flat, terms_2

pytestmark = pytest.mark.core

TARIFFS: dict[str, dict[str, Any]] = {
    # 3 CNY a minute is 50,000 micros a second.
    "plain": terms_2(),
    "odd": terms_2(tiers=flat(100)),
    "free": terms_2(free_s=20),
    "short": terms_2(free_if_ended_within_s=10),
    "both": terms_2(free_s=5, free_if_ended_within_s=10),
    "tiers": terms_2(
        tiers=[
            {"from_s": 0, "price_micros_per_minute": 6_000_000},
            {"from_s": 60, "price_micros_per_minute": 600_000},
        ]
    ),
    "tiers_free": terms_2(
        free_s=30,
        tiers=[
            {"from_s": 0, "price_micros_per_minute": 6_000_000},
            {"from_s": 60, "price_micros_per_minute": 0},
        ],
    ),
    "fee": terms_2(connect_fee_micros=1_000_000),
    "initial": terms_2(initial_block_s=30),
    "minimum": terms_2(minimum_micros=2_000_000),
    "cap": terms_2(cap_micros=4_000_000),
    "all": terms_2(
        connect_fee_micros=500_000,
        free_s=10,
        initial_block_s=30,
        minimum_micros=2_200_000,
        cap_micros=5_000_000,
    ),
    "minute_up": terms_2(kind="per_minute", increment_s=60, rounding="up"),
    "minute_down": terms_2(kind="per_minute", increment_s=60),
    "six_up": terms_2(kind="per_minute", initial_block_s=30, increment_s=6, rounding="up"),
    "uneven_up": terms_2(kind="per_minute", initial_block_s=45, increment_s=60, rounding="up"),
    "uneven_down": terms_2(kind="per_minute", initial_block_s=45, increment_s=60),
    "ninety": terms_2(kind="per_minute", increment_s=90),
    "minute_fee": terms_2(kind="per_minute", increment_s=60, connect_fee_micros=1_000_000, free_s=10),
    # 18:00 to 24:00 at 6 CNY a minute (100,000 a second), Sundays free of charge.
    "hours": terms_2(
        zone="Asia/Shanghai",
        windows=[
            {"days": [1, 2, 3, 4, 5, 6], "from": "18:00", "until": "24:00", "tiers": flat(6_000_000)},
            {"days": [7], "from": "00:00", "until": "24:00", "tiers": flat(0)},
        ],
    ),
    "hours_up": terms_2(
        kind="per_minute",
        increment_s=60,
        rounding="up",
        zone="Asia/Shanghai",
        windows=[{"days": [1], "from": "18:00", "until": "24:00", "tiers": flat(6_000_000)}],
    ),
    "hours_initial": terms_2(
        initial_block_s=60,
        zone="Asia/Shanghai",
        windows=[{"days": [1], "from": "18:00", "until": "24:00", "tiers": flat(6_000_000)}],
    ),
    "hours_tiers": terms_2(
        tiers=[
            {"from_s": 0, "price_micros_per_minute": 3_000_000},
            {"from_s": 20, "price_micros_per_minute": 600_000},
        ],
        zone="Asia/Shanghai",
        windows=[
            {
                "days": [1],
                "from": "18:00",
                "until": "24:00",
                "tiers": [
                    {"from_s": 0, "price_micros_per_minute": 9_000_000},
                    {"from_s": 30, "price_micros_per_minute": 1_200_000},
                ],
            }
        ],
    ),
    "odd_hours": terms_2(
        tiers=flat(100),
        zone="Asia/Shanghai",
        windows=[{"days": [1], "from": "18:00", "until": "24:00", "tiers": flat(70)}],
    ),
    "stop": terms_2(
        kind="block", tiers=[], block={"length_s": 600, "price_micros": 20_000_000, "overrun": "stop"}
    ),
    "ask": terms_2(
        kind="block",
        tiers=[],
        free_if_ended_within_s=10,
        block={"length_s": 600, "price_micros": 20_000_000, "overrun": "ask"},
    ),
    "over": terms_2(
        kind="block",
        connect_fee_micros=1_000_000,
        increment_s=6,
        block={"length_s": 600, "price_micros": 20_000_000, "overrun": "per_second"},
    ),
    "ask_cap": terms_2(
        kind="block",
        tiers=[],
        cap_micros=45_000_000,
        block={"length_s": 600, "price_micros": 20_000_000, "overrun": "ask"},
    ),
    "session": terms_2(kind="per_session", tiers=[], session_micros=68_000_000, free_s=30),
    "session_short": terms_2(
        kind="per_session", tiers=[], session_micros=68_000_000, free_if_ended_within_s=60
    ),
    "message": terms_2(kind="per_message", tiers=[], message_micros=500_000, messages_free=3),
    "message_fee": terms_2(
        kind="per_message",
        tiers=[],
        message_micros=500_000,
        connect_fee_micros=1_000_000,
        minimum_micros=2_000_000,
        cap_micros=4_000_000,
        messages_from="both",
    ),
}

# Usage is written as seconds, or as `period:seconds` in order, and `m` messages.
ROWS = """
tariff        | usage              | micros   | why
plain         |                    | 0        | nothing
plain         | 1                  | 50000    |
plain         | 724                | 36200000 |
odd           | 1                  | 1        | 100 / 60 floored
odd           | 59                 | 98       | 5900 / 60 floored once, not 59 times
odd           | 60                 | 100      |
free          | 20                 | 0        |
free          | 21                 | 50000    | one second beyond the free ones
free          | 80                 | 3000000  |
short         | 10                 | 0        | ended within ten seconds
short         | 11                 | 550000   | all eleven count
both          | 10                 | 0        | past the free seconds, but within the short call
both          | 11                 | 300000   | eleven less five
tiers         | 60                 | 6000000  |
tiers         | 61                 | 6010000  | the first second of the second tier
tiers         | 120                | 6600000  |
tiers_free    | 30                 | 0        |
tiers_free    | 90                 | 6000000  | tiers begin after the free seconds
tiers_free    | 3600               | 6000000  | and the second costs nothing
fee           | 0                  | 0        | no second, no fee
fee           | 1                  | 1050000  |
initial       | 1                  | 1500000  |
initial       | 30                 | 1500000  |
initial       | 31                 | 1550000  |
minimum       | 1                  | 2000000  |
minimum       | 40                 | 2000000  |
minimum       | 41                 | 2050000  |
cap           | 80                 | 4000000  |
cap           | 81                 | 4000000  |
cap           | 86400              | 4000000  |
all           | 10                 | 0        |
all           | 11                 | 2200000  | fee and initial block are 2.0, the minimum is more
all           | 44                 | 2200000  | 34 s and the fee
all           | 45                 | 2250000  |
all           | 100                | 5000000  | 90 s and the fee are the cap exactly
all           | 101                | 5000000  |
minute_up     | 0                  | 0        |
minute_up     | 1                  | 3000000  | a begun minute
minute_up     | 60                 | 3000000  |
minute_up     | 61                 | 6000000  |
minute_down   | 59                 | 0        | no completed minute
minute_down   | 60                 | 3000000  |
minute_down   | 119                | 3000000  |
six_up        | 1                  | 1500000  | thirty seconds at once
six_up        | 30                 | 1500000  |
six_up        | 31                 | 1800000  | then by six
six_up        | 36                 | 1800000  |
six_up        | 37                 | 2100000  |
uneven_up     | 1                  | 3000000  | 45 s filled to a minute
uneven_up     | 61                 | 6000000  |
uneven_down   | 1                  | 2250000  | never below the initial block
uneven_down   | 59                 | 2250000  |
uneven_down   | 60                 | 3000000  |
minute_fee    | 69                 | 0        | no completed minute, so no fee either
minute_fee    | 70                 | 4000000  |
hours         | 0:60 1:60          | 9000000  | 3.0 by day and 6.0 in the evening
hours         | 1:60 2:60          | 6000000  | Sunday is free of charge
hours         | 2:600 0:1          | 50000    |
hours         | 0:10 1:10 0:10     | 2000000  |
hours_up      | 0:50               | 3000000  |
hours_up      | 0:50 1:10          | 3000000  | the minute began by day
hours_up      | 0:50 1:11          | 9000000  | the second one in the evening
hours_up      | 1:1 0:70           | 9000000  | and the other way round
hours_initial | 0:10 1:50          | 3000000  | the initial block is priced where it begins
hours_initial | 0:10 1:51          | 3100000  |
hours_initial | 1:1                | 6000000  |
hours_tiers   | 0:40               | 1200000  | 20 s at 3.0 and 20 s at 0.6 a minute
hours_tiers   | 1:40               | 4700000  | 30 s at 9.0 and 10 s at 1.2 a minute
hours_tiers   | 0:20 1:20          | 2700000  | places 20 to 39 of the evening's tiers: 10 s at 9.0, 10 s at 1.2
hours_tiers   | 1:10 0:20          | 2100000  | 10 s at 9.0, then by day 10 s at 3.0 and 10 s at 0.6
odd_hours     | 0:1 1:1            | 2        | 170 / 60 floored once: 2, not 1 + 1
odd_hours     | 0:2 1:2            | 5        | 340 / 60
stop          | 1                  | 20000000 |
stop          | 600                | 20000000 |
ask           | 10                 | 0        |
ask           | 11                 | 20000000 |
ask           | 600                | 20000000 |
ask           | 601                | 40000000 | the next block in full
ask           | 1801               | 80000000 |
over          | 600                | 21000000 | the fee and the block
over          | 605                | 21000000 | no completed step of six
over          | 606                | 21300000 |
over          | 660                | 24000000 |
ask_cap       | 1200               | 40000000 |
ask_cap       | 1201               | 45000000 |
session       | 30                 | 0        |
session       | 31                 | 68000000 |
session       | 7200               | 68000000 |
session_short | 60                 | 0        |
session_short | 61                 | 68000000 |
message       | 500                | 0        | time costs nothing
message       | 500 m3             | 0        |
message       | 500 m4             | 500000   |
message       | m10                | 3500000  |
message_fee   | 9 m0               | 0        |
message_fee   | 9 m1               | 2000000  | fee and message are 1.5, the minimum is more
message_fee   | 9 m3               | 2500000  |
message_fee   | 9 m6               | 4000000  |
message_fee   | 9 m7               | 4000000  |
"""


def usage_of(cell: str) -> Usage:
    """`0:50 1:10 m3` as usage."""
    usage, messages = Usage(), 0
    for word in cell.split():
        if word.startswith("m"):
            messages = int(word[1:])
        else:
            period, _, seconds = word.rpartition(":")
            usage = usage.plus(int(period or 0), int(seconds))
    return Usage(usage.runs, messages)


def rows() -> list[tuple[str, str, int]]:
    cells = [[cell.strip() for cell in line.split("|")] for line in ROWS.strip().splitlines()[1:]]
    return [(tariff, usage, int(micros)) for tariff, usage, micros, _ in cells]


@pytest.mark.parametrize(("tariff", "usage", "micros"), rows())
def test_usage_costs_what_the_row_says(tariff: str, usage: str, micros: int) -> None:
    assert parse(TARIFFS[tariff]).cost(usage_of(usage)) == micros


LINES = """
tariff      | usage         | lines
all         | 11            | connect_fee 1 500000, time 30 1500000, minimum 1 200000
all         | 200           | connect_fee 1 500000, time 190 9500000, cap 1 -5000000
odd_hours   | 0:1 1:1       | time 1 1, time 1 1
hours       | 0:60 1:60     | time 60 3000000, time 60 6000000
over        | 660           | connect_fee 1 1000000, block 1 20000000, time 60 3000000
ask         | 601           | block 2 40000000
session     | 40            | session 1 68000000
message_fee | m2            | connect_fee 1 1000000, messages 2 1000000
message     | m3            |
plain       | 0             |
"""


@pytest.mark.parametrize("line", LINES.strip().splitlines()[1:])
def test_a_price_is_taken_apart_into_the_lines_of_the_row(line: str) -> None:
    tariff, usage, expected = (cell.strip() for cell in line.split("|"))

    lines = parse(TARIFFS[tariff]).lines(usage_of(usage))

    assert ", ".join(f"{line.code} {line.quantity} {line.amount_micros}" for line in lines) == expected


HOLDS = {
    "plain": 3_000_000,
    "free": 3_000_000,
    "fee": 4_000_000,
    "initial": 3_000_000,
    "cap": 3_000_000,
    "all": 3_500_000,
    "minute_up": 3_000_000,
    "uneven_up": 3_000_000,
    "ninety": 4_500_000,
    "hours": 6_000_000,
    "hours_up": 6_000_000,
    "stop": 20_000_000,
    "over": 21_000_000,
    "session": 68_000_000,
    "message": 10_000_000,
    "message_fee": 4_000_000,
}


@pytest.mark.parametrize(("tariff", "micros"), HOLDS.items())
def test_the_first_hold_is_what_the_row_says(tariff: str, micros: int) -> None:
    assert parse(TARIFFS[tariff]).first_hold_micros() == micros


def test_the_first_hold_keeps_to_the_limit_on_spending() -> None:
    assert parse(terms_2(spend_stop_micros=2_000_000)).first_hold_micros() == 2_000_000


@pytest.mark.parametrize(
    ("tariff", "bought", "limit"),
    [
        ("stop", 1, 600),
        ("stop", 3, 600),
        ("ask", 1, 600),
        ("ask", 3, 1800),
        ("over", 1, None),
        ("plain", 1, None),
    ],
)
def test_prepaid_time_ends_where_no_further_yes_was_given(
    tariff: str, bought: int, limit: int | None
) -> None:
    assert parse(TARIFFS[tariff]).limit_s(bought) == limit


def test_messages_and_socket_only_legs_are_for_text_alone() -> None:
    socket_only = parse(terms_2(billed_when_socket_only=True))

    for tariff in (parse(TARIFFS["message"]), socket_only):
        assert tariff.suits(SessionKind.TEXT)
        assert not tariff.suits(SessionKind.VOICE)
    assert all(
        parse(TARIFFS[name]).suits(kind) for name in ("plain", "ask", "session") for kind in SessionKind
    )


def test_only_a_tariff_by_the_message_counts_messages() -> None:
    assert parse(TARIFFS["message"]).counts_messages_of == {Side.CLIENT}
    assert parse(TARIFFS["message_fee"]).counts_messages_of == set(Side)
    assert parse(TARIFFS["plain"]).counts_messages_of == frozenset()


VERSION_1 = json.loads(
    '{"billed_when_socket_only":false,"cap_micros":null,"connect_fee_micros":0,"currency":"CNY",'
    '"free_if_ended_within_s":10,"free_s":0,"increment_s":1,"initial_block_s":0,"kind":"per_second",'
    '"minimum_micros":0,"tiers":[{"from_s":0,"price_micros_per_minute":3000000}],"version":1}'
)


def test_version_1_terms_keep_their_meaning_beside_version_2() -> None:
    assert parse(VERSION_1) == parse(terms_2(free_if_ended_within_s=10))
