"""Access tokens as signed JWTs.

Decides what a token says (RFC 7519: `sub`, `roles`, `ses`, `iat`, `exp`, issuer,
audience) and when it is believed: EdDSA only, by the key its `kid` names, within
its time by the gateway's clock, issued after the account's "not before".
Never looks anything up in a database, so verifying takes microseconds; the
revocations are handed in as a function over memory.
Several keys verify, the first signs: that is how keys are rotated.
"""

from collections.abc import Callable, Sequence
from typing import Annotated

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.booking.adapters.key_files import key_id_of
from gateway.booking.people_ports import AccessToken
from gateway.clock import NS, Clock
from gateway.errors import Unauthenticated, require
from gateway.ids import AccountId, SessionId
from gateway.terms import Principal, Role

ISSUER = "gateway"
AUDIENCE = "gateway"
TTL_S = 900
"""How long an access token lives; a refresh token replaces it."""
TOKEN_CHARACTERS_MAX = 4_096
"""Longest token that is looked at."""
_ALGORITHM = "EdDSA"


class _Claims(BaseModel):
    """What a token of this gateway says."""

    model_config = ConfigDict(strict=True)

    sub: Annotated[str, Field(min_length=1)]
    roles: Annotated[list[str], Field(min_length=1)]
    iat: int
    exp: int
    ses: str | None = None

    def principal(self) -> Principal:
        """Who the token speaks for."""
        return Principal(
            account=AccountId(self.sub),
            roles=frozenset(Role(role) for role in self.roles),
            expires_at_s=self.exp,
            session=SessionId(self.ses) if self.ses is not None else None,
        )


class JwtTokens:
    """Mints and verifies; satisfies `Tokens` of signalling and `TokenVerifier` of the web server."""

    def __init__(
        self,
        seeds: Sequence[bytes],
        clock: Clock,
        *,
        not_before_s: Callable[[AccountId], int] = lambda _account: 0,
        issuer: str = ISSUER,
        ttl_s: int = TTL_S,
    ) -> None:
        require(bool(seeds), "tokens need a key")
        keys = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
        self._signing_key = keys[0]
        self._key_id = key_id_of(keys[0].public_key().public_bytes_raw())
        self._verifying = {key_id_of(key.public_key().public_bytes_raw()): key.public_key() for key in keys}
        self._clock = clock
        self._not_before_s = not_before_s
        self._issuer = issuer
        self._ttl_s = ttl_s

    def mint(
        self,
        account: AccountId,
        roles: frozenset[Role],
        *,
        session: SessionId | None = None,
        ttl_s: int | None = None,
    ) -> AccessToken:
        """A token for the account in these roles; for one session only where it is named."""
        lives_s = ttl_s if ttl_s is not None else self._ttl_s
        # A revocation within this second refuses the tokens of before; this one comes after it.
        issued_s = max(self._clock.wall_ns() // NS, self._not_before_s(account))
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": account,
            "roles": sorted(role.value for role in roles),
            "iat": issued_s,
            "exp": issued_s + lives_s,
        }
        if session is not None:
            claims["ses"] = session
        text = jwt.encode(claims, self._signing_key, algorithm=_ALGORITHM, headers={"kid": self._key_id})
        return AccessToken(text=text, expires_in_s=lives_s)

    def verify(self, token: str) -> Principal:
        """Who the token speaks for.

        Raises:
            Unauthenticated: bad signature, unknown `kid`, foreign issuer, expired, revoked.
        """
        claims = self._read(token)
        now_s = self._clock.wall_ns() // NS
        if claims.exp <= now_s:
            raise Unauthenticated("The token has expired.", code="token_expired")
        try:
            principal = claims.principal()
        except ValueError as failure:
            raise Unauthenticated("The token names a role this gateway does not know.") from failure
        if claims.iat < self._not_before_s(principal.account):
            raise Unauthenticated("The token was revoked.", code="token_revoked")
        return principal

    def _read(self, token: str) -> _Claims:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise Unauthenticated("The token is too long.")
        try:
            key = self._verifying.get(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                raise Unauthenticated("The token was signed with a key this gateway does not know.")
            # Times are checked against the gateway's clock, which tests and simulation hold still.
            decoded = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            return _Claims.model_validate(decoded)
        except (jwt.PyJWTError, ValidationError, TypeError) as failure:
            raise Unauthenticated("The token is not one of this gateway's.") from failure
