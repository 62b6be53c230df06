"""What the web server needs from others: who a token or a key speaks for.

Declares shapes only; `app.py` fills them from booking.
"""

from typing import Protocol

from gateway.terms import Principal


class TokenVerifier(Protocol):
    """Access tokens."""

    def verify(self, token: str) -> Principal:
        """Who the token speaks for.

        Raises:
            Unauthenticated: bad signature, unknown `kid`, expired, revoked.
        """
        ...


class ApiKeyVerifier(Protocol):
    """Integrators' keys."""

    async def verify(self, key: str) -> Principal:
        """Which integrator holds the key.

        Raises:
            Unauthenticated: no such key, or it was revoked.
        """
        ...
