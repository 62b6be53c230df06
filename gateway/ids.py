"""Typed identities and where they come from.

Decides how an identity looks: a prefix that says what it names and a UUIDv7, which sorts
by when it was made; ids of derived things (the third hold of a session) are computed, so
that a retry makes the same one, and sort beside what they derive from. Rows that are
written together then lie together, in every index (RFC 9562 §6.11).
Never says what an id refers to; the stores do. What must not be guessed is a `token`.
"""

import hashlib
import re
import secrets
import uuid
from typing import NewType, Protocol

AccountId = NewType("AccountId", str)
"""A person or an integrator, `acc_…`."""
SessionId = NewType("SessionId", str)
"""A paid encounter, `ses_…`."""
HoldId = NewType("HoldId", str)
"""Money set aside, a UUID derived from session and ordinal."""
TransferId = NewType("TransferId", str)
"""One ledger transfer, named after what made it: a hold and a number, what it ends, or a UUID derived from both."""
ReceiptId = NewType("ReceiptId", str)
"""A signed statement, `rcp_…`."""

_NAMESPACE = uuid.UUID("0e9a2f34-5a2c-5d0e-8b57-4b0a6f1f2a11").bytes
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The digit that says which kind of UUID it is, by the digit that stood there."""
_UUID_LENGTH = 36
_TIMED = re.compile("([0-9a-f]{8})-([0-9a-f]{4})-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""A UUID that begins with 48 bits of milliseconds."""


class IdSource(Protocol):
    """Where fresh identities come from; a seeded twin replays a run."""

    def new(self, prefix: str) -> str:
        """A fresh identity, `prefix_` and a UUID; a later one sorts after an earlier one."""
        ...

    def token(self, prefix: str) -> str:
        """A fresh secret, `prefix_` and 32 hexadecimal digits: 128 bits that nobody can guess."""
        ...


class WallClock(Protocol):
    """Part of `gateway.clock.Clock`."""

    def wall_ns(self) -> int:
        """Unix nanoseconds; a step back costs nothing but the order of ids."""
        ...


class RandomIdSource:
    """Identities by the clock, told apart by the operating system's random source."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock

    def new(self, prefix: str) -> str:
        """A fresh UUIDv7 (RFC 9562 §5.7); collisions are not a concern at 74 bits within a millisecond."""
        milliseconds = self._clock.wall_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF
        return f"{prefix}_{_uuid(f'{milliseconds:012x}', 7, secrets.token_hex(16))}"

    def token(self, prefix: str) -> str:
        """A fresh secret."""
        return f"{prefix}_{secrets.token_hex(16)}"


class CountingIdSource:
    """Identities in order, for tests and simulation."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        """The next identity: `ses_000001`, then `ses_000002`."""
        self._count += 1
        return f"{prefix}_{self._count:06d}"

    def token(self, prefix: str) -> str:
        """The next identity: nothing here is secret."""
        return self.new(prefix)


def derived(*parts: str | int) -> str:
    """The identity that these parts always have.

    A UUIDv8 (RFC 9562 §5.8) that begins with the time of the first part that has one, else a UUIDv5 (§5.5).
    """
    # The text of a `uuid.UUID` without the object: ledger commands each derive several.
    named = _NAMESPACE + "\x1f".join(map(str, parts)).encode()
    digits = hashlib.sha1(named, usedforsecurity=False).hexdigest()
    for part in parts:
        if (
            isinstance(part, str)
            and (began := _TIMED.match(part, max(0, len(part) - _UUID_LENGTH))) is not None
        ):
            return _uuid(began[1] + began[2], 8, digits)
    return _uuid(digits, 5, digits)


def _uuid(first: str, version: int, digits: str) -> str:
    """A UUID's text: 12 digits of `first`, then what remains of `digits`."""
    return f"{first[:8]}-{first[8:12]}-{version}{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"
