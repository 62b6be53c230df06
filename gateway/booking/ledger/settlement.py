"""Settlement: every hold of a session ends and its charge is posted.

Decides where a charge comes from (what was held, promotional money first, the
earliest expiry first, then cash) and where it goes: the fee is floored once, the
provider gets the remainder, and each source carries its share of the fee by the
same running floor, so that a later refund can go back the way it came.
Never charges more than was held: the platform bears what is beyond.
Keeps: fee + earned = promo + cash = charge; every leg that was open is voided.
See docs/metering.md, "Price" and "Ledger".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.booking.ledger.account import Chart, LedgerAccountId, pending_earnings_of, platform
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind, void_id
from gateway.booking.ledger.wallet import spending_key
from gateway.errors import require
from gateway.ids import AccountId, SessionId, TransferId, derived
from gateway.money import split_fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What is to be settled."""

    session: SessionId
    client: AccountId
    provider: AccountId
    fee_bp: int
    """Platform fee in basis points of the charge."""
    micros: int
    """What the session costs; 0 only voids."""
    make_good_micros: int = 0
    """What the platform gives the provider for seconds that its own failure left unbilled."""

    def __post_init__(self) -> None:
        require(self.micros >= 0, "a charge is not negative")
        require(self.make_good_micros >= 0, "a make-good is not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLeg:
    """One open pending transfer of the session."""

    transfer: Transfer
    is_promo: bool
    expires_wall_ns: int | None
    """When its grant expires; None = never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where a settled charge came from and went."""

    charge_micros: int
    """What was charged: at most what was held."""
    promo_micros: int
    """Part of the charge paid from promotional money."""
    cash_micros: int
    """Part of the charge paid from cash."""
    fee_micros: int
    earned_micros: int
    """Provider's share; fee + earned = charge."""
    available_micros: int
    """What the client's wallet has left afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The transfers that settle a session, and what they add up to, in micros."""

    charge: int
    promo: int
    cash: int
    fee: int
    earned: int
    transfers: tuple[Transfer, ...]

    def split(self, *, available_micros: int) -> Split:
        """The answer to whoever asked, once the transfers are applied."""
        return Split(
            charge_micros=self.charge,
            promo_micros=self.promo,
            cash_micros=self.cash,
            fee_micros=self.fee,
            earned_micros=self.earned,
            available_micros=available_micros,
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """What one account pays of the charge."""

    account: LedgerAccountId
    is_promo: bool
    micros: int


def settle(charge: Charge, legs: Sequence[HeldLeg]) -> Settlement:
    """Void `legs`, which are all open legs of the session, and post the charge."""
    require(charge.client != charge.provider, "nobody pays himself")
    held = sum(leg.transfer.micros for leg in legs)
    amount = min(charge.micros, held)
    parts = list(_parts(amount, legs))
    fee, earned = split_fee(amount, charge.fee_bp)
    transfers = [*map(_void, legs), *_postings(charge, parts), *_make_good(charge)]
    settlement = Settlement(
        charge=amount,
        promo=sum(part.micros for part in parts if part.is_promo),
        cash=sum(part.micros for part in parts if not part.is_promo),
        fee=fee,
        earned=earned,
        transfers=tuple(transfers),
    )
    require(settlement.promo + settlement.cash == amount, "the parts of a charge add up to it")
    require(_sum(transfers, Flow.FEE) == fee, "the fee's legs add up to the fee")
    require(_sum(transfers, Flow.EARNING) == earned, "the provider's legs add up to what was earned")
    return settlement


def _parts(amount: int, legs: Sequence[HeldLeg]) -> Iterator[_Part]:
    """Who pays how much: one part for each account that was held from, in spending order."""
    held: dict[LedgerAccountId, int] = {}
    for leg in legs:
        held[leg.transfer.debit] = held.get(leg.transfer.debit, 0) + leg.transfer.micros
    of_account = {leg.transfer.debit: leg for leg in legs}
    ordered = sorted(
        of_account.items(),
        key=lambda item: spending_key(
            is_promo=item[1].is_promo, expires_wall_ns=item[1].expires_wall_ns, account=item[0]
        ),
    )
    rest = amount
    for account, leg in ordered:
        part = min(rest, held[account])
        if part > 0:
            yield _Part(account, leg.is_promo, part)
            rest -= part
    require(rest == 0, "a charge is covered by what was held")


def _void(leg: HeldLeg) -> Transfer:
    held = leg.transfer
    return Transfer(
        id=void_id(held.id),
        kind=TransferKind.VOID,
        flow=Flow.RELEASE,
        debit=held.debit,
        credit=held.credit,
        micros=held.micros,
        ends=held.id,
        session=held.session,
        hold=held.hold,
    )


def _postings(charge: Charge, parts: Sequence[_Part]) -> Iterator[Transfer]:
    """Two legs for each part; the floor runs over the sum so far, so the fees add up exactly."""
    paid = fee_so_far = 0
    for part in parts:
        paid += part.micros
        fee_due, _ = split_fee(paid, charge.fee_bp)
        fee, fee_so_far = fee_due - fee_so_far, fee_due
        provider = pending_earnings_of(charge.provider).id
        yield from _posting(charge, part, Flow.EARNING, provider, micros=part.micros - fee)
        yield from _posting(charge, part, Flow.FEE, platform(Chart.PLATFORM_FEE).id, micros=fee)


def _posting(
    charge: Charge, part: _Part, flow: Flow, credit: LedgerAccountId, *, micros: int
) -> Iterator[Transfer]:
    if micros > 0:
        yield Transfer(
            id=TransferId(derived(flow, charge.session, part.account)),
            kind=TransferKind.POSTED,
            flow=flow,
            debit=part.account,
            credit=credit,
            micros=micros,
            session=charge.session,
        )


def _make_good(charge: Charge) -> Iterator[Transfer]:
    """Beside the charge: the client pays nothing of it and it is no part of the split."""
    if charge.make_good_micros > 0:
        yield Transfer(
            id=TransferId(derived(Flow.MAKE_GOOD, charge.session)),
            kind=TransferKind.POSTED,
            flow=Flow.MAKE_GOOD,
            debit=platform(Chart.METERING_WRITE_OFF).id,
            credit=pending_earnings_of(charge.provider).id,
            micros=charge.make_good_micros,
            session=charge.session,
        )


def _sum(transfers: Sequence[Transfer], flow: Flow) -> int:
    return sum(transfer.micros for transfer in transfers if transfer.flow is flow)
