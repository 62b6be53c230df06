"""What seconds cost, in rows."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unprocessable
from gateway.metering.tariff import SECONDS_MAX, Tariff, Tier, parse, tariff_of
from gateway.terms import TariffSnapshot
from tests.metering.bench import terms

pytestmark = pytest.mark.core

FLAT = (Tier(0, 3_000_000),)

ROWS = """
seconds | micros  | changed
0       | 0       |
1       | 50000   |
59      | 2950000 |
60      | 3000000 |
61      | 3050000 |
7       | 0       | free_if_ended_within_s=10
10      | 0       | free_if_ended_within_s=10
11      | 550000  | free_if_ended_within_s=10
5       | 0       | free_s=5
6       | 50000   | free_s=5
1       | 3000000 | initial_block_s=60
61      | 3050000 | initial_block_s=60
59      | 0       | increment_s=60
60      | 3000000 | increment_s=60
119     | 3000000 | increment_s=60
1       | 1050000 | connect_fee_micros=1000000
0       | 0       | connect_fee_micros=1000000
1       | 2000000 | minimum_micros=2000000
60      | 3000000 | minimum_micros=2000000
600     | 9000000 | cap_micros=9000000
100     | 5000000 | cap_micros=9000000
"""


def rows() -> list[tuple[int, int, dict[str, int]]]:
    made = []
    for line in ROWS.strip().splitlines()[1:]:
        seconds, micros, changed = (cell.strip() for cell in line.split("|"))
        pairs = (pair.split("=") for pair in changed.split() if pair)
        made.append((int(seconds), int(micros), {key: int(value) for key, value in pairs}))
    return made


@pytest.mark.parametrize(("seconds", "micros", "changed"), rows())
def test_seconds_cost_what_the_row_says(seconds: int, micros: int, changed: dict[str, int]) -> None:
    assert parse(terms(**changed)).cost(seconds) == micros


def test_tiers_price_each_second_by_where_it_lies_and_floor_once() -> None:
    tariff = Tariff(currency="CNY", tiers=(Tier(0, 100), Tier(10, 50)), free_if_ended_within_s=0)

    assert tariff.cost(15) == (10 * 100 + 5 * 50) // 60


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    starts = sorted(draw(st.sets(st.integers(1, 7200), max_size=3)))
    prices = st.integers(0, 50_000_000)
    minimum = draw(st.integers(0, 5_000_000))
    return Tariff(
        currency="CNY",
        tiers=(Tier(0, draw(prices)), *(Tier(start, draw(prices)) for start in starts)),
        connect_fee_micros=draw(st.integers(0, 5_000_000)),
        free_s=draw(st.integers(0, 300)),
        initial_block_s=draw(st.integers(0, 120)),
        increment_s=draw(st.sampled_from([1, 6, 30, 60])),
        minimum_micros=minimum,
        cap_micros=draw(st.none() | st.integers(minimum or 1, 500_000_000)),
        free_if_ended_within_s=draw(st.integers(0, 30)),
    )


@given(tariffs(), st.integers(0, 20_000))
def test_the_cost_never_falls_and_its_lines_sum_to_it(tariff: Tariff, seconds: int) -> None:
    assert tariff.cost(seconds) <= tariff.cost(seconds + 1)
    assert sum(line.amount_micros for line in tariff.lines(seconds)) == tariff.cost(seconds)


@given(tariffs(), st.lists(st.integers(0, 20_000), min_size=2, max_size=6))
def test_slices_sum_to_the_whole_however_they_are_cut(tariff: Tariff, cuts: list[int]) -> None:
    points = sorted(cuts)

    slices = [tariff.cost(b) - tariff.cost(a) for a, b in itertools.pairwise(points)]

    assert sum(slices) == tariff.cost(points[-1]) - tariff.cost(points[0])


@given(tariffs(), st.integers(0, 10**10))
def test_covered_seconds_fit_and_one_more_does_not(tariff: Tariff, micros: int) -> None:
    covered_s = tariff.covered_s(micros)

    assert tariff.cost(covered_s) <= micros
    assert covered_s == SECONDS_MAX or tariff.cost(covered_s + 1) > micros


REFUSED = [
    ("version", 3),
    ("kind", "per_fortnight"),
    ("currency", "XXX"),
    ("tiers", []),
    ("tiers", [{"from_s": 5, "price_micros_per_minute": 1}]),
    ("tiers", [{"from_s": 0, "price_micros_per_minute": 1}, {"from_s": 0, "price_micros_per_minute": 2}]),
    ("tiers", [{"from_s": 0, "price_micros_per_minute": -1}]),
    ("tiers", [{"from_s": 0, "price_micros_per_minute": 1.5}]),
    ("free_s", True),
    ("increment_s", 0),
    ("cap_micros", 0),
    ("connect_fee_micros", 10**18),
    ("billed_when_socket_only", True),
    ("billed_when_socket_only", 0),
    ("surprise", 1),
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_tariff_that_makes_no_sense_is_refused_by_field(field: str, value: object) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse(terms(**{field: value}))

    assert refused.value.wire_code == "tariff_invalid"
    named = refused.value.extensions["field"]
    assert named in (field, "from_s", "price_micros_per_minute")


def test_a_missing_key_is_refused() -> None:
    lacking = terms()
    del lacking["tiers"]

    with pytest.raises(Unprocessable):
        parse(lacking)


def test_a_snapshot_keeps_its_meaning_and_its_hash() -> None:
    snapshot = TariffSnapshot.of(terms())

    assert tariff_of(snapshot) == parse(terms())
    assert TariffSnapshot.of(dict(reversed(terms().items()))).hash == snapshot.hash
    assert TariffSnapshot.of(terms(free_s=1)).hash != snapshot.hash


def test_the_first_hold_covers_connect_fee_and_the_dearest_of_block_minimum_and_quantum() -> None:
    assert parse(terms()).first_hold_micros() == 3_000_000
    assert parse(terms(connect_fee_micros=500_000)).first_hold_micros() == 3_500_000
    assert parse(terms(initial_block_s=120)).first_hold_micros() == 6_000_000
    assert parse(terms(minimum_micros=9_000_000)).first_hold_micros() == 9_000_000
    assert parse(terms(free_s=300)).first_hold_micros() == 3_000_000
    assert parse(terms(cap_micros=1_000_000)).first_hold_micros() == 1_000_000
