"""Things nobody may guess, from the operating system.

Decides only their shape. Never keeps what it gave out.
Codes and tokens are stored as digests by those who ask for them.
Source: the `secrets` module, which reads getrandom(2).
"""

import secrets


class SystemSecrets:
    """Satisfies `Secrets` of `people_ports.py`."""

    def six_digits(self) -> str:
        """A one-time code, `000000` to `999999`, all equally likely."""
        return f"{secrets.randbelow(1_000_000):06d}"

    def token(self) -> str:
        """256 random bits in base64url."""
        return secrets.token_urlsafe(32)
