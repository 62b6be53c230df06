"""Seals and archives evidence in the background.

Drives: once a minute whatever the journal has is sealed, a bounded batch at a
time with pauses between, so that no other command waits long; once an hour old
sealed rows go to the archive.
Never on the path of a second: a seal that comes late is only late.
Keeps: a failing store is tried again; nothing is archived that is not sealed.
"""

import asyncio
import contextlib

import structlog

from gateway.clock import NS, Clock
from gateway.errors import GatewayError
from gateway.metering.seal_ports import Seals

SEAL_EVERY_S = 60.0
"""Between two rounds of sealing."""
BREATH_S = 0.2
"""Between two batches of one round."""
ROUNDS_PER_ARCHIVE = 60
"""Rounds of sealing between two looks for rows to archive."""
DAY_NS = 24 * 3600 * NS

log = structlog.get_logger(__name__)


class Sealer:
    """The background work of evidence."""

    def __init__(self, seals: Seals, *, clock: Clock, keep_days: int, every_s: float = SEAL_EVERY_S) -> None:
        self._seals = seals
        self._clock = clock
        self._keep_ns = keep_days * DAY_NS
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self.sealed = 0
        """Seals made since the start."""

    def start(self) -> None:
        """Seal until `close`."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="sealer")

    async def close(self) -> None:
        """Stop, and seal what is there."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        try:
            await self.seal()
        except GatewayError as error:
            log.warning("seal_waits", why=error.detail)

    async def seal(self) -> int:
        """Seal everything that has no seal; answers how many seals that took.

        Raises:
            StoreDown: some of it could not be written; the next call goes on from there.
        """
        made = 0
        while (seal := await self._seals.seal_next(now_wall_ns=self._clock.wall_ns())) is not None:
            made += 1
            self.sealed += 1
            log.debug("evidence_sealed", seal=seal.number, sessions=seal.leaves, last_row=seal.last_row)
            if self._task is not None:
                await asyncio.sleep(BREATH_S)
        return made

    async def archive(self) -> int:
        """Move rows that have been kept long enough; answers how many."""
        moved = await self._seals.archive(before_wall_ns=self._clock.wall_ns() - self._keep_ns)
        if moved:
            log.info("evidence_archived", rows=moved)
        return moved

    async def _run(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.seal()
                if rounds % ROUNDS_PER_ARCHIVE == 0:
                    await self.archive()
            except GatewayError as error:
                log.error("seal_waits", code=error.wire_code, why=error.detail)
            except Exception:
                # A fault here must not end the sealing; the age of the last seal shows it.
                log.exception("seal_failed")
            rounds += 1
