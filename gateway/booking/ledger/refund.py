"""Refunds: a settled charge goes back the way it came.

Decides how much each source gets back (in proportion to what it paid and has not
got back; odd micros come off the fee) and who gives it: the platform its fee, the
provider his share from the purses named, the write-off what those do not have.
A grant that has expired takes nothing back: its part ends at promo cost.
Never gives back more than was charged. Keeps: the parts add up to the refund.
See docs/metering.md, "Ledger".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.booking.ledger.account import Chart, LedgerAccountId, platform
from gateway.booking.ledger.position import Leg, Part, Position
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.errors import require
from gateway.ids import SessionId, TransferId, derived


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """An account that the provider's share may be taken from, and how much of it."""

    account: LedgerAccountId
    micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPlan:
    """The transfers of a refund, and what they add up to, in micros."""

    transfers: tuple[Transfer, ...]
    parts: tuple[Part, ...]
    """What each source gets back, for the refunds that follow."""
    cash: int
    promo: int
    """To grants that can still be spent."""
    lapsed: int
    """Of grants that have expired: back to promo cost."""
    fee: int
    """Given back by the platform."""
    earned: int
    """The provider's share of it, whoever gave it."""
    written_off: int
    """What the provider no longer has; the platform bears it."""


def plan(
    refund: str, position: Position, *, micros: int, purses: Sequence[Purse], now_wall_ns: int
) -> RefundPlan:
    """Give back `micros` of the session; the provider's share comes from `purses` in their order."""
    parts = shares(position.legs, micros)
    moves = _Moves(refund, position.session)
    left = list(purses)
    written_off = 0
    for part in parts:
        target = platform(Chart.PROMO_COST).id if part.has_expired(now_wall_ns) else part.source
        moves.add(platform(Chart.PLATFORM_FEE).id, target, part.fee_micros)
        rest = part.earned_micros
        for index, purse in enumerate(left):
            taken = min(rest, purse.micros)
            moves.add(purse.account, target, taken)
            left[index] = replace(purse, micros=purse.micros - taken)
            rest -= taken
        moves.add(platform(Chart.METERING_WRITE_OFF).id, target, rest)
        written_off += rest
    return RefundPlan(
        transfers=tuple(moves.transfers()),
        parts=tuple((part.source, part.fee_micros, part.earned_micros) for part in parts),
        cash=sum(part.micros for part in parts if not part.is_promo),
        promo=sum(part.micros for part in parts if part.is_promo and not part.has_expired(now_wall_ns)),
        lapsed=sum(part.micros for part in parts if part.is_promo and part.has_expired(now_wall_ns)),
        fee=sum(part.fee_micros for part in parts),
        earned=sum(part.earned_micros for part in parts),
        written_off=written_off,
    )


def shares(legs: Sequence[Leg], micros: int) -> tuple[Leg, ...]:
    """`micros` spread over what the legs could still get back; odd micros come off the fee first."""
    whole = sum(leg.micros for leg in legs)
    require(0 < micros <= whole, "a refund is more than nothing and at most what is left of the charge")
    parts = [
        replace(
            leg,
            fee_micros=leg.fee_micros * micros // whole,
            earned_micros=leg.earned_micros * micros // whole,
        )
        for leg in legs
    ]
    odd = micros - sum(part.micros for part in parts)
    for index, leg in enumerate(legs):
        more = min(odd, leg.fee_micros - parts[index].fee_micros)
        parts[index] = replace(parts[index], fee_micros=parts[index].fee_micros + more)
        odd -= more
    for index, leg in enumerate(legs):
        more = min(odd, leg.earned_micros - parts[index].earned_micros)
        parts[index] = replace(parts[index], earned_micros=parts[index].earned_micros + more)
        odd -= more
    require(odd == 0, "the parts of a refund add up to it")
    return tuple(parts)


class _Moves:
    """Amounts by the pair of accounts they go between, in the order first named."""

    def __init__(self, refund: str, session: SessionId) -> None:
        self._refund = refund
        self._session = session
        self._amounts: dict[tuple[LedgerAccountId, LedgerAccountId], int] = {}

    def add(self, debit: LedgerAccountId, credit: LedgerAccountId, micros: int) -> None:
        if micros > 0:
            self._amounts[debit, credit] = self._amounts.get((debit, credit), 0) + micros

    def transfers(self) -> Iterator[Transfer]:
        for (debit, credit), micros in self._amounts.items():
            yield Transfer(
                id=TransferId(derived(Flow.REFUND, self._refund, debit, credit)),
                kind=TransferKind.POSTED,
                flow=Flow.REFUND,
                debit=debit,
                credit=credit,
                micros=micros,
                session=self._session,
            )
