"""The finding of one second.

Decides BILLED, FREE, PAUSED or UNWITNESSED from both sides' brackets and clocks,
or that it is too early to say. Never counts (`counting.py`, `record.py`) and
never suspends (`meter.py`).
Keeps: a clock that fell short can take a witnessed second away, nothing can add one.
See docs/metering.md, "When a second is billed".
"""

from dataclasses import dataclass

from gateway.clock import NS
from gateway.metering.attendance import Attendance
from gateway.metering.pause import Pauses
from gateway.metering.tick import TickFinding
from gateway.terms import SuspendReason


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a second was found to be, and why."""

    finding: TickFinding
    paused_by: SuspendReason | None = None
    """Why it is PAUSED."""
    short_clocks: int = 0
    """Why it is UNWITNESSED although bracketed, bits as in `Tick.short_clocks`."""


BILLED, FREE = Judgement(TickFinding.BILLED), Judgement(TickFinding.FREE)
UNWITNESSED = Judgement(TickFinding.UNWITNESSED)


def judged(
    client: Attendance,
    provider: Attendance,
    pauses: Pauses,
    *,
    until_ns: int,
    now_ns: int,
    is_free: bool,
    is_over: bool,
    short_clocks: int = 0,
) -> Judgement | None:
    """The finding of the second that ended at `until_ns`; None while a bracket may still come.

    `is_free` says that a witnessed second is inside the tariff's free ones, `is_over` that
    nothing more is waited for, `short_clocks` which clocks have fallen a further second behind.
    """
    from_ns = until_ns - NS
    if (paused_by := pauses.touching(from_ns, until_ns)) is not None:
        return Judgement(TickFinding.PAUSED, paused_by=paused_by)
    if client.stands(from_ns, until_ns) and provider.stands(from_ns, until_ns):
        if short_clocks:
            return Judgement(TickFinding.UNWITNESSED, short_clocks=short_clocks)
        return FREE if is_free else BILLED
    may_stand = not is_over and all(
        side.can_stand(from_ns, until_ns, now_ns=now_ns) for side in (client, provider)
    )
    return None if may_stand else UNWITNESSED
