"""The signalling socket on a real port, and an independent client (the `websockets` library) for it."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgpack
from aiohttp.test_utils import TestServer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol as Offered

from gateway.errors import Unauthenticated
from gateway.http.server import build_application
from gateway.ids import CountingIdSource
from gateway.signaling.adapters.socket_server import SocketServer
from gateway.terms import Principal
from tests.signaling.fakes import TARIFF, FakeTokens
from tests.signaling.world import FAR_S, World

ANSWER_S = 5


class NoKeys:
    """No integrator has a key."""

    async def verify(self, key: str) -> Principal:
        raise Unauthenticated(key)


class Socket:
    """One app's socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.is_binary = connection.subprotocol == "gateway.msgpack"
        self._numbers = itertools.count(1)
        self.unread: list[dict[str, Any]] = []

    async def send(self, document: object) -> None:
        data: str | bytes = msgpack.packb(document) if self.is_binary else json.dumps(document)
        await self.connection.send(data)

    async def read(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(ANSWER_S):
            frame = await self.connection.recv()
        assert isinstance(frame, bytes) is self.is_binary
        document: dict[str, Any] = msgpack.unpackb(frame) if isinstance(frame, bytes) else json.loads(frame)
        return document

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next message of that type; others are kept."""
        return await self._find("type", kind)

    async def ask(self, kind: str, /, **fields: object) -> dict[str, Any]:
        """Send a message and wait for its answer."""
        name = f"m{next(self._numbers)}"
        await self.send({"type": kind, "id": name, **fields})
        return await self._find("re", name)

    async def _find(self, key: str, value: str) -> dict[str, Any]:
        for message in self.unread:
            if message.get(key) == value:
                self.unread.remove(message)
                return message
        while (message := await self.read()).get(key) != value:
            self.unread.append(message)
        return message

    async def closed(self) -> tuple[int, str]:
        """Read to the end; answers the close code and reason."""
        try:
            while True:
                self.unread.append(await self.read())
        except ConnectionClosed:
            await self.connection.wait_closed()
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


class Stand:
    """A world whose sockets are real."""

    def __init__(self, world: World, server: SocketServer, http: TestServer) -> None:
        self.world = world
        self.server = server
        self.http = http
        self.sockets: list[Socket] = []

    async def open(self, subprotocol: str = "gateway.json", **options: Any) -> Socket:
        """A socket on which nobody has signed in."""
        url = str(self.http.make_url("/v1/socket")).replace("http", "ws", 1)
        settings = {"compression": None, "ping_interval": None, "proxy": None, "close_timeout": 2, **options}
        connection = await connect(url, subprotocols=[Offered(subprotocol)], **settings)
        socket = Socket(connection)
        self.sockets.append(socket)
        return socket

    async def sign_in(
        self,
        account: str = "acc_client",
        roles: str = "client",
        *,
        subprotocol: str = "gateway.json",
        expires_at_s: int = FAR_S,
        **options: Any,
    ) -> Socket:
        """A signed-in socket; its welcome is among the unread."""
        socket = await self.open(subprotocol, **options)
        welcome = await socket.ask("auth", token=f"{account} {roles} {expires_at_s}")
        assert welcome["type"] == "welcome", welcome
        socket.unread.append(welcome)
        return socket


@asynccontextmanager
async def standing(world: World | None = None) -> AsyncIterator[Stand]:
    """A gateway with nothing but the socket."""
    world = world or World()
    server = SocketServer(desk=world.desk, tokens=FakeTokens(), clock=world.clock, timer=world.timer)
    application = build_application(
        [],
        tokens=FakeTokens(),
        api_keys=NoKeys(),
        clock=world.clock,
        ids=CountingIdSource(),
        extra=server.routes(),
    )
    http = TestServer(application)
    await http.start_server()
    stand = Stand(world, server, http)
    try:
        yield stand
    finally:
        for socket in stand.sockets:
            await socket.connection.close()
        await server.close()
        await http.close()


async def ring(stand: Stand, client: Socket, provider: Socket) -> str:
    """A call between the two; answers its session."""
    await provider.ask("presence.set", state="online")
    ringing = await client.ask(
        "session.invite", provider_id="acc_provider", kind="voice", tariff_hash=TARIFF.hash
    )
    assert ringing["type"] == "session.ringing", ringing
    session: str = ringing["session"]["id"]
    return session
