"""A meter as an operator sees it.

Decides nothing; it takes one look at a meter and gives plain values. Costs
count provisional seconds, as the apps are shown them.
Never changes the meter.
"""

from dataclasses import dataclass

from gateway.ids import SessionId
from gateway.metering.evidence import SIDES
from gateway.metering.meter import Meter
from gateway.terms import Side, SuspendReason


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
    """One live session's meter at one instant."""

    session: SessionId
    started_wall_ns: int | None
    elapsed_s: int
    billed_s: int
    """Billed and free seconds that are found."""
    provisional_s: int
    unwitnessed_s: int
    paused_s: int
    cost_micros: int
    """C(n) with provisional seconds."""
    currency: str
    held_micros: int
    time_left_s: int | None
    """By hard maximum and slot alone where no tick was closed yet."""
    suspended: SuspendReason | None
    ack_age_ms: dict[Side, int | None]
    """Since the newest acknowledged second of each app ended."""
    muted: dict[Side, bool]


def reading_of(meter: Meter, now_ns: int) -> MeterReading:
    """One look at `meter`."""
    tally, spend = meter.record.tally, meter.spend(now_ns)
    start = meter.record.start
    return MeterReading(
        session=meter.order.session,
        started_wall_ns=start.wall_ns if start else None,
        elapsed_s=max(0, now_ns - start.at_ns) // 1_000_000_000 if start else 0,
        billed_s=tally.witnessed_s,
        provisional_s=spend.used_s - tally.witnessed_s,
        unwitnessed_s=tally.unwitnessed_s,
        paused_s=tally.paused_s,
        cost_micros=meter.tariff.cost(spend.usage),
        currency=meter.tariff.currency,
        held_micros=meter.cover.held_micros,
        time_left_s=meter.told_left_s,
        suspended=meter.suspended,
        ack_age_ms={side: _age_ms(meter.sides[side].app.last_ns, now_ns) for side in SIDES},
        muted={side: meter.sides[side].is_muted for side in SIDES},
    )


def _age_ms(last_ns: int | None, now_ns: int) -> int | None:
    return None if last_ns is None else max(0, now_ns - last_ns) // 1_000_000
