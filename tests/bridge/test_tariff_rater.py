"""Quotes for sessions that begin now."""

import pytest

from gateway.bridge.money import TariffRater
from gateway.clock import ManualClock
from gateway.metering.rate import SECONDS_MAX
from gateway.terms import TariffSnapshot
from tests.metering.tariff_shapes import flat, terms_2

pytestmark = pytest.mark.adapter

RATER = TariffRater(ManualClock())
"""At 22:13:20 in Shanghai, a Monday."""
EVENING = TariffSnapshot.of(
    terms_2(
        zone="Asia/Shanghai",
        windows=[{"days": [1], "from": "22:14", "until": "24:00", "tiers": flat(6_000_000)}],
    )
)


def test_a_quote_follows_the_hours_to_come() -> None:
    assert RATER.rate(EVENING, 70) == [("time", 40, 2_000_000), ("time", 30, 3_000_000)]
    assert RATER.first_hold_micros(EVENING) == 6_000_000
    assert RATER.affordable_s(EVENING, 5_000_000) == 70


def test_a_quote_without_hours_is_the_plain_price() -> None:
    plain = TariffSnapshot.of(terms_2())

    assert RATER.rate(plain, 60) == [("time", 60, 3_000_000)]
    assert RATER.affordable_s(plain, 5_000_000) == 100


def test_prepaid_time_and_a_limit_on_spending_bound_what_is_affordable() -> None:
    block = {"length_s": 600, "price_micros": 20_000_000, "overrun": "stop"}
    stopping = TariffSnapshot.of(terms_2(kind="block", tiers=[], block=block))
    asking = TariffSnapshot.of(terms_2(kind="block", tiers=[], block={**block, "overrun": "ask"}))
    limited = TariffSnapshot.of(terms_2(spend_stop_micros=1_000_000))

    assert RATER.affordable_s(stopping, 10**9) == 600
    assert RATER.affordable_s(asking, 50_000_000) == 1200
    assert RATER.affordable_s(limited, 10**9) == 20
    session = TariffSnapshot.of(terms_2(kind="per_session", tiers=[], session_micros=68_000_000))
    assert RATER.affordable_s(session, 68_000_000) == SECONDS_MAX
