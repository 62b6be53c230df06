"""Whether both start witnesses have come, may still come, or will not.

Decides the wait before the first second: the media plane and both apps must
agree; one without the other for fifteen seconds, or neither by the deadline,
fails the connection. Where the tariff bills text by the socket alone, a leg that
shows no path for a while after both apps confirmed is taken to have none.
Never looks at a packet itself (`presence.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.clock import NS
from gateway.limits import CONNECT_DEADLINE_NS, WITNESS_ALONE_START_NS
from gateway.metering.attendance import Attendance
from gateway.metering.presence import MediaStart

PATH_WAIT_NS = 5 * NS
"""How long a text leg may take to show a path after both apps confirmed, before it stands without one."""


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

    media: MediaStart
    """The media plane's witness."""
    may_lack_path: bool = False
    """A leg may stand without a media path."""
    since_ns: int = 0
    """When the session was accepted."""
    first_at_ns: int | None = None
    """When the first of the two witnesses was seen."""
    apps_at_ns: int | None = None
    """When both apps had confirmed."""

    def finding(self, sides: Iterable[Attendance], now_ns: int) -> StartFinding:
        """Judge what stands at `now_ns`; a leg that starts without a path is marked so."""
        attendances = tuple(sides)
        apps = all(attendance.has_confirmed for attendance in attendances)
        pathless = self._pathless(attendances, apps=apps, now_ns=now_ns)
        media = all(self.media.standing[each.side] or each in pathless for each in attendances)
        if media and apps:
            for attendance in pathless:
                attendance.is_pathless = True
            return StartFinding.BOTH
        if (media or apps) and self.first_at_ns is None:
            self.first_at_ns = now_ns
        if self.first_at_ns is not None and now_ns - self.first_at_ns >= WITNESS_ALONE_START_NS:
            return StartFinding.ALONE
        if now_ns - self.since_ns >= CONNECT_DEADLINE_NS:
            return StartFinding.NEITHER
        return StartFinding.WAITING

    def _pathless(self, sides: Iterable[Attendance], *, apps: bool, now_ns: int) -> list[Attendance]:
        if not (self.may_lack_path and apps):
            return []
        if self.apps_at_ns is None:
            self.apps_at_ns = now_ns
        if now_ns - self.apps_at_ns < PATH_WAIT_NS:
            return []
        return [attendance for attendance in sides if not self.media.standing[attendance.side]]
