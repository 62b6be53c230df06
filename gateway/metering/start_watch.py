"""Whether both start witnesses have come, may still come, or will not.

Decides the wait before the first second: the media plane and both apps must
agree; one without the other for fifteen seconds, or neither by the deadline,
fails the connection. Never looks at a packet itself (`presence.py`).
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.limits import CONNECT_DEADLINE_NS, WITNESS_ALONE_START_NS


class StartFinding(StrEnum):
    """What the wait has come to."""

    WAITING = "waiting"
    BOTH = "both"
    """Both witnesses stand: seconds may begin."""
    ALONE = "alone"
    """One witness stood without the other for too long."""
    NEITHER = "neither"
    """Nobody came by the deadline."""


@dataclass(slots=True)
class StartWatch:
    """The wait of one session."""

    since_ns: int = 0
    """When the session was accepted."""
    first_at_ns: int | None = None
    """When the first of the two witnesses was seen."""

    def finding(self, *, media: bool, apps: bool, now_ns: int) -> StartFinding:
        """Judge what stands at `now_ns`."""
        if media and apps:
            return StartFinding.BOTH
        if (media or apps) and self.first_at_ns is None:
            self.first_at_ns = now_ns
        if self.first_at_ns is not None and now_ns - self.first_at_ns >= WITNESS_ALONE_START_NS:
            return StartFinding.ALONE
        if now_ns - self.since_ns >= CONNECT_DEADLINE_NS:
            return StartFinding.NEITHER
        return StartFinding.WAITING
