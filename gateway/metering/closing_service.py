"""Closes the second of every live meter when it ends: time left, ticks, warnings, next holds.

Decides nothing of its own; it adds up what all sessions of a wallet may still
spend (`allowance.py`) and lets each meter close its second with that.
Never awaits, stores or tells. A thousand meters are closed in one pass.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count

from gateway.ids import AccountId, SessionId
from gateway.metering.allowance import Spend, time_left_s
from gateway.metering.effect import Effect
from gateway.metering.meter import Meter
from gateway.metering.pause import NEVER_NS
from gateway.metering.phase import MeterPhase

LIVE = (MeterPhase.RUNNING, MeterPhase.SUSPENDED)
"""Phases in which seconds pass."""
BEGUN = (*LIVE, MeterPhase.DRAINING, MeterPhase.STOPPED)
"""Phases in which a session has a part in its wallet: one that has stopped spends no more, its hold is still there."""


class Meters(dict[SessionId, Meter]):
    """The meters of this process by session; also by wallet, and by when their running second ends."""

    def __init__(self) -> None:
        super().__init__()
        self._of: defaultdict[AccountId, dict[SessionId, Meter]] = defaultdict(dict)
        self._ends: list[tuple[int, int, Meter]] = []
        """A heap; every meter whose seconds pass is in it, some that have stopped still are."""
        self._numbers = count()

    def __setitem__(self, session: SessionId, meter: Meter) -> None:
        super().__setitem__(session, meter)
        self._of[meter.order.client][session] = meter
        self.await_end(meter)

    def drop(self, meter: Meter) -> None:
        """Forget a meter; harmless when it is forgotten already."""
        session, client = meter.order.session, meter.order.client
        self.pop(session, None)
        self._of[client].pop(session, None)
        if not self._of[client]:
            del self._of[client]

    def of(self, account: AccountId) -> tuple[Meter, ...]:
        """The meters that live on that wallet."""
        return tuple(self._of[account].values()) if account in self._of else ()

    def await_end(self, meter: Meter) -> None:
        """A second of it runs: it is to be closed when it ends."""
        if (due_ns := meter.due_ns) < NEVER_NS:
            heappush(self._ends, (due_ns, next(self._numbers), meter))

    def await_ends(self, closed: Sequence[Meter]) -> None:
        """The next second of each of them."""
        for meter in closed:
            self.await_end(meter)

    @property
    def next_end_ns(self) -> int:
        """No second ends before it."""
        return self._ends[0][0] if self._ends else NEVER_NS

    def take_ended(self, now_ns: int) -> Sequence[Meter]:
        """The meters whose second has ended by `now_ns`; the caller closes it and awaits the next end."""
        ended: dict[SessionId, Meter] = {}
        while self._ends and self._ends[0][0] <= now_ns:
            meter = heappop(self._ends)[2]
            if meter.due_ns <= now_ns and self.get(meter.order.session) is meter:
                ended[meter.order.session] = meter
        return tuple(ended.values())


class Wallets:
    """What each live client could still set aside, as last heard."""

    def __init__(self) -> None:
        self._available: dict[AccountId, int] = {}

    def heard(self, account: AccountId, available_micros: int) -> bool:
        """Take note; answers whether the wallet grew."""
        grew = available_micros > self._available.get(account, 0)
        self._available[account] = available_micros
        return grew

    def forget(self, account: AccountId) -> None:
        """Nobody of that wallet is live."""
        self._available.pop(account, None)

    def seconds_closed(
        self,
        ended: Sequence[Meter],
        now_ns: int,
        *,
        meters: Meters,
        fault: Callable[[Meter, Exception], None],
    ) -> Iterator[tuple[Meter, list[Effect]]]:
        """Close the seconds that have `ended` by `now_ns`; what each of those meters asks for.

        A meter that fails is given to `fault` with its exception; the others go on.
        """
        wallets: dict[AccountId, list[tuple[Meter, Spend]]] = defaultdict(list)
        for account in dict.fromkeys(meter.order.client for meter in ended):
            for meter in meters.of(account):
                if meter.phase not in BEGUN:
                    continue
                try:
                    wallets[account].append((meter, meter.spend(now_ns)))
                except Exception as error:
                    fault(meter, error)
        for account, theirs in wallets.items():
            available = max(0, self._available.get(account, 0))
            left_s = time_left_s(available, [spend for _, spend in theirs])
            for meter, spend in theirs:
                if meter.due_ns > now_ns:
                    continue
                # What is set aside for one session serves no other.
                own_s = spend.lasts_s(available + spend.held_micros) if len(theirs) > 1 else left_s
                try:
                    yield meter, meter.second(now_ns, funds_left_s=min(left_s, own_s))
                except Exception as error:
                    fault(meter, error)
