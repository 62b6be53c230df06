"""One suite for presence in memory and presence in a real Redis."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.clock import SystemClock
from gateway.errors import Unavailable
from gateway.ids import AccountId, RandomIdSource
from gateway.signaling.adapters.presence_memory import Board, PresenceMemory
from gateway.signaling.adapters.presence_redis import KEY, PresenceRedis
from gateway.signaling.presence import Presence
from gateway.signaling.presence_ports import PresenceStore

pytestmark = pytest.mark.adapter

ANN, BOB = AccountId("acc_ann"), AccountId("acc_bob")
STARTS_MAX = 5
"""Another process may take the free port before Redis does."""
Opener = Callable[[], Awaitable[PresenceStore]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait for Redis to listen; False where it gave up."""
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    assert program, "redis-server is missing; tools/setup_system.sh installs it"
    folder: Path = tmp_path_factory.mktemp("redis")
    for _ in range(STARTS_MAX):
        port = free_port()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        process = subprocess.Popen(
            [program, *options, "--dir", str(folder), "--daemonize", "no"], stdout=subprocess.DEVNULL
        )
        try:
            if is_listening(port, process):
                yield f"redis://127.0.0.1:{port}/0"
                return
        finally:
            process.terminate()
            process.wait(timeout=10)
    raise AssertionError("redis-server does not start")


@pytest.fixture(params=["memory", "redis"])
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opener]:
    """Opens handles that share one store; all are closed and the store is emptied afterwards."""
    handles: list[PresenceStore] = []
    if request.param == "memory":
        board = Board()

        async def open_one() -> PresenceStore:
            handles.append(PresenceMemory(board))
            return handles[-1]

        yield open_one
    else:
        url: str = request.getfixturevalue("redis_url")

        async def open_one() -> PresenceStore:
            handles.append(await PresenceRedis.open(url, ids=RandomIdSource(SystemClock())))
            return handles[-1]

        yield open_one
    for handle in handles:
        await handle.close()
    if request.param == "redis":
        async with Redis.from_url(url) as redis:
            await redis.flushall()


class Watched:
    """What a watcher was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.told: list[tuple[AccountId, Presence]] = []
        self._news = asyncio.Event()

    def __call__(self, provider: AccountId, presence: Presence) -> None:
        self.told.append((provider, presence))
        self._news.set()

    async def until(self, count: int) -> list[tuple[AccountId, Presence]]:
        async with asyncio.timeout(5):
            while len(self.told) < count:
                self._news.clear()
                await self._news.wait()
        return self.told


async def test_what_is_said_is_known_to_every_handle(opened: Opener) -> None:
    here, there = await opened(), await opened()

    await here.put(ANN, Presence.ONLINE)
    await there.put(BOB, Presence.IN_SESSION)

    for handle in (here, there):
        assert await handle.get(ANN) is Presence.ONLINE
        assert dict(await handle.all()) == {ANN: Presence.ONLINE, BOB: Presence.IN_SESSION}


async def test_a_provider_nobody_spoke_of_is_offline(opened: Opener) -> None:
    handle = await opened()

    assert await handle.get(ANN) is Presence.OFFLINE
    assert dict(await handle.all()) == {}


async def test_offline_forgets_the_provider(opened: Opener) -> None:
    handle = await opened()
    await handle.put(ANN, Presence.ONLINE)
    await handle.put(ANN, Presence.PAUSED)
    assert await handle.get(ANN) is Presence.PAUSED

    await handle.put(ANN, Presence.OFFLINE)

    assert await handle.get(ANN) is Presence.OFFLINE
    assert dict(await handle.all()) == {}


async def test_a_watcher_hears_the_others_in_order_and_not_itself(opened: Opener) -> None:
    here, there = await opened(), await opened()
    watched = Watched()
    await here.watch(watched)

    await here.put(BOB, Presence.ONLINE)
    for presence in (Presence.ONLINE, Presence.RINGING, Presence.OFFLINE):
        await there.put(ANN, presence)

    told = await watched.until(3)
    assert told == [(ANN, Presence.ONLINE), (ANN, Presence.RINGING), (ANN, Presence.OFFLINE)]


async def test_a_handle_that_closes_takes_back_its_own_words_only(opened: Opener) -> None:
    here, there = await opened(), await opened()
    watched = Watched()
    await here.watch(watched)
    await here.put(BOB, Presence.ONLINE)
    await there.put(ANN, Presence.ONLINE)

    await there.close()

    assert await watched.until(2) == [(ANN, Presence.ONLINE), (ANN, Presence.OFFLINE)]
    assert dict(await here.all()) == {BOB: Presence.ONLINE}


async def test_many_providers_are_listed(opened: Opener) -> None:
    handle = await opened()
    everybody = {AccountId(f"acc_{number}"): Presence.ONLINE for number in range(700)}
    for provider in everybody:
        await handle.put(provider, Presence.ONLINE)

    assert dict(await handle.all()) == everybody


async def test_redis_forgets_a_node_that_stopped_repeating_itself(redis_url: str) -> None:
    dead = await PresenceRedis.open(redis_url, ids=RandomIdSource(SystemClock()))
    alive = await PresenceRedis.open(redis_url, ids=RandomIdSource(SystemClock()))
    watched = Watched()
    await alive.watch(watched)
    await dead.put(ANN, Presence.ONLINE)
    await watched.until(1)
    async with Redis.from_url(redis_url) as redis:
        assert 0 < await redis.pttl(KEY + ANN) <= 30_000
        # What expiry does, without waiting for it.
        await redis.delete(KEY + ANN)

    await alive.repeat()

    assert watched.told[-1] == (ANN, Presence.OFFLINE)
    await dead.close()
    await alive.close()


async def test_redis_keeps_a_provider_whose_node_repeats_itself(redis_url: str) -> None:
    handle = await PresenceRedis.open(redis_url, ids=RandomIdSource(SystemClock()))
    await handle.put(ANN, Presence.ONLINE)
    async with Redis.from_url(redis_url) as redis:
        await redis.pexpire(KEY + ANN, 5_000)

        await handle.repeat()

        assert await redis.pttl(KEY + ANN) > 5_000
    await handle.close()


async def test_redis_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await PresenceRedis.open(f"redis://127.0.0.1:{free_port()}/0", ids=RandomIdSource(SystemClock()))
