import pytest

from gateway.clock import ManualClock
from gateway.http.limiter import Limiter, caller_of_address
from gateway.http.rate_limit import RatePolicy

pytestmark = pytest.mark.core

ONE = RatePolicy("one", calls=1)
OTHER = RatePolicy("other", calls=1)


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("a-socket", "a-socket"),
        ("", ""),
    ],
)
def test_an_address_is_a_caller_and_an_ipv6_network_is_one(address: str, caller: str) -> None:
    assert caller_of_address(address) == caller


def test_callers_and_policies_have_buckets_of_their_own() -> None:
    limiter = Limiter(ManualClock())

    assert limiter.take(ONE, "ann").is_allowed
    assert not limiter.take(ONE, "ann").is_allowed
    assert limiter.take(ONE, "bob").is_allowed
    assert limiter.take(OTHER, "ann").is_allowed


def test_asking_for_the_wait_takes_nothing() -> None:
    limiter = Limiter(ManualClock())

    assert limiter.wait_s(ONE, "ann") == 0
    assert limiter.take(ONE, "ann").is_allowed
    assert limiter.wait_s(ONE, "ann") == 60


def test_full_buckets_are_forgotten_first() -> None:
    clock = ManualClock()
    limiter = Limiter(clock, buckets_max=10)
    for number in range(9):
        limiter.take(ONE, f"old-{number}")
    clock.advance(seconds=60)
    limiter.take(ONE, "ann")
    limiter.take(ONE, "bob")

    assert len(limiter) == 2
    assert not limiter.take(ONE, "ann").is_allowed


def test_a_flood_of_addresses_cannot_grow_the_memory() -> None:
    limiter = Limiter(ManualClock(), buckets_max=10)

    for number in range(1_000):
        limiter.take(ONE, f"address-{number}")

    assert len(limiter) <= 10
