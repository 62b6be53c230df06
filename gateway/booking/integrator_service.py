"""Integrators: other people's servers that bring their own users.

Decides nothing about who those users are: an integrator names them by its own
ids and gets tokens for them, in the roles and for the session it says.
Never lets one integrator reach another's accounts, or make an operator: the
account is found by (integrator, external id) only.
Keeps: a key is shown once, when it is made; the store has its digest.
"""

import hashlib
from dataclasses import dataclass

import structlog

from gateway.booking.people.account import NICKNAME_CHARACTERS_MAX, Account, is_good_text
from gateway.booking.people_ports import AccessToken, AccountTools, ApiKeyStore, PeopleStore
from gateway.clock import NS
from gateway.errors import Unauthenticated, Unprocessable, require
from gateway.ids import AccountId, SessionId
from gateway.terms import Principal, Role

API_KEY_PREFIX = "gwk_"
"""So that a key is recognized where it should not be, in a log or a repository."""
API_KEY_CHARACTERS_MAX = 128
"""Longest key that is looked at."""
API_KEY_CHARACTERS_MIN = 32
"""Shortest key that may be set up; keys made here have 47."""
PARTICIPANT_ROLES = frozenset({Role.CLIENT, Role.PROVIDER})
"""What an integrator's user may be."""
_KEY_GOOD_FOR_S = 60
"""How long a verified key's principal may be used; every call verifies anew."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """An integrator's user, as the integrator describes it."""

    external_id: str
    nickname: str
    roles: frozenset[Role]
    session: SessionId | None = None
    """Set where the token is to reach one session only."""
    ttl_s: int = 3_600
    """How long the token lives."""


class IntegratorService:
    """API keys and participants' tokens; satisfies the web server's `ApiKeyVerifier`."""

    def __init__(self, people: PeopleStore, keys: ApiKeyStore, tools: AccountTools) -> None:
        self._people = people
        self._keys = keys
        self._tools = tools

    async def make_key(self, integrator: str, *, label: str) -> str:
        """A new key for the integrator of that name, who is created when new."""
        key = f"{API_KEY_PREFIX}{self._tools.secrets.token()}"
        await self.install_key(integrator, key, label=label)
        return key

    async def install_key(self, integrator: str, key: str, *, label: str) -> Account:
        """Make a key from elsewhere (the configuration) good; again changes nothing.

        Raises:
            InvariantBroken: a key too short to be secret.
        """
        is_long = API_KEY_CHARACTERS_MIN <= len(key) <= API_KEY_CHARACTERS_MAX
        require(is_long, f"an API key has {API_KEY_CHARACTERS_MIN} to {API_KEY_CHARACTERS_MAX} characters")
        fresh = Account(
            id=AccountId(self._tools.ids.new("acc")), nickname=integrator, roles=frozenset({Role.INTEGRATOR})
        )
        account = await self._people.open_integrator(integrator, fresh)
        await self._keys.put(
            _digest_of(key), account.id, label=label, now_wall_ns=self._tools.clock.wall_ns()
        )
        log.info("api_key_installed", integrator=account.id, label=label)
        return account

    async def revoke_key(self, key: str) -> bool:
        """Refuse the key from now on; False where there is none."""
        return await self._keys.revoke(_digest_of(key))

    async def verify(self, key: str) -> Principal:
        """Which integrator holds the key.

        Raises:
            Unauthenticated: no such key, or it was revoked.
        """
        if len(key) > API_KEY_CHARACTERS_MAX:
            raise Unauthenticated("The API key is not one of this gateway's.")
        # Found by its digest: what is compared tells nothing about the key itself.
        integrator = await self._keys.integrator(_digest_of(key))
        if integrator is None:
            raise Unauthenticated("The API key is not one of this gateway's.")
        expires_at_s = self._tools.clock.wall_ns() // NS + _KEY_GOOD_FOR_S
        return Principal(account=integrator, roles=frozenset({Role.INTEGRATOR}), expires_at_s=expires_at_s)

    async def admit(self, integrator: AccountId, participant: Participant) -> tuple[AccessToken, Account]:
        """An access token for the integrator's user, whose account is created when new.

        Raises:
            Unprocessable: roles an integrator cannot give, or a nickname that cannot be shown.
        """
        if not participant.roles or not participant.roles <= PARTICIPANT_ROLES:
            raise Unprocessable("A participant is a client, a provider, or both.", code="bad_roles")
        if not is_good_text(
            participant.nickname, characters_max=NICKNAME_CHARACTERS_MAX, is_empty_good=False
        ):
            raise Unprocessable("The nickname cannot be shown.", code="bad_nickname")
        fresh = Account(
            id=AccountId(self._tools.ids.new("acc")), nickname=participant.nickname, roles=participant.roles
        )
        account = await self._people.open_by_external_id(integrator, participant.external_id, fresh)
        await self._tools.wallets.open(account.id)
        token = self._tools.mint.mint(
            account.id, participant.roles, session=participant.session, ttl_s=participant.ttl_s
        )
        return token, account


def _digest_of(key: str) -> bytes:
    """SHA-256; the keys are random, so they need no slower hash."""
    return hashlib.sha256(key.encode()).digest()
