"""Refresh tokens: each is good once, and a second use betrays a theft.

Decides what becomes of a presented token. Every sign-in begins a family; each
use replaces the token by the next of its family; a used one that comes back
later revokes the whole family, thief and owner alike (RFC 9700 §4.14.2).
Two tabs that refresh at the same moment are no theft: within the leeway the
second is only told that it raced.
Never holds a token, only its digest.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from gateway.clock import NS
from gateway.ids import AccountId

REFRESH_TTL_NS = 30 * 24 * 3_600 * NS
"""How long a family lives without being used."""
RACE_LEEWAY_NS = 10 * NS
"""How long after its use a token's second use is taken for a race between tabs."""


class RefreshStatus(StrEnum):
    """What becomes of a presented token, in order of precedence."""

    ROTATED = "rotated"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    RACED = "raced"
    """Used a moment ago; the holder of the answer has the next one."""
    REUSED = "reused"
    """Used long ago: the family is revoked now."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One token of a family, as it is stored."""

    digest: bytes
    """SHA-256 of the token, whose 256 random bits need no slower hash."""
    family: str
    account: AccountId
    expires_at_wall_ns: int
    used_at_wall_ns: int | None = None
    is_revoked: bool = False


def digest_of(token: str) -> bytes:
    """How a token is looked up."""
    return hashlib.sha256(token.encode()).digest()


def judge(found: RefreshToken | None, now_wall_ns: int) -> RefreshStatus:
    """What becomes of a token that was presented now."""
    if found is None:
        return RefreshStatus.UNKNOWN
    if found.is_revoked:
        return RefreshStatus.REVOKED
    if found.used_at_wall_ns is not None:
        is_race = now_wall_ns - found.used_at_wall_ns < RACE_LEEWAY_NS
        return RefreshStatus.RACED if is_race else RefreshStatus.REUSED
    if now_wall_ns >= found.expires_at_wall_ns:
        return RefreshStatus.EXPIRED
    return RefreshStatus.ROTATED
