"""One cashier of the bench: rounds of commands on wallets of its own, every answer checked.

Decides the mix (a top-up, three holds of one session, its settlement, then the next
wallet) and by arithmetic of its own what each answer must be.
Never shares a wallet with another cashier, so that answers are known whatever runs
beside it; providers are shared by all. Never lets its own arithmetic be measured where
rounds can be prepared: what asks shares the interpreter with what answers.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.booking.ledger.hold import HoldAnswer, HoldRequest, HoldStatus
from gateway.booking.ledger.settlement import Charge, Split
from gateway.clock import SystemClock
from gateway.ids import AccountId, HoldId, RandomIdSource, SessionId, derived
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
_IDS = RandomIdSource(SystemClock())


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


Step = tuple[Callable[[], Awaitable[Any]], object]
"""What to ask, and the answer it must have."""


@dataclass(slots=True, kw_only=True)
class Round:
    """The commands of one session, and what they leave."""

    steps: deque[Step]
    wallet: int
    left_micros: int
    """What the wallet has when all of them are answered."""
    charged_micros: int
    payee: AccountId
    earned_micros: int


@dataclass(slots=True, kw_only=True)
class Cashier:
    """One after the other, the commands of a few wallets that nobody else uses; checks every answer."""

    ledger: LedgerStore
    name: str
    """Makes accounts and sessions unlike anybody else's."""
    balances: list[int] = field(default_factory=lambda: [0] * WALLETS)
    """What each wallet has left when the last round begun is over, by this bench's own arithmetic."""
    charged_micros: int = 0
    """What all sessions of finished and begun rounds cost."""
    earned: dict[AccountId, int] = field(default_factory=dict)
    """What each provider must have got from this cashier."""
    rounds: int = 0
    """Planned so far."""
    planned: deque[Round] = field(default_factory=deque)
    """Those that have not begun."""
    steps: deque[Step] = field(default_factory=deque)
    """The commands of the round that are still to come."""
    _ahead: list[int] = field(default_factory=lambda: [0] * WALLETS)
    """What each wallet has left when all that is planned is over."""

    def account(self, wallet: int) -> AccountId:
        """The client of a wallet."""
        return AccountId(f"acc_{self.name}_{wallet}")

    async def open_accounts(self) -> None:
        """Have the wallets before the first command, as people have theirs since they signed up."""
        await asyncio.gather(*map(self.ledger.open_account, map(self.account, range(WALLETS))))

    @property
    def is_between_rounds(self) -> bool:
        """Whether the balances are what the ledger has now."""
        return not self.steps

    async def step(self, tape: Tape, *, due_ns: int | None = None) -> None:
        """Give the next command and check what it answers; its time counts from `due_ns` where that is given."""
        if not self.steps:
            self._begin()
        ask, expected = self.steps.popleft()
        began_ns = time.perf_counter_ns() if due_ns is None else due_ns
        answer = await ask()
        tape.latency_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        if answer != expected:
            raise AssertionError(f"{self.name} was answered {answer} instead of {expected}")

    def _begin(self) -> None:
        if not self.planned:
            self.plan()
        begun = self.planned.popleft()
        self.steps = begun.steps
        self.balances[begun.wallet] = begun.left_micros
        self.charged_micros += begun.charged_micros
        self.earned[begun.payee] = self.earned.get(begun.payee, 0) + begun.earned_micros

    def plan(self) -> None:
        """One more round: a top-up, three holds and the settlement that ends them."""
        self.rounds += 1
        wallet = self.rounds % WALLETS
        session = SessionId(_IDS.new("ses"))
        payment = _IDS.new("pay")
        left = self._ahead[wallet] + TOP_UP_MICROS
        steps: deque[Step] = deque([(lambda: self._deposit(wallet, payment), True)])
        for ordinal in range(HOLDS):
            left -= HOLD_MICROS
            placed = HoldAnswer(status=HoldStatus.PLACED, placed_micros=HOLD_MICROS, available_micros=left)
            steps.append((self._hold(session, wallet, ordinal), placed))
        micros = HOLD_MICROS * HOLDS - self.rounds % 7 * 100_001
        fee = micros * FEE_BP // 10_000
        left += HOLD_MICROS * HOLDS - micros
        payee = provider((self.rounds * 7 + len(self.name)) % PROVIDERS)
        split = Split(
            charge_micros=micros,
            promo_micros=0,
            cash_micros=micros,
            fee_micros=fee,
            earned_micros=micros - fee,
            available_micros=left,
        )
        steps.append((self._settlement(session, wallet, payee, micros=micros), split))
        self._ahead[wallet] = left
        self.planned.append(
            Round(
                steps=steps,
                wallet=wallet,
                left_micros=left,
                charged_micros=micros,
                payee=payee,
                earned_micros=micros - fee,
            )
        )

    async def _deposit(self, wallet: int, payment: str) -> bool:
        return await self.ledger.deposit(
            self.account(wallet),
            payment=payment,
            micros=TOP_UP_MICROS,
            memo="bench",
            now_wall_ns=time.time_ns(),
        )

    def _hold(self, session: SessionId, wallet: int, ordinal: int) -> Callable[[], Awaitable[HoldAnswer]]:
        request = HoldRequest(
            hold=HoldId(derived(session, "hold", ordinal, 0)),
            session=session,
            account=self.account(wallet),
            want_micros=HOLD_MICROS,
            least_micros=HOLD_MICROS,
        )
        return lambda: self.ledger.place_hold(request, now_wall_ns=time.time_ns(), also=nothing)

    def _settlement(
        self, session: SessionId, wallet: int, payee: AccountId, *, micros: int
    ) -> Callable[[], Awaitable[Split]]:
        charge = Charge(
            session=session, client=self.account(wallet), provider=payee, fee_bp=FEE_BP, micros=micros
        )

        async def settle() -> Split:
            settled = await self.ledger.settle(charge, now_wall_ns=time.time_ns(), also=_alone)
            return settled.split

        return settle


def provider(number: int) -> AccountId:
    """One of those who are paid."""
    return AccountId(f"acc_provider_{number}")


def _alone(_transaction: Any, _split: Split) -> None:
    """The companion of a settlement that has none."""
