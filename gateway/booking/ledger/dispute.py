"""Disputes: a party contests a session's charge; its money waits for a decision.

Decides who may open a case and when, what is set apart (the provider's share of
what has not been refunded, of that session only) and what each decision moves.
Never decides who is right and never moves the session's state; that commits in the
same transaction as a work that is handed in.
Keeps: one case for each session; after a decision nothing stays in the reserve.
See docs/metering.md, "Ledger".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.booking.ledger.account import (
    Chart,
    LedgerAccountId,
    available_earnings_of,
    pending_earnings_of,
    platform,
)
from gateway.booking.ledger.position import Position
from gateway.booking.ledger.refund import Purse
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.ids import AccountId, SessionId, TransferId, derived


class CaseState(StrEnum):
    """Where a case is; the spelling is the wire's."""

    OPEN = "open"
    """Nobody has decided."""
    TO_PROVIDER = "to_provider"
    """The charge stands."""
    TO_CLIENT = "to_client"
    """The charge was refunded, whole or in part."""


class OpenStatus(StrEnum):
    """Whether a case may be opened, in order of precedence."""

    NOT_A_PARTY = "not_a_party"
    """The session is not the caller's."""
    NOTHING_CHARGED = "nothing_charged"
    """Nothing is left that could be given back."""
    TOO_LATE = "too_late"
    """The dispute window has closed."""
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One dispute."""

    id: str
    """`case_…`, derived from the session."""
    session: SessionId
    opened_by: AccountId
    reason: str
    state: CaseState
    reserved_micros: int
    """What was set apart when it was opened."""
    refunded_micros: int
    """What the decision gave back to the client."""
    opened_wall_ns: int
    decided_wall_ns: int | None = None
    decided_by: AccountId | None = None
    verdict: str = ""
    """Why it was decided so."""


def case_id(session: SessionId) -> str:
    """The name of the session's one case."""
    return f"case_{derived('case', session).replace('-', '')}"


def may_open(position: Position | None, who: AccountId, *, window_ns: int, now_wall_ns: int) -> OpenStatus:
    """Whether `who` may contest the session now."""
    if position is None or who not in (position.client, position.provider):
        return OpenStatus.NOT_A_PARTY
    if position.refundable_micros == 0:
        return OpenStatus.NOTHING_CHARGED
    if now_wall_ns >= position.settled_wall_ns + window_ns:
        return OpenStatus.TOO_LATE
    return OpenStatus.ALLOWED


def opening(position: Position, *, available_micros: int) -> tuple[Transfer, ...]:
    """Set the provider's share apart: what is pending of it, then what he has available."""
    if position.provider is None:
        return ()
    want = position.earned_micros
    pending = min(want, position.pending_micros)
    available = min(want - pending, available_micros)
    return tuple(
        _legs(
            Flow.DISPUTE_OPEN,
            position.session,
            [
                (pending_earnings_of(position.provider).id, _RESERVE, pending),
                (available_earnings_of(position.provider).id, _RESERVE, available),
            ],
        )
    )


def purses(position: Position, *, available_micros: int) -> tuple[Purse, ...]:
    """Where a provider's share of a refund is taken from: reserve, pending, available."""
    if position.provider is None:
        return ()
    return (
        Purse(account=_RESERVE, micros=position.reserved_micros),
        Purse(account=pending_earnings_of(position.provider).id, micros=position.pending_micros),
        Purse(account=available_earnings_of(position.provider).id, micros=available_micros),
    )


def release(position: Position, *, used_micros: int) -> tuple[Transfer, ...]:
    """What a decision left of the reserve goes to the provider, payable at once."""
    left = position.reserved_micros - used_micros
    if position.provider is None or left == 0:
        return ()
    to = available_earnings_of(position.provider).id
    return tuple(_legs(Flow.DISPUTE_RELEASE, position.session, [(_RESERVE, to, left)]))


def taken_from_reserve(transfers: Sequence[Transfer]) -> int:
    """What these transfers take from the reserve."""
    return sum(transfer.micros for transfer in transfers if transfer.debit == _RESERVE)


def _legs(
    flow: Flow, session: SessionId, moves: Sequence[tuple[LedgerAccountId, LedgerAccountId, int]]
) -> Iterator[Transfer]:
    for debit, credit, micros in moves:
        if micros > 0:
            yield Transfer(
                id=TransferId(derived(flow, session, debit)),
                kind=TransferKind.POSTED,
                flow=flow,
                debit=debit,
                credit=credit,
                micros=micros,
                session=session,
            )


_RESERVE = platform(Chart.DISPUTE_RESERVE).id
