"""Where counting stopped, where the stop is dated back to, and how well it is shown.

Decides the instant that the record calls its end: the last one that both
witnesses of both sides reach, never later than the stop itself; and the grade
of the evidence with the reasons for which a person should look at it.
Never stops anything (`meter.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.metering.attendance import Attendance
from gateway.metering.evidence import SIDES
from gateway.metering.record import Record
from gateway.terms import EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMark:
    """Why and when counting stopped."""

    reason: EndReason
    at_ns: int
    is_alone: bool = False
    """One witness stood without the other."""

    def dated_back(self, sides: Iterable[Attendance], *, began_ns: int) -> int:
        """The last shared evidence of a segment that began at `began_ns`."""
        shared_ns = min(attendance.last_shared_ns for attendance in sides)
        return min(self.at_ns, max(shared_ns, began_ns))


def review_reasons(record: Record, mark: StopMark | None) -> tuple[str, ...]:
    """Why the evidence is not complete, in sentences; an empty tuple is grade A."""
    found = []
    if mark is not None and mark.is_alone:
        found.append("one witness stood without the other")
    for index, side in enumerate(SIDES):
        if record.short_clocks >> index & 1:
            found.append(f"the RTP clock of the {side} ran shorter than the gateway's")
        if record.short_clocks >> index & 4:
            found.append(f"the app clock of the {side} ran shorter than the gateway's")
        if record.pathless[index]:
            found.append(f"the {side} was reached by the socket only")
    return tuple(found)
