"""The wallet: what sessions may spend, what people have, and that the books are right.

Decides nothing about amounts; it asks the ledger, dates the command, and tells
`WalletChanged` once the commit has returned. It is the purse of metering.
Never takes payments (`top_up_service.py`) and never prices a session.
Keeps: a hold or settlement that is repeated answers as it did and tells nothing.
See docs/metering.md, "Holds and warnings" and "Ledger".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.booking.ledger.hold import HoldAnswer, HoldRequest, HoldStatus
from gateway.booking.ledger.invariant import Breach, Finding, Invariant, counted
from gateway.booking.ledger.settlement import Charge, Split
from gateway.booking.ledger.statement import Earnings, Entry, Page
from gateway.booking.ledger.transfer import TRANSFER_MICROS_MAX
from gateway.booking.ledger.wallet import Wallet
from gateway.booking.wallet_ports import BilledSeconds, Ledger, OpenSessions
from gateway.clock import Clock
from gateway.errors import require
from gateway.facts import FactSink, WalletChanged
from gateway.ids import AccountId, HoldId, SessionId
from gateway.terms import MeterOrder
from gateway.work import SumWork

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningsReport:
    """A provider's earnings, with the length of each session."""

    earnings: Earnings
    billed_s: Mapping[SessionId, int]
    """Billed seconds of the sessions on this page that have a receipt."""


class WalletService:
    """Everybody's money, as the rest of the gateway sees it."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        clock: Clock,
        sink: FactSink,
        open_sessions: OpenSessions,
        billed_seconds: BilledSeconds,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._sink = sink
        self._open_sessions = open_sessions
        self._billed_seconds = billed_seconds

    @property
    def currency(self) -> str:
        """The one currency of the ledger."""
        return self._ledger.currency

    async def open_account(self, account: AccountId) -> None:
        """Have a wallet for `account`; nothing changes where there is one."""
        await self._ledger.open_account(account)

    async def place_hold(
        self,
        hold: HoldId,
        *,
        session: SessionId,
        account: AccountId,
        want_micros: int,
        least_micros: int,
        also: SumWork,
    ) -> HoldAnswer:
        """Set aside `want_micros`, or whatever is available down to `least_micros`.

        `also` commits with the hold; it is not run when the hold is refused or EXISTS. An empty
        wallet is refused even where the least is nothing, unless nothing is wanted.

        Raises:
            StoreDown: nothing was written.
            Conflict: the session has been settled.
        """
        request = HoldRequest(
            hold=hold, session=session, account=account, want_micros=want_micros, least_micros=least_micros
        )
        answer = await self._ledger.place_hold(request, now_wall_ns=self._clock.wall_ns(), also=also)
        if answer.status is HoldStatus.PLACED and answer.placed_micros > 0:
            self._tell(account, answer.available_micros)
        return answer

    async def settle(
        self,
        order: MeterOrder,
        *,
        charge_micros: int,
        make_good_micros: int = 0,
        also: Callable[[Any, Split], None],
    ) -> Split:
        """Void every hold of the session and post the charge, in one transaction with `also`.

        `make_good_micros` goes to the provider from the platform's write-off; the client pays none of it.
        A charge above what was held is capped to it. A second call answers the first split, whatever
        its charge, and does not run `also`.

        Raises:
            StoreDown: nothing was written.
        """
        charge = Charge(
            session=order.session,
            client=order.client,
            provider=order.provider,
            fee_bp=order.fee_bp,
            micros=charge_micros,
            make_good_micros=make_good_micros,
        )
        settled = await self._ledger.settle(charge, now_wall_ns=self._clock.wall_ns(), also=also)
        if settled.split.charge_micros != charge_micros:
            _log.error(
                "charge_differs_from_settlement",
                session=order.session,
                asked_micros=charge_micros,
                settled_micros=settled.split.charge_micros,
                is_first=settled.is_first,
            )
        if settled.is_first:
            self._tell(order.client, settled.split.available_micros)
        return settled.split

    async def available(self, account: AccountId) -> int:
        """What the wallet could still set aside, in micros."""
        return (await self.wallet(account)).available_micros

    async def wallet(self, account: AccountId) -> Wallet:
        """What the person has; an empty wallet for somebody unknown."""
        return await self._ledger.wallet(account, now_wall_ns=self._clock.wall_ns())

    async def entries(self, account: AccountId, *, before: int | None = None, limit: int = 20) -> Page[Entry]:
        """Deposits and charges of the person, newest first; `before` is the last page's `next`."""
        return await self._ledger.entries(account, before=before, limit=limit)

    async def earnings(
        self, provider: AccountId, *, before: int | None = None, limit: int = 20
    ) -> EarningsReport:
        """What the person earned, newest first; `before` is the last page's `next`."""
        earnings = await self._ledger.earnings(
            provider, before=before, limit=limit, now_wall_ns=self._clock.wall_ns()
        )
        sessions = [earning.session for earning in earnings.page.items]
        billed_s = await self._billed_seconds.billed_seconds(sessions) if sessions else {}
        return EarningsReport(earnings=earnings, billed_s=billed_s)

    async def grant_promo(
        self, account: AccountId, *, micros: int, campaign: str, expires_wall_ns: int | None = None
    ) -> bool:
        """Give promotional money, once per account and campaign; False when it had been given.

        Raises:
            Conflict: the campaign gave this account another amount or expiry.
        """
        _require_amount(micros)
        is_new = await self._ledger.grant_promo(
            account,
            campaign=campaign,
            micros=micros,
            expires_wall_ns=expires_wall_ns,
            now_wall_ns=self._clock.wall_ns(),
        )
        await self._tell_if(account, is_new=is_new)
        return is_new

    async def deposit(self, account: AccountId, *, micros: int, payment: str, memo: str) -> bool:
        """Credit money that arrived outside of a top-up order, once per `payment`; False when it had been.

        Raises:
            Conflict: the payment was credited to somebody else, or with another amount.
        """
        _require_amount(micros)
        is_new = await self._ledger.deposit(
            account, payment=payment, micros=micros, memo=memo, now_wall_ns=self._clock.wall_ns()
        )
        await self._tell_if(account, is_new=is_new)
        return is_new

    async def announce(self, account: AccountId) -> None:
        """Tell what the wallet has now, after somebody else's command changed it."""
        self._tell(account, await self.available(account))

    async def audit(self) -> list[Finding]:
        """Look at every invariant of the books."""
        findings = [*await self._ledger.audit(), await self._orphans()]
        return sorted(findings, key=lambda finding: list(Invariant).index(finding.name))

    async def bar(self, accounts: Sequence[AccountId], *, why: str) -> None:
        """Set nothing more aside from those wallets until a person has looked."""
        await self._ledger.bar(accounts, why=why, now_wall_ns=self._clock.wall_ns())

    async def unbar(self, account: AccountId) -> None:
        """Lift the bar."""
        await self._ledger.unbar(account)

    async def _orphans(self) -> Finding:
        """Holds whose session is over; a session may begin or end while this looks, so it looks twice."""
        open_before = await self._open_sessions.open_sessions()
        holding = await self._ledger.sessions_holding()
        open_after = await self._open_sessions.open_sessions()
        suspects = holding.keys() - open_before - open_after
        if suspects:
            suspects &= (await self._ledger.sessions_holding()).keys()
        breaches = [
            Breach(sentence=f"session {session} is over and has an open hold", owner=holding[session])
            for session in sorted(suspects)
        ]
        return counted(Invariant.NO_ORPHAN_HOLD, breaches)

    async def _tell_if(self, account: AccountId, *, is_new: bool) -> None:
        if is_new:
            await self.announce(account)

    def _tell(self, account: AccountId, available_micros: int) -> None:
        # No session on it: all facts of wallets then keep one order, whichever session moved them.
        self._sink.tell(
            WalletChanged(
                at_ns=self._clock.monotonic_ns(),
                account=account,
                available_micros=available_micros,
                currency=self.currency,
            )
        )


def _require_amount(micros: int) -> None:
    require(0 < micros <= TRANSFER_MICROS_MAX, "a deposit is more than nothing and at most 10^15 micros")
