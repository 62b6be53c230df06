"""Where presence is shared: between the parts of one process, or between nodes.

Declares shapes only; `adapters/presence_memory.py` and `adapters/presence_redis.py`
fill them and pass the same conformance suite.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.ids import AccountId
from gateway.signaling.presence import Presence

Watcher = Callable[[AccountId, Presence], None]
"""Called with every change that another node made."""


class PresenceStore(Protocol):
    """What every node knows of every provider."""

    async def put(self, provider: AccountId, presence: Presence) -> None:
        """Say what others see; OFFLINE forgets the provider.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def get(self, provider: AccountId) -> Presence:
        """What others see; OFFLINE for a provider nobody spoke of.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def all(self) -> Mapping[AccountId, Presence]:
        """Every provider who is not OFFLINE.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def watch(self, watcher: Watcher) -> None:
        """Call `watcher` with every change that another node makes from now on."""
        ...

    async def close(self) -> None:
        """Let go; what this node said of its providers is withdrawn."""
        ...
