"""Presence in Redis, for more than one node.

Decides how long a node's word stands without being repeated: TTL_MS, so that
the providers of a node that died fall off the list by themselves.
Never the authority on who is in a session; the database is.
Keeps: one key per provider, one channel for changes; a change carries its
node's name, so a node does not hear itself. Redis's failures become Unavailable.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.errors import Unavailable
from gateway.ids import AccountId, IdSource
from gateway.signaling.presence import Presence
from gateway.signaling.presence_ports import Watcher

TTL_MS = 30_000
"""How long a provider is seen after the last word of his node."""
REPEAT_S = 10.0
"""How often a node repeats itself; two repeats may be lost."""
ANSWER_S = 2.0
"""How long Redis may take."""
KEY = "gateway:presence:"
CHANNEL = "gateway:presence"
SCAN_COUNT = 500
"""Keys asked for at a time."""

_log = structlog.get_logger()


class PresenceRedis:
    """One node's handle."""

    def __init__(self, redis: Redis, *, node: str) -> None:
        self._redis = redis
        self._node = node
        self._ours: dict[AccountId, Presence] = {}
        self._theirs: dict[AccountId, Presence] = {}
        self._watcher: Watcher | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, url: str, *, ids: IdSource) -> "PresenceRedis":
        """Connect to `redis://host:port/db`.

        Raises:
            Unavailable: nobody answers there.
        """
        redis = Redis.from_url(
            url, decode_responses=True, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
        )
        handle = cls(redis, node=ids.new("nod"))
        try:
            async with _mapped():
                await redis.ping()
        except Unavailable:
            await redis.aclose()
            raise
        handle._tasks.append(asyncio.create_task(handle._repeat(), name="presence-repeat"))
        return handle

    async def put(self, provider: AccountId, presence: Presence) -> None:
        """Say what others see; OFFLINE forgets the provider."""
        if presence is Presence.OFFLINE:
            self._ours.pop(provider, None)
        else:
            self._ours[provider] = presence
        async with _mapped(), self._redis.pipeline(transaction=True) as pipeline:
            if presence is Presence.OFFLINE:
                pipeline.delete(KEY + provider)
            else:
                pipeline.set(KEY + provider, presence.value, px=TTL_MS)
            pipeline.publish(CHANNEL, f"{self._node} {presence.value} {provider}")
            await pipeline.execute()

    async def get(self, provider: AccountId) -> Presence:
        """What others see; OFFLINE for a provider nobody spoke of."""
        async with _mapped():
            return _presence(await self._redis.get(KEY + provider))

    async def all(self) -> Mapping[AccountId, Presence]:
        """Every provider who is not OFFLINE."""
        found: dict[AccountId, Presence] = {}
        async with _mapped():
            keys = [key async for key in self._redis.scan_iter(match=KEY + "*", count=SCAN_COUNT)]
            words = await self._redis.mget(keys) if keys else []
        for key, word in zip(keys, words, strict=True):
            # It may have expired between the two questions.
            if (presence := _presence(word)) is not Presence.OFFLINE:
                found[AccountId(key.removeprefix(KEY))] = presence
        return found

    async def watch(self, watcher: Watcher) -> None:
        """Call `watcher` with every change that another node makes from now on."""
        self._watcher = watcher
        listening = asyncio.Event()
        task = asyncio.create_task(self._listen(listening), name="presence-listen")
        self._tasks.append(task)
        try:
            async with asyncio.timeout(ANSWER_S):
                await listening.wait()
        except TimeoutError:
            raise Unavailable("Redis does not take a subscription.") from None

    async def close(self) -> None:
        """Let go; what this node said of its providers is withdrawn."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            for provider in tuple(self._ours):
                await self.put(provider, Presence.OFFLINE)
        except Unavailable as failure:
            _log.warning("presence_not_withdrawn", providers=len(self._ours), why=failure.detail)
        await self._redis.aclose()

    async def repeat(self) -> None:
        """Say again what this node said, and notice what was missed: a word that expired, a lost message.

        Raises:
            Unavailable: Redis does not answer.
        """
        async with _mapped(), self._redis.pipeline(transaction=False) as pipeline:
            for provider, presence in self._ours.items():
                pipeline.set(KEY + provider, presence.value, px=TTL_MS)
            await pipeline.execute()
        seen = await self.all()
        for provider in (self._theirs.keys() | seen.keys()) - self._ours.keys():
            self._notice(provider, seen.get(provider, Presence.OFFLINE))

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(REPEAT_S)
            try:
                await self.repeat()
            except Unavailable as failure:
                _log.warning("presence_not_repeated", why=failure.detail)

    async def _listen(self, listening: asyncio.Event) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    await self._hear(channel, listening)
            except (RedisError, OSError) as failure:
                _log.warning("presence_not_heard", why=type(failure).__name__)
                await asyncio.sleep(ANSWER_S)

    async def _hear(self, channel: Any, listening: asyncio.Event) -> None:
        while True:
            # A bounded wait: an endless one would run into the connection's own time-out.
            message = await channel.get_message(timeout=REPEAT_S)
            if message is None:
                continue
            if message["type"] == "subscribe":
                listening.set()
            elif message["type"] == "message":
                node, word, provider = message["data"].split(" ", 2)
                if node != self._node:
                    self._notice(AccountId(provider), _presence(word))

    def _notice(self, provider: AccountId, presence: Presence) -> None:
        """Tell the watcher what another node's provider is now, unless it knows."""
        if self._theirs.get(provider, Presence.OFFLINE) is presence:
            return
        if presence is Presence.OFFLINE:
            self._theirs.pop(provider, None)
        else:
            self._theirs[provider] = presence
        if self._watcher is not None:
            self._watcher(provider, presence)


def _presence(word: object) -> Presence:
    return Presence(word) if isinstance(word, str) else Presence.OFFLINE


@contextlib.asynccontextmanager
async def _mapped() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as failure:
        raise Unavailable(f"Redis does not answer: {type(failure).__name__}.") from failure
