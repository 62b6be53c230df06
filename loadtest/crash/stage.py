"""What everybody knows of the gateway's present life.

Decides nothing; it says whether a gateway is up and where, counts its lives, and
passes on that something has just been asked of it, so that it can be killed in
the middle of that.
Keeps: a life that is about to be killed is no longer up, so that what then fails
is nobody's fault.
"""

import asyncio
import time
from enum import StrEnum


class Moment(StrEnum):
    """When a gateway is killed."""

    RINGING = "ringing"
    """Just after an invitation was sent: the first hold is being placed."""
    CONNECTING = "connecting"
    """Just after an acceptance was sent: legs are negotiated, start witnesses gathered."""
    METERING = "metering"
    """At any time while calls go on."""
    HOLD = "hold"
    """Just after a tick at which another hold is due."""
    SETTLEMENT = "settlement"
    """Just after a hang-up was sent."""
    RECOVERY = "recovery"
    """Soon after a start, while sessions are taken up again."""
    STARTUP = "startup"
    """Before it has said that it is ready."""


class Stage:
    """One gateway's lives, one after the other."""

    def __init__(self) -> None:
        self.life = 0
        """Number of the present life."""
        self.url = ""
        """Where it is."""
        self.is_over = False
        """No further calls are placed."""
        self.killed_at_ns: dict[int, int] = {}
        """When each life ended."""
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._happened = {moment: asyncio.Event() for moment in Moment}

    @property
    def is_up(self) -> bool:
        """Whether a gateway serves."""
        return self._up.is_set()

    def rise(self, url: str) -> None:
        """A gateway serves there."""
        self.life += 1
        self.url = url
        self._down.clear()
        self._up.set()

    def fall(self) -> None:
        """It is killed now."""
        self._up.clear()
        self._down.set()
        self.killed_at_ns[self.life] = time.monotonic_ns()

    async def until_up(self) -> int:
        """Return when a gateway serves; answers its life."""
        await self._up.wait()
        return self.life

    async def until_down(self) -> None:
        """Return when the present life ends."""
        await self._down.wait()

    def tell(self, moment: Moment) -> None:
        """That has just been asked."""
        self._happened[moment].set()

    async def until(self, moment: Moment, within_s: float) -> None:
        """Return when that is asked next, or when the time is over."""
        happened = self._happened[moment]
        happened.clear()
        try:
            await asyncio.wait_for(happened.wait(), within_s)
        except TimeoutError:
            return
