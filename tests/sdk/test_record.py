"""What one participant saw, and its own count of seconds."""

import pytest

from gateway.clock import NS
from gateway.sdk.event import Event, parse
from gateway.sdk.record import Record

pytestmark = pytest.mark.core

SESSION = "ses_1"
MONEY = {"micros": 0, "currency": "CNY"}


def event(type_: str, **fields: object) -> Event:
    return parse({"type": type_, "session": SESSION, **fields})


def tick(number: int) -> Event:
    return event("tick", tick=number, billed_s=number, cost=MONEY, time_left_s=9, head="h")


def record_of(*steps: tuple[Event, float]) -> Record:
    record = Record()
    for what, at_s in steps:
        record.take(what, int(at_s * NS))
    return record


STARTED = event("session.started", at="2026-11-21T20:13:38.125Z")
SUSPENDED = event("session.suspended", reason="operator")
RESUMED = event("session.resumed")
ENDED = event("session.ended", reason="hangup_client", receipt=None)

TABLE = [
    # steps, own seconds
    ((), 0),
    (((STARTED, 100), (tick(1), 101), (tick(2), 102)), 0),
    (((STARTED, 100), (tick(1), 101), (tick(2), 102.1), (ENDED, 103.4)), 2),
    (((STARTED, 100), (SUSPENDED, 105), (RESUMED, 115), (tick(8), 118), (ENDED, 119.5)), 8),
    (((STARTED, 100), (SUSPENDED, 105.9), (ENDED, 150)), 5),
    (((STARTED, 100), (ENDED, 103.9)), 3),
]


@pytest.mark.parametrize(("steps", "seconds"), TABLE)
def test_own_seconds_leave_out_suspensions_and_the_wait_for_the_end(steps, seconds):
    assert record_of(*steps).own_seconds == seconds


def test_a_hang_up_stops_the_own_count_at_once():
    record = record_of((STARTED, 100), (tick(1), 101))
    record.halt(int(101.5 * NS))
    record.take(ENDED, 105 * NS)
    assert record.own_seconds == 1


def test_first_audio_is_counted_from_acceptance():
    record = Record(accepted_at_ns=1 * NS, heard_at_ns=int(1.25 * NS))
    assert record.first_audio_ms == 250
    assert Record().first_audio_ms is None


def test_every_kind_of_event_finds_its_place():
    record = record_of(
        (event("session.warning", seconds_left=10, reason="funds"), 1),
        (event("leg.lost", side="provider"), 2),
        (event("leg.back", side="provider"), 3),
        (event("leg.replaced"), 4),
        (event("chat.message", seq=1, **{"from": "client"}, text="hi", id="l1", at="now"), 5),
        (parse({"type": "chat.status", "id": "l1", "state": "sent"}), 6),
        (event("mute.changed", **{"from": "client"}, muted=True), 7),
        (event("moderation.notice", action="mask", category="contact"), 8),
        (parse({"type": "problem", "code": "unknown_tick"}), 9),
        (parse({"type": "wallet", "available": MONEY}), 10),
        (parse({"type": "weather"}), 11),
    )
    assert [len(kept) for kept in (record.warnings, record.legs, record.lines, record.statuses)] == [
        1,
        3,
        1,
        1,
    ]
    assert [len(kept) for kept in (record.mutes, record.notices, record.problems)] == [1, 1, 1]
    assert record.wallet.available.micros == 0
