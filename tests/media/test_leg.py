"""Rows read as evidence and for the operator."""

from array import array
from collections.abc import Sequence

import pytest

from gateway.clock import NS
from gateway.ids import SessionId
from gateway.media.counters import COLUMNS, Column, handle, row_of
from gateway.media.leg import LinkQuality, nothing_heard, read_evidence, read_view
from gateway.terms import LegEvidence, Side

pytestmark = pytest.mark.core

SESSION = SessionId("ses_1")
LEG = handle(1, 1)


def counters(**cells: int) -> Sequence[int]:
    buffer = array("q", bytes(8 * 2 * COLUMNS))
    for name, value in {"level_last": -127, **cells}.items():
        buffer[row_of(LEG) + Column[name.upper()]] = value
    return buffer


def evidence(buffer: Sequence[int], carried: LegEvidence | None = None) -> LegEvidence:
    return read_evidence(buffer, LEG, connected=True, carried=carried or nothing_heard(SESSION, Side.CLIENT))


def test_a_leg_that_never_sent_shows_nothing() -> None:
    shown = evidence(counters())

    assert shown.rtp_packets == shown.rtp_first_ns == shown.rtp_last_ns == shown.stun_last_ns == 0
    assert shown.level_dbov == -127


def test_a_row_is_read_as_evidence() -> None:
    shown = evidence(counters(rtp_in=3, rtp_first_ns=5, rtp_last_ns=9, rtp_span=1_920, level_last=-30))

    assert (shown.rtp_packets, shown.rtp_first_ns, shown.rtp_last_ns) == (3, 5, 9)
    assert (shown.rtp_span, shown.level_dbov) == (1_920, -30)


def test_a_rejoin_makes_no_arrival_unheard() -> None:
    before = evidence(
        counters(rtp_in=3, rtp_first_ns=5, rtp_last_ns=9, sctp_last_ns=8, rtp_span=1_920, level_last=-30)
    )

    after = evidence(counters(), carried=before)

    assert after == before


def test_a_rejoined_leg_counts_on() -> None:
    before = evidence(counters(rtp_in=3, rtp_first_ns=5, rtp_last_ns=9, rtp_forwarded=2, rtp_span=1_920))

    after = evidence(
        counters(rtp_in=2, rtp_first_ns=20, rtp_last_ns=30, rtp_forwarded=1, rtp_span=960), carried=before
    )

    assert (after.rtp_packets, after.rtp_forwarded, after.rtp_span) == (5, 3, 2_880)
    assert (after.rtp_first_ns, after.rtp_last_ns) == (5, 30)


def test_the_operator_sees_ages_and_never_an_address() -> None:
    buffer = counters(rtp_last_ns=NS, jitter=48, expected=10, received=7, muted=1, level_0=4)

    view = read_view(
        buffer,
        LEG,
        session=SESSION,
        side=Side.CLIENT,
        connected=True,
        quality=LinkQuality(family="ipv4", rtt_ns=3_000_000, fraction_lost=64, rating=93.2),
        now_ns=NS + 20_000_000,
    )

    assert (view.rtp_age_ms, view.rtcp_age_ms) == (20, None)
    assert (view.lost, view.jitter_ms, view.muted, view.levels[0]) == (3, 1.0, True, 4)
    assert (view.family, view.rtt_ms, view.loss_down) == ("ipv4", 3.0, 0.25)
    assert view.mos == pytest.approx(4.41, abs=0.01)
