"""Accounts at work: profiles, offers, bars, revocations, and people who are there from the start.

Decides nothing of its own; it asks `people/` and keeps the outcome in the store.
Satisfies signalling's `People`. Revocations are kept in memory too, because a
token is verified without waiting for the database.
Never signs anybody in (`sign_in_service.py`) and never touches money beyond
making sure that a wallet exists.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gateway.booking.people.account import (
    BRIEF_CHARACTERS_MAX,
    NICKNAME_CHARACTERS_MAX,
    Account,
    AccountStatus,
    ProfileChange,
    is_good_text,
)
from gateway.booking.people.offer import Offer, RatePlan
from gateway.booking.people.seed import SeedPerson
from gateway.booking.people_ports import PeopleStore, Wallets
from gateway.clock import NS, Clock
from gateway.errors import NotFound, Unprocessable
from gateway.ids import AccountId, IdSource
from gateway.terms import Role, SessionKind

UNKNOWN_NICKNAME = "…"
"""Shown for an account that is not there; a name is never worth an error."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """Somebody who was seeded, now or at an earlier start."""

    person: SeedPerson
    account: Account


class PeopleService:
    """Everybody the gateway knows."""

    def __init__(self, store: PeopleStore, *, wallets: Wallets, clock: Clock, ids: IdSource) -> None:
        self._store = store
        self._wallets = wallets
        self._clock = clock
        self._ids = ids
        self._not_before_s: dict[AccountId, int] = {}

    async def load(self) -> None:
        """Read the revocations; before the first token is verified."""
        self._not_before_s = dict(await self._store.not_before())

    def not_before_s(self, account: AccountId) -> int:
        """Unix second before which the account's tokens are refused; 0 = none ever were."""
        return self._not_before_s.get(account, 0)

    async def account(self, account: AccountId) -> Account:
        """One account.

        Raises:
            NotFound: there is none.
        """
        found = await self._store.account(account)
        if found is None:
            raise NotFound("There is no such account.")
        return found

    async def change_profile(self, account: AccountId, change: ProfileChange) -> Account:
        """Change what a person says of itself.

        Raises:
            Unprocessable: a text that cannot be shown.
            NotFound: there is no such account.
        """
        _check_text(change.nickname, "nickname", characters_max=NICKNAME_CHARACTERS_MAX, is_empty_good=False)
        _check_text(change.brief, "brief", characters_max=BRIEF_CHARACTERS_MAX, is_empty_good=True)
        changed = await self._store.change_profile(account, change)
        if changed is None:
            raise NotFound("There is no such account.")
        return changed

    async def offer(self, provider: AccountId, kind: SessionKind) -> Offer | None:
        """The provider's present offer; None when there is no such active provider or kind."""
        listing = await self._store.listing(provider)
        plan = listing.plan(kind) if listing is not None else None
        if listing is None or plan is None:
            return None
        return Offer(
            provider=provider,
            nickname=listing.account.nickname,
            tariff=plan.tariff,
            fee_bp=plan.fee_bp,
            duration_s_max=plan.duration_s_max,
        )

    async def nickname(self, account: AccountId) -> str:
        """What the other side may know of a person."""
        found = await self._store.account(account)
        return found.nickname if found is not None else UNKNOWN_NICKNAME

    async def is_barred(self, account: AccountId) -> bool:
        """Whether the account is kept from new sessions; an unknown one is."""
        found = await self._store.account(account)
        return found is None or found.status is AccountStatus.BARRED

    async def set_barred(self, account: AccountId, *, is_barred: bool) -> None:
        """Keep the account from new sessions, or no longer.

        Raises:
            NotFound: there is no such account.
        """
        status = AccountStatus.BARRED if is_barred else AccountStatus.ACTIVE
        if not await self._store.set_status(account, status):
            raise NotFound("There is no such account.")
        log.info("account_status_set", account=account, status=status)

    async def revoke_tokens(self, account: AccountId) -> None:
        """Refuse every access token the account holds now; those of the next sign-in are good.

        Raises:
            NotFound: there is no such account.
        """
        second = self._clock.wall_ns() // NS + 1
        if not await self._store.set_not_before(account, second):
            raise NotFound("There is no such account.")
        self._not_before_s[account] = max(second, self.not_before_s(account))
        log.info("tokens_revoked", account=account)

    async def set_plan(self, provider: AccountId, plan: RatePlan) -> None:
        """Make `plan` the provider's present price of its kind; running sessions keep theirs.

        Raises:
            NotFound: there is no such provider.
        """
        found = await self._store.account(provider)
        if found is None or Role.PROVIDER not in found.roles:
            raise NotFound("There is no such provider.")
        await self._store.add_plan(provider, plan, now_wall_ns=self._clock.wall_ns())

    async def seed(self, people: Sequence[SeedPerson], *, currency: str) -> Sequence[Seeded]:
        """Make sure that these people exist; what they changed since the first time stays."""
        return [
            Seeded(person=person, account=await self._seed_one(person, currency=currency))
            for person in people
        ]

    async def _seed_one(self, person: SeedPerson, *, currency: str) -> Account:
        fresh = Account(
            id=AccountId(self._ids.new("acc")),
            nickname=person.nickname,
            roles=frozenset({person.role}),
            brief=person.brief,
            locale=person.locale,
        )
        account = await self._store.open_by_phone(person.phone, fresh)
        if Role.OPERATOR not in account.roles:
            await self._wallets.open(account.id)
        for kind, tariff in person.tariffs(currency).items():
            if await self.offer(account.id, kind) is None:
                await self.set_plan(account.id, RatePlan(kind=kind, tariff=tariff))
        return account


def _check_text(text: str | None, field: str, *, characters_max: int, is_empty_good: bool) -> None:
    if text is None or is_good_text(text, characters_max=characters_max, is_empty_good=is_empty_good):
        return
    detail = f"Between {0 if is_empty_good else 1} and {characters_max} characters on one line."
    raise Unprocessable(
        f"The {field} cannot be shown.",
        code="bad_fields",
        errors=[{"pointer": f"/{field}", "code": "unshowable", "detail": detail}],
    )
