import pytest

from gateway.booking.people.offer import RatePlan, headline, per_second_tariff, shown_price
from gateway.errors import InvariantBroken
from gateway.terms import SessionKind, TariffSnapshot

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


def of_kind(kind: str, **terms: object) -> TariffSnapshot:
    return TariffSnapshot.of(
        {"version": 2, "kind": kind, "currency": "CNY", "tiers": [], "block": None, **terms}
    )


BLOCK = of_kind("block", block={"length_s": 700, "price_micros": 20_000_000, "overrun": "ask"})
SHOWN = [
    (TARIFF, 3_000_000, (3_000_000, "minute")),
    (BLOCK, 1_714_286, (20_000_000, "block")),
    (of_kind("per_session", session_micros=68_000_000), 0, (68_000_000, "session")),
    (of_kind("per_message", message_micros=500_000), 0, (500_000, "message")),
]


@pytest.mark.parametrize(("tariff", "a_minute", "head"), SHOWN)
def test_every_kind_has_a_price_to_show(tariff: TariffSnapshot, a_minute: int, head: tuple[int, str]) -> None:
    assert shown_price(tariff) == (a_minute, "CNY")
    assert headline(tariff) == head


@pytest.mark.parametrize(("fee_bp", "duration_s_max"), [(-1, 60), (10_001, 60), (0, 0), (0, 10**9)])
def test_a_plan_with_an_impossible_fee_or_length_is_refused(fee_bp: int, duration_s_max: int) -> None:
    with pytest.raises(InvariantBroken):
        RatePlan(kind=SessionKind.VOICE, tariff=TARIFF, fee_bp=fee_bp, duration_s_max=duration_s_max)
