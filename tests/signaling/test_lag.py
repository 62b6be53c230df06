"""Lags of the last seconds, as percentiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import NS
from gateway.signaling.lag import BINS, LAG_BIN_MS, WINDOW_S, LagWindow

pytestmark = pytest.mark.core


def window(*lags_ms: float, second: int = 100) -> LagWindow:
    made = LagWindow()
    for lag_ms in lags_ms:
        made.note(second * NS, lag_ms)
    return made


def test_the_percentile_is_the_upper_edge_of_its_bin() -> None:
    lags = window(*(5.0 for _ in range(98)), 42.0, 999.0)

    assert lags.percentile(100 * NS, 0.5) == 10
    assert lags.percentile(100 * NS, 0.99) == 50
    assert lags.percentile(100 * NS, 1.0) == 1_000


def test_too_few_say_nothing() -> None:
    lags = window(*(900.0 for _ in range(19)))

    assert lags.percentile(100 * NS, 0.9, least=20) == 0
    assert lags.percentile(100 * NS, 0.9, least=19) == 910
    assert LagWindow().percentile(100 * NS, 0.9, least=0) == 0


def test_what_is_older_than_the_window_is_forgotten() -> None:
    lags = window(900.0, second=100)

    assert lags.percentile((100 + WINDOW_S) * NS - 1, 1.0) == 910
    assert lags.percentile((100 + WINDOW_S) * NS, 1.0) == 0
    lags.note((100 + WINDOW_S) * NS, 15.0)
    assert lags.percentile((100 + WINDOW_S) * NS, 1.0) == 20


def test_a_lag_beyond_the_last_bin_or_below_nothing_is_kept_at_the_edge() -> None:
    assert window(1e9).percentile(100 * NS, 1.0) == BINS * LAG_BIN_MS
    assert window(-3.0).percentile(100 * NS, 1.0) == LAG_BIN_MS


@given(st.lists(st.floats(0, 2_900), min_size=1, max_size=300), st.sampled_from((0.5, 0.9, 0.99, 1.0)))
def test_it_is_never_below_the_true_percentile_and_at_most_one_bin_above(
    lags_ms: list[float], share: float
) -> None:
    rank = next(count for count in range(1, len(lags_ms) + 1) if count >= share * len(lags_ms))
    true_ms = sorted(lags_ms)[rank - 1]

    assert true_ms <= window(*lags_ms).percentile(100 * NS, share) <= true_ms + LAG_BIN_MS
