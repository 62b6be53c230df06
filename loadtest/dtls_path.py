"""A leg's datagrams as aiortc's DTLS transport wants them: as if an ICE transport brought them.

Decides that what comes waits in a small bounded queue, and that whoever waits learns when none will come.
Never tells datagrams apart; a leg hands in what is DTLS (RFC 7983) and sends what comes out.
"""

import asyncio
import contextlib
from collections.abc import Callable

CONTROL_QUEUE_MAX = 64


class DtlsPath:
    """What aiortc's DTLS wants of an ICE transport, and no more."""

    role = "controlling"
    state = "completed"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_datagram = send
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue(CONTROL_QUEUE_MAX)

    def put(self, datagram: bytes) -> None:
        """A DTLS datagram came; dropped where too many wait."""
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(datagram)

    def close(self) -> None:
        """No more will come."""
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(None)

    async def _recv(self) -> bytes:
        datagram = await self._inbox.get()
        if datagram is None:
            raise ConnectionError
        return datagram

    async def _send(self, datagram: bytes) -> None:
        self._send_datagram(datagram)
