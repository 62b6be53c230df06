"""One cashier of the bench: rounds of commands on wallets of its own, every answer checked.

Decides the mix (a top-up, three holds of one session, its settlement, then the next
wallet) and by arithmetic of its own what each answer must be.
Never shares a wallet with another cashier, so that answers are known whatever runs
beside it; providers are shared by all.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.booking.ledger.hold import HoldAnswer, HoldRequest, HoldStatus
from gateway.booking.ledger.settlement import Charge, Split
from gateway.ids import AccountId, HoldId, SessionId
from gateway.work import nothing

WALLETS = 8
"""Of each cashier."""
PROVIDERS = 64
TOP_UP_MICROS = 9_000_000
HOLD_MICROS = 1_000_000
HOLDS = 3
"""Of each session."""
COMMANDS_OF_ROUND = 2 + HOLDS
FEE_BP = 2_000


@dataclass(slots=True)
class Tape:
    """What was measured of one run."""

    latency_ms: list[float] = field(default_factory=list)
    """From asking to the answer, command by command."""
    began_ns: int = 0
    ended_ns: int = 0

    @property
    def commands_per_s(self) -> float:
        """Answered commands over the length of the run."""
        spent_ns = self.ended_ns - self.began_ns
        return len(self.latency_ms) * 1e9 / spent_ns if spent_ns else 0.0


@dataclass(slots=True, kw_only=True)
class Cashier:
    """One after the other, the commands of a few wallets that nobody else uses; checks every answer."""

    ledger: LedgerStore
    name: str
    """Makes accounts and sessions unlike anybody else's."""
    balances: list[int] = field(default_factory=lambda: [0] * WALLETS)
    """What each wallet has left when its round is over, by this bench's own arithmetic."""
    charged_micros: int = 0
    """What all sessions of finished and begun rounds cost."""
    earned: dict[AccountId, int] = field(default_factory=dict)
    """What each provider must have got from this cashier."""
    rounds: int = 0
    steps: deque[tuple[Callable[[], Awaitable[Any]], object]] = field(default_factory=deque)
    """The commands of the round that are still to come, each with the answer it must have."""

    def account(self, wallet: int) -> AccountId:
        """The client of a wallet."""
        return AccountId(f"acc_{self.name}_{wallet}")

    @property
    def is_between_rounds(self) -> bool:
        """Whether the balances are what the ledger has now."""
        return not self.steps

    async def step(self, tape: Tape, *, due_ns: int | None = None) -> None:
        """Give the next command and check what it answers; its time counts from `due_ns` where that is given."""
        if not self.steps:
            self._plan()
        ask, expected = self.steps.popleft()
        began_ns = time.perf_counter_ns() if due_ns is None else due_ns
        answer = await ask()
        tape.latency_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        if answer != expected:
            raise AssertionError(f"{self.name} was answered {answer} instead of {expected}")

    def _plan(self) -> None:
        """A top-up, three holds and the settlement that ends them."""
        self.rounds += 1
        wallet = self.rounds % WALLETS
        session = SessionId(f"ses_{self.name}_{self.rounds}")
        left = self.balances[wallet] + TOP_UP_MICROS
        self.steps.append((lambda: self._deposit(wallet, self.rounds), True))
        for ordinal in range(HOLDS):
            left -= HOLD_MICROS
            placed = HoldAnswer(status=HoldStatus.PLACED, placed_micros=HOLD_MICROS, available_micros=left)
            self.steps.append((self._hold(session, wallet, ordinal), placed))
        micros = HOLD_MICROS * HOLDS - self.rounds % 7 * 100_001
        fee = micros * FEE_BP // 10_000
        left += HOLD_MICROS * HOLDS - micros
        provider = AccountId(f"acc_provider_{(self.rounds * 7 + len(self.name)) % PROVIDERS}")
        split = Split(
            charge_micros=micros,
            promo_micros=0,
            cash_micros=micros,
            fee_micros=fee,
            earned_micros=micros - fee,
            available_micros=left,
        )
        self.steps.append((self._settlement(session, wallet, provider, micros=micros), split))
        self.balances[wallet] = left
        self.charged_micros += micros
        self.earned[provider] = self.earned.get(provider, 0) + micros - fee

    async def _deposit(self, wallet: int, number: int) -> bool:
        return await self.ledger.deposit(
            self.account(wallet),
            payment=f"pay_{self.name}_{number}",
            micros=TOP_UP_MICROS,
            memo="bench",
            now_wall_ns=time.time_ns(),
        )

    def _hold(self, session: SessionId, wallet: int, ordinal: int) -> Callable[[], Awaitable[HoldAnswer]]:
        request = HoldRequest(
            hold=HoldId(f"{session}:{ordinal}"),
            session=session,
            account=self.account(wallet),
            want_micros=HOLD_MICROS,
            least_micros=HOLD_MICROS,
        )
        return lambda: self.ledger.place_hold(request, now_wall_ns=time.time_ns(), also=nothing)

    def _settlement(
        self, session: SessionId, wallet: int, provider: AccountId, *, micros: int
    ) -> Callable[[], Awaitable[Split]]:
        charge = Charge(
            session=session, client=self.account(wallet), provider=provider, fee_bp=FEE_BP, micros=micros
        )

        async def settle() -> Split:
            settled = await self.ledger.settle(charge, now_wall_ns=time.time_ns(), also=_alone)
            return settled.split

        return settle


def _alone(_transaction: Any, _split: Split) -> None:
    """The companion of a settlement that has none."""
