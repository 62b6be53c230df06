"""One WebSocket: written at once while its reader keeps up, else by a bounded queue and a task.

Decides what happens to a reader that is too slow: when the queue is full the
socket is closed, because a message that was skipped would be a lie.
Never reads meaning into frames; it hands their data on as it came.
Keeps: `send` and `close` never wait; what was queued before a close is written
first, except for a reader too slow to take it; a close ends within CLOSE_S.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import WSMsgType, web

from gateway.limits import SOCKET_QUEUE_MESSAGES_MAX
from gateway.signaling.adapters import codec
from gateway.signaling.adapters.codec import Subprotocol
from gateway.signaling.adapters.gathering import Gathering
from gateway.signaling.notice import Notice, PresenceNotice
from gateway.signaling.socket_ports import CloseCode
from gateway.terms import Principal

DIRECT_BYTES_MAX = 64 * 1024
"""With no more than that unsent a message is handed to the transport at once; beyond it the queue takes it."""
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
        drain: Callable[[], Awaitable[None]],
        writer: codec.Writer | None = None,
        gathering: Gathering | None = None,
    ) -> None:
        """`drain` returns when a slow reader has caught up.

        `writer` and `gathering` are shared by all sockets, so that what goes to many of them is put
        into a frame once, and written together.
        """
        self._socket = socket
        self._frames = writer or codec.Writer()
        self._gathering = gathering or Gathering()
        self._gathered: list[bytes] = []
        """Frames that wait for the next write."""
        self._transport = transport
        self._drain = drain
        self._name = name
        self._subprotocol = Subprotocol(socket.ws_protocol or Subprotocol.JSON)
        self._principal: Principal | None = None
        self._queue: asyncio.Queue[Notice | None] = asyncio.Queue()
        self._is_behind = False
        """The writer has yet to write what was queued; nothing may overtake it."""
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
        """Write a message, or queue it while the reader is slow; with a full queue the socket closes itself instead."""
        if self._closing is not None:
            return
        if not self._is_behind and self._transport.get_write_buffer_size() <= DIRECT_BYTES_MAX:
            if type(notice) is PresenceNotice:
                self._gather(notice)
            else:
                self._write_now(notice)
            return
        self.flush()
        self._is_behind = True
        if self._queue.qsize() >= SOCKET_QUEUE_MESSAGES_MAX:
            self.close(CloseCode.TOO_SLOW, "reads too slowly")
            return
        self._queue.put_nowait(notice)

    def close(self, code: CloseCode, reason: str) -> None:
        """Close soon; never blocks, may be repeated, the first reason stands."""
        if self._closing is not None:
            return
        self._closing = (code, reason)
        self.flush()
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
        _forget_frames(self._socket.exception())

    def flush(self) -> None:
        """Write what was gathered."""
        if self._gathered:
            gathered, self._gathered = b"".join(self._gathered), []
            # A socket that has gone says so to its reader; here there is nothing to do about it.
            if not (self._socket.closed or self._transport.is_closing()):
                self._transport.write(gathered)

    def _gather(self, notice: Notice) -> None:
        if not self._gathered:
            self._gathering.add(self)
        self._gathered.append(self._framed(notice))

    def _write_now(self, notice: Notice) -> None:
        """Write it, after what was gathered before."""
        self._gathered.append(self._framed(notice))
        self.flush()

    def _framed(self, notice: Notice) -> bytes:
        """The frame; where it cannot be written, nothing, and the socket closes."""
        try:
            return self._frames.write(self._subprotocol, notice)
        except Exception:
            _log.exception("notice_not_written", notice=type(notice).__name__)
            self.close(CloseCode.INTERNAL, "the gateway failed")
            return b""

    async def _write(self) -> None:
        # Ended by `settle` alone, and then as if it had returned: a cancelled task keeps its frame, and with it the socket.
        with contextlib.suppress(asyncio.CancelledError):
            while (notice := await self._queue.get()) is not None:
                self._write_now(notice)
                with contextlib.suppress(ConnectionError):
                    await self._drain()
                self._is_behind = not self._queue.empty()

    async def _close(self) -> None:
        assert self._closing is not None, "close() sets it"
        code, reason = self._closing
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.wait({self._writer})
                await self._socket.close(code=code, message=reason.encode()[:REASON_BYTES_MAX])
        except TimeoutError:
            self._transport.abort()


def _forget_frames(error: BaseException | None) -> None:
    """What a socket failed with refers by its frames to the socket, which refers to it: neither would soon go."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__
