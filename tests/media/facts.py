"""A sink that keeps facts and lets a test wait for one."""

import asyncio
from typing import TypeVar

from gateway.facts import Fact
from tests.media.handset import WAIT_S

F = TypeVar("F", bound=Fact)


class Facts:
    """Every fact told, in order."""

    def __init__(self) -> None:
        self.told: list[Fact] = []
        self._changed = asyncio.Event()

    def tell(self, fact: Fact) -> None:
        self.told.append(fact)
        self._changed.set()

    def of(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.told if isinstance(fact, kind)]

    async def until(self, kind: type[F], count: int = 1) -> F:
        """The `count`-th fact of that kind, waiting for it."""
        async with asyncio.timeout(WAIT_S):
            while len(self.of(kind)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(kind)[count - 1]
