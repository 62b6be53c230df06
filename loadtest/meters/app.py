"""One participant's app: a socket that answers what a session asks of it.

Decides when a message arrived: the instant is taken when the bytes are read,
before anything is parsed, because two thousand apps share this process and none
should wait for the others' parsing. Pings and acknowledges as a real app does,
an acknowledgement later by the way it would have over a network.
The frames are `websockets`' own (its protocol without I/O), so each end of the
socket is another implementation.
"""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from gateway.sdk.problem import NothingCame, ProblemAnswer

ANSWER_S = 30.0
PING_S = 5.0
PRESENCE = b'{"type":"presence"'
"""Frames that nobody here looks at."""
TICK = b'{"type":"tick"'
FRAME_HEAD_BYTES = 18
"""A short frame's header (RFC 6455 §5.2) and the first words of its message."""
WAY_S = (0.08, 0.25)
"""How long an acknowledgement is under way, from app to app; on loopback all would come at once."""

Message = dict[str, Any]
Listener = Callable[[Message, int], None]
"""Called with a message and the monotonic instant it arrived at."""


class MeterApp(asyncio.Protocol):
    """One signed-in socket."""

    def __init__(self, url: str, *, listener: Listener) -> None:
        """`listener` hears every message that answers no request."""
        address = url.replace("http", "ws", 1) + "/v1/socket"
        self._frames = ClientProtocol(
            parse_uri(address), subprotocols=[Subprotocol("gateway.json")], max_size=1 << 20
        )
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._inbox: list[tuple[bytes, int]] = []
        self._way_s = random.uniform(*WAY_S)
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Message]] = {}
        self._awaited: dict[str, asyncio.Future[Message]] = {}
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ping: asyncio.TimerHandle | None = None
        self.is_lost = False
        """The gateway has gone without being asked to."""

    async def open(self, url: str, token: str, *, phase_s: float) -> None:
        """Connect and sign in; pings begin after `phase_s`, so that not all ping at once."""
        host, _, port = url.removeprefix("http://").rpartition(":")
        await self._loop.create_connection(lambda: self, host, int(port))
        await asyncio.wait_for(self._opened, ANSWER_S)
        await self.request("auth", token=token)
        self._ping = self._loop.call_later(phase_s, self._say_ping)

    async def request(self, type_: str, **fields: object) -> Message:
        """Ask and wait for the answer.

        Raises:
            ProblemAnswer: refused.
            NothingCame: no answer within ANSWER_S.
        """
        name = f"m{next(self._numbers)}"
        self._asked[name] = future = self._loop.create_future()
        self._send(json.dumps({"type": type_, "id": name, **fields}).encode())
        try:
            answer: Message = await asyncio.wait_for(future, ANSWER_S)
        except TimeoutError:
            raise NothingCame(f"{type_} was not answered within {ANSWER_S} s") from None
        finally:
            self._asked.pop(name, None)
        if answer["type"] == "problem":
            raise ProblemAnswer(answer)
        return answer

    def expect(self, type_: str) -> asyncio.Future[Message]:
        """The next message of that type; ask before it can come."""
        self._awaited[type_] = future = self._loop.create_future()
        return future

    def acknowledge(self, session: str, tick: int, head: str) -> None:
        """Acknowledge a tick."""
        self._send(
            b'{"type":"tick.ack","id":"m%d","session":"%b","tick":%d,"head":"%b"}'
            % (next(self._numbers), session.encode(), tick, head.encode())
        )

    def close(self) -> None:
        """Leave without a word."""
        if self._ping is not None:
            self._ping.cancel()
        if self._transport is not None:
            transport, self._transport = self._transport, None
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio hands over the socket."""
        self._transport = cast("asyncio.Transport", transport)
        self._frames.send_request(self._frames.connect())
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The far end went, or this one did."""
        self.is_lost = self._transport is not None
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Note the instant; a tick is parsed and acknowledged as much later as its network is long."""
        self._inbox.append((data, time.monotonic_ns()))
        if TICK in data[:FRAME_HEAD_BYTES]:
            self._loop.call_later(self._way_s, self._read)
        else:
            self._loop.call_soon(self._read)

    def _read(self) -> None:
        inbox, self._inbox = self._inbox, []
        for data, at_ns in inbox:
            self._frames.receive_data(data)
            for event in self._frames.events_received():
                if isinstance(event, Response):
                    if not self._opened.done():
                        self._opened.set_result(None)
                elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    self._take(bytes(event.data), at_ns)
        self._flush()

    def _take(self, text: bytes, at_ns: int) -> None:
        if text.startswith(PRESENCE):
            return
        message: Message = json.loads(text)
        waiting = self._asked.get(message.get("re", "")) or self._awaited.pop(message["type"], None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
        self._listener(message, at_ns)

    def _say_ping(self) -> None:
        self._ping = self._loop.call_later(PING_S, self._say_ping)
        self._send(b'{"type":"ping","id":"m%d"}' % next(self._numbers))

    def _send(self, text: bytes) -> None:
        if self._transport is not None:
            self._frames.send_text(text)
            self._flush()

    def _flush(self) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._frames.data_to_send()))
