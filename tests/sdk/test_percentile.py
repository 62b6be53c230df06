"""Nearest-rank percentiles."""

import math

import pytest

from loadtest.percentile import percentile

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("values", "rank", "found"),
    [
        ([5], 50, 5),
        ([1, 2, 3, 4], 50, 2),
        ([4, 3, 2, 1], 99, 4),
        (range(1, 101), 99, 99),
        (range(1, 101), 100, 100),
    ],
)
def test_a_percentile_is_a_value_that_was_seen(values, rank, found):
    assert percentile(list(values), rank) == found


def test_nothing_measured_is_infinite():
    assert percentile([], 50) == math.inf
