"""The finding of one second.

Decides BILLED, FREE, PAUSED or UNWITNESSED from both sides' brackets, or that
it is too early to say. Never counts (`record.py`) and never suspends (`meter.py`).
See docs/metering.md, "When a second is billed".
"""

from collections.abc import Mapping

from gateway.clock import NS
from gateway.metering.attendance import Attendance
from gateway.metering.evidence import SIDES
from gateway.metering.pause import Pauses
from gateway.metering.tick import Tick, TickFinding
from gateway.terms import Side


def judged(
    sides: Mapping[Side, Attendance],
    pauses: Pauses,
    *,
    number: int,
    until_ns: int,
    now_ns: int,
    wall_ns: int,
    is_free: bool,
    is_over: bool,
) -> Tick | None:
    """Second `number`, which ended at `until_ns`; None while a bracket may still come.

    `is_free` says that a witnessed second is inside the tariff's free ones,
    `is_over` that nothing more is waited for.
    """
    from_ns = until_ns - NS
    client, provider = (sides[side] for side in SIDES)
    media = client.media.covers(from_ns, until_ns), provider.media.covers(from_ns, until_ns)
    apps = client.app.covers(from_ns, until_ns), provider.app.covers(from_ns, until_ns)
    paused_by = pauses.touching(from_ns, until_ns)
    if paused_by is not None:
        finding = TickFinding.PAUSED
    elif all(media) and all(apps):
        finding = TickFinding.FREE if is_free else TickFinding.BILLED
    elif not is_over and _may_be_covered(sides, from_ns, until_ns, now_ns):
        return None
    else:
        finding = TickFinding.UNWITNESSED
    return Tick(
        number=number,
        finding=finding,
        media=media,
        apps=apps,
        paused_by=paused_by,
        ended_at_ns=until_ns,
        ended_wall_ns=wall_ns + until_ns - now_ns,
        acked=(client.acked_tick, provider.acked_tick),
        rtp_packets=(client.rtp_packets, provider.rtp_packets),
        rtp_span=(client.rtp_span, provider.rtp_span),
    )


def _may_be_covered(sides: Mapping[Side, Attendance], from_ns: int, until_ns: int, now_ns: int) -> bool:
    return all(
        bracket.can_cover(from_ns, until_ns, now_ns=now_ns)
        for attendance in sides.values()
        for bracket in (attendance.media, attendance.app)
    )
