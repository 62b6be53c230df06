"""Metering's purse and prices, filled by booking; booking's questions, filled by others.

Decides nothing: it carries equal values from one package's types to another's,
because siblings do not import each other.
Keeps: every status has its counterpart; an unknown one raises at once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.booking.ledger import settlement
from gateway.booking.wallet_service import WalletService
from gateway.ids import AccountId, HoldId, SessionId
from gateway.metering.adapters.journal_store import JournalStore
from gateway.metering.ports import HoldAnswer, HoldStatus, Split
from gateway.metering.tariff import tariff_of
from gateway.signaling.adapters.session_store import SessionStore
from gateway.terms import MeterOrder, TariffSnapshot
from gateway.work import Work


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
        also: Work,
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
        self, order: MeterOrder, *, charge_micros: int, also: Callable[[Any, Split], None]
    ) -> Split:
        """Void the holds and post the charge."""
        split = await self._wallet.settle(
            order, charge_micros=charge_micros, also=lambda tx, made: also(tx, _split(made))
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
    """Quotes' prices out of metering's tariff."""

    def rate(self, tariff: TariffSnapshot, seconds: int) -> Sequence[tuple[str, int, int]]:
        """(code, quantity, amount in micros) of each price line."""
        return [(line.code, line.quantity, line.amount_micros) for line in tariff_of(tariff).lines(seconds)]

    def first_hold_micros(self, tariff: TariffSnapshot) -> int:
        """What is set aside before anybody rings."""
        return tariff_of(tariff).first_hold_micros()

    def affordable_s(self, tariff: TariffSnapshot, micros: int) -> int:
        """Seconds that the amount covers."""
        return tariff_of(tariff).covered_s(micros)


class Encounters:
    """What the books ask of sessions and receipts."""

    def __init__(self, sessions: SessionStore, journal: JournalStore) -> None:
        self._sessions = sessions
        self._journal = journal

    async def open_sessions(self) -> frozenset[SessionId]:
        """Every session that is neither settled nor voided."""
        return frozenset(row.order.session for row in await self._sessions.unfinished())

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
