"""Typed identities and where they come from.

Decides how an identity looks: a prefix that says what it names and 128 bits
that cannot be guessed; ids of derived things (the third hold of a session) are
computed, so that a retry makes the same one.
Never says what an id refers to; the stores do.
"""

import hashlib
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
"""One ledger transfer, a UUID derived from the command that made it."""
ReceiptId = NewType("ReceiptId", str)
"""A signed statement, `rcp_…`."""

_NAMESPACE = hashlib.sha1(uuid.UUID("0e9a2f34-5a2c-5d0e-8b57-4b0a6f1f2a11").bytes, usedforsecurity=False)
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The digit that says which kind of UUID it is, by the digit that stood there."""


class IdSource(Protocol):
    """Where fresh identities come from; a seeded twin replays a run."""

    def new(self, prefix: str) -> str:
        """A fresh identity `prefix_` + 32 hexadecimal digits."""
        ...


class RandomIdSource:
    """Identities from the operating system's random source."""

    def new(self, prefix: str) -> str:
        """A fresh identity; collisions are not a concern at 128 bits."""
        return f"{prefix}_{secrets.token_hex(16)}"


class CountingIdSource:
    """Identities in order, for tests and simulation."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        """The next identity: `ses_000001`, then `ses_000002`."""
        self._count += 1
        return f"{prefix}_{self._count:06d}"


def derived(*parts: str | int) -> str:
    """The identity that these parts always have, as a UUIDv5 (RFC 9562 §5.5)."""
    # The text of `str(uuid.uuid5(…))`, without the object: ledger commands each derive several.
    named = _NAMESPACE.copy()
    named.update("\x1f".join(map(str, parts)).encode())
    digits = named.hexdigest()
    return (
        f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"
    )
