"""The signalling socket at /v1/socket.

Decides whether a request becomes a socket: a subprotocol must be agreed on and
there must be room, in all and for those of one address who have not signed in
yet. Each socket then is one `Conversation`.
Never authenticates by header or cookie: the first message does, so another
site's page cannot borrow a browser's sign-in.
Keeps: every socket is closed and its legs are detached when `close` returns.
See docs/wire.md, "Socket".
"""

import asyncio
import itertools
from typing import Final

from aiohttp import web

from gateway.clock import NS, Clock
from gateway.errors import Malformed, TooMany, Unavailable
from gateway.http.gatekeeper import address_of
from gateway.http.limiter import caller_of_address
from gateway.limits import AUTH_DEADLINE_NS, SOCKET_MESSAGE_BYTES_MAX, UNKNOWN_SOCKETS_PER_ADDRESS_MAX
from gateway.signaling.adapters.codec import Subprotocol, Writer
from gateway.signaling.adapters.dispatch import Dispatch
from gateway.signaling.adapters.gathering import Gathering
from gateway.signaling.adapters.socket_connection import CLOSE_S, SocketConnection
from gateway.signaling.adapters.socket_conversation import Conversation
from gateway.signaling.desk_service import Desk
from gateway.signaling.ports import Tokens
from gateway.signaling.socket_ports import CloseCode, Timer

SOCKETS_MAX: Final = 10_000
"""Sockets of one process: two for each live session, the rest for those who look around."""
FRAME_BYTES_MAX: Final = 4 * SOCKET_MESSAGE_BYTES_MAX
"""Up to here a large message is read and closes with 4413; beyond it aiohttp closes with 1009 unread."""


class SocketServer:
    """Every socket of this process."""

    def __init__(self, *, desk: Desk, tokens: Tokens, clock: Clock, timer: Timer, proxies: int = 0) -> None:
        """`proxies` in front are trusted to say whom a request comes from."""
        self._desk = desk
        self._dispatch = Dispatch(desk=desk, clock=clock)
        self._tokens = tokens
        self._clock = clock
        self._timer = timer
        self._numbers = itertools.count(1)
        self._writer, self._gathering = Writer(), Gathering()
        self._open: dict[Conversation, asyncio.Event] = {}
        self._proxies = proxies
        self._unknown: dict[str, set[Conversation]] = {}
        """By caller, those who had not signed in when somebody last looked."""
        self._is_closing = False

    def __len__(self) -> int:
        return len(self._open)

    def routes(self) -> list[web.RouteDef]:
        """What the web server adds as it is."""
        return [web.get("/v1/socket", self.handle)]

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Turn a request into a socket and stay with it until it closes."""
        if self._is_closing or len(self._open) >= SOCKETS_MAX:
            raise Unavailable("No further socket can be opened here at present.")
        caller = caller_of_address(address_of(request, proxies=self._proxies))
        self._admit(caller)
        socket = web.WebSocketResponse(
            protocols=tuple(Subprotocol), max_msg_size=FRAME_BYTES_MAX, compress=False, timeout=CLOSE_S
        )
        if socket.can_prepare(request).protocol is None:
            raise Malformed(
                "Open a WebSocket with the subprotocol gateway.json or gateway.msgpack.",
                code="subprotocol_missing",
            )
        stream = await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        connection = SocketConnection(
            socket,
            name=f"soc_{next(self._numbers)}",
            transport=transport,
            drain=stream.drain,
            writer=self._writer,
            gathering=self._gathering,
        )
        conversation = Conversation(
            connection,
            desk=self._desk,
            dispatch=self._dispatch,
            tokens=self._tokens,
            clock=self._clock,
            timer=self._timer,
        )
        self._open[conversation] = over = asyncio.Event()
        self._unknown.setdefault(caller, set()).add(conversation)
        try:
            await conversation.run()
        finally:
            del self._open[conversation]
            self._forget(caller, conversation)
            over.set()
        return socket

    def _admit(self, caller: str) -> None:
        """Let one more socket of that address in.

        Raises:
            TooMany: as many of them wait to sign in as may.
        """
        unknown = {each for each in self._unknown.get(caller, ()) if not each.connection.is_signed_in}
        if len(unknown) >= UNKNOWN_SOCKETS_PER_ADDRESS_MAX:
            raise TooMany(
                "Too many sockets of this address have not signed in.", retry_after_s=AUTH_DEADLINE_NS // NS
            )
        if unknown:
            self._unknown[caller] = unknown
        else:
            self._unknown.pop(caller, None)

    def _forget(self, caller: str, conversation: Conversation) -> None:
        unknown = self._unknown.get(caller, set())
        unknown.discard(conversation)
        if not unknown:
            self._unknown.pop(caller, None)

    async def close(self) -> None:
        """Close every socket as GOING_AWAY and wait until they are gone; take no more."""
        self._is_closing = True
        leaving = dict(self._open)
        for conversation in leaving:
            conversation.connection.close(CloseCode.GOING_AWAY, "the gateway shuts down")
        await asyncio.gather(*(over.wait() for over in leaving.values()))
