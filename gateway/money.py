"""Money as integers of micro-units, and the one rounding rule.

Decides how amounts are written, rounded and split: always down to the minor
unit, once per session; the fee is floored and the provider gets the remainder.
Never a float and never a Decimal: 1 CNY is 1_000_000 micros.
Keeps: split parts sum to the whole. See docs/decisions/0004-money-in-micros.md.
"""

from dataclasses import dataclass

from gateway.errors import require

MICROS_PER_UNIT = 1_000_000
BASIS_POINTS = 10_000

MINOR_DIGITS = {"CNY": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KRW": 0, "KWD": 3, "USD": 2}
"""ISO 4217 minor digits of the currencies the gateway may be run in."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency."""

    micros: int
    currency: str

    def wire(self) -> dict[str, int | str]:
        """`{"micros": …, "currency": …}` as docs/wire.md writes money."""
        return {"micros": self.micros, "currency": self.currency}


def micros_per_minor(currency: str) -> int:
    """How many micros the smallest coin of `currency` has."""
    require(currency in MINOR_DIGITS, f"unknown currency {currency}")
    return int(MICROS_PER_UNIT // 10 ** MINOR_DIGITS[currency])


def floor_to_minor(micros: int, currency: str) -> int:
    """`micros` rounded down to a whole coin; the payer keeps the remainder."""
    require(micros >= 0, "only amounts owed are rounded")
    coin = micros_per_minor(currency)
    return micros // coin * coin


def split_fee(total_micros: int, fee_bp: int) -> tuple[int, int]:
    """(platform fee, provider's share) of `total_micros`; the provider gets the remainder."""
    require(0 <= fee_bp <= BASIS_POINTS, "a fee is between 0 and 10000 basis points")
    fee = total_micros * fee_bp // BASIS_POINTS
    return fee, total_micros - fee


def written(micros: int, currency: str) -> str:
    """The amount for people: `1.25 CNY`; sub-coin digits appear only where they are."""
    sign = "-" if micros < 0 else ""
    units, rest = divmod(abs(micros), MICROS_PER_UNIT)
    digits = MINOR_DIGITS.get(currency, 2)
    fraction = f"{rest:06d}".rstrip("0").ljust(digits, "0")
    return f"{sign}{units}{'.' + fraction if fraction else ''} {currency}"
