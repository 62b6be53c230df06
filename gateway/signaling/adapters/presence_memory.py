"""Presence in this process's memory: the embedded twin of Redis.

Decides nothing. Several handles on one `Board` behave as several nodes on one
Redis would, which is what the conformance suite checks.
Keeps: a handle that closes takes back what it said; nothing outlives the process.
"""

from collections.abc import Mapping

from gateway.ids import AccountId
from gateway.signaling.presence import Presence
from gateway.signaling.presence_ports import Watcher


class Board:
    """What all handles share."""

    def __init__(self) -> None:
        self.seen: dict[AccountId, Presence] = {}
        """Every provider who is not OFFLINE."""
        self.watchers: dict[int, Watcher] = {}
        """By the handle that watches."""


class PresenceMemory:
    """One node's handle."""

    def __init__(self, board: Board | None = None) -> None:
        self._board = board if board is not None else Board()
        self._ours: set[AccountId] = set()

    async def put(self, provider: AccountId, presence: Presence) -> None:
        """Say what others see; OFFLINE forgets the provider."""
        if presence is Presence.OFFLINE:
            self._board.seen.pop(provider, None)
            self._ours.discard(provider)
        else:
            self._board.seen[provider] = presence
            self._ours.add(provider)
        for handle, watcher in tuple(self._board.watchers.items()):
            if handle != id(self):
                watcher(provider, presence)

    async def get(self, provider: AccountId) -> Presence:
        """What others see; OFFLINE for a provider nobody spoke of."""
        return self._board.seen.get(provider, Presence.OFFLINE)

    async def all(self) -> Mapping[AccountId, Presence]:
        """Every provider who is not OFFLINE."""
        return dict(self._board.seen)

    async def watch(self, watcher: Watcher) -> None:
        """Call `watcher` with every change that another node makes from now on."""
        self._board.watchers[id(self)] = watcher

    async def close(self) -> None:
        """Let go; what this node said of its providers is withdrawn."""
        self._board.watchers.pop(id(self), None)
        for provider in tuple(self._ours):
            await self.put(provider, Presence.OFFLINE)
