import pytest

from gateway.booking.people.offer import RatePlan, per_second_tariff, shown_price
from gateway.errors import InvariantBroken
from gateway.terms import SessionKind

pytestmark = pytest.mark.core

TARIFF = per_second_tariff(price_micros_per_minute=3_000_000, currency="CNY")


def test_the_plain_tariff_has_exactly_the_agreed_terms() -> None:
    assert TARIFF.terms() == {
        "version": 1,
        "kind": "per_second",
        "currency": "CNY",
        "tiers": [{"from_s": 0, "price_micros_per_minute": 3_000_000}],
        "connect_fee_micros": 0,
        "free_s": 0,
        "initial_block_s": 0,
        "increment_s": 1,
        "minimum_micros": 0,
        "cap_micros": None,
        "free_if_ended_within_s": 10,
        "billed_when_socket_only": False,
    }


def test_the_shown_price_is_the_first_tiers() -> None:
    assert shown_price(TARIFF) == (3_000_000, "CNY")


@pytest.mark.parametrize(("fee_bp", "duration_s_max"), [(-1, 60), (10_001, 60), (0, 0), (0, 10**9)])
def test_a_plan_with_an_impossible_fee_or_length_is_refused(fee_bp: int, duration_s_max: int) -> None:
    with pytest.raises(InvariantBroken):
        RatePlan(kind=SessionKind.VOICE, tariff=TARIFF, fee_bp=fee_bp, duration_s_max=duration_s_max)
