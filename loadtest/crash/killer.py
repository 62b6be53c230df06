"""Starts gateways on one directory and kills them at moments of its choice.

Decides, from a seeded source, in the middle of what each life ends: an
invitation, an acceptance, a second, a hold, a settlement, the taking up of
sessions, the start itself. SIGKILL: nothing is written any more.
Never looks into the file and never judges.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from loadtest.crash.stage import Moment, Stage
from loadtest.house import House

MOMENTS = {
    Moment.METERING: 30,
    Moment.SETTLEMENT: 18,
    Moment.RINGING: 12,
    Moment.CONNECTING: 12,
    Moment.RECOVERY: 12,
    Moment.STARTUP: 10,
    Moment.HOLD: 6,
}
"""How often each moment is chosen, of 100."""
AIM_S = 4.0
"""How long a moment is waited for."""
SETTLED_IN_S = 1.5
"""How long a life is left alone before it is aimed at."""
AFTER_S = {Moment.CONNECTING: 3.0, Moment.SETTLEMENT: 1.5}
"""How long after the moment a kill may come; elsewhere AFTER_USUAL_S."""
AFTER_USUAL_S = 0.05


class Killer:
    """One gateway after the other."""

    def __init__(
        self,
        stage: Stage,
        directory: Path,
        *,
        pairs: int,
        core: int | None,
        seed: str,
        before_kill: Callable[[], None],
    ) -> None:
        """`before_kill` is called when a life is about to end."""
        self.moments: Counter[Moment] = Counter()
        self._stage = stage
        self._directory = directory
        self._pairs = pairs
        self._core = core
        self._random = random.Random(seed)
        self._before_kill = before_kill
        self._started_s = 3.0

    def house(self) -> House:
        """A gateway, not yet started."""
        return House(self._directory, pairs=self._pairs, core=self._core, log=self._directory / "gateway.log")

    async def kill_next(self) -> None:
        """Start a gateway and kill it."""
        (moment,) = self._random.choices(list(MOMENTS), weights=list(MOMENTS.values()))
        self.moments[moment] += 1
        if moment is Moment.STARTUP:
            await self._kill_starting()
        else:
            await self._kill_serving(moment)

    async def _kill_starting(self) -> None:
        house = self.house()
        starting = asyncio.ensure_future(house.open())
        await asyncio.sleep(self._random.uniform(0.1, self._started_s))
        if starting.done():
            await self._end(house)
            return
        await house.kill()
        with contextlib.suppress(RuntimeError):
            await starting

    async def _kill_serving(self, moment: Moment) -> None:
        house = self.house()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await house.open()
        self._started_s = loop.time() - began_s
        self._stage.rise(house.ready.url)
        await self._await(moment)
        await self._end(house)

    async def _await(self, moment: Moment) -> None:
        if moment is Moment.RECOVERY:
            await asyncio.sleep(self._random.uniform(0, 3))
            return
        if moment is Moment.METERING:
            await asyncio.sleep(self._random.uniform(2, 6))
            return
        await asyncio.sleep(SETTLED_IN_S)
        await self._stage.until(moment, AIM_S)
        await asyncio.sleep(self._random.uniform(0, AFTER_S.get(moment, AFTER_USUAL_S)))

    async def _end(self, house: House) -> None:
        self._before_kill()
        self._stage.fall()
        await house.kill()
