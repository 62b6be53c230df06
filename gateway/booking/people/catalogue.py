"""A provider as the catalogue shows it, and a quote for a session with it.

Decides which of a provider's fields are public.
Never computes a price (the `Rater` port does) and never decides presence; it
carries the word signalling uses for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.booking.people.account import Account
from gateway.booking.people.offer import RatePlan
from gateway.ids import AccountId
from gateway.money import Money
from gateway.terms import SessionKind, TariffSnapshot

QUOTE_SECONDS_MAX = 24 * 3_600
"""Longest session that is quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A provider and its plans."""

    account: Account
    plans: Sequence[RatePlan]
    """One per kind offered, never empty."""
    position: int
    """Place in the catalogue's order, for cursors."""

    def plan(self, kind: SessionKind) -> RatePlan | None:
        """The plan of a kind, None where the provider does not offer it."""
        return next((plan for plan in self.plans if plan.kind is kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """One line of a price."""

    code: str
    """`connect_fee`, `time`, `minimum`, `cap`, `rounding`."""
    quantity: int
    """Seconds for `time`, else a count."""
    amount_micros: int
    """Negative where the line takes something off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a session would cost, and what is set aside before it rings."""

    provider: AccountId
    tariff: TariffSnapshot
    hold: Money
    """Set aside before the provider's app rings."""
    cost: Money
    """Price of the seconds asked about."""
    lines: Sequence[QuoteLine]
    affordable_s: int
    """Seconds the asker's wallet covers now, within the provider's maximum."""
