"""What holds for the price of every tariff, whatever its shape."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.metering.rate import SECONDS_MAX
from gateway.metering.tariff import parse
from gateway.metering.usage import Usage
from gateway.terms import TariffSnapshot
from tests.metering.tariff_shapes import naive_cost, shapes, usages

pytestmark = pytest.mark.core

SHAPES = shapes()
SLOWLY = settings(deadline=None)
"""Counting each second alone takes its time."""


@SLOWLY
@given(st.data(), SHAPES)
def test_the_cost_is_that_of_each_second_counted_alone(data: st.DataObject, terms: dict) -> None:
    usage, periods = data.draw(usages(terms))

    assert parse(terms).cost(usage) == naive_cost(terms, periods, usage.messages)


@given(st.data(), SHAPES)
def test_the_cost_never_falls_with_a_further_second_or_message(data: st.DataObject, terms: dict) -> None:
    usage, _ = data.draw(usages(terms))
    period = data.draw(st.integers(0, len(terms["windows"])))
    tariff = parse(terms)

    assert tariff.cost(Usage()) == 0
    assert tariff.cost(usage) <= tariff.cost(usage.plus(period))
    assert tariff.cost(usage) <= tariff.cost(usage.plus(period, 0, 1))


@given(st.data(), SHAPES)
def test_the_lines_sum_to_the_cost(data: st.DataObject, terms: dict) -> None:
    usage, _ = data.draw(usages(terms, seconds_max=5000))
    tariff = parse(terms)

    assert sum(line.amount_micros for line in tariff.lines(usage)) == tariff.cost(usage)


@given(st.data(), SHAPES)
def test_slices_sum_to_the_whole_however_they_are_cut(data: st.DataObject, terms: dict) -> None:
    tariff, grown = parse(terms), [Usage()]
    for seconds in data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=6)):
        period = data.draw(st.integers(0, len(terms["windows"])))
        grown.append(grown[-1].plus(period, seconds, seconds % 3))

    slices = [tariff.cost(b) - tariff.cost(a) for a, b in itertools.pairwise(grown)]

    assert sum(slices) == tariff.cost(grown[-1])


@given(SHAPES, st.integers(0, 5000))
def test_plain_seconds_cost_the_same_as_a_number_and_as_usage(terms: dict, seconds: int) -> None:
    tariff = parse(terms)

    assert tariff.cost(seconds) == tariff.cost(Usage.plain(seconds))
    assert tariff.lines(seconds) == tariff.lines(Usage.plain(seconds))


@given(SHAPES, st.integers(0, 10**9))
def test_covered_seconds_fit_and_one_more_does_not(terms: dict, micros: int) -> None:
    tariff = parse(terms)
    covered_s = tariff.covered_s(micros)

    assert tariff.cost(covered_s) <= micros
    assert covered_s == SECONDS_MAX or tariff.cost(covered_s + 1) > micros


@SLOWLY
@given(st.data(), SHAPES, st.integers(0, 60_000_000))
def test_cover_along_a_course_of_periods_is_exact(data: st.DataObject, terms: dict, micros: int) -> None:
    usage, periods = data.draw(usages(terms, seconds_max=400))
    if terms["kind"] == "per_message":
        return
    tariff = parse(terms)

    covered_s = tariff.covered_along(usage.runs, micros)

    fitting = [n for n in range(len(periods) + 1) if naive_cost(terms, periods[:n], 0) <= micros]
    assert covered_s == max(fitting)


@given(SHAPES, st.integers(0, 10**8))
def test_covered_messages_fit_and_one_more_does_not(terms: dict, micros: int) -> None:
    tariff = parse(terms)
    covered = tariff.covered_messages(micros)

    if covered is None:
        assert tariff.cost(Usage((), 10**6)) <= micros
        return
    assert tariff.cost(Usage((), covered)) <= micros
    assert tariff.cost(Usage((), covered + 1)) > micros


@given(SHAPES)
def test_the_first_hold_pays_for_the_first_quantum_at_any_hour(terms: dict) -> None:
    tariff = parse(terms)
    hold = tariff.first_hold_micros()
    first_s = max(terms["free_s"], terms["free_if_ended_within_s"]) + 1
    for period in range(len(terms["windows"]) + 1):
        assert tariff.cost(Usage(((period, first_s),))) <= hold
    if terms["kind"] == "per_message":
        assert tariff.cost(Usage((), 20)) <= hold


@given(SHAPES)
def test_terms_survive_their_snapshot(terms: dict) -> None:
    snapshot = TariffSnapshot.of(terms)

    assert parse(snapshot.terms()) == parse(terms)
    assert TariffSnapshot.of(dict(reversed(terms.items()))).hash == snapshot.hash
