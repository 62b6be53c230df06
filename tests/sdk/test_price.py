"""The SDK's own price agrees with the gateway's on every shape of tariff."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.metering.tariff import parse
from gateway.sdk.price import owed_micros, price_micros
from tests.metering.bench import terms
from tests.metering.tariff_shapes import shapes, usages

pytestmark = pytest.mark.core


@settings(deadline=None)
@given(st.data(), shapes())
def test_both_prices_are_the_same(data: st.DataObject, made: dict) -> None:
    usage, periods = data.draw(usages(made))

    assert price_micros(made, periods, messages=usage.messages) == parse(made).cost(usage)


@given(st.integers(0, 500))
def test_version_1_is_priced_too(seconds: int) -> None:
    made = terms(tiers=[{"from_s": 0, "price_micros_per_minute": 1_234_567}], increment_s=7)

    assert price_micros(made, seconds) == parse(made).cost(seconds)
    assert owed_micros(made, seconds) == price_micros(made, seconds) // 10_000 * 10_000
