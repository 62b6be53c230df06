"""Holds: money set aside before a second of a session is served.

Decides how much is set aside (what is wanted, else whatever is there down to the
least that helps) and from where: each source gives one pending transfer to the
holds control account.
Never posts: a hold always ends by being voided, in the transaction that charges.
Keeps: what is set aside never exceeds what is available, over all live sessions.
See docs/metering.md, "Holds and warnings".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.booking.ledger.account import Chart, platform
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind, leg_id
from gateway.booking.ledger.wallet import Source, available_micros, in_spending_order
from gateway.errors import require
from gateway.ids import AccountId, HoldId, SessionId


class HoldStatus(StrEnum):
    """What became of a hold, in order of precedence."""

    PLACED = "placed"
    EXISTS = "exists"
    """Placed before under this id; the answer carries the amount placed then."""
    EXISTS_WITH_DIFFERENT_AMOUNT = "exists_with_different_amount"
    """Placed before under this id for something else; the answer carries the amount placed then."""
    ACCOUNT_BARRED = "account_barred"
    """The wallet's books are under review; nothing new is set aside."""
    INSUFFICIENT_FUNDS = "insufficient_funds"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """What is to be set aside."""

    hold: HoldId
    session: SessionId
    account: AccountId
    """Whose wallet."""
    want_micros: int
    least_micros: int
    """Below this nothing is set aside at all."""

    def __post_init__(self) -> None:
        require(
            0 <= self.least_micros <= self.want_micros,
            "the least of a hold lies between nothing and its whole",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAnswer:
    """A hold as the ledger has it."""

    status: HoldStatus
    placed_micros: int
    """What is set aside under this id; 0 when refused."""
    available_micros: int
    """What the wallet has left, pending subtracted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlan:
    """The transfers of a hold; none when it is refused, or for nothing."""

    status: HoldStatus
    placed_micros: int
    transfers: tuple[Transfer, ...] = ()


def plan(request: HoldRequest, sources: Sequence[Source], *, now_wall_ns: int) -> HoldPlan:
    """PLACED with its transfers, or INSUFFICIENT_FUNDS; an empty wallet is refused whatever the least."""
    available = available_micros(sources, now_wall_ns=now_wall_ns)
    amount = min(request.want_micros, available)
    if amount < request.least_micros or (amount == 0 < request.want_micros):
        return HoldPlan(status=HoldStatus.INSUFFICIENT_FUNDS, placed_micros=0)
    legs: list[Transfer] = []
    rest = amount
    for source in in_spending_order(sources):
        part = min(rest, source.available_at(now_wall_ns))
        if part > 0:
            legs.append(_leg(request, source, part, ordinal=len(legs)))
            rest -= part
    require(rest == 0, "the legs of a hold add up to the hold")
    return HoldPlan(status=HoldStatus.PLACED, placed_micros=amount, transfers=tuple(legs))


def _leg(request: HoldRequest, source: Source, micros: int, *, ordinal: int) -> Transfer:
    return Transfer(
        id=leg_id(request.hold, ordinal),
        kind=TransferKind.PENDING,
        flow=Flow.HOLD,
        debit=source.account,
        credit=platform(Chart.HOLDS_CONTROL).id,
        micros=micros,
        session=request.session,
        hold=request.hold,
    )
