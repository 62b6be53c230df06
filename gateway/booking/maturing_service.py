"""What becomes due by itself: grants that run out, earnings that become payable.

Decides when to look: once a minute. Each look asks the books what is due since the
last one and carries it out one command at a time; each has its derived id, so that
two looks, or a look after a crash, move nothing twice.
Never decides what is due or how much (`ledger/expiry.py`, `ledger/cool_off.py`).
See docs/metering.md, "Ledger".
"""

import asyncio
import contextlib
from collections.abc import Mapping

import structlog

from gateway.booking.flow_ports import Flows
from gateway.booking.wallet_service import WalletService
from gateway.clock import Clock
from gateway.errors import GatewayError

_log = structlog.get_logger()

LOOK_EVERY_S = 60.0
"""Between two looks; nobody waits for either to the second."""
BATCH_MAX = 200
"""Commands of one kind before others get their turn."""


class MaturingService:
    """Carries out what time alone makes due."""

    def __init__(self, wallet: WalletService, *, flows: Flows, clock: Clock, window_ns: int) -> None:
        self._wallet = wallet
        self._flows = flows
        self._clock = clock
        self._window_ns = window_ns
        self._after: tuple[int, str] = (0, "")
        self._task: asyncio.Task[None] | None = None
        self._counts = {"grants_expired": 0, "earnings_matured": 0, "looks_failed": 0}

    def start(self) -> None:
        """Look now and go on until `close`."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="maturing")

    async def close(self) -> None:
        """Stop looking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def look(self) -> None:
        """Carry out everything that is due now.

        Raises:
            StoreDown: the rest is due at the next look.
        """
        await self._expire_grants()
        await self._mature_earnings()

    def stats(self) -> Mapping[str, int]:
        """Grants that ran out, earnings that became payable, looks that failed."""
        return dict(self._counts)

    async def _expire_grants(self) -> None:
        while due := await self._flows.grants_due(now_wall_ns=self._clock.wall_ns(), limit=BATCH_MAX):
            taken_micros = 0
            for grant, owner in due:
                micros = await self._flows.expire(grant, now_wall_ns=self._clock.wall_ns())
                if micros:
                    taken_micros += micros
                    self._counts["grants_expired"] += 1
                    _log.info("grant_expired", account=owner, micros=micros)
                    await self._wallet.announce(owner)
            if taken_micros == 0:
                return

    async def _mature_earnings(self) -> None:
        """The place reached is kept in memory: a new process looks at everything once more."""
        while True:
            until_wall_ns = self._clock.wall_ns() - self._window_ns
            if until_wall_ns < self._after[0]:
                # The wall clock was set back: what was passed over under the wrong time is looked at again.
                self._after = (0, "")
            found = await self._flows.settled_before(
                after=self._after, until_wall_ns=until_wall_ns, limit=BATCH_MAX
            )
            for place, session in found:
                micros = await self._flows.cool_off(
                    session, window_ns=self._window_ns, now_wall_ns=self._clock.wall_ns()
                )
                self._counts["earnings_matured"] += micros > 0
                self._after = place
            if len(found) < BATCH_MAX:
                self._after = (until_wall_ns, "")
                return

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except GatewayError as error:
                self._counts["looks_failed"] += 1
                _log.error("maturing_failed", code=error.wire_code, detail=error.detail)
            except Exception:
                # A fault of one look must not end the looks; the count shows it.
                self._counts["looks_failed"] += 1
                _log.exception("maturing_failed")
            await asyncio.sleep(LOOK_EVERY_S)
