"""A media plane on loopback, and calls through it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from gateway.clock import SystemClock
from gateway.facts import LegConnected
from gateway.ids import SessionId
from gateway.media.adapters.plane import open_plane
from gateway.media.service import MediaService
from gateway.terms import SessionKind, Side
from tests.media.adapters.relay_bench import TWINS, Bench
from tests.media.app import CERTIFICATES, App
from tests.media.facts import Facts
from tests.media.handset import bound_socket

SESSION = SessionId("ses_1")


LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """ICE-TCP stands on the loop's own transports, so it is tried on uvloop too, which the gateway runs on."""
    return LOOPS if item.path.name.startswith("test_ice_tcp") else {"asyncio": LOOPS["asyncio"]}


class Call:
    """A plane with two apps in one session."""

    def __init__(self, media: MediaService, facts: Facts) -> None:
        self.media = media
        self.facts = facts
        self.apps: list[App] = []
        self.strangers: list[socket.socket] = []
        self.seq = 0

    def app(self, certificate: int = 0) -> App:
        made = App(CERTIFICATES[certificate])
        self.apps.append(made)
        return made

    def stranger(self) -> socket.socket:
        """A socket that belongs to no leg."""
        made = bound_socket()
        self.strangers.append(made)
        return made

    def move(self, app: App) -> None:
        """Go on from another port, as after a change of network."""
        self.strangers.append(app.move())

    async def answer(self, app: App, side: Side, **changes: str) -> str:
        return await self.media.answer(SESSION, side, SessionKind.VOICE, app.offer(**changes))

    async def join(self, side: Side, certificate: int = 0) -> App:
        """An app that is connected on that side."""
        app = self.app(certificate)
        before = len(self.facts.of(LegConnected))
        await app.join(await self.answer(app, side))
        await self.facts.until(LegConnected, before + 1)
        return app

    async def connect(self) -> tuple[App, App]:
        """Both apps connected and linked."""
        client, provider = await self.join(Side.CLIENT), await self.join(Side.PROVIDER, 1)
        self.media.link(SESSION)
        await self.undisturbed(client, provider)
        return client, provider

    async def undisturbed(self, client: App, provider: App) -> None:
        """A word each way passes, and it is the next thing that is heard."""
        self.seq += 1
        client.speak(self.seq, b"to provider %d" % self.seq)
        provider.speak(self.seq, b"to client %d" % self.seq)
        assert (await provider.hear()).payload == b"to provider %d" % self.seq
        assert (await client.hear()).payload == b"to client %d" % self.seq

    def dropped(self) -> Mapping[str, int]:
        """What was dropped, without what never was."""
        return {reason: count for reason, count in self.media.drops().items() if count}


@pytest.fixture(params=TWINS)
async def call(request: pytest.FixtureRequest) -> AsyncIterator[Call]:
    facts = Facts()
    media = await open_plane(host="127.0.0.1", port=0, clock=SystemClock(), sink=facts, relay=request.param)
    made = Call(media, facts)
    yield made
    for app in made.apps:
        await app.close()
    for stranger in made.strangers:
        stranger.close()
    await media.close()


@pytest.fixture(params=TWINS)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made = Bench(TWINS[request.param])
    yield made
    made.close()
