"""Accounts, sign-in and catalogue on a real database, with everything else made up.

Time is a ManualClock, codes and tokens are counted instead of drawn, messages and
wallets are lists, prices are 1 micro a second.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.booking.adapters import people_store, sign_in_store
from gateway.booking.adapters.field_cipher import FieldCipher
from gateway.booking.adapters.people_store import SqlitePeople
from gateway.booking.adapters.sign_in_store import SqliteApiKeys, SqliteCodes, SqliteRefreshTokens
from gateway.booking.adapters.tokens_jwt import JwtTokens
from gateway.booking.catalogue_service import CatalogueService
from gateway.booking.integrator_service import IntegratorService
from gateway.booking.people.account import Account, Locale
from gateway.booking.people.one_time_code import USUAL_POLICY, CodePolicy
from gateway.booking.people_ports import AccountTools
from gateway.booking.people_service import PeopleService
from gateway.booking.sign_in_service import SignInService, SignInSettings, SignInStores
from gateway.clock import ManualClock
from gateway.errors import Unavailable
from gateway.ids import AccountId, CountingIdSource
from gateway.store.database import Database
from gateway.store.migration import Migration
from gateway.terms import Role, TariffSnapshot

PHONE = "+8610000000001"
CLIENT, PROVIDER = frozenset({Role.CLIENT}), frozenset({Role.PROVIDER})
MIGRATIONS = (*people_store.MIGRATIONS, *sign_in_store.MIGRATIONS)


def cipher(*key_ids: str) -> FieldCipher:
    """A cipher whose keys follow from their ids."""
    keys = {key_id: key_id.encode().ljust(32, b".") for key_id in key_ids or ("field-0001",)}
    return FieldCipher(keys, b"i" * 32)


def account(number: int, *, roles: frozenset[Role] = CLIENT, nickname: str = "Ann") -> Account:
    return Account(id=AccountId(f"acc_{number}"), nickname=nickname, roles=roles)


class CountingSecrets:
    """Codes 000001, 000002, … and tokens `token-1`, …"""

    def __init__(self) -> None:
        self.codes = 0
        self.tokens = 0

    def six_digits(self) -> str:
        self.codes += 1
        return f"{self.codes:06d}"

    def token(self) -> str:
        self.tokens += 1
        return f"token-{self.tokens:037d}"


@dataclass
class Outbox:
    """Messages instead of a sender."""

    sent: list[tuple[str, str, Locale]] = field(default_factory=list)
    is_down: bool = False

    async def send(self, phone: str, code: str, locale: Locale) -> None:
        if self.is_down:
            raise Unavailable("No network.")
        self.sent.append((phone, code, locale))

    @property
    def code(self) -> str:
        return self.sent[-1][1]


@dataclass
class OpenedWallets:
    """Accounts whose wallet was asked for."""

    opened: list[AccountId] = field(default_factory=list)

    async def open(self, account: AccountId) -> None:
        self.opened.append(account)


@dataclass
class Presences:
    """What everybody is doing."""

    states: dict[AccountId, str] = field(default_factory=dict)

    def state(self, provider: AccountId) -> str:
        return self.states.get(provider, "offline")

    def all(self) -> Mapping[AccountId, str]:
        return self.states


class MicroASecond:
    """One micro a second, with a line for the connection that costs nothing."""

    def rate(self, tariff: TariffSnapshot, seconds: int) -> Sequence[tuple[str, int, int]]:
        assert tariff.terms()["version"] == 1
        return [("connect_fee", 1, 0), ("time", seconds, seconds)]

    def first_hold_micros(self, tariff: TariffSnapshot) -> int:
        return 60

    def affordable_s(self, tariff: TariffSnapshot, micros: int) -> int:
        return micros


@dataclass
class Balances:
    """What wallets hold."""

    micros: dict[AccountId, int] = field(default_factory=dict)

    async def available(self, account: AccountId) -> int:
        return self.micros.get(account, 0)


@dataclass(kw_only=True)
class Bench:
    """Everything, wired."""

    database: Database
    clock: ManualClock
    store: SqlitePeople
    people: PeopleService
    sign_in: SignInService
    integrators: IntegratorService
    catalogue: CatalogueService
    tokens: JwtTokens
    outbox: Outbox
    wallets: OpenedWallets
    presences: Presences
    balances: Balances

    async def signed_in(self, phone: str = PHONE) -> tuple[Account, str, str]:
        """(account, access token, refresh token) of a phone."""
        await self.sign_in.send_code(phone, address="192.0.2.1")
        signed_in = await self.sign_in.verify(phone, self.outbox.code)
        return signed_in.account, signed_in.access.text, signed_in.refresh_token


@asynccontextmanager
async def database_at(
    folder: Path, *, migrations: Sequence[Migration] = MIGRATIONS
) -> AsyncIterator[Database]:
    """The tables of accounts and sign-in, in a file of their own."""
    database = await Database.open(folder / "gateway.db", migrations)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def benched(
    folder: Path, *, policy: CodePolicy = USUAL_POLICY, is_demo: bool = False
) -> AsyncIterator[Bench]:
    """A bench on a database in `folder`, which may have been used before."""
    async with database_at(folder) as database:
        clock, ids, outbox, wallets = ManualClock(), CountingIdSource(), Outbox(), OpenedWallets()
        presences, balances = Presences(), Balances()
        store = SqlitePeople(database, cipher())
        people = PeopleService(store, wallets=wallets, clock=clock, ids=ids)
        await people.load()
        tokens = JwtTokens([b"s" * 32], clock, not_before_s=people.not_before_s)
        tools = AccountTools(mint=tokens, wallets=wallets, secrets=CountingSecrets(), clock=clock, ids=ids)
        stores = SignInStores(
            people=store, codes=SqliteCodes(database, cipher()), refreshes=SqliteRefreshTokens(database)
        )
        yield Bench(
            database=database,
            clock=clock,
            store=store,
            people=people,
            sign_in=SignInService(
                people,
                stores=stores,
                sender=outbox,
                tools=tools,
                settings=SignInSettings(code_key=b"c" * 32, policy=policy, is_demo=is_demo),
            ),
            integrators=IntegratorService(store, SqliteApiKeys(database), tools),
            catalogue=CatalogueService(store, presence=presences, rater=MicroASecond(), balance=balances),
            tokens=tokens,
            outbox=outbox,
            wallets=wallets,
            presences=presences,
            balances=balances,
        )


def content_of(folder: Path) -> bytes:
    """Every byte of every file in the folder, to look for what must not be there."""
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
