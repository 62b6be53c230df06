"""Which providers may be called, and telling everybody when that changes.

Decides when presence is worked out anew (a wish, a socket, a session) and how
long a wish outlives the last socket: the resume grace, so that a reload does
not take a provider off the list for good.
Never blocks a call on the shared store: others are told at once, the store by a
task of its own that tries again while it fails.
"""

import asyncio
from collections.abc import Mapping

import structlog

from gateway.clock import NS
from gateway.errors import Unavailable
from gateway.ids import AccountId
from gateway.limits import RESUME_GRACE_NS
from gateway.signaling.notice import PresenceNotice
from gateway.signaling.outcome import Outcome
from gateway.signaling.outside_ports import Outside
from gateway.signaling.presence import WISHES, Presence, seen
from gateway.signaling.roster_service import Roster
from gateway.signaling.socket_ports import Alarm
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import Principal, Role, Side

RETRY_NS = 2 * NS
"""How long the shared store is left alone after it failed."""

_log = structlog.get_logger()


class PresenceService:
    """Presence of every provider, as this node knows it."""

    def __init__(self, outside: Outside, *, switchboard: Switchboard, roster: Roster) -> None:
        self._store = outside.presence
        self._timer = outside.timer
        self._switchboard = switchboard
        self._roster = roster
        self._wishes: dict[AccountId, Presence] = {}
        self._grace: dict[AccountId, Alarm] = {}
        self._ours: set[AccountId] = set()
        self._seen: dict[AccountId, Presence] = {}
        self._outgoing: dict[AccountId, Presence] = {}
        self._publisher: asyncio.Task[None] | None = None
        self._retry: Alarm | None = None

    async def start(self) -> None:
        """Take over what other nodes know and hear of every change.

        Raises:
            Unavailable: the shared store does not answer.
        """
        await self._store.watch(self._heard)
        for provider, presence in (await self._store.all()).items():
            self._show(provider, presence)

    def state(self, provider: AccountId) -> Presence:
        """What others see of the provider now."""
        return self._seen.get(provider, Presence.OFFLINE)

    def all(self) -> Mapping[AccountId, Presence]:
        """Every provider who is not offline."""
        return dict(self._seen)

    def set_wish(self, principal: Principal, wish: Presence) -> Outcome:
        """A provider asks to be online, paused or offline."""
        if Role.PROVIDER not in principal.roles or wish not in WISHES or principal.session is not None:
            return Outcome.FORBIDDEN
        self._wishes[principal.account] = wish
        self.refresh(principal.account)
        return Outcome.DONE

    def came(self, account: AccountId) -> None:
        """The account has a socket."""
        if alarm := self._grace.pop(account, None):
            alarm.cancel()
        self.refresh(account)

    def went(self, account: AccountId) -> None:
        """One of the account's sockets went away."""
        if self._switchboard.has(account):
            return
        if account in self._wishes and account not in self._grace:

            async def forget() -> None:
                self._grace.pop(account, None)
                self._wishes.pop(account, None)

            self._grace[account] = self._timer.after(RESUME_GRACE_NS, forget)
        self.refresh(account)

    def refresh(self, provider: AccountId) -> None:
        """Work the provider's presence out anew and tell everybody if it changed."""
        session = self._roster.open_as(provider, Side.PROVIDER)
        if provider not in self._wishes and session is None and provider not in self._ours:
            return
        presence = seen(
            wish=self._wishes.get(provider, Presence.OFFLINE),
            is_connected=self._switchboard.has(provider),
            session=session.state if session else None,
        )
        if presence is Presence.OFFLINE:
            self._ours.discard(provider)
        else:
            self._ours.add(provider)
        if self.state(provider) is not presence:
            self._show(provider, presence)
            self._outgoing[provider] = presence
            self._publish()

    async def flush(self) -> None:
        """Wait until the shared store has been told, or has failed."""
        while self._publisher is not None:
            await asyncio.wait({self._publisher})

    async def close(self) -> None:
        """Stop telling; the store withdraws what this node said."""
        await self.flush()
        for alarm in (*self._grace.values(), self._retry):
            if alarm is not None:
                alarm.cancel()
        self._grace.clear()
        await self._store.close()

    def _heard(self, provider: AccountId, presence: Presence) -> None:
        if provider not in self._ours and self.state(provider) is not presence:
            self._show(provider, presence)

    def _show(self, provider: AccountId, presence: Presence) -> None:
        if presence is Presence.OFFLINE:
            self._seen.pop(provider, None)
        else:
            self._seen[provider] = presence
        self._switchboard.tell_of(provider, PresenceNotice(provider_id=provider, state=presence))

    def _publish(self) -> None:
        if self._publisher is None:
            self._publisher = asyncio.create_task(self._drain(), name="presence-publisher")

    async def _drain(self) -> None:
        try:
            while self._outgoing:
                provider, presence = next(iter(self._outgoing.items()))
                await self._store.put(provider, presence)
                # It may have changed again while the store was being told.
                if self._outgoing.get(provider) is presence:
                    del self._outgoing[provider]
        except Unavailable as failure:
            _log.warning("presence_not_shared", waiting=len(self._outgoing), why=failure.detail)
            self._retry = self._timer.after(RETRY_NS, self._try_again)
        finally:
            self._publisher = None

    async def _try_again(self) -> None:
        self._publish()
