"""What people are shown of the books: the lines of a wallet and of earnings.

Decides on which day an earning may be paid out: when its dispute window has closed,
seven days after the settlement unless an operator sets another.
Never adds up balances; `wallet.py` and the accounts' counters do.
See docs/metering.md, "Ledger", and docs/wire.md for the two lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Generic, TypeVar

from gateway.booking.ledger.command import CommandName
from gateway.clock import NS
from gateway.ids import SessionId

T = TypeVar("T")

COOL_OFF_DAYS = 7
"""How long an earning stays pending where nothing else is set: the dispute window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Part of a list, newest first."""

    items: Sequence[T]
    next: int | None
    """Where the next page begins; None at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a wallet: one command, however many transfers it took."""

    id: str
    at_wall_ns: int
    kind: CommandName
    """`top_up`, `promo_grant`, `settle`, or the name of a later flow: `refund`, `promo_expiry`, …"""
    micros: int
    """Signed: what came in, or minus what went out."""
    session: SessionId | None
    """The session that was charged."""
    memo: str
    """The campaign, or how the money was paid in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earning:
    """What one session earned."""

    session: SessionId
    at_wall_ns: int
    """When it was settled."""
    charge_micros: int
    fee_micros: int
    earned_micros: int

    def available_on(self, *, window_days: int = COOL_OFF_DAYS) -> date:
        """The day (UTC) on which the dispute window has closed."""
        return _day(self.at_wall_ns) + timedelta(days=window_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earnings:
    """A provider's money, in micros, and the sessions it came from."""

    pending_micros: int
    """Settled, its dispute window open."""
    available_micros: int
    """May be paid out."""
    today_micros: int
    """Earned since midnight UTC."""
    page: Page[Earning]


def day_began_wall_ns(now_wall_ns: int) -> int:
    """Midnight UTC of the day of `now_wall_ns`."""
    day_ns = 24 * 3600 * NS
    return now_wall_ns // day_ns * day_ns


def _day(wall_ns: int) -> date:
    return datetime.fromtimestamp(wall_ns // NS, UTC).date()
