"""Time-limited TURN credentials for an external coturn (use-auth-secret).

Decides the username and password from secret, account, now and lifetime, as
draft-uberti-behave-turn-rest has it. Holds no connection to the TURN server:
it recomputes the same HMAC. Which servers there are is configuration.
Keeps: the password says nothing about the secret and dies with the expiry.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from gateway.clock import NS
from gateway.ids import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """The TURN servers of this gateway."""

    urls: tuple[str, ...]
    """`turn:` and `turns:` addresses, handed to apps as they stand."""
    secret: str = field(repr=False)
    """coturn's static-auth-secret."""
    ttl_s: int = 4 * 3600
    """How long credentials serve; as long as the longest session."""


def ice_server(settings: TurnSettings, account: AccountId, *, wall_ns: int) -> dict[str, object]:
    """One RTCIceServer entry: `username` is `expiry:account`, `credential` its HMAC-SHA1 in base64."""
    username = f"{wall_ns // NS + settings.ttl_s}:{account}"
    digest = hmac.new(settings.secret.encode(), username.encode(), hashlib.sha1).digest()
    return {
        "urls": list(settings.urls),
        "username": username,
        "credential": base64.b64encode(digest).decode(),
    }
