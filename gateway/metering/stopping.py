"""Where counting stopped and where the stop is dated back to.

Decides the instant that the record calls its end: the last one that both
witnesses of both sides reach, never later than the stop itself.
Never stops anything (`meter.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.metering.attendance import Attendance
from gateway.terms import EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMark:
    """Why and when counting stopped."""

    reason: EndReason
    at_ns: int
    is_alone: bool = False
    """One stop witness stood without the other."""

    def dated_back(self, sides: Iterable[Attendance], *, began_ns: int) -> int:
        """The last shared evidence of a segment that began at `began_ns`."""
        shared_ns = min(attendance.last_shared_ns for attendance in sides)
        return min(self.at_ns, max(shared_ns, began_ns))
