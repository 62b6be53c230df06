"""What the provider is owed for seconds that a restart lost.

Decides, from the evidence alone, how many seconds lie between the last found
second and each RESTART, up to the operator's maximum, and what they would have
earned at the price in force there. The client's charge is not touched.
Never pays (`settling_service.py` hands the amount to the purse).
"""

from collections.abc import Iterable

from gateway.clock import NS
from gateway.metering.evidence import Anchor, AnchorKind
from gateway.metering.tariff import Tariff
from gateway.metering.tick import Tick, TickFinding
from gateway.metering.usage import Usage
from gateway.money import split_fee

_WITNESSED = (TickFinding.BILLED, TickFinding.FREE)


def make_good_micros(
    entries: Iterable[Tick | Anchor], tariff: Tariff, *, fee_bp: int, seconds_max: int
) -> int:
    """The provider's share of the lost seconds of every restart, in micros."""
    if seconds_max <= 0:
        return 0
    usage, last = Usage(), None
    owed = 0
    for found in entries:
        if isinstance(found, Tick):
            last = found
            if found.finding in _WITNESSED:
                usage = usage.plus(found.period, 1, found.messages)
        elif found.kind is AnchorKind.RESTART and last is not None and last.finding in _WITNESSED:
            lost_s = min(max(0, found.wall_ns - last.ended_wall_ns) // NS, seconds_max)
            missed = tariff.cost(usage.plus(last.period, lost_s)) - tariff.cost(usage)
            owed += split_fee(missed, fee_bp)[1]
    return owed
