"""Sockets whose frames nobody waits for are written a few times a second, not once for each frame.

Decides when: every GATHER_S for all sockets together, some of them in each turn
of the event loop, so that ticks go out in between. A thousand people who see a
thousand providers come and go would else be a million writes.
Never holds a frame (`socket_connection.py` does) and never drops one.
"""

import asyncio
from collections import deque
from typing import Protocol

GATHER_S = 0.25
"""How long a frame that nobody waits for may wait for companions."""
SOCKETS_PER_TURN = 50
"""Sockets written before the event loop gets a turn."""


class Gathers(Protocol):
    """A socket with gathered frames."""

    def flush(self) -> None:
        """Write what was gathered; does nothing where it was written already."""
        ...


class Gathering:
    """The sockets that have gathered something; one object for all of them."""

    def __init__(self) -> None:
        self._waiting: deque[Gathers] = deque()
        self._is_due = False

    def add(self, socket: Gathers) -> None:
        """The socket has its first gathered frame: it is flushed soon."""
        self._waiting.append(socket)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(GATHER_S, self._write)

    def _write(self) -> None:
        for _ in range(min(SOCKETS_PER_TURN, len(self._waiting))):
            self._waiting.popleft().flush()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        else:
            self._is_due = False
