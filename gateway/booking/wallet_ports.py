"""What the wallet and the payments need: the ledger, orders, a payment provider, sessions.

Declares shapes only; `app.py` fills them. Instants are wall-clock nanoseconds:
money is dated for people, durations belong to metering.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.booking.ledger.command import Command
from gateway.booking.ledger.hold import HoldAnswer, HoldRequest
from gateway.booking.ledger.invariant import Finding
from gateway.booking.ledger.settlement import Charge, Split
from gateway.booking.ledger.statement import Earnings, Entry, Page
from gateway.booking.ledger.wallet import Wallet
from gateway.booking.payment import PaymentReport, TopUpOrder, TopUpState
from gateway.ids import AccountId, SessionId
from gateway.work import SumWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A settlement, and whether it was this call that did it."""

    split: Split
    is_first: bool


class Ledger(Protocol):
    """The books. Everything that writes raises StoreDown when nothing was written."""

    @property
    def currency(self) -> str:
        """The one currency the books are kept in."""
        ...

    async def open_account(self, account: AccountId) -> None:
        """Have that person's accounts; nothing changes where they exist."""
        ...

    async def place_hold(self, request: HoldRequest, *, now_wall_ns: int, also: SumWork) -> HoldAnswer:
        """Set money aside; `also` gets the placed micros, commits with it and runs only when PLACED.

        Raises:
            Conflict: the session has been settled.
        """
        ...

    async def settle(
        self, charge: Charge, *, now_wall_ns: int, also: Callable[[Any, Split], None]
    ) -> Settled:
        """Void every hold of the session, post the charge, then run `also`; once per session."""
        ...

    async def deposit(
        self, account: AccountId, *, payment: str, micros: int, memo: str, now_wall_ns: int
    ) -> bool:
        """Credit paid-in money once per payment; False when it had been credited.

        Raises:
            Conflict: the payment was credited to somebody else, or with another amount.
        """
        ...

    async def grant_promo(
        self,
        account: AccountId,
        *,
        campaign: str,
        micros: int,
        expires_wall_ns: int | None,
        now_wall_ns: int,
    ) -> bool:
        """Credit promotional money once per account and campaign; False when it had been granted.

        Raises:
            Conflict: the campaign gave this account another amount or expiry.
        """
        ...

    async def wallet(self, account: AccountId, *, now_wall_ns: int) -> Wallet:
        """What the person has."""
        ...

    async def entries(self, account: AccountId, *, before: int | None, limit: int) -> Page[Entry]:
        """Lines of the person's wallet, newest first."""
        ...

    async def earnings(
        self, provider: AccountId, *, before: int | None, limit: int, now_wall_ns: int
    ) -> Earnings:
        """What the person earned, newest first."""
        ...

    async def audit(self) -> Sequence[Finding]:
        """Every invariant that the database alone can answer."""
        ...

    async def sessions_holding(self) -> Mapping[SessionId, AccountId]:
        """Sessions that have an open hold, and whose money it is."""
        ...

    async def bar(self, accounts: Sequence[AccountId], *, why: str, now_wall_ns: int) -> None:
        """Set nothing more aside from those wallets until `unbar`."""
        ...

    async def unbar(self, account: AccountId) -> None:
        """Lift the bar."""
        ...


class Orders(Protocol):
    """Where top-ups are kept."""

    async def create(self, order: TopUpOrder, *, idempotency_key: str, request: Command) -> TopUpOrder:
        """Store the order, or answer the one stored under the same key.

        Raises:
            Unprocessable: the key was used with another body.
        """
        ...

    async def attach(self, order: str, *, payment: str, pay_url: str) -> TopUpOrder:
        """Note the provider's payment, once; the first stands."""
        ...

    async def by_id(self, order: str) -> TopUpOrder | None:
        """One order."""
        ...

    async def by_payment(self, payment: str) -> TopUpOrder | None:
        """The order of a payment."""
        ...

    async def finish(self, order: TopUpOrder, state: TopUpState, *, now_wall_ns: int) -> bool:
        """Move the order to `state`, and credit it in the same transaction when that is SUCCEEDED.

        False when nothing changed: it had been there before, or further.
        """
        ...


class PaymentProvider(Protocol):
    """Who takes the client's money: the sandbox, or a real one."""

    @property
    def merchant(self) -> str:
        """How the provider names the platform."""
        ...

    async def create(self, order: TopUpOrder) -> tuple[str, str]:
        """(payment id, address to pay at); the same for the same order.

        Raises:
            Unavailable: the provider does not answer.
        """
        ...

    async def query(self, payment: str) -> PaymentReport:
        """What the provider says of a payment now.

        Raises:
            Unavailable: the provider does not answer.
            NotFound: it has no such payment.
        """
        ...

    def read_notice(self, headers: Mapping[str, str], body: bytes, *, now_s: int) -> PaymentReport:
        """What a webhook reports, its signature checked over the raw bytes.

        Raises:
            Unauthenticated: bad signature, or too old.
            Malformed: it cannot be read.
        """
        ...


class OpenSessions(Protocol):
    """Which sessions are not over, filled by signalling."""

    async def open_sessions(self) -> frozenset[SessionId]:
        """Every session that is neither settled nor voided."""
        ...


class BilledSeconds(Protocol):
    """How long sessions were, filled by metering's receipts."""

    async def billed_seconds(self, sessions: Sequence[SessionId]) -> Mapping[SessionId, int]:
        """Billed seconds of those sessions that have a receipt."""
        ...
