"""A run is good enough only where every bound is kept; silence keeps none."""

import math
from dataclasses import replace
from itertools import accumulate

import pytest

from loadtest.call import Outcome
from loadtest.measured import Measured, Span, judged

pytestmark = pytest.mark.core

SPAN = Span(
    seconds=60,
    added_p50_ms=1.0,
    added_p99_ms=20.0,
    arrivals_per_s=40.0,
    setups_per_s=30.0,
    setup_gateway_cpu_ms=15.0,
    setup_generator_cpu_ms=15.0,
    rss_kb=(100_000, 100_300),
    gateway_cpu_share=0.5,
    generator_cpu_share=0.5,
    generator_late_ms_max=1.0,
    generator_dropped=0,
    host_stolen_share=0.0,
    ledger_ok=True,
)


def outcome(**changed: object) -> Outcome:
    """One call of which everything is as it should be, but for what is named."""
    good = Outcome(calls=1, first_audio_ms=[1_000.0], tick_lag_ms=[100.0], sent=1_000, delivered=999)
    for name, value in changed.items():
        setattr(good, name, value)
    return good


def of(span: Span = SPAN, *, wanted: int = 1, **changed: object) -> Measured:
    return judged([outcome(**changed)], span, wanted=wanted)


def test_a_run_at_its_bounds_is_good_enough():
    assert of().ok


@pytest.mark.parametrize(
    "changed",
    [
        {"delivered": 998},
        {"tick_lag_ms": [100.1]},
        {"tick_lag_ms": []},
        {"first_audio_ms": [1_001.0]},
        {"first_audio_ms": []},
        {"roamed_heard_ms": [20.0, 1_001.0]},
        {"wrong": 1},
        {"problems": ["a socket was lost"]},
        {"sent": 0, "delivered": 0},
    ],
)
def test_one_thing_wrong_with_a_call_is_enough(changed):
    assert not of(**changed).ok


@pytest.mark.parametrize(
    "changed", [{"added_p99_ms": 20.1}, {"added_p99_ms": math.inf}, {"ledger_ok": False}]
)
def test_one_thing_wrong_with_the_run_is_enough(changed):
    assert not of(replace(SPAN, **changed)).ok


def test_a_call_that_was_wanted_and_not_set_up_is_enough():
    assert not of(wanted=2).ok


def test_slow_set_ups_are_held_against_a_run_of_many_calls_that_came_fast():
    slow = replace(SPAN, setups_per_s=29.9)
    many = [outcome() for _ in range(100)]

    assert not judged(many, slow, wanted=100).ok
    assert judged(many, replace(slow, arrivals_per_s=30.0), wanted=100).ok
    assert judged(many[:99], slow, wanted=99).ok


@pytest.mark.parametrize(
    ("grown_kb", "ok"),
    [((300, 300), True), ((300, 300, 75), True), ((300, 0, 76), False), ((300, 300, 300, -10), True)],
)
def test_memory_is_flat_once_the_first_rounds_have_settled(grown_kb, ok):
    measured = of(replace(SPAN, rss_kb=tuple(accumulate((100_000, *grown_kb)))))

    assert measured.ok is ok
    assert (measured.rss_kb_per_call, tuple(measured.rss_kb_rounds)) == (300.0 * len(grown_kb), grown_kb)
    assert measured.rss_kb_grown_second_round == grown_kb[1]


def test_what_did_not_happen_has_no_figure():
    measured = of()

    assert (measured.roamed_heard_ms_max, measured.roamed_lost_s_max, measured.killed) == (None, None, 0)
    assert measured.rss_kb_grown_second_round is None
