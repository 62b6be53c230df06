"""Apps' own counts after the end, against what was found.

Decides whether a difference needs a person's look: beyond one second and half a
per cent it does. A report never raises a bill.
Never stores (`service.py` does).
"""

from collections import deque

from gateway.ids import SessionId
from gateway.limits import LIVE_SESSIONS_MAX, REPORT_DIFFERENCE_S
from gateway.terms import Side


class Reports:
    """Settled sessions that may still be reported on; the oldest are forgotten."""

    def __init__(self) -> None:
        self._found: deque[tuple[SessionId, int]] = deque(maxlen=LIVE_SESSIONS_MAX)

    def settled(self, session: SessionId, witnessed_s: int) -> None:
        """The session is over with so many witnessed seconds."""
        self._found.append((session, witnessed_s))

    def is_known(self, session: SessionId) -> bool:
        """Whether a report on it makes sense."""
        return any(known == session for known, _ in self._found)

    def difference(self, session: SessionId, side: Side, seconds: int) -> str | None:
        """A sentence where the app's count is too far from what was found."""
        found = next(found for known, found in self._found if known == session)
        if abs(seconds - found) * 1000 <= REPORT_DIFFERENCE_S * 1000 + found * 5:
            return None
        return f"the {side}'s app counted {seconds} s, the gateway {found} s"
