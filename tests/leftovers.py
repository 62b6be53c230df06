"""What would wait for the garbage collector: a busy gateway looks at everything seldom, so ended calls leave no cycles.

Decides only what counts as left over: objects of the named types that are still there while the collector
is off and every task has ended.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOOKS = 200
LOOK_S = 0.02
"""What is under way ends meanwhile; a cycle never does."""


@asynccontextmanager
async def collector_off() -> AsyncIterator[None]:
    """What nothing refers to goes at once; what goes round in circles stays."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def there_are(*types: type) -> int:
    """Objects of these types."""
    return sum(type(each) in types for each in gc.get_objects())


async def left_over(*types: type, of_use: int = 0) -> int:
    """Objects of these types beyond those `of_use`, after everything that was to end has had its time."""
    for _ in range(LOOKS):
        if there_are(*types) == of_use:
            return 0
        await asyncio.sleep(LOOK_S)
    return there_are(*types) - of_use
