"""Money going back: refunds to wallets, withdrawals out of them, and what processors pay over.

Decides the order of an operator's act: it is on record first, then the books move,
then the wallet concerned is told. Names are derived from the operator's key, so a
repeated request answers as before.
Never decides amounts or sources (`ledger/refund.py`) and never calls a processor.
See docs/metering.md, "Ledger".
"""

import structlog

from gateway.booking.flow_ports import Flows, OperatorLog, Refunded, Withdrawals
from gateway.booking.ledger.clearing import ProcessorLine
from gateway.booking.ledger.withdrawal import Withdrawal, WithdrawalState
from gateway.booking.wallet_service import WalletService
from gateway.clock import Clock
from gateway.errors import Unprocessable
from gateway.ids import AccountId, SessionId, derived
from gateway.money import Money, micros_per_minor

_log = structlog.get_logger()


class RefundService:
    """What operators give back."""

    def __init__(
        self, wallet: WalletService, *, flows: Flows, withdrawals: Withdrawals, log: OperatorLog, clock: Clock
    ) -> None:
        self._wallet = wallet
        self._flows = flows
        self._withdrawals = withdrawals
        self._operators = log
        self._clock = clock

    async def refund(
        self, session: SessionId, *, amount: Money | None, reason: str, operator: AccountId, key: str
    ) -> Refunded:
        """Give back a settled charge, or `amount` of it, to where it came from.

        Raises:
            NotFound: no such settled charge.
            Conflict: a case is open, or less than that is left of the charge.
            Unprocessable: not a whole coin, or the key was used with another body.
        """
        micros = None if amount is None else checked_amount(amount, currency=self._wallet.currency)
        await self._operators.note(operator, "refund", subject=session, why=reason)
        refunded = await self._flows.refund(
            derived("refund", operator, key),
            session=session,
            micros=micros,
            reason=reason,
            now_wall_ns=self._clock.wall_ns(),
        )
        log_refund(refunded)
        await self._wallet.announce(refunded.client)
        return refunded

    async def withdraw(
        self, account: AccountId, *, amount: Money, reason: str, operator: AccountId, key: str
    ) -> Withdrawal:
        """Set a client's cash apart to go back through the payment provider.

        Raises:
            PaymentNeeded: the cash that is not held does not cover it; promotional money never goes out.
            Unprocessable: not a whole coin, or the key was used with another body.
        """
        micros = checked_amount(amount, currency=self._wallet.currency)
        await self._operators.note(operator, "withdrawal", subject=account, why=reason)
        now_wall_ns = self._clock.wall_ns()
        withdrawal = await self._withdrawals.request(
            Withdrawal(
                id=f"wdr_{derived('withdrawal', operator, key).replace('-', '')}",
                account=account,
                micros=micros,
                state=WithdrawalState.DUE,
                reason=reason,
                requested_wall_ns=now_wall_ns,
                moved_wall_ns=now_wall_ns,
            )
        )
        await self._wallet.announce(account)
        return withdrawal

    async def mark(
        self, withdrawal: str, state: WithdrawalState, *, reason: str, operator: AccountId
    ) -> Withdrawal:
        """Note what became of a withdrawal.

        Raises:
            NotFound: no such withdrawal.
            Conflict: `state` does not follow its own.
        """
        await self._operators.note(operator, f"withdrawal.{state}", subject=withdrawal, why=reason)
        moved = await self._withdrawals.move(withdrawal, state, now_wall_ns=self._clock.wall_ns())
        if state is WithdrawalState.FAILED:
            await self._wallet.announce(moved.account)
        return moved

    async def book_line(self, line: ProcessorLine, *, reason: str, operator: AccountId) -> bool:
        """Book a line of a payment provider's statement, once; False when it had been.

        Raises:
            Conflict: the line was booked with other amounts.
        """
        await self._operators.note(
            operator, "processor_line", subject=f"{line.processor} {line.line}", why=reason
        )
        return await self._flows.book_line(line, now_wall_ns=self._clock.wall_ns())


def checked_amount(amount: Money, *, currency: str) -> int:
    """The micros of an amount that may be moved by people.

    Raises:
        Unprocessable: another currency, nothing, or no whole coin.
    """
    if amount.currency != currency:
        raise Unprocessable(f"the books are kept in {currency}")
    if amount.micros <= 0 or amount.micros % micros_per_minor(currency) != 0:
        raise Unprocessable(f"{currency} has no coin for this amount", code="amount_out_of_range")
    return amount.micros


def log_refund(refunded: Refunded) -> None:
    """One line for each refund; what the platform had to bear is an error someone must see."""
    _log.info("refunded", session=refunded.session, micros=refunded.refund_micros)
    if refunded.written_off_micros:
        _log.error(
            "refund_written_off", session=refunded.session, written_off_micros=refunded.written_off_micros
        )
