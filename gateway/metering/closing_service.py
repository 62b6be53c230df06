"""Closes the second of every live meter: time left, ticks, warnings, next holds.

Decides nothing of its own; it adds up what all sessions of a wallet may still
spend (`allowance.py`) and lets each meter close its second with that.
Never awaits, stores or tells. A thousand meters are closed in one pass.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from gateway.ids import AccountId
from gateway.metering.allowance import Spend, time_left_s
from gateway.metering.effect import Effect
from gateway.metering.meter import Meter
from gateway.metering.phase import MeterPhase

LIVE = (MeterPhase.RUNNING, MeterPhase.SUSPENDED)
"""Phases in which seconds pass."""
BEGUN = (*LIVE, MeterPhase.DRAINING, MeterPhase.STOPPED)
"""Phases in which a session has a part in its wallet: one that has stopped spends no more, its hold is still there."""


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
        self, meters: Iterable[Meter], now_ns: int, *, fault: Callable[[Meter, Exception], None]
    ) -> Iterator[tuple[Meter, list[Effect]]]:
        """Close every second that has ended by `now_ns`; what each of those meters asks for.

        A meter that fails is given to `fault` with its exception; the others go on.
        """
        begun = [meter for meter in meters if meter.phase in BEGUN]
        due = {meter.order.client for meter in begun if meter.due_ns <= now_ns}
        wallets: dict[AccountId, list[tuple[Meter, Spend]]] = defaultdict(list)
        for meter in begun:
            if meter.order.client in due:
                try:
                    wallets[meter.order.client].append((meter, meter.spend(now_ns)))
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
