"""Packets since start, although legs come and go.

Decides what a leg's counters add to the totals: the growth since they were last
read; a counter that fell belongs to a new leg in the same place.
Never reads legs itself. What a leg carried after its last reading is not
counted, so totals lag by at most one reading. Keeps: totals never fall.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.admin.reading import LegReading
from gateway.ids import SessionId
from gateway.terms import Side


@dataclass(frozen=True, slots=True)
class PacketTotals:
    """Packets of all legs since start."""

    packets_in: int = 0
    packets_out: int = 0
    lost: int = 0
    """Missing on the way to the gateway."""


class PacketTally:
    """Adds readings up."""

    def __init__(self) -> None:
        self._totals = PacketTotals()
        self._last: dict[tuple[SessionId, Side], PacketTotals] = {}

    def read(self, legs: Iterable[LegReading]) -> PacketTotals:
        """The totals after one reading of all live legs."""
        seen: dict[tuple[SessionId, Side], PacketTotals] = {}
        for leg in legs:
            key = (leg.session, leg.side)
            now = PacketTotals(leg.packets_in, leg.packets_out, leg.lost)
            self._add(self._last.get(key, PacketTotals()), now)
            seen[key] = now
        self._last = seen
        return self._totals

    def _add(self, before: PacketTotals, now: PacketTotals) -> None:
        is_new_leg = now.packets_in < before.packets_in or now.packets_out < before.packets_out
        since = PacketTotals() if is_new_leg else before
        self._totals = PacketTotals(
            self._totals.packets_in + now.packets_in - since.packets_in,
            self._totals.packets_out + now.packets_out - since.packets_out,
            # A late packet makes the loss of a leg fall again; what was told stays told.
            self._totals.lost + max(now.lost - since.lost, 0),
        )
