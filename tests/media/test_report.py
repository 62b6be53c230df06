"""Receiver reports over an interval, and round trips."""

import pytest

from gateway.clock import NS
from gateway.media.report import FORWARDED_MAX, Reporting, RoundTrip
from gateway.media.rtcp import ReportBlock

pytestmark = pytest.mark.core


def next_block(
    reporting: Reporting, *, expected: int, received: int, ssrc: int = 9, now_ns: int = 10 * NS
) -> ReportBlock:
    return reporting.block(
        ssrc=ssrc, expected=expected, received=received, highest_ext=expected, jitter=4, now_ns=now_ns
    )


def quoting(name: int, *, delay_ns: int) -> ReportBlock:
    dlsr = delay_ns * 65_536 // NS
    return ReportBlock(ssrc=9, fraction_lost=64, lost=1, highest_ext=1, jitter=1, lsr=name, dlsr=dlsr)


def test_the_fraction_is_of_the_interval_and_the_loss_of_the_whole() -> None:
    reporting = Reporting()
    next_block(reporting, expected=100, received=100)

    block = next_block(reporting, expected=200, received=150)

    assert (block.fraction_lost, block.lost) == (128, 50)


def test_duplicates_make_no_negative_fraction() -> None:
    reporting = Reporting()
    next_block(reporting, expected=100, received=90)

    assert next_block(reporting, expected=110, received=110).fraction_lost == 0


def test_another_source_begins_another_interval() -> None:
    reporting = Reporting()
    next_block(reporting, expected=1_000, received=1_000)

    assert next_block(reporting, expected=10, received=5, ssrc=10).fraction_lost == 128


def test_a_total_loss_fits_its_octet() -> None:
    assert next_block(Reporting(), expected=100, received=0).fraction_lost == 255


def test_nothing_is_quoted_before_a_sender_report() -> None:
    block = next_block(Reporting(), expected=1, received=1)

    assert (block.lsr, block.dlsr) == (0, 0)


def test_the_last_sender_report_is_quoted_with_its_age() -> None:
    reporting = Reporting()
    reporting.heard_report(77, at_ns=8 * NS)

    block = next_block(reporting, expected=1, received=1, now_ns=10 * NS)

    assert (block.lsr, block.dlsr) == (77, 2 * 65_536)


def test_the_round_trip_leaves_the_receivers_own_delay_out() -> None:
    trip = RoundTrip()
    trip.forwarded(77, at_ns=NS)

    trip.heard(quoting(77, delay_ns=NS), at_ns=2 * NS + 40_000_000)

    assert trip.rtt_ns == 40_000_000
    assert trip.fraction_lost == 64


def test_a_report_that_was_never_forwarded_gives_no_round_trip() -> None:
    trip = RoundTrip()

    trip.heard(quoting(77, delay_ns=0), at_ns=2 * NS)

    assert trip.rtt_ns == 0


def test_only_the_last_forwarded_reports_are_remembered() -> None:
    trip = RoundTrip()
    for name in range(1, FORWARDED_MAX + 2):
        trip.forwarded(name, at_ns=NS)

    trip.heard(quoting(1, delay_ns=0), at_ns=2 * NS)

    assert trip.rtt_ns == 0
