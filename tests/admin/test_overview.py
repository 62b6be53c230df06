"""Readings of the same session become one row."""

from typing import Any

import pytest

from gateway.admin.overview import SILENCE_DBOV, LiveSnapshot, live_snapshot
from gateway.ids import SessionId
from gateway.money import Money
from gateway.terms import SessionState, Side, SuspendReason
from tests.admin.fakes import (
    SESSION,
    STARTED_WALL_NS,
    leg_reading,
    meter_reading,
    node_reading,
    session_reading,
)

pytestmark = pytest.mark.core


def snapshot(**readings: Any) -> LiveSnapshot:
    values: dict[str, Any] = {
        "now_wall_ns": STARTED_WALL_NS,
        "currency": "EUR",
        "node": node_reading(),
        "sessions": [],
        "meters": [],
        "legs": [],
        "verdicts": {},
    }
    return live_snapshot(**(values | readings))


def test_a_row_merges_what_every_part_says_of_the_session() -> None:
    taken = snapshot(
        sessions=[session_reading()],
        meters=[meter_reading(suspended=SuspendReason.MEDIA_GAP)],
        legs=[leg_reading(Side.CLIENT), leg_reading(Side.PROVIDER, muted=True, rtp_age_ms=None)],
        verdicts={SESSION: 2},
    )

    (line,) = taken.sessions
    assert (line.client, line.provider, line.started_at) == ("Cli", "Pro", "2026-09-21T14:13:20.000Z")
    assert (line.elapsed_s, line.billed_s, line.provisional_s, line.unwitnessed_s) == (75, 70, 3, 2)
    assert (line.cost, line.time_left_s) == (Money(3_650_000, "CNY"), 42)
    assert (line.suspended, line.verdicts) == (SuspendReason.MEDIA_GAP, 2)
    assert (line.legs.client.socket, line.legs.client.ack_age_ms, line.legs.client.jitter_ms) == (
        True,
        900,
        1.23,
    )
    assert (line.legs.provider.socket, line.legs.provider.muted) == (False, True)
    assert (line.legs.provider.rtp_age_ms, line.legs.provider.ack_age_ms) == (None, None)


def test_a_ringing_session_has_no_numbers_yet() -> None:
    taken = snapshot(sessions=[session_reading(state=SessionState.RINGING)])

    (line,) = taken.sessions
    assert (line.started_at, line.elapsed_s, line.time_left_s, line.suspended) == (None, 0, None, None)
    assert line.cost == Money(0, "EUR")
    assert (line.legs.client.connected, line.legs.client.level_dbov) == (False, SILENCE_DBOV)


def test_readings_of_sessions_that_signalling_does_not_know_are_left_out() -> None:
    assert snapshot(meters=[meter_reading()], legs=[leg_reading()]).sessions == ()


def test_the_longest_running_session_comes_first_and_those_that_ring_last() -> None:
    ids = [SessionId(f"ses_{letter}") for letter in "abc"]
    taken = snapshot(
        sessions=[session_reading(one) for one in ids],
        meters=[
            meter_reading(ids[1], started_wall_ns=STARTED_WALL_NS + 10**9),
            meter_reading(ids[2], started_wall_ns=STARTED_WALL_NS),
        ],
    )

    assert [line.session for line in taken.sessions] == ["ses_c", "ses_b", "ses_a"]


def test_a_leg_shows_how_its_voice_is_likely_to_sound_once_that_is_known() -> None:
    taken = snapshot(
        sessions=[session_reading()],
        legs=[leg_reading(Side.CLIENT, mos=4.1273, rtt_ms=80.06), leg_reading(Side.PROVIDER)],
    )

    (line,) = taken.sessions
    assert (line.legs.client.mos, line.legs.client.rtt_ms) == (4.13, 80.1)
    assert (line.legs.provider.mos, line.legs.provider.rtt_ms) == (None, None)


def test_the_node_line_carries_the_nodes_numbers() -> None:
    taken = snapshot(sessions=[session_reading()])

    assert taken.at == "2026-09-21T14:13:20.000Z"
    assert (taken.node.sessions_live, taken.node.store_queue, taken.node.store_commits) == (1, 0, 20)
    assert (taken.node.drops, taken.node.version) == ({"unknown_source": 3}, "1.2.3")
    assert (taken.node.relay, taken.node.load.state) == ("native", "open")
