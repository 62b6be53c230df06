import pytest
from pydantic import ValidationError

from gateway.http.money import MoneyBody
from gateway.money import Money

pytestmark = pytest.mark.core


def test_money_goes_to_the_wire_and_back() -> None:
    money = Money(1_250_000, "CNY")

    assert MoneyBody.of(money).model_dump() == {"micros": 1_250_000, "currency": "CNY"}
    assert MoneyBody.of(money).money() == money


@pytest.mark.parametrize(
    "body",
    [
        '{"micros": 1.5, "currency": "CNY"}',
        '{"micros": 1.0, "currency": "CNY"}',
        '{"micros": "1", "currency": "CNY"}',
        '{"micros": true, "currency": "CNY"}',
        '{"micros": 9007199254740992, "currency": "CNY"}',
        '{"micros": 1, "currency": "cny"}',
        '{"micros": 1, "currency": ""}',
        '{"micros": 1}',
        '{"micros": 1, "currency": "CNY", "cents": 3}',
    ],
)
def test_what_is_not_exact_money_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        MoneyBody.model_validate_json(body)
