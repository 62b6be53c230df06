"""Payouts: from a provider's wish to the bank, operator by operator.

Decides who is asked in which order: an operator's act is on record first, then the
books move. Names are derived from the provider's key, so a repeated wish answers as
before; a move that is repeated changes nothing.
Never decides states or amounts (`ledger/payout.py`) and never talks to a bank.
See docs/metering.md, "Ledger".
"""

from collections.abc import Sequence

import structlog

from gateway.booking.flow_ports import OperatorLog, Payouts
from gateway.booking.ledger.payout import Payout, PayoutPolicy, PayoutState
from gateway.booking.refund_service import checked_amount
from gateway.clock import Clock
from gateway.ids import AccountId, derived
from gateway.money import Money

_log = structlog.get_logger()

LISTED_MAX = 200
"""Payouts in one answer."""


class PayoutService:
    """Earnings going out."""

    def __init__(
        self, payouts: Payouts, *, policy: PayoutPolicy, log: OperatorLog, clock: Clock, currency: str
    ) -> None:
        self._payouts = payouts
        self._policy = policy
        self._operators = log
        self._clock = clock
        self.currency = currency
        """What everything is paid in."""

    async def request(self, provider: AccountId, *, amount: Money, key: str) -> Payout:
        """Set `amount` of the available earnings apart.

        Raises:
            Unprocessable: below the minimum, not a whole coin, or the key was used with another body.
            PaymentNeeded: more than is available.
        """
        micros = checked_amount(amount, currency=self.currency)
        now_wall_ns = self._clock.wall_ns()
        payout = Payout(
            id=f"pay_{derived('payout', provider, key).replace('-', '')}",
            provider=provider,
            micros=micros,
            fee_micros=self._policy.fee_micros,
            state=PayoutState.REQUESTED,
            approvers=(),
            requested_wall_ns=now_wall_ns,
            moved_wall_ns=now_wall_ns,
        )
        return await self._payouts.request(payout, policy=self._policy)

    async def of_provider(self, provider: AccountId) -> Sequence[Payout]:
        """The provider's payouts, newest first."""
        return await self._payouts.of_provider(provider, limit=LISTED_MAX)

    async def in_state(self, state: PayoutState) -> Sequence[Payout]:
        """Everybody's payouts in that state, oldest first."""
        return await self._payouts.in_state(state, limit=LISTED_MAX)

    async def approve(self, payout: str, *, operator: AccountId, reason: str) -> Payout:
        """Agree to a payout; above the limit a second operator must agree as well.

        Raises:
            NotFound: no such payout.
            Conflict: it is not waiting for approval.
            Forbidden: it is the operator's own.
        """
        await self._operators.note(operator, "payout.approve", subject=payout, why=reason)
        return await self._payouts.approve(
            payout, operator, policy=self._policy, now_wall_ns=self._clock.wall_ns()
        )

    async def send(self, payout: str, *, operator: AccountId, reason: str, reference: str = "") -> Payout:
        """Book an approved payout as handed to the bank.

        Raises:
            NotFound: no such payout.
            Conflict: it is not approved, or has come back.
        """
        return await self.mark(
            payout, PayoutState.SENT, operator=operator, reason=reason, reference=reference
        )

    async def send_all(self, payouts: Sequence[str], *, operator: AccountId, reason: str) -> Sequence[Payout]:
        """Send a batch; running it again sends nothing again."""
        return [await self.send(payout, operator=operator, reason=reason) for payout in payouts]

    async def mark(
        self,
        payout: str,
        state: PayoutState,
        *,
        operator: AccountId,
        reason: str,
        reference: str = "",
    ) -> Payout:
        """Note what became of a payout; what comes back is the provider's again.

        Raises:
            NotFound: no such payout.
            Conflict: `state` does not follow its own.
        """
        await self._operators.note(operator, f"payout.{state}", subject=payout, why=reason)
        moved = await self._payouts.move(
            payout, state, reference=reference, now_wall_ns=self._clock.wall_ns()
        )
        _log.info("payout_moved", payout=payout, state=moved.state, micros=moved.micros)
        return moved
