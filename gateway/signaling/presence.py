"""What others see of a provider.

Decides one word from three things: what the provider asked for, whether an app
of his is connected, and which session he is in.
Never stores or spreads it; `presence_service.py` does.
Keeps: a session outranks every wish; without a socket nobody rings.
"""

from enum import StrEnum

from gateway.signaling.session import OPEN, RINGS
from gateway.terms import SessionState


class Presence(StrEnum):
    """A provider's state, as spelled on the wire."""

    OFFLINE = "offline"
    """Not there, or does not want to be seen."""
    ONLINE = "online"
    """May be called."""
    PAUSED = "paused"
    """There, but takes no calls now."""
    RINGING = "ringing"
    """Somebody calls."""
    IN_SESSION = "in_session"
    """Talks or writes with somebody."""


WISHES = frozenset({Presence.ONLINE, Presence.PAUSED, Presence.OFFLINE})
"""What a provider may ask for; the rest follows from sessions."""


def seen(*, wish: Presence, is_connected: bool, session: SessionState | None) -> Presence:
    """What others see, given the state of the provider's own open session, if any."""
    if session is not None and session in OPEN:
        return Presence.RINGING if session in RINGS else Presence.IN_SESSION
    return wish if is_connected else Presence.OFFLINE
