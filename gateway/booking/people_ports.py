"""What accounts, sign-in and catalogue need from others.

Declares shapes only; `app.py` fills them: stores, the sender of codes, tokens
and randomness from `adapters/`, prices from metering, presence from signalling,
balances from the ledger. Every method says what it may refuse.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.booking.people.account import Account, AccountStatus, Locale, ProfileChange
from gateway.booking.people.catalogue import Listing
from gateway.booking.people.offer import RatePlan
from gateway.booking.people.one_time_code import Challenge, CheckStatus, SendAnswer
from gateway.booking.people.refresh import RefreshStatus, RefreshToken
from gateway.clock import Clock
from gateway.ids import AccountId, IdSource, SessionId
from gateway.terms import Role, TariffSnapshot


class PeopleStore(Protocol):
    """Where accounts and rate plans are stored. Phones are sealed there and nowhere else.

    Every method raises StoreDown when the database does not answer.
    """

    async def account(self, account: AccountId) -> Account | None:
        """One account."""
        ...

    async def open_by_phone(self, phone: str, fresh: Account) -> Account:
        """The account of a phone; `fresh` is stored when there is none."""
        ...

    async def open_by_external_id(self, integrator: AccountId, external_id: str, fresh: Account) -> Account:
        """The integrator's account of that name with the fresh nickname and roles; stored when new."""
        ...

    async def open_integrator(self, name: str, fresh: Account) -> Account:
        """The integrator of that name; `fresh` is stored when there is none."""
        ...

    async def change_profile(self, account: AccountId, change: ProfileChange) -> Account | None:
        """Apply the change; None where there is no such account."""
        ...

    async def set_status(self, account: AccountId, status: AccountStatus) -> bool:
        """Bar or unbar; False where there is no such account."""
        ...

    async def set_not_before(self, account: AccountId, second: int) -> bool:
        """Refuse access tokens issued before `second` (never lowered)."""
        ...

    async def not_before(self) -> Mapping[AccountId, int]:
        """Every account whose tokens were ever revoked, for start-up."""
        ...

    async def add_plan(self, account: AccountId, plan: RatePlan, *, now_wall_ns: int) -> None:
        """Make `plan` the present one of its kind; the same plan again changes nothing."""
        ...

    async def listing(self, account: AccountId) -> Listing | None:
        """One provider of the catalogue: active, with at least one plan."""
        ...

    async def listings(
        self, *, after: int, limit: int, only: Sequence[AccountId] | None
    ) -> Sequence[Listing]:
        """Providers in the order they came, beyond position `after`; `only` narrows to these."""
        ...


class CodeStore(Protocol):
    """Outstanding one-time codes and what was asked for lately. Raises StoreDown."""

    async def admit(
        self,
        *,
        phone: str,
        address: str,
        now_wall_ns: int,
        since_wall_ns: int,
        decide: Callable[[Sequence[int], Sequence[int]], SendAnswer],
    ) -> SendAnswer:
        """Ask `decide` with the instants of the phone and of the address since then; note a SEND."""
        ...

    async def put(self, phone: str, challenge: Challenge) -> None:
        """Make this the phone's only outstanding code."""
        ...

    async def judge(
        self, phone: str, decide: Callable[[Challenge | None], tuple[CheckStatus, Challenge | None]]
    ) -> CheckStatus:
        """Ask `decide` about the outstanding code and keep what it says, as one step."""
        ...


class RefreshStore(Protocol):
    """Refresh tokens. Raises StoreDown."""

    async def put(self, token: RefreshToken) -> None:
        """Store the first token of a family."""
        ...

    async def rotate(
        self,
        digest: bytes,
        *,
        next_digest: bytes,
        next_expires_at_wall_ns: int,
        now_wall_ns: int,
    ) -> tuple[RefreshStatus, AccountId | None]:
        """Judge the token and, as one step, use it and store the next, or revoke its family."""
        ...

    async def revoke_account(self, account: AccountId) -> None:
        """Revoke every family of the account."""
        ...


class ApiKeyStore(Protocol):
    """Integrators' keys. Raises StoreDown."""

    async def put(self, digest: bytes, integrator: AccountId, *, label: str, now_wall_ns: int) -> None:
        """Store a key's digest; the same digest again changes nothing."""
        ...

    async def integrator(self, digest: bytes) -> AccountId | None:
        """Whose key it is; None for an unknown or a revoked one."""
        ...

    async def revoke(self, digest: bytes) -> bool:
        """Refuse the key from now on; False where there is none."""
        ...


class CodeSender(Protocol):
    """Carries one-time codes to people."""

    async def send(self, phone: str, code: str, locale: Locale) -> None:
        """Hand the code over for delivery.

        Raises:
            Unavailable: it cannot be sent now.
        """
        ...


class Secrets(Protocol):
    """Where things nobody may guess come from."""

    def six_digits(self) -> str:
        """A one-time code, `000000` to `999999`, all equally likely."""
        ...

    def token(self) -> str:
        """256 random bits in base64url."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A minted access token."""

    text: str
    expires_in_s: int


class TokenMint(Protocol):
    """Makes access tokens."""

    def mint(
        self,
        account: AccountId,
        roles: frozenset[Role],
        *,
        session: SessionId | None = None,
        ttl_s: int | None = None,
    ) -> AccessToken:
        """A token for the account in these roles; `ttl_s` None means the usual time."""
        ...


class Wallets(Protocol):
    """The ledger, as accounts see it."""

    async def open(self, account: AccountId) -> None:
        """Make sure that the account has a wallet; may be repeated."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTools:
    """What accounts and their tokens are made with."""

    mint: TokenMint
    wallets: Wallets
    secrets: Secrets
    clock: Clock
    ids: IdSource


class Balance(Protocol):
    """The wallet, as quotes see it."""

    async def available(self, account: AccountId) -> int:
        """What the wallet could still set aside, in micros."""
        ...


class Rater(Protocol):
    """Prices, as quotes see them."""

    def rate(self, tariff: TariffSnapshot, seconds: int) -> Sequence[tuple[str, int, int]]:
        """(code, quantity, amount in micros) of each price line; their sum is the price."""
        ...

    def first_hold_micros(self, tariff: TariffSnapshot) -> int:
        """What is set aside before the provider's app rings."""
        ...

    def affordable_s(self, tariff: TariffSnapshot, micros: int) -> int:
        """Seconds that the amount covers."""
        ...


class PresenceReader(Protocol):
    """Signalling, as the catalogue sees it."""

    def state(self, provider: AccountId) -> str:
        """`offline`, `online`, `paused`, `ringing` or `in_session`."""
        ...

    def all(self) -> Mapping[AccountId, str]:
        """Every provider that is not offline."""
        ...
