"""Whether both parties came back after a restart, may still come, or will not.

Decides the wait of a session that was live when the process died: both sockets
and both media paths must be there anew within the grace of a lost leg. Evidence
from before the restart brings nobody back (`meter.py` does not take it).
Never begins the new segment itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.limits import RESUME_GRACE_NS
from gateway.metering.attendance import Attendance
from gateway.terms import EndReason, Side


@dataclass(slots=True)
class ReturnWatch:
    """The wait of one session."""

    since_ns: int = 0
    """When the process took the session up again."""

    def absent(self, sides: Iterable[Attendance]) -> list[Side]:
        """Who is not back yet."""
        return [
            attendance.side
            for attendance in sides
            if not attendance.has_socket or not (attendance.is_pathless or attendance.media.last_ns)
        ]

    def given_up(self, absent: list[Side], now_ns: int) -> EndReason | None:
        """Why nobody is waited for any longer; None while the grace runs."""
        if now_ns - self.since_ns < RESUME_GRACE_NS:
            return None
        if len(absent) > 1:
            return EndReason.SHUTDOWN
        return EndReason.LOST_CLIENT if absent[0] is Side.CLIENT else EndReason.LOST_PROVIDER
