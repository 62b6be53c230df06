"""The signalling socket, from the app's end.

Decides how requests meet their answers (by `re`), how everything else is queued
for whoever waits, and how a lost socket comes back with its resume token.
Never decides what a call does next; `participant.py` does.
Keeps: every event goes to all listeners in order, then to one waiter or the inbox.
Rules: docs/wire.md (socket).
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar, overload
from urllib.parse import urlsplit

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from gateway.sdk.codec import Message, Subprotocol, decode, encode
from gateway.sdk.event import Event, Welcome, parse
from gateway.sdk.problem import NothingCame, ProblemAnswer, SocketLost

INBOX_EVENTS_MAX = 1_024
"""Events nobody has waited for; the oldest give way."""
ANSWER_S = 10.0
"""How long a request waits for its answer."""
COME_BACK_AFTER_S = (0.0, 0.5, 1.0, 2.0, 4.0, 7.0)
"""Pauses between attempts to come back; together about the gateway's grace."""
FINAL_CLOSE_CODES = frozenset({1000, 4401, 4409})
"""Closed on purpose, refused or replaced: coming back would be wrong."""

E = TypeVar("E", bound=Event)
Listener = Callable[[Event], None]
Test = Callable[[Event], bool]


class SignalClient:
    """One signalling socket of one account."""

    def __init__(
        self,
        url: str,
        *,
        subprotocol: Subprotocol = Subprotocol.JSON,
        is_resuming: bool = False,
    ) -> None:
        """`url` is the gateway's HTTP address; the socket's path is added.

        `is_resuming` makes a lost socket come back by itself with its resume token.
        """
        self._url = url.replace("http", "ws", 1).rstrip("/") + "/v1/socket"
        self._subprotocol = subprotocol
        self._is_resuming = is_resuming
        self._socket: ClientConnection | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Message]] = {}
        self._waiters: list[tuple[Test, asyncio.Future[Event]]] = []
        self._inbox: deque[Event] = deque(maxlen=INBOX_EVENTS_MAX)
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._token = ""
        self._is_closing = False
        self._lost: SocketLost | None = None
        self.unreadable: deque[str] = deque(maxlen=16)
        """Messages that did not have the shape they should have."""
        self.welcome: Welcome | None = None
        """The last welcome."""

    async def connect(self) -> None:
        """Open the socket; nothing may be said before `auth`.

        Raises:
            SocketLost: nobody answers there.
        """
        self._socket = await self._open()

    async def auth(self, token: str, *, resume: str | None = None) -> Welcome:
        """Say who speaks and take up live sessions with a `resume` token.

        Raises:
            ProblemAnswer, SocketLost: the token was refused.
        """
        assert self._socket is not None, "connect first"
        self._token = token
        self.welcome = await self._greet(self._socket, resume)
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._ping(self.welcome.ping_s)),
        ]
        return self.welcome

    async def renew(self, token: str) -> None:
        """Go on with a fresh token on the same socket, before the old one expires.

        Raises:
            ProblemAnswer: the token was refused.
        """
        self._token = token
        self.welcome = Welcome.model_validate(await self.request("auth", token=token))

    async def request(self, type_: str, **fields: object) -> Message:
        """Ask and wait for the answer with this request's id.

        Raises:
            ProblemAnswer: refused.
            SocketLost: the socket went away before the answer.
            NothingCame: no answer within ANSWER_S.
        """
        name = str(fields.pop("id", None) or f"m{next(self._numbers)}")
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[name] = answer
        try:
            await self._send({"type": type_, "id": name, **fields})
            return await asyncio.wait_for(answer, ANSWER_S)
        except TimeoutError:
            raise NothingCame(f"{type_} was not answered within {ANSWER_S} s") from None
        finally:
            self._asked.pop(name, None)

    async def post(self, type_: str, **fields: object) -> str:
        """Send without waiting; a refusal arrives as a `Problem` event. Answers the message's id."""
        name = str(fields.pop("id", None) or f"m{next(self._numbers)}")
        await self._send({"type": type_, "id": name, **fields})
        return name

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every event, at once and in order."""
        self._listeners.append(listener)

    def deliver(self, event: Event) -> None:
        """Take an event, from this socket or from a data channel beside it."""
        for listener in self._listeners:
            listener(event)
        for waiter in self._waiters:
            test, future = waiter
            if not future.done() and test(event):
                future.set_result(event)
                return
        self._inbox.append(event)

    @overload
    async def wait(
        self, kind: type[E], *, session: str | None = None, timeout_s: float = 10.0, where: Test | None = None
    ) -> E: ...

    @overload
    async def wait(
        self, kind: str, *, session: str | None = None, timeout_s: float = 10.0, where: Test | None = None
    ) -> Event: ...

    async def wait(
        self,
        kind: type[E] | str,
        *,
        session: str | None = None,
        timeout_s: float = 10.0,
        where: Test | None = None,
    ) -> E | Event:
        """Take the first event of `kind` (class or wire type) that came or will come.

        Raises:
            NothingCame: within `timeout_s`.
            SocketLost: the socket is gone for good.
        """

        def fits(event: Event) -> bool:
            is_kind = event.type == kind if isinstance(kind, str) else isinstance(event, kind)
            return is_kind and session in (None, event.about) and (where is None or where(event))

        for event in self._inbox:
            if fits(event):
                self._inbox.remove(event)
                return event
        if self._lost is not None:
            raise self._lost
        return await self._wait(fits, kind, timeout_s)

    async def events(self) -> AsyncIterator[Event]:
        """Every event nobody else waits for, until the socket is gone for good."""
        while True:
            try:
                yield await self.wait(Event, timeout_s=3600)
            except (SocketLost, NothingCame):
                return

    def drop(self) -> None:
        """Cut the connection without a word, as a lost network does."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def close(self) -> None:
        """Leave politely and forget everything."""
        self._is_closing = True
        # The ping and the reader first: a ping in flight would fail with nobody left to hear it.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        self._give_up(SocketLost(1000, "closed here"))

    async def _open(self) -> ClientConnection:
        is_near = urlsplit(self._url).hostname in ("127.0.0.1", "::1", "localhost")
        try:
            return await connect(
                self._url,
                subprotocols=[self._subprotocol],  # type: ignore[list-item]
                compression=None,
                ping_interval=None,
                close_timeout=2,
                proxy=None if is_near else True,
            )
        except (OSError, WebSocketException) as refused:
            raise SocketLost(1006, str(refused)) from refused

    async def _greet(self, socket: ClientConnection, resume: str | None) -> Welcome:
        name = f"m{next(self._numbers)}"
        greeting: Message = {"type": "auth", "id": name, "token": self._token}
        if resume is not None:
            greeting["resume"] = resume
        try:
            await socket.send(encode(greeting, self._subprotocol))
            while True:
                message = decode(await asyncio.wait_for(socket.recv(), ANSWER_S))
                if message.get("re") == name:
                    break
                self._take(message)
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        if message["type"] == "problem":
            raise ProblemAnswer(message)
        return Welcome.model_validate(message)

    async def _read(self) -> None:
        while True:
            lost = await self._read_until_closed()
            self._fail_requests(lost)
            if self._is_closing or not self._is_resuming or lost.code in FINAL_CLOSE_CODES:
                break
            if not await self._come_back():
                break
        self._give_up(lost)

    async def _read_until_closed(self) -> SocketLost:
        assert self._socket is not None, "connect first"
        try:
            while True:
                self._take(decode(await self._socket.recv()))
        except ConnectionClosed as closed:
            return _lost(closed)

    def _take(self, message: Message) -> None:
        answer = self._asked.get(str(message.get("re")))
        if answer is not None and not answer.done():
            if message.get("type") == "problem":
                answer.set_exception(ProblemAnswer(message))
            else:
                answer.set_result(message)
            return
        try:
            event = parse(message)
        except ValidationError as wrong:
            self.unreadable.append(f"{message.get('type')}: {wrong}")
            return
        self.deliver(event)

    async def _come_back(self) -> bool:
        for pause_s in COME_BACK_AFTER_S:
            await asyncio.sleep(pause_s)
            with contextlib.suppress(SocketLost, TimeoutError):
                socket = await self._open()
                resume = self.welcome.resume_token if self.welcome else None
                try:
                    welcome = await self._greet(socket, resume)
                except ProblemAnswer:
                    await socket.close()
                    return False
                self._socket, self.welcome = socket, welcome
                self.deliver(welcome)
                return True
        return False

    async def _ping(self, every_s: int) -> None:
        while True:
            await asyncio.sleep(every_s)
            with contextlib.suppress(SocketLost, ProblemAnswer, NothingCame):
                await self.request("ping")

    async def _send(self, message: Message) -> None:
        assert self._socket is not None, "connect first"
        try:
            await self._socket.send(encode(message, self._subprotocol))
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def _wait(self, fits: Test, kind: type[E] | str, timeout_s: float) -> Event:
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        waiter = (fits, future)
        self._waiters.append(waiter)
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            name = kind if isinstance(kind, str) else kind.__name__
            seen = ", ".join(sorted({event.type for event in self._inbox})) or "nothing"
            raise NothingCame(
                f"no {name} within {timeout_s} s; waiting: {seen}; unreadable: {list(self.unreadable)}"
            ) from None
        finally:
            self._waiters.remove(waiter)

    def _fail_requests(self, lost: SocketLost) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(lost)

    def _give_up(self, lost: SocketLost) -> None:
        self._lost = self._lost or lost
        self._fail_requests(lost)
        for _, future in self._waiters:
            if not future.done():
                future.set_exception(lost)


def _lost(closed: ConnectionClosed) -> SocketLost:
    if closed.rcvd is None:
        return SocketLost(1006, "no close frame")
    return SocketLost(closed.rcvd.code, closed.rcvd.reason)
