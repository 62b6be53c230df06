"""One WebSocket with a bounded queue and a task that writes it.

Decides what happens to a reader that is too slow: when the queue is full the
socket is closed, because a message that was skipped would be a lie.
Never reads meaning into frames; it hands their data on as it came.
Keeps: `send` and `close` never wait; what was queued before a close is written
first, except for a reader too slow to take it; a close ends within CLOSE_S.
"""

import asyncio
import contextlib

import structlog
from aiohttp import WSMsgType, web

from gateway.limits import SOCKET_QUEUE_MESSAGES_MAX
from gateway.signaling.adapters import codec
from gateway.signaling.adapters.codec import Subprotocol
from gateway.signaling.notice import Notice
from gateway.signaling.socket_ports import CloseCode
from gateway.terms import Principal

CLOSE_S = 2.0
"""How long the far end may take to take the rest and to answer a close."""
REASON_BYTES_MAX = 123
"""Of a close frame (RFC 6455 §5.5.1)."""

_log = structlog.get_logger()


class SocketConnection:
    """The `Connection` of production."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        *,
        name: str,
        transport: asyncio.Transport,
        writer: codec.Writer | None = None,
    ) -> None:
        """`writer` is shared by all sockets, so that what goes to many of them is written once."""
        self._socket = socket
        self._frames = writer or codec.Writer()
        self._transport = transport
        self._name = name
        self._subprotocol = Subprotocol(socket.ws_protocol or Subprotocol.JSON)
        self._principal: Principal | None = None
        self._queue: asyncio.Queue[Notice | None] = asyncio.Queue()
        self._closing: tuple[CloseCode, str] | None = None
        self._writer = asyncio.create_task(self._write(), name=f"socket-writer:{name}")
        self._closer: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        """Unique in this process."""
        return self._name

    @property
    def subprotocol(self) -> Subprotocol:
        """How messages are written on it."""
        return self._subprotocol

    @property
    def principal(self) -> Principal:
        """Who is signed in on it."""
        assert self._principal is not None, "nobody asks before sign-in"
        return self._principal

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody has signed in."""
        return self._principal is not None

    @property
    def is_closing(self) -> bool:
        """Whether nothing that still comes matters."""
        return self._closing is not None

    def sign_in(self, principal: Principal) -> None:
        """Note who speaks; a fresh token of the same account replaces the old one."""
        self._principal = principal

    def send(self, notice: Notice) -> None:
        """Queue a message; a socket whose queue is full closes itself instead."""
        if self._closing is not None:
            return
        if self._queue.qsize() >= SOCKET_QUEUE_MESSAGES_MAX:
            self.close(CloseCode.TOO_SLOW, "reads too slowly")
            return
        self._queue.put_nowait(notice)

    def close(self, code: CloseCode, reason: str) -> None:
        """Close soon; never blocks, may be repeated, the first reason stands."""
        if self._closing is not None:
            return
        self._closing = (code, reason)
        self._queue.put_nowait(None)
        self._closer = asyncio.create_task(self._close(), name=f"socket-closer:{self._name}")

    async def receive(self) -> str | bytes | None:
        """The data of the next frame; None once the socket is closed."""
        frame = await self._socket.receive()
        if frame.type is WSMsgType.TEXT or frame.type is WSMsgType.BINARY:
            data: str | bytes = frame.data
            return data
        return None

    async def settle(self) -> None:
        """Wait until the socket is closed and its tasks have ended."""
        if self._closer is not None:
            await self._closer
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        while (notice := await self._queue.get()) is not None:
            try:
                frame = self._frames.write(self._subprotocol, notice)
            except Exception:
                _log.exception("notice_not_written", notice=type(notice).__name__)
                self.close(CloseCode.INTERNAL, "the gateway failed")
                continue
            # A socket that has gone says so to its reader; here there is nothing to do about it.
            with contextlib.suppress(ConnectionError):
                if isinstance(frame, str):
                    await self._socket.send_str(frame)
                else:
                    await self._socket.send_bytes(frame)

    async def _close(self) -> None:
        assert self._closing is not None, "close() sets it"
        code, reason = self._closing
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.wait({self._writer})
                await self._socket.close(code=code, message=reason.encode()[:REASON_BYTES_MAX])
        except TimeoutError:
            self._transport.abort()
