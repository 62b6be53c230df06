"""How often something may happen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.signaling.rate import Rate

pytestmark = pytest.mark.core


def test_a_burst_passes_and_the_next_one_waits_for_one_interval() -> None:
    rate = Rate(interval_ns=10, burst=3)

    assert [rate.take(1_000) for _ in range(4)] == [True, True, True, False]
    assert not rate.take(1_009)
    assert rate.take(1_010)
    assert not rate.take(1_010)


@given(st.lists(st.integers(min_value=0, max_value=50), max_size=200))
def test_no_span_lets_more_pass_than_its_length_and_one_burst(gaps: list[int]) -> None:
    rate, now_ns, passed = Rate(interval_ns=10, burst=4), 10**9, []
    for gap in gaps:
        now_ns += gap
        if rate.take(now_ns):
            passed.append(now_ns)

    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= 4 + (passed[last] - begin) // 10
