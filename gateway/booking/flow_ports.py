"""What the longer flows of money need: the books' flows, session states, an operator's log.

Declares shapes only; `app.py` and the bridge fill them. Everything that writes
raises StoreDown when nothing was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.booking.ledger.clearing import ProcessorLine
from gateway.booking.ledger.dispute import Case, CaseState
from gateway.booking.ledger.payout import Payout, PayoutPolicy, PayoutState
from gateway.booking.ledger.withdrawal import Withdrawal, WithdrawalState
from gateway.ids import AccountId, SessionId
from gateway.terms import SessionState
from gateway.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """A refund as the books have it, in micros."""

    session: SessionId
    client: AccountId
    refund_micros: int
    cash_micros: int
    promo_micros: int
    """Back to grants that can still be spent."""
    lapsed_micros: int
    """Of grants that have expired since: back to what promotions cost."""
    fee_micros: int
    """Given back by the platform."""
    earned_micros: int
    """The provider's share of it."""
    written_off_micros: int
    """Of the provider's share: he no longer has it, the platform bears it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How a case ends."""

    case: str
    outcome: CaseState
    """TO_PROVIDER or TO_CLIENT."""
    micros: int | None
    """What the client gets back; None = all that is left of the charge."""
    operator: AccountId
    verdict: str
    """Why."""


class Flows(Protocol):
    """The flows that are over in one command."""

    async def grants_due(self, *, now_wall_ns: int, limit: int) -> Sequence[tuple[str, AccountId]]:
        """(grant, owner) of expired grants that have something left which is not held."""
        ...

    async def expire(self, grant: str, *, now_wall_ns: int) -> int:
        """Take back what is left of an expired grant; answers how much."""
        ...

    async def settled_before(
        self, *, after: tuple[int, str], until_wall_ns: int, limit: int
    ) -> Sequence[tuple[tuple[int, str], SessionId]]:
        """(position, session) of settlements after that position and before the instant, in order."""
        ...

    async def cool_off(self, session: SessionId, *, window_ns: int, now_wall_ns: int) -> int:
        """Make what is pending of the session payable; answers how much."""
        ...

    async def refund(
        self, refund: str, *, session: SessionId, micros: int | None, reason: str, now_wall_ns: int
    ) -> Refunded:
        """Give back a settled charge, or part of it; `None` is all that is left.

        Raises:
            NotFound: no such settled charge.
            Conflict: a case is open, or less than that is left.
            Unprocessable: the key was used with another body.
        """
        ...

    async def book_line(self, line: ProcessorLine, *, now_wall_ns: int) -> bool:
        """Book a line of a payment provider's statement once; False when it had been.

        Raises:
            Conflict: the line was booked with other amounts.
        """
        ...


class Payouts(Protocol):
    """Where payouts are kept."""

    async def request(self, payout: Payout, *, policy: PayoutPolicy) -> Payout:
        """Store it and set the money apart, or answer the one of the same key.

        Raises:
            Unprocessable: below the minimum, or the key was used with another body.
            PaymentNeeded: more than is available.
        """
        ...

    async def approve(
        self, payout: str, operator: AccountId, *, policy: PayoutPolicy, now_wall_ns: int
    ) -> Payout:
        """Note an approval.

        Raises:
            NotFound, Conflict, Forbidden: none such, not waiting, one's own.
        """
        ...

    async def move(self, payout: str, state: PayoutState, *, reference: str, now_wall_ns: int) -> Payout:
        """Bring it to `state`, with the transfers that belong to it; once there, answers as before.

        Raises:
            NotFound, Conflict: none such, or `state` does not follow.
        """
        ...

    async def of_provider(self, provider: AccountId, *, limit: int) -> Sequence[Payout]:
        """The provider's, newest first."""
        ...

    async def in_state(self, state: PayoutState, *, limit: int) -> Sequence[Payout]:
        """Everybody's in that state, oldest first."""
        ...


class Withdrawals(Protocol):
    """Where withdrawals are kept."""

    async def request(self, withdrawal: Withdrawal) -> Withdrawal:
        """Store it and set the money apart, or answer the one of the same key.

        Raises:
            PaymentNeeded: the client's cash that is not held does not cover it.
            Unprocessable: the key was used with another body.
        """
        ...

    async def move(self, withdrawal: str, state: WithdrawalState, *, now_wall_ns: int) -> Withdrawal:
        """Bring it to `state`, with the transfers that belong to it; once there, answers as before.

        Raises:
            NotFound, Conflict: none such, or `state` does not follow.
        """
        ...


class Cases(Protocol):
    """Where disputes are kept."""

    async def open(
        self, session: SessionId, who: AccountId, *, reason: str, window_ns: int, now_wall_ns: int, also: Work
    ) -> Case:
        """Store the case and set its money apart; `also` commits with it. Repeated, answers the same.

        Raises:
            NotFound: no such session of `who`.
            Conflict: too late, nothing charged, or the other side has opened one.
        """
        ...

    async def decide(
        self, decision: Decision, *, now_wall_ns: int, also: Work
    ) -> tuple[Case, Refunded | None]:
        """End the case and its reserve; `also` commits with it. Repeated, answers the same.

        Raises:
            NotFound: no such case.
            Conflict: decided otherwise before.
            Unprocessable: more than what is left of the charge.
        """
        ...

    async def by_id(self, case: str) -> Case | None:
        """One case."""
        ...

    async def in_state(self, state: CaseState, *, limit: int) -> Sequence[Case]:
        """Cases in that state, oldest first."""
        ...


class SessionMoves(Protocol):
    """The session's state row, filled by signalling's store."""

    def move(self, session: SessionId, state: SessionState) -> Work:
        """A work that moves the session; raises Conflict where its state does not allow it."""
        ...


class OperatorLog(Protocol):
    """The audit log of what operators do, filled by admin."""

    async def note(self, who: AccountId, what: str, *, subject: str, why: str) -> None:
        """Put it on record before it is done.

        Raises:
            StoreDown: nothing was written, so nothing may be done.
        """
        ...
