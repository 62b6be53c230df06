"""A session's facts become one line."""

import pytest

from gateway.admin.canonical_line import COUNTED, FINISHED, SessionStory, canonical_line
from gateway.clock import NS
from gateway.facts import (
    ChatSent,
    Fact,
    LegAudible,
    LegConnected,
    LegLost,
    LegResumed,
    MeterResumed,
    MeterStarted,
    MeterStopped,
    MeterSuspended,
    SessionMoved,
    SessionOpened,
    WarningDue,
)
from gateway.ids import AccountId
from gateway.terms import (
    EndReason,
    SessionKind,
    SessionState,
    Side,
    SuspendReason,
    WarningReason,
)
from tests.admin.fakes import SESSION, receipt_issued, settled, tick, verdict_given

pytestmark = pytest.mark.core

MS = 1_000_000


def told(*facts: Fact) -> SessionStory:
    story = SessionStory(session=SESSION)
    for fact in facts:
        story = story.heard(fact)
    return story


def opened() -> SessionOpened:
    return SessionOpened(
        at_ns=0,
        session=SESSION,
        client=AccountId("acc_c"),
        provider=AccountId("acc_p"),
        kind=SessionKind.VOICE,
    )


def moved(state: SessionState, *, at_ns: int = 0, reason: EndReason | None = None) -> SessionMoved:
    return SessionMoved(at_ns=at_ns, session=SESSION, state=state, reason=reason)


def suspended(at_ns: int, reason: SuspendReason = SuspendReason.MEDIA_GAP) -> MeterSuspended:
    return MeterSuspended(at_ns=at_ns, session=SESSION, reason=reason)


def test_a_whole_session_is_told_in_one_line() -> None:
    story = told(
        opened(),
        moved(SessionState.RINGING),
        moved(SessionState.ACCEPTED, at_ns=4 * NS),
        LegConnected(at_ns=5 * NS, session=SESSION, side=Side.CLIENT, setup_ns=40 * MS),
        LegConnected(at_ns=5 * NS, session=SESSION, side=Side.PROVIDER, setup_ns=55 * MS),
        LegAudible(at_ns=5 * NS, session=SESSION, side=Side.CLIENT, setup_ns=61 * MS),
        MeterStarted(at_ns=6 * NS, session=SESSION, wall_ns=1),
        tick(1),
        ChatSent(at_ns=8 * NS, session=SESSION, side=Side.CLIENT, seq=1, characters=5),
        verdict_given("mask", severity=2),
        verdict_given("flag", severity=3),
        verdict_given("mask", severity=2),
        LegLost(at_ns=10 * NS, session=SESSION, side=Side.CLIENT),
        suspended(11 * NS),
        MeterResumed(at_ns=14 * NS, session=SESSION),
        LegResumed(at_ns=14 * NS, session=SESSION, side=Side.CLIENT),
        WarningDue(at_ns=20 * NS, session=SESSION, seconds_left=10, reason=WarningReason.FUNDS),
        tick(70),
        MeterStopped(at_ns=81 * NS, session=SESSION, reason=EndReason.HANGUP_CLIENT),
        receipt_issued(),
    ).with_losses({Side.CLIENT: 12, Side.PROVIDER: 0})
    assert canonical_line(story.heard(settled(82 * NS))) == {
        "session": "ses_1",
        "kind": "voice",
        "state": "settled",
        "end_reason": "hangup_client",
        "ring_ms": 4_000,
        "connect_ms": 2_000,
        "talk_ms": 75_000,
        "settle_ms": 1_000,
        "total_ms": 82_000,
        "suspended_ms": 3_000,
        "receipt": "rcp_1",
        "billed_s": 70,
        "charge_micros": 3_500_000,
        "fee_micros": 700_000,
        "earned_micros": 2_800_000,
        "currency": "CNY",
        "grade": "A",
        "ticks": 70,
        "setup_ms_client": 40,
        "setup_ms_provider": 55,
        "audible_ms_client": 61,
        "lost_client": 12,
        "lost_provider": 0,
        "suspensions": 1,
        "legs_lost": 1,
        "legs_resumed": 1,
        "paths_moved": 0,
        "voice_grades": 0,
        "lines": 1,
        "warnings": 1,
        "verdicts": 3,
        "engine_failures": 0,
        "reviews": 0,
        "verdict_severity_max": 3,
        "verdict_actions": ["mask", "flag"],
    }


def test_a_missed_call_has_no_money_and_no_talk() -> None:
    line = canonical_line(told(opened(), moved(SessionState.MISSED, at_ns=30 * NS, reason=EndReason.MISSED)))

    assert (line["state"], line["end_reason"], line["total_ms"]) == ("missed", "missed", 30_000)
    assert not {"talk_ms", "ring_ms", "charge_micros", "grade"} & line.keys()


def test_a_session_found_at_start_up_does_not_guess_its_beginning() -> None:
    line = canonical_line(
        told(tick(90), MeterStopped(at_ns=5, session=SESSION, reason=EndReason.LOST_CLIENT), settled())
    )

    assert not {"kind", "total_ms", "talk_ms"} & line.keys()
    assert line["ticks"] == 90


def test_overlapping_suspensions_are_not_counted_twice() -> None:
    story = told(
        suspended(1 * NS),
        suspended(2 * NS, SuspendReason.OPERATOR),
        MeterResumed(at_ns=5 * NS, session=SESSION),
    )

    assert story.suspended_ns == 4 * NS


def test_a_suspension_that_never_ended_ends_with_the_stop() -> None:
    story = told(suspended(1 * NS), MeterStopped(at_ns=3 * NS, session=SESSION, reason=EndReason.SOS))

    assert story.suspended_ns == 2 * NS


def test_the_first_set_up_of_a_leg_counts() -> None:
    story = told(
        LegConnected(at_ns=1, session=SESSION, side=Side.CLIENT, setup_ns=40 * MS),
        LegConnected(at_ns=2, session=SESSION, side=Side.CLIENT, setup_ns=900 * MS),
    )

    assert story.setup_ms == {Side.CLIENT: 40}


@pytest.mark.parametrize("state", list(SessionState))
def test_a_story_is_finished_in_the_finished_states_only(state: SessionState) -> None:
    assert told(moved(state)).is_finished is (state in FINISHED)


def test_names_of_counts_are_not_shared() -> None:
    assert len(set(COUNTED.values())) == len(COUNTED)
