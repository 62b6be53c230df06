"""Where the money of one settled session is now.

Decides how what was charged, and refunded since, is read as a position: what each
source could still get back, what of the provider's share is still pending, what
lies in the dispute reserve. Plans of refunds and disputes start from it.
Never reads the books (`adapters/ledger_flow_reading.py`) and never moves money.
Keeps: what remains of a leg is never negative. See docs/metering.md, "Ledger".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.booking.ledger.account import LedgerAccountId
from gateway.errors import require
from gateway.ids import AccountId, SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """What one source paid of a charge, or gets back of it."""

    source: LedgerAccountId
    """The client's cash, or one grant."""
    is_promo: bool
    expires_wall_ns: int | None
    """When its grant expires; None = never."""
    fee_micros: int
    """Part of it that the platform kept."""
    earned_micros: int
    """Part of it that the provider got."""

    @property
    def micros(self) -> int:
        """Both parts."""
        return self.fee_micros + self.earned_micros

    def has_expired(self, now_wall_ns: int) -> bool:
        """Whether money given back to it could no longer be spent."""
        return self.expires_wall_ns is not None and now_wall_ns >= self.expires_wall_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One settled session."""

    session: SessionId
    settled_wall_ns: int
    client: AccountId
    provider: AccountId | None
    """None where the provider earned nothing."""
    legs: tuple[Leg, ...]
    """What each source could still get back, in the order it was spent."""
    pending_micros: int
    """Of the provider's share, make-good included: still within its dispute window."""
    reserved_micros: int
    """Of the provider's share: in the dispute reserve."""

    @property
    def refundable_micros(self) -> int:
        """What has been charged and not refunded."""
        return sum(leg.micros for leg in self.legs)

    @property
    def earned_micros(self) -> int:
        """The provider's part of what has not been refunded."""
        return sum(leg.earned_micros for leg in self.legs)


Part = tuple[LedgerAccountId, int, int]
"""(source, fee, earned): what one refund gave back of one leg."""


def remaining(legs: Iterable[Leg], parts: Sequence[Part]) -> tuple[Leg, ...]:
    """`legs` without what `parts` of earlier refunds gave back."""
    left: list[Leg] = []
    for leg in legs:
        fee = leg.fee_micros - sum(part[1] for part in parts if part[0] == leg.source)
        earned = leg.earned_micros - sum(part[2] for part in parts if part[0] == leg.source)
        require(fee >= 0 and earned >= 0, "no source gets back more than it paid")
        left.append(replace(leg, fee_micros=fee, earned_micros=earned))
    return tuple(left)
