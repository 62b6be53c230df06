"""A hook that keeps failing is given up for a while, then tried once."""

import pytest

from gateway.clock import NS
from gateway.moderation.breaker import FAILURES_MAX, OPEN_NS, Breaker

pytestmark = pytest.mark.core

NOW = 100 * NS


def opened(at_ns: int) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_MAX):
        breaker = breaker.failed(at_ns)
    return breaker


def test_it_opens_at_the_last_allowed_failure_in_a_row() -> None:
    breaker = Breaker()

    for count in range(1, FAILURES_MAX):
        breaker = breaker.failed(NOW)
        assert not breaker.is_open, count

    assert breaker.failed(NOW).is_open


def test_a_success_forgets_earlier_failures() -> None:
    breaker = Breaker(failures=FAILURES_MAX - 1).succeeded().failed(NOW)

    assert not breaker.is_open


@pytest.mark.parametrize(("waited_ns", "may_ask"), [(0, False), (OPEN_NS - 1, False), (OPEN_NS, True)])
def test_an_open_breaker_lets_a_trial_through_after_its_time(waited_ns: int, may_ask: bool) -> None:
    assert opened(NOW).may_ask(NOW + waited_ns) is may_ask


def test_only_one_trial_at_a_time_goes_through() -> None:
    later = NOW + OPEN_NS
    breaker = opened(NOW).asked(later)

    assert not breaker.may_ask(later + 1)


def test_a_failed_trial_opens_it_anew_and_a_good_one_closes_it() -> None:
    later = NOW + OPEN_NS
    breaker = opened(NOW).asked(later)

    assert not breaker.failed(later).may_ask(later + OPEN_NS - 1)
    assert not breaker.succeeded().is_open
