"""Spans in which seconds do not count although everybody is there.

Decides which pause touches a second and which is in force. Pauses of different
reasons add up; the first in `SuspendReason`'s order is named.
Never freezes media (the gate does).
"""

from dataclasses import dataclass

from gateway.limits import TEXT_IDLE_NS
from gateway.terms import SuspendReason

NEVER_NS = 1 << 63
"""Later than any instant."""


@dataclass(slots=True)
class Pause:
    """One span; open while `until_ns` is None."""

    reason: SuspendReason
    from_ns: int
    until_ns: int | None = None


class Pauses:
    """All pauses of one session that may still touch an unfound second."""

    def __init__(self, *, is_text: bool) -> None:
        self._is_text = is_text
        self._pauses: list[Pause] = []
        self._last_line_ns: int | None = None

    @property
    def is_none(self) -> bool:
        """Whether no pause is open or may still touch an unfound second."""
        return not self._pauses

    @property
    def active(self) -> SuspendReason | None:
        """The pause in force, or None."""
        if not self._pauses:
            return None
        reasons = {pause.reason for pause in self._pauses if pause.until_ns is None}
        return next((reason for reason in SuspendReason if reason in reasons), None)

    def begin(self, reason: SuspendReason, at_ns: int) -> None:
        """Open a pause; one of the same reason is open at most once."""
        if not any(pause.reason is reason and pause.until_ns is None for pause in self._pauses):
            self._pauses.append(Pause(reason, at_ns))

    def end(self, reason: SuspendReason, at_ns: int) -> None:
        """Close the pause of that reason, if it is open."""
        for pause in self._pauses:
            if pause.reason is reason and pause.until_ns is None:
                pause.until_ns = max(at_ns, pause.from_ns)

    def touching(self, from_ns: int, until_ns: int) -> SuspendReason | None:
        """The reason of a pause that overlaps the span, or None."""
        for pause in self._pauses:
            if pause.from_ns < until_ns and (pause.until_ns is None or pause.until_ns > from_ns):
                return pause.reason
        return None

    def line_sent(self, at_ns: int) -> None:
        """A line of text was delivered; an idle session wakes."""
        self._last_line_ns = at_ns
        self.end(SuspendReason.TEXT_IDLE, at_ns)

    @property
    def idle_at_ns(self) -> int:
        """When the idle pause opens if no line comes; beyond all time where none ever does."""
        if not self._is_text or self._last_line_ns is None:
            return NEVER_NS
        return self._last_line_ns + TEXT_IDLE_NS + 1

    def idle(self, now_ns: int) -> None:
        """Open the idle pause of a text session when no line has come for too long."""
        if now_ns >= self.idle_at_ns:
            self.begin(SuspendReason.TEXT_IDLE, now_ns)

    def forget_before(self, at_ns: int) -> None:
        """Drop pauses that ended at or before `at_ns`."""
        if not self._pauses:
            return
        self._pauses = [p for p in self._pauses if p.until_ns is None or p.until_ns > at_ns]
