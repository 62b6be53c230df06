"""Money as every body writes it.

Decides the pydantic shape of `{"micros": 1250000, "currency": "CNY"}`, so that
all routes and the OpenAPI document share one schema.
Never rounds or adds: arithmetic is `gateway/money.py` and the ledger.
Keeps: micros are whole numbers; a float or a string of digits is refused.
See docs/wire.md, "Money".
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.money import Money


class MoneyBody(BaseModel):
    """An amount of one currency; a debit in a statement may be negative."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    micros: Annotated[int, Field(strict=True, ge=-(2**53) + 1, le=2**53 - 1)]
    """Millionths of the unit, within what every JSON reader keeps exact (RFC 8259 §6)."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    """ISO 4217 code."""

    @classmethod
    def of(cls, money: Money) -> "MoneyBody":
        """The body of `money`."""
        return cls(micros=money.micros, currency=money.currency)

    def money(self) -> Money:
        """The amount as the cores know it."""
        return Money(self.micros, self.currency)
