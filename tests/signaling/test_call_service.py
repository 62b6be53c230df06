"""Media, confirmation, ticks and mute."""

import asyncio

import pytest

from gateway.errors import Unprocessable
from gateway.facts import SessionMoved
from gateway.ids import SessionId
from gateway.signaling.notice import MuteChanged
from gateway.signaling.outcome import Outcome
from gateway.signaling.ports import AckStatus, ConfirmStatus, ConsentStatus
from gateway.terms import ConsentKind, EndReason, SessionState, Side
from tests.signaling.fakes import TARIFF
from tests.signaling.world import AS_CLIENT, AS_STRANGER, Call, accepted, metering, ringing

pytestmark = pytest.mark.service


async def test_the_first_offer_moves_the_session_to_connecting() -> None:
    call = await accepted()

    await call.negotiate()

    assert call.stored() is SessionState.CONNECTING
    moved = [fact.state for fact in call.world.sink.of(SessionMoved)]
    assert moved == [SessionState.RINGING, SessionState.ACCEPTED, SessionState.CONNECTING]


async def test_forwarding_begins_when_both_sides_have_negotiated() -> None:
    call = await accepted()

    await call.world.desk.calls.offer(call.client, call.session, "offer")
    assert ("link", call.session) not in call.world.media.calls
    await call.world.desk.calls.offer(call.provider, call.session, "offer")

    assert ("link", call.session) in call.world.media.calls


async def test_a_rejoin_while_it_runs_does_not_link_by_itself() -> None:
    call = await metering()
    call.world.media.calls.clear()

    assert await call.world.desk.calls.offer(call.client, call.session, "again") == "answer to again"

    assert [entry[0] for entry in call.world.media.calls] == ["answer"]


async def test_a_bad_offer_says_why() -> None:
    call = await accepted()

    with pytest.raises(Unprocessable, match="line 1") as refused:
        await call.world.desk.calls.offer(call.client, call.session, "bad")

    assert refused.value.wire_code == "bad_offer"


async def test_an_offer_before_the_acceptance_is_refused() -> None:
    call = await ringing()

    assert await call.world.desk.calls.offer(call.client, call.session, "offer") is Outcome.WRONG_STATE


async def test_an_offer_after_the_stop_is_refused() -> None:
    call = await metering()
    await call.world.desk.sessions.end(AS_CLIENT, call.session)
    await call.world.settle(call.session)

    assert await call.world.desk.calls.offer(call.client, call.session, "offer") is Outcome.WRONG_STATE


async def test_an_offer_that_the_database_overtakes_is_refused() -> None:
    call = await accepted()
    ended = call.world.sessions.move(call.session, SessionState.CONNECT_FAILED, EndReason.CONNECT_FAILED)
    await call.world.sessions.commit(ended)

    assert await call.world.desk.calls.offer(call.client, call.session, "offer") is Outcome.WRONG_STATE


async def test_an_answer_that_comes_after_the_end_leaves_nothing_open_in_media() -> None:
    call = await accepted()
    call.world.media.gate = asyncio.Event()
    offering = asyncio.create_task(call.world.desk.calls.offer(call.client, call.session, "offer"))
    await asyncio.sleep(0)
    await call.world.desk.sessions.end(AS_CLIENT, call.session)
    await call.world.settle(call.session)

    call.world.media.gate.set()

    assert await offering is Outcome.WRONG_STATE
    assert call.world.media.closed == [call.session, call.session]


async def confirm(call: Call, side: Side) -> Outcome:
    nonce = call.live.nonce(side)
    return await call.world.desk.calls.confirm(
        call.side(side), call.session, nonce=nonce, tariff_hash=TARIFF.hash
    )


async def test_a_confirmation_reaches_the_meter_with_its_side() -> None:
    call = await (await accepted()).negotiate()

    assert await confirm(call, Side.PROVIDER) is Outcome.DONE

    nonce = call.live.nonce(Side.PROVIDER)
    assert call.world.meters.calls[-1] == ("confirm", call.session, Side.PROVIDER, nonce, TARIFF.hash)


@pytest.mark.parametrize("status", ConfirmStatus)
async def test_every_answer_to_a_confirmation_is_understood(status: ConfirmStatus) -> None:
    call = await (await accepted()).negotiate()
    call.world.meters.confirms = status

    assert (await confirm(call, Side.CLIENT) is Outcome.DONE) is (status is ConfirmStatus.CONFIRMED)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (AckStatus.ACKNOWLEDGED, Outcome.DONE),
        (AckStatus.UNKNOWN_SESSION, Outcome.WRONG_STATE),
        (AckStatus.NOT_RUNNING, Outcome.WRONG_STATE),
        (AckStatus.UNKNOWN_TICK, Outcome.UNKNOWN_TICK),
        (AckStatus.HEAD_MISMATCH, Outcome.HEAD_MISMATCH),
    ],
)
async def test_every_answer_to_an_acknowledgement_is_understood(status: AckStatus, outcome: Outcome) -> None:
    call = await metering()
    call.world.meters.acks = status

    answer = await call.world.desk.calls.acknowledge(call.provider, call.session, tick=1, head="h")

    assert answer is outcome
    assert call.world.meters.calls[-1] == ("acknowledge", call.session, Side.PROVIDER, 1, "h", None)


def test_no_answer_to_an_acknowledgement_is_forgotten() -> None:
    assert len(AckStatus) == 5


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (ConsentStatus.GIVEN, Outcome.DONE),
        (ConsentStatus.UNKNOWN_SESSION, Outcome.WRONG_STATE),
        (ConsentStatus.NOT_THE_PAYER, Outcome.FORBIDDEN),
        (ConsentStatus.NOT_ASKED, Outcome.NOT_ASKED),
    ],
)
async def test_every_answer_to_a_consent_is_understood(status: ConsentStatus, outcome: Outcome) -> None:
    call = await metering()
    call.world.meters.consents = status

    answer = await call.world.desk.calls.consent(call.client, call.session, ConsentKind.SPEND)

    assert answer is outcome
    assert call.world.meters.calls[-1] == ("consent", call.session, Side.CLIENT, ConsentKind.SPEND)


def test_no_answer_to_a_consent_is_forgotten() -> None:
    assert len(ConsentStatus) == 4


async def test_the_apps_own_clock_travels_with_its_acknowledgement() -> None:
    call = await metering()

    await call.world.desk.calls.acknowledge(call.client, call.session, tick=2, head="h", clock_ms=2_017)

    assert call.world.meters.calls[-1] == ("acknowledge", call.session, Side.CLIENT, 2, "h", 2_017)


async def test_a_mute_reaches_media_and_meter_and_is_told_to_the_other_side() -> None:
    call = await metering()
    mute = call.world.desk.calls.set_muted

    assert await mute(call.client, call.session, muted=True) is Outcome.DONE

    assert ("set_muted", call.session, Side.CLIENT, True) in call.world.media.calls
    assert ("set_muted", call.session, Side.CLIENT, True) in call.world.meters.calls
    told = call.provider.last(MuteChanged)
    assert (told.from_, told.muted) == (Side.CLIENT, True)
    assert call.client.heard(MuteChanged) == []
    assert call.world.desk.live()[0].muted == {Side.CLIENT: True, Side.PROVIDER: False}
    await mute(call.client, call.session, muted=False)
    assert call.world.desk.live()[0].muted[Side.CLIENT] is False


async def test_strangers_and_unknown_sessions_are_refused_alike() -> None:
    call = await metering()
    stranger = await call.world.connect(AS_STRANGER)
    calls = call.world.desk.calls

    for session in (call.session, SessionId("ses_unknown")):
        assert await calls.offer(stranger, session, "offer") is Outcome.NOT_FOUND
        assert await calls.set_muted(stranger, session, muted=True) is Outcome.NOT_FOUND
        assert await calls.acknowledge(stranger, session, tick=1, head="h") is Outcome.NOT_FOUND
        assert await calls.confirm(stranger, session, nonce="n", tariff_hash="t") is Outcome.NOT_FOUND


async def test_what_needs_an_accepted_call_is_refused_while_it_rings() -> None:
    call = await ringing()
    calls = call.world.desk.calls

    assert await calls.set_muted(call.client, call.session, muted=True) is Outcome.WRONG_STATE
    assert await calls.acknowledge(call.client, call.session, tick=1, head="h") is Outcome.WRONG_STATE
    assert await confirm(call, Side.CLIENT) is Outcome.WRONG_STATE
