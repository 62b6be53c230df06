"""Answers and ends."""

import asyncio

import pytest

from gateway.errors import StoreDown
from gateway.facts import SessionMoved
from gateway.ids import SessionId
from gateway.signaling.notice import (
    LegReplacedNotice,
    ModerationNotice,
    PresenceNotice,
    SessionAccepted,
    SessionEnded,
)
from gateway.signaling.outcome import Outcome
from gateway.signaling.presence import Presence
from gateway.terms import EndReason, SessionState, Side, SuspendReason
from tests.signaling.fakes import TARIFF
from tests.signaling.world import (
    AS_CLIENT,
    AS_PROVIDER,
    AS_STRANGER,
    CLIENT,
    PROVIDER,
    accepted,
    assert_voided,
    metering,
    principal_of,
    ringing,
)

pytestmark = pytest.mark.service

UNKNOWN = SessionId("ses_unknown")


async def test_acceptance_moves_the_session_and_tells_each_side_its_own_nonce() -> None:
    call = await accepted()

    assert call.stored() is SessionState.ACCEPTED
    assert ("connect", call.session) in call.world.meters.calls
    for side in Side:
        told = call.side(side).last(SessionAccepted)
        assert told.side is side
        assert told.nonce == call.live.nonce(side)
        assert told.ice_servers[0]["username"] == call.live.account(side)
        assert told.tariff_hash == TARIFF.hash
    assert call.client.last(PresenceNotice).state is Presence.IN_SESSION


async def test_an_accepted_call_no_longer_misses() -> None:
    call = await accepted()

    await call.world.timer.pass_time(31)

    assert call.stored() is SessionState.ACCEPTED


async def test_of_two_acceptances_at_once_one_wins() -> None:
    call = await ringing()
    tablet = await call.world.connect(AS_PROVIDER)
    call.world.sessions.gate = asyncio.Event()

    accept = call.world.desk.sessions.accept
    attempts = [asyncio.create_task(accept(one, call.session)) for one in (call.provider, tablet)]
    await asyncio.sleep(0)
    call.world.sessions.gate.set()

    assert [await attempt for attempt in attempts] == [Outcome.DONE, Outcome.WRONG_STATE]
    assert call.live.legs[Side.PROVIDER].is_held_by(call.provider.id)
    assert len(tablet.heard(SessionAccepted)) == 0


async def test_the_devices_that_did_not_answer_stop_ringing() -> None:
    call = await ringing()
    tablet = await call.world.connect(AS_PROVIDER)

    await call.accept()

    assert [notice.session for notice in tablet.heard(LegReplacedNotice)] == [call.session]
    assert call.provider.heard(LegReplacedNotice) == []


async def test_an_acceptance_that_the_database_refuses_is_late() -> None:
    call = await ringing()
    move = call.world.sessions.move(call.session, SessionState.CANCELLED, EndReason.CANCELLED)
    await call.world.sessions.commit(move)

    assert await call.world.desk.sessions.accept(call.provider, call.session) is Outcome.WRONG_STATE


async def test_an_acceptance_that_cannot_be_written_keeps_ringing() -> None:
    call = await ringing()
    call.world.sessions.is_down = True

    with pytest.raises(StoreDown):
        await call.world.desk.sessions.accept(call.provider, call.session)

    call.world.sessions.is_down = False
    assert await call.world.desk.sessions.accept(call.provider, call.session) is Outcome.DONE


async def test_the_provider_declines() -> None:
    call = await ringing()

    assert await call.world.desk.sessions.decline(AS_PROVIDER, call.session) is Outcome.DONE

    assert_voided(call, SessionState.DECLINED, EndReason.DECLINED)


async def test_the_client_cancels() -> None:
    call = await ringing()

    assert await call.world.desk.sessions.cancel(AS_CLIENT, call.session) is Outcome.DONE

    assert_voided(call, SessionState.CANCELLED, EndReason.CANCELLED)


@pytest.mark.parametrize(
    ("side", "state", "reason"),
    [
        (Side.CLIENT, SessionState.CANCELLED, EndReason.CANCELLED),
        (Side.PROVIDER, SessionState.DECLINED, EndReason.DECLINED),
    ],
)
async def test_hanging_up_while_it_rings_cancels_or_declines(
    side: Side, state: SessionState, reason: EndReason
) -> None:
    call = await ringing()

    assert await call.world.desk.sessions.end(call.side(side).principal, call.session) is Outcome.DONE

    assert_voided(call, state, reason)


@pytest.mark.parametrize(
    ("side", "reason"),
    [(Side.CLIENT, EndReason.HANGUP_CLIENT), (Side.PROVIDER, EndReason.HANGUP_PROVIDER)],
)
async def test_hanging_up_stops_the_meter_and_the_receipt_ends_the_session(
    side: Side, reason: EndReason
) -> None:
    call = await metering()

    assert await call.world.desk.sessions.end(call.side(side).principal, call.session) is Outcome.DONE
    assert call.client.heard(SessionEnded) == []
    assert await call.world.settle(call.session) is reason

    assert call.stored() is SessionState.SETTLED
    assert call.client.last(SessionEnded).reason is reason
    assert call.world.media.closed == [call.session]
    assert call.world.desk.presence.state(PROVIDER) is Presence.ONLINE
    assert call.world.sink.of(SessionMoved)[-1].state is SessionState.SETTLED


async def test_hanging_up_before_the_start_ends_as_not_connected() -> None:
    call = await accepted()

    await call.world.desk.sessions.end(AS_CLIENT, call.session)
    await call.world.settle(call.session)

    assert call.stored() is SessionState.CONNECT_FAILED
    assert call.provider.last(SessionEnded).reason is EndReason.HANGUP_CLIENT
    assert call.world.sink.of(SessionMoved)[-1].state is SessionState.CONNECT_FAILED


async def test_hanging_up_twice_is_harmless_and_the_first_stands() -> None:
    call = await metering()

    assert await call.world.desk.sessions.end(AS_CLIENT, call.session) is Outcome.DONE
    assert await call.world.desk.sessions.end(AS_PROVIDER, call.session) is Outcome.DONE

    assert call.world.meters.stopped[call.session] is EndReason.HANGUP_CLIENT


async def test_a_cancel_that_meets_an_acceptance_hangs_up() -> None:
    call = await ringing()
    call.world.sessions.gate = asyncio.Event()
    accepting = asyncio.create_task(call.world.desk.sessions.accept(call.provider, call.session))
    await asyncio.sleep(0)

    ending = asyncio.create_task(call.world.desk.sessions.end(AS_CLIENT, call.session))
    await asyncio.sleep(0)
    call.world.sessions.gate.set()

    assert await accepting is Outcome.DONE
    assert await ending is Outcome.DONE
    assert call.world.meters.stopped == {call.session: EndReason.HANGUP_CLIENT}


async def test_an_sos_pauses_stops_forwarding_and_keeps_the_session() -> None:
    call = await metering()

    assert await call.world.desk.sessions.sos(AS_PROVIDER, call.session) is Outcome.DONE

    assert ("pause", call.session, SuspendReason.SOS) in call.world.meters.calls
    assert ("unlink", call.session) in call.world.media.calls
    assert call.provider.last(ModerationNotice).action == "sos"
    assert call.client.heard(ModerationNotice) == []
    assert call.world.meters.stopped == {}


async def test_an_sos_before_the_start_keeps_media_from_being_linked() -> None:
    call = await accepted()
    await call.world.desk.sessions.sos(AS_CLIENT, call.session)

    await call.negotiate()

    assert ("link", call.session) not in call.world.media.calls


async def test_an_operator_lifts_what_an_sos_paused() -> None:
    call = await metering()
    await call.world.desk.sessions.sos(AS_CLIENT, call.session)

    assert await call.world.desk.sessions.resume_by_operator(call.session) is Outcome.DONE

    lifted = {entry[2] for entry in call.world.meters.calls if entry[0] == "resume"}
    assert lifted == {SuspendReason.OPERATOR, SuspendReason.SOS, SuspendReason.MODERATION}


async def test_an_operator_pauses_and_ends_a_session() -> None:
    call = await metering()

    assert await call.world.desk.sessions.pause_by_operator(call.session) is Outcome.DONE
    assert await call.world.desk.sessions.end_by_operator(call.session) is Outcome.DONE

    assert ("pause", call.session, SuspendReason.OPERATOR) in call.world.meters.calls
    assert await call.world.settle(call.session) is EndReason.OPERATOR


async def test_an_operator_ends_a_session_in_which_somebody_called_for_help_as_sos() -> None:
    call = await metering()
    await call.world.desk.sessions.sos(AS_CLIENT, call.session)

    await call.world.desk.sessions.end_by_operator(call.session)

    assert await call.world.settle(call.session) is EndReason.SOS


async def test_a_lifted_sos_leaves_no_trace_on_a_later_end() -> None:
    call = await metering()
    await call.world.desk.sessions.sos(AS_CLIENT, call.session)
    await call.world.desk.sessions.resume_by_operator(call.session)

    await call.world.desk.sessions.end_by_operator(call.session)

    assert await call.world.settle(call.session) is EndReason.OPERATOR


async def test_an_operator_ends_a_call_that_rings() -> None:
    call = await ringing()

    assert await call.world.desk.sessions.end_by_operator(call.session) is Outcome.DONE

    assert_voided(call, SessionState.CANCELLED, EndReason.OPERATOR)


async def test_an_operator_finds_only_live_sessions_and_pauses_only_conversations() -> None:
    call = await ringing()
    sessions = call.world.desk.sessions

    for command in (sessions.end_by_operator, sessions.pause_by_operator, sessions.resume_by_operator):
        assert await command(UNKNOWN) is Outcome.NOT_FOUND
    assert await sessions.pause_by_operator(call.session) is Outcome.WRONG_STATE
    assert await sessions.resume_by_operator(call.session) is Outcome.WRONG_STATE


@pytest.mark.parametrize("name", ["decline", "cancel", "end", "sos"])
async def test_a_strangers_session_and_an_unknown_one_are_refused_alike(name: str) -> None:
    call = await ringing()
    command = getattr(call.world.desk.sessions, name)

    assert await command(AS_STRANGER, call.session) is Outcome.NOT_FOUND
    assert await command(AS_STRANGER, UNKNOWN) is Outcome.NOT_FOUND
    assert call.stored() is SessionState.RINGING


async def test_a_strangers_acceptance_and_report_are_refused_alike() -> None:
    call = await ringing()
    stranger = await call.world.connect(AS_STRANGER)
    sessions = call.world.desk.sessions

    for session in (call.session, UNKNOWN):
        assert await sessions.accept(stranger, session) is Outcome.NOT_FOUND
        assert await sessions.report(AS_STRANGER, session, seconds=1) is Outcome.NOT_FOUND


async def test_each_side_answers_with_its_own_word() -> None:
    call = await ringing()
    sessions = call.world.desk.sessions

    assert await sessions.accept(call.client, call.session) is Outcome.FORBIDDEN
    assert await sessions.decline(AS_CLIENT, call.session) is Outcome.FORBIDDEN
    assert await sessions.cancel(AS_PROVIDER, call.session) is Outcome.FORBIDDEN


async def test_what_needs_a_ringing_call_is_refused_later_and_after_the_end() -> None:
    call = await metering()
    sessions = call.world.desk.sessions

    assert await sessions.accept(call.provider, call.session) is Outcome.WRONG_STATE
    assert await sessions.decline(AS_PROVIDER, call.session) is Outcome.WRONG_STATE
    assert await sessions.cancel(AS_CLIENT, call.session) is Outcome.WRONG_STATE
    await sessions.end(AS_CLIENT, call.session)
    await call.world.settle(call.session)
    assert await sessions.accept(call.provider, call.session) is Outcome.WRONG_STATE
    assert await sessions.end(AS_CLIENT, call.session) is Outcome.WRONG_STATE
    assert await sessions.sos(AS_CLIENT, call.session) is Outcome.WRONG_STATE


async def test_a_ringing_call_has_nothing_to_call_help_for() -> None:
    call = await ringing()

    assert await call.world.desk.sessions.sos(AS_CLIENT, call.session) is Outcome.WRONG_STATE


async def test_each_side_reports_its_seconds_after_the_end() -> None:
    call = await metering()
    report = call.world.desk.sessions.report
    assert await report(AS_CLIENT, call.session, seconds=3) is Outcome.WRONG_STATE
    await call.world.desk.sessions.end(AS_CLIENT, call.session)
    await call.world.settle(call.session)

    assert await report(AS_CLIENT, call.session, seconds=3) is Outcome.DONE
    assert await report(AS_PROVIDER, call.session, seconds=4) is Outcome.DONE

    assert call.world.meters.calls[-2:] == [
        ("report", call.session, Side.CLIENT, 3),
        ("report", call.session, Side.PROVIDER, 4),
    ]


async def test_a_token_for_one_session_opens_no_other() -> None:
    call = await ringing()
    bound = principal_of(CLIENT, session=SessionId("ses_other"))

    assert await call.world.desk.sessions.end(bound, call.session) is Outcome.NOT_FOUND
