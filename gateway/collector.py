"""When the garbage collector of a serving process looks around.

Decides that only the youngest objects are looked at while calls run, few
at a time, and the rest when the process has little to do, or when that
has not been the case for long. With a thousand sessions a look at everything
takes a third of a second, and every tick waits for it.
Keeps: what start-up made is never looked at again; afterwards all is as before.
"""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator

import structlog

YOUNG_OBJECTS = 400
"""Objects made beyond those let go before the youngest are looked at. Those that took the place of older ones are young
as well: with a thousand sessions 4,000 came to thirty thousand at a time, and 13 to 87 ms in which no tick was told."""
NEVER = 1_000_000_000
LOOK_S = 30.0
"""Between two questions whether the rest is to be looked at."""
YOUNG_LOOKS_MIN = 10
"""With fewer looks at the youngest since, the rest is not worth one."""
QUIET_CPU_SHARE = 0.1
"""Share of a core below which the process has little to do."""
WAIT_S_MAX = 15 * 60.0
"""After so long the rest is looked at however much there is to do."""

_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def calm_collector() -> AsyncIterator[None]:
    """Serve inside; the collector is as it was before afterwards."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, NEVER, NEVER)
    task = asyncio.create_task(_collect_on(), name="collector")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gc.set_threshold(*before)
        gc.unfreeze()


def is_due(*, young_looks: int, cpu_share: float, waited_s: float) -> bool:
    """Whether everything is to be looked at now."""
    if young_looks < YOUNG_LOOKS_MIN:
        return False
    return cpu_share < QUIET_CPU_SHARE or waited_s >= WAIT_S_MAX


async def _collect_on() -> None:
    collected_at_s = time.monotonic()
    while True:
        began_s, cpu_s = time.monotonic(), time.process_time()
        await asyncio.sleep(LOOK_S)
        now_s = time.monotonic()
        cpu_share = (time.process_time() - cpu_s) / (now_s - began_s)
        young_looks = gc.get_count()[1]
        if is_due(young_looks=young_looks, cpu_share=cpu_share, waited_s=now_s - collected_at_s):
            objects = gc.collect()
            collected_at_s = time.monotonic()
            _log.info("garbage_collected", objects=objects, took_ms=round((collected_at_s - now_s) * 1_000))
