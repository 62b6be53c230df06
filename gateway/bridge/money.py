"""Metering's purse and prices, filled by booking; booking's questions, filled by others.

Decides nothing: it carries equal values from one package's types to another's,
because siblings do not import each other.
Keeps: every status has its counterpart; an unknown one raises at once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.booking.ledger import settlement
from gateway.booking.wallet_service import WalletService
from gateway.clock import NS, Clock, SystemClock
from gateway.ids import AccountId, HoldId, SessionId
from gateway.metering.adapters.journal_store import JournalStore
from gateway.metering.adapters.zones import offset_s_at
from gateway.metering.ports import HoldAnswer, HoldStatus, Split
from gateway.metering.rate import SECONDS_MAX
from gateway.metering.schedule import switches, usage_from
from gateway.metering.tariff import Tariff, tariff_of
from gateway.metering.usage import Usage
from gateway.signaling.adapters.session_store import SessionStore
from gateway.terms import MeterOrder, TariffSnapshot
from gateway.work import SumWork


class WalletPurse:
    """`metering.ports.Purse` out of booking's wallet."""

    def __init__(self, wallet: WalletService) -> None:
        self._wallet = wallet

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
        """Set money aside."""
        answer = await self._wallet.place_hold(
            hold,
            session=session,
            account=account,
            want_micros=want_micros,
            least_micros=least_micros,
            also=also,
        )
        return HoldAnswer(
            status=HoldStatus(answer.status),
            placed_micros=answer.placed_micros,
            available_micros=answer.available_micros,
        )

    async def settle(
        self,
        order: MeterOrder,
        *,
        charge_micros: int,
        make_good_micros: int = 0,
        also: Callable[[Any, Split], None],
    ) -> Split:
        """Void the holds and post the charge."""
        split = await self._wallet.settle(
            order,
            charge_micros=charge_micros,
            make_good_micros=make_good_micros,
            also=lambda tx, made: also(tx, _split(made)),
        )
        return _split(split)

    async def available(self, account: AccountId) -> int:
        """What the wallet could still set aside."""
        return await self._wallet.available(account)


def _split(split: settlement.Split) -> Split:
    return Split(
        charge_micros=split.charge_micros,
        promo_micros=split.promo_micros,
        cash_micros=split.cash_micros,
        fee_micros=split.fee_micros,
        earned_micros=split.earned_micros,
        available_micros=split.available_micros,
    )


class TariffRater:
    """Quotes' prices out of metering's tariff, for a session that begins now."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def rate(self, tariff: TariffSnapshot, seconds: int) -> Sequence[tuple[str, int, int]]:
        """(code, quantity, amount in micros) of each price line."""
        rule = tariff_of(tariff)
        return [
            (line.code, line.quantity, line.amount_micros) for line in rule.lines(self._usage(rule, seconds))
        ]

    def first_hold_micros(self, tariff: TariffSnapshot) -> int:
        """What is set aside before anybody rings."""
        return tariff_of(tariff).first_hold_micros()

    def affordable_s(self, tariff: TariffSnapshot, micros: int) -> int:
        """Seconds that the amount covers, as far as the tariff lets a session go."""
        rule = tariff_of(tariff)
        stop, length_s = rule.spend_stop_micros, rule.limit_s(SECONDS_MAX)
        spent = micros if stop is None else min(micros, stop)
        covered_s = rule.covered_along(self._usage(rule, SECONDS_MAX).runs, spent)
        return covered_s if length_s is None else min(covered_s, length_s)

    def _usage(self, rule: Tariff, seconds: int) -> Usage:
        if not rule.windows:
            return Usage.plain(seconds)
        now_ns = self._clock.wall_ns()
        found = switches(
            rule, from_wall_ns=now_ns, until_wall_ns=now_ns + seconds * NS, offset_s_at=offset_s_at
        )
        return usage_from(found, now_ns, seconds)


class Encounters:
    """What the books ask of sessions and receipts."""

    def __init__(self, sessions: SessionStore, journal: JournalStore) -> None:
        self._sessions = sessions
        self._journal = journal

    async def open_sessions(self) -> frozenset[SessionId]:
        """Every session that is neither settled nor voided."""
        return frozenset(row.order.session for row in await self._sessions.open_anywhere())

    async def billed_seconds(self, sessions: Sequence[SessionId]) -> Mapping[SessionId, int]:
        """Billed seconds of those sessions that have a receipt."""
        return await self._journal.billed_seconds(sessions)


class LedgerWallets:
    """Accounts' wallets out of booking's ledger."""

    def __init__(self, wallet: WalletService) -> None:
        self._wallet = wallet

    async def open(self, account: AccountId) -> None:
        """Make sure that the account has a wallet."""
        await self._wallet.open_account(account)
