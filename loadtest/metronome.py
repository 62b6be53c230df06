"""Paces every leg of the generator at one packet in 20 ms.

Decides who sends when: legs are spread over slots of 2 ms, so that the gateway
sees a stream and not a burst, and a late slot is made up for at once.
Never lets a leg fall behind real time, and says how late it was.
"""

import asyncio
import time
from collections.abc import Callable

SLOTS = 10
SLOT_S = 0.002

Beat = Callable[[], None]


class Metronome:
    """Calls each joined beat once per 20 ms."""

    def __init__(self) -> None:
        self._slots: list[list[Beat]] = [[] for _ in range(SLOTS)]
        self._task: asyncio.Task[None] | None = None
        self.late_us_max = 0
        """The latest slot so far."""

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def join(self, beat: Beat) -> None:
        """Beat from now on, in the emptiest slot."""
        min(self._slots, key=len).append(beat)

    def leave(self, beat: Beat) -> None:
        """Beat no more."""
        for slot in self._slots:
            if beat in slot:
                slot.remove(beat)

    async def _run(self) -> None:
        began = time.monotonic()
        number = 0
        while True:
            due = began + number * SLOT_S
            now = time.monotonic()
            if now < due:
                await asyncio.sleep(due - now)
            else:
                self.late_us_max = max(self.late_us_max, round((now - due) * 1e6))
                if number % SLOTS == 0:
                    await asyncio.sleep(0)
            for beat in tuple(self._slots[number % SLOTS]):
                beat()
            number += 1
