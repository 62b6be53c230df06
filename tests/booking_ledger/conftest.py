"""A whole till on a real database: ledger, wallet, top-ups, sandbox; time and sessions by hand."""

import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.booking.adapters import ledger_flow_schema, ledger_schema, sandbox_payment, top_up_store
from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.booking.adapters.sandbox_payment import SandboxPayments
from gateway.booking.adapters.top_up_store import TopUpStore
from gateway.booking.top_up_service import TopUpService
from gateway.booking.wallet_service import WalletService
from gateway.clock import ManualClock
from gateway.facts import Fact, WalletChanged
from gateway.ids import AccountId, CountingIdSource, HoldId, SessionId
from gateway.store.database import Database
from gateway.terms import MeterOrder, SessionKind, TariffSnapshot
from gateway.work import nothing

MIGRATIONS = (
    *ledger_schema.MIGRATIONS,
    *top_up_store.MIGRATIONS,
    *sandbox_payment.MIGRATIONS,
    *ledger_flow_schema.MIGRATIONS,
)
SECRET = b"a secret of thirty-two bytes long"
ANN = AccountId("acc_ann")
BEN = AccountId("acc_ben")
PIA = AccountId("acc_pia")
UNIT = 1_000_000


@dataclass
class Sessions:
    """Which sessions are open, as a test says."""

    open: set[SessionId] = field(default_factory=set)
    first_answers: list[frozenset[SessionId]] = field(default_factory=list)

    async def open_sessions(self) -> frozenset[SessionId]:
        return self.first_answers.pop(0) if self.first_answers else frozenset(self.open)


@dataclass
class Receipts:
    """How long sessions were, as a test says."""

    seconds: dict[SessionId, int] = field(default_factory=dict)

    async def billed_seconds(self, sessions: Sequence[SessionId]) -> Mapping[SessionId, int]:
        return {session: self.seconds[session] for session in sessions if session in self.seconds}


@dataclass
class Facts:
    """A sink that keeps what it is told."""

    told: list[Fact] = field(default_factory=list)

    def tell(self, fact: Fact) -> None:
        self.told.append(fact)

    @property
    def wallets(self) -> list[tuple[AccountId, int]]:
        return [
            (fact.account, fact.available_micros) for fact in self.told if isinstance(fact, WalletChanged)
        ]


@dataclass(kw_only=True)
class Till:
    """Everything about money, wired as the gateway wires it."""

    database: Database
    clock: ManualClock
    facts: Facts
    sessions: Sessions
    receipts: Receipts
    ledger: LedgerStore
    wallet: WalletService
    sandbox: SandboxPayments
    top_ups: TopUpService

    async def fund(self, account: AccountId, micros: int, *, payment: str = "p") -> None:
        await self.wallet.deposit(account, micros=micros, payment=f"{payment}-{account}", memo="test")

    async def hold(
        self, session: str, ordinal: int, want: int, *, least: int = 1, account: AccountId = ANN
    ) -> int:
        """Place a hold and answer what was placed."""
        self.sessions.open.add(SessionId(session))
        answer = await self.wallet.place_hold(
            HoldId(f"hold-{session}-{ordinal}"),
            session=SessionId(session),
            account=account,
            want_micros=want,
            least_micros=least,
            also=nothing,
        )
        return answer.placed_micros

    async def broken(self) -> list[str]:
        """Names of the invariants that do not hold."""
        return [finding.name for finding in await self.wallet.audit() if not finding.ok]


def order(
    session: str, *, client: AccountId = ANN, provider: AccountId = PIA, fee_bp: int = 2_000
) -> MeterOrder:
    """What metering knows of a session."""
    return MeterOrder(
        session=SessionId(session),
        client=client,
        provider=provider,
        kind=SessionKind.VOICE,
        tariff=TariffSnapshot.of({"version": 1}),
        fee_bp=fee_bp,
        duration_s_max=3_600,
    )


@pytest.fixture
async def till(tmp_path: Path) -> AsyncIterator[Till]:
    database = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    clock, facts, sessions, receipts = ManualClock(), Facts(), Sessions(), Receipts()
    ledger = await LedgerStore.open(database, currency="CNY")
    wallet = WalletService(ledger, clock=clock, sink=facts, open_sessions=sessions, billed_seconds=receipts)
    sandbox = SandboxPayments(database, secret=SECRET, clock=clock, ids=CountingIdSource())
    top_ups = TopUpService(wallet, orders=TopUpStore(database), providers={"sandbox": sandbox}, clock=clock)
    sandbox.deliver_to(functools.partial(top_ups.notice, "sandbox"))
    yield Till(
        database=database,
        clock=clock,
        facts=facts,
        sessions=sessions,
        receipts=receipts,
        ledger=ledger,
        wallet=wallet,
        sandbox=sandbox,
        top_ups=top_ups,
    )
    await database.close()
