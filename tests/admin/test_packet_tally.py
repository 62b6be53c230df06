"""Totals survive the legs that made them."""

import pytest

from gateway.admin.packet_tally import PacketTally, PacketTotals
from gateway.admin.reading import LegReading
from gateway.terms import Side
from tests.admin.fakes import leg_reading

pytestmark = pytest.mark.core


def leg(packets_in: int, *, packets_out: int = 0, lost: int = 0, side: Side = Side.CLIENT) -> LegReading:
    return leg_reading(side, packets_in=packets_in, packets_out=packets_out, lost=lost)


def test_a_legs_growth_is_added() -> None:
    tally = PacketTally()

    tally.read([leg(10, packets_out=4)])

    assert tally.read([leg(15, packets_out=9), leg(3, side=Side.PROVIDER)]) == PacketTotals(18, 9, 0)


def test_a_leg_that_is_gone_stays_in_the_totals() -> None:
    tally = PacketTally()
    tally.read([leg(10)])

    assert tally.read([]) == PacketTotals(10, 0, 0)


def test_a_leg_that_came_anew_counts_from_its_own_beginning() -> None:
    tally = PacketTally()
    tally.read([leg(10, lost=5)])

    assert tally.read([leg(4, lost=1)]) == PacketTotals(14, 0, 6)


def test_a_late_packet_does_not_take_loss_back() -> None:
    tally = PacketTally()
    tally.read([leg(10, lost=5)])

    assert tally.read([leg(12, lost=4)]).lost == 5
