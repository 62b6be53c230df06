"""aiortc's `MediaRelay` as a contender.

Decides how offers reach its process (`aiortc_server.py`) and when all its legs are
up. It encodes anew, so it counts sequence numbers anew too.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from loadtest.relay.contender import Running, Unready, child
from loadtest.relay.crowd import Crowd
from loadtest.relay.handshake import Handshakes
from loadtest.relay.process import rss_kb


@contextmanager
def opened(crowd: Crowd, core: int) -> Iterator[Running]:
    """Its process with two peer connections a call."""
    with child(core, "loadtest.relay.aiortc_server") as server:
        server.answer()
        before_kb = rss_kb(server.pid)
        gate = asyncio.Lock()

        async def ask(offers: list[str]) -> list[str]:
            async with gate:
                answers: list[str] = await asyncio.to_thread(server.ask, offers)
                return answers

        handshakes = Handshakes(crowd)
        asyncio.run(handshakes.run(ask))
        if not server.ask([]):
            raise Unready("aiortc: a leg did not come up")
        lines = handshakes.lines(is_echo=False, is_renumbered=True)
        yield Running(pid=server.pid, lines=lines, rss_kb=before_kb)
