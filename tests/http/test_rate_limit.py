import pytest

from gateway.clock import NS
from gateway.errors import InvariantBroken
from gateway.http.rate_limit import RatePolicy, take

pytestmark = pytest.mark.core

THREE_A_MINUTE = RatePolicy("test", calls=3)
START_NS = 1_000 * NS


def spent(calls: int, *, at_ns: int = START_NS) -> int:
    """The state of a bucket after so many calls at one instant."""
    full_at_ns = 0
    for _ in range(calls):
        full_at_ns = take(THREE_A_MINUTE, full_at_ns, at_ns).full_at_ns
    return full_at_ns


@pytest.mark.parametrize(
    ("calls_before", "seconds_later", "is_allowed", "remaining", "wait_s"),
    [
        (0, 0, True, 2, 0),
        (1, 0, True, 1, 0),
        (2, 0, True, 0, 20),
        (3, 0, False, 0, 20),
        (3, 19, False, 0, 1),
        (3, 20, True, 0, 20),
        (3, 40, True, 1, 0),
        (3, 60, True, 2, 0),
        (3, 6_000, True, 2, 0),
    ],
)
def test_a_bucket_empties_by_calls_and_fills_by_time(
    calls_before: int, seconds_later: int, is_allowed: bool, remaining: int, wait_s: int
) -> None:
    taken = take(THREE_A_MINUTE, spent(calls_before), START_NS + seconds_later * NS)

    assert (taken.is_allowed, taken.remaining, taken.wait_s) == (is_allowed, remaining, wait_s)


def test_a_refused_call_costs_nothing() -> None:
    full_at_ns = spent(3)

    assert take(THREE_A_MINUTE, full_at_ns, START_NS).full_at_ns == full_at_ns


def test_the_headers_name_policy_rest_and_wait() -> None:
    taken = take(THREE_A_MINUTE, spent(2), START_NS)

    assert THREE_A_MINUTE.header() == '"test";q=3;w=60'
    assert taken.header(THREE_A_MINUTE) == '"test";r=0;t=20'


def test_a_policy_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(InvariantBroken):
        RatePolicy("shut", calls=0)
