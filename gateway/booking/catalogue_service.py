"""The catalogue at work: who can be called, at what price, and what it would cost you.

Decides nothing of its own: plans come from the store, presence from signalling,
prices from metering, balances from the ledger.
Never promises: a quote binds nobody, the hold that signalling asks for does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.booking.people.catalogue import Listing, Quote, QuoteLine
from gateway.booking.people_ports import Balance, PeopleStore, PresenceReader, Rater
from gateway.errors import NotFound
from gateway.ids import AccountId
from gateway.money import Money
from gateway.terms import SessionKind

OFFLINE = "offline"
"""How signalling spells the presence of a provider it does not list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A provider as it stands in the catalogue now."""

    listing: Listing
    presence: str
    """As signalling spells it."""


class CatalogueService:
    """Providers, their prices and quotes."""

    def __init__(
        self, store: PeopleStore, *, presence: PresenceReader, rater: Rater, balance: Balance
    ) -> None:
        self._store = store
        self._presence = presence
        self._rater = rater
        self._balance = balance

    async def providers(self, *, presence: str | None, after: int, limit: int) -> Sequence[Shown]:
        """A page of providers beyond position `after`, all or those of one presence."""
        present = self._presence.all()
        only: Sequence[AccountId] | None = None
        if presence is not None and presence != OFFLINE:
            only = [provider for provider, state in present.items() if state == presence]
        shown: list[Shown] = []
        while len(shown) < limit:
            found = await self._store.listings(after=after, limit=limit, only=only)
            page = [self._shown(listing) for listing in found]
            shown += [each for each in page if presence in {None, each.presence}]
            if len(found) < limit:
                break
            after = found[-1].position
        return shown[:limit]

    async def provider(self, provider: AccountId) -> Shown:
        """One provider.

        Raises:
            NotFound: there is no such active provider.
        """
        listing = await self._store.listing(provider)
        if listing is None:
            raise NotFound("There is no such provider.")
        return self._shown(listing)

    async def quote(self, asker: AccountId, provider: AccountId, kind: SessionKind, *, seconds: int) -> Quote:
        """What `seconds` with the provider would cost, and how long the asker's money lasts.

        Raises:
            NotFound: there is no such active provider, or it does not offer the kind.
        """
        listing = await self._store.listing(provider)
        plan = listing.plan(kind) if listing is not None else None
        if plan is None:
            raise NotFound("There is no such offer.")
        currency = str(plan.tariff.terms()["currency"])
        lines = [
            QuoteLine(code=code, quantity=quantity, amount_micros=amount)
            for code, quantity, amount in self._rater.rate(plan.tariff, seconds)
        ]
        available = await self._balance.available(asker)
        affordable_s = self._rater.affordable_s(plan.tariff, available)
        return Quote(
            provider=provider,
            tariff=plan.tariff,
            hold=Money(self._rater.first_hold_micros(plan.tariff), currency),
            cost=Money(sum(line.amount_micros for line in lines), currency),
            lines=lines,
            affordable_s=min(affordable_s, plan.duration_s_max),
        )

    def _shown(self, listing: Listing) -> Shown:
        return Shown(listing=listing, presence=self._presence.state(listing.account.id))
