"""A leg may not send faster than its rate, whatever the pattern."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import NS
from gateway.media.throttle import Throttle

pytestmark = pytest.mark.core


def admitted(throttle: Throttle, instants: list[int]) -> int:
    return sum(throttle.admits(at_ns) for at_ns in instants)


def test_a_burst_passes_and_the_next_packet_does_not() -> None:
    throttle = Throttle(per_s=100, burst=10)

    assert admitted(throttle, [NS] * 11) == 10


def test_voice_at_its_own_pace_is_never_throttled() -> None:
    throttle = Throttle(per_s=120, burst=60)

    assert admitted(throttle, [NS + index * NS // 50 for index in range(5_000)]) == 5_000


def test_a_refused_packet_does_not_use_the_rate_up() -> None:
    throttle = Throttle(per_s=100, burst=1)
    admitted(throttle, [NS] * 1_000)

    assert throttle.admits(NS + NS // 100)


@given(st.lists(st.integers(0, 3 * NS), min_size=1, max_size=300))
def test_no_pattern_passes_more_than_rate_and_burst(gaps: list[int]) -> None:
    instants = sorted(NS + gap for gap in gaps)
    throttle = Throttle(per_s=20, burst=5)

    passed = admitted(throttle, instants)

    assert passed <= 5 + 1 + 20 * (instants[-1] - instants[0]) / NS


def test_a_large_packet_uses_as_much_of_the_rate_as_it_has_units() -> None:
    throttle = Throttle(per_s=1_000, burst=1_000)

    assert [throttle.admits(NS, 400) for _ in range(4)] == [True, True, False, False]
    assert throttle.admits(NS, 200)
    assert not throttle.admits(NS + NS // 1_000, 2)
    assert throttle.admits(NS + NS // 500, 2)
