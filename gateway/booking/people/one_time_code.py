"""The one-time code: when one may be sent, and whether an answer is right.

Decides from what was sent lately and from the outstanding code. Only a keyed
digest of a code is ever kept, bound to its phone, so a copy of the database
signs nobody in.
Never draws the code (a port does), never sends it, never reads a clock.
Keeps: a code is accepted once; five wrong answers spend it.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.clock import NS


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePolicy:
    """How freely codes are given out."""

    ttl_ns: int = 300 * NS
    """How long a code is good for."""
    tries_max: int = 5
    """Answers to one code."""
    resend_ns: int = 30 * NS
    """Shortest time between two codes for one phone."""
    phone_codes_max: int = 6
    """Codes for one phone in a window; together with the tries, 30 guesses at a million."""
    address_codes_max: int = 30
    """Codes asked for from one address in a window; a household or an office shares one."""
    window_ns: int = 3_600 * NS
    """Length of the window of the two bounds above."""


USUAL_POLICY = CodePolicy()
"""Where people outside sign in."""

DEMO_POLICY = CodePolicy(resend_ns=0, phone_codes_max=10_000, address_codes_max=100_000)
"""For a demonstration: nothing is sent, so there is nothing to protect from being sent too often."""


class SendStatus(StrEnum):
    """Whether a code may be sent, in order of precedence."""

    SEND = "send"
    TOO_SOON = "too_soon"
    """The last one for this phone is younger than the resend interval."""
    PHONE_LIMIT = "phone_limit"
    ADDRESS_LIMIT = "address_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAnswer:
    """The status, and when to come back."""

    status: SendStatus
    wait_ns: int = 0
    """Until the same question would be answered with SEND."""


class CheckStatus(StrEnum):
    """What became of an answer, in order of precedence."""

    ACCEPTED = "accepted"
    NO_CODE = "no_code"
    """None was asked for, or it was used already."""
    EXPIRED = "expired"
    TRIES_SPENT = "tries_spent"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """An outstanding code."""

    digest: bytes
    """Keyed digest of the code, see `digest_of`."""
    sent_at_wall_ns: int
    tries: int = 0
    """Wrong answers so far."""
    is_used: bool = False


def digest_of(key: bytes, phone: str, code: str) -> bytes:
    """HMAC-SHA256 of a code, good for this phone only."""
    return hmac.digest(key, f"{phone}\x1f{code}".encode(), hashlib.sha256)


def may_send(
    policy: CodePolicy,
    *,
    phone_sent_wall_ns: Sequence[int],
    address_sent_wall_ns: Sequence[int],
    now_wall_ns: int,
) -> SendAnswer:
    """Whether a code may be sent now; the instants are those of the window, in any order."""
    since_ns = now_wall_ns - policy.window_ns
    phone = sorted(at for at in phone_sent_wall_ns if at > since_ns)
    address = sorted(at for at in address_sent_wall_ns if at > since_ns)
    if phone and now_wall_ns < phone[-1] + policy.resend_ns:
        return SendAnswer(status=SendStatus.TOO_SOON, wait_ns=phone[-1] + policy.resend_ns - now_wall_ns)
    if len(phone) >= policy.phone_codes_max:
        wait_ns = phone[-policy.phone_codes_max] - since_ns
        return SendAnswer(status=SendStatus.PHONE_LIMIT, wait_ns=wait_ns)
    if len(address) >= policy.address_codes_max:
        wait_ns = address[-policy.address_codes_max] - since_ns
        return SendAnswer(status=SendStatus.ADDRESS_LIMIT, wait_ns=wait_ns)
    return SendAnswer(status=SendStatus.SEND)


def check(
    policy: CodePolicy, challenge: Challenge | None, *, digest: bytes, now_wall_ns: int
) -> tuple[CheckStatus, Challenge | None]:
    """Judge an answer; the second value is the challenge to keep from now on."""
    if challenge is None or challenge.is_used:
        return CheckStatus.NO_CODE, challenge
    if now_wall_ns >= challenge.sent_at_wall_ns + policy.ttl_ns:
        return CheckStatus.EXPIRED, challenge
    if challenge.tries >= policy.tries_max:
        return CheckStatus.TRIES_SPENT, challenge
    if not hmac.compare_digest(challenge.digest, digest):
        return CheckStatus.WRONG, replace(challenge, tries=challenge.tries + 1)
    return CheckStatus.ACCEPTED, replace(challenge, is_used=True)
