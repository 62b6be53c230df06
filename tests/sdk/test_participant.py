"""A whole app, against a scripted gateway and a real leg."""

from pathlib import Path as File

import pytest

from gateway.sdk.participant import Participant, Path
from gateway.sdk.problem import NothingCame, ProblemAnswer
from gateway.sdk.speech import Speech
from gateway.terms import EndReason, SessionKind

from .fake_gateway import SESSION, FakeGateway

pytestmark = pytest.mark.adapter

SPEECH = File(__file__).parents[2] / "gateway" / "assets" / "speech.ogg"


@pytest.fixture(scope="module")
def speech() -> Speech:
    return Speech.load(SPEECH)


@pytest.fixture
async def fake(speech):
    async with FakeGateway(speech) as gateway:
        yield gateway


@pytest.fixture
async def caller(fake, speech):
    async with await Participant.join(fake.url, "token-1", speech=speech) as participant:
        yield participant


async def talking(fake: FakeGateway, caller: Participant) -> None:
    await caller.invite("acc_2", SessionKind.VOICE, "t1")
    await fake.accepted()
    await caller.connect()
    await fake.push("session.started", session=SESSION, at="2026-11-21T20:13:38.125Z")
    await caller.until_started()


async def test_a_caller_confirms_only_after_it_hears_the_other_side(fake, caller):
    await talking(fake, caller)
    order = [message["type"] for message in fake.said if message["type"] != "ping"]
    assert order == ["session.invite", "media.offer", "media.confirm"]
    confirmed = fake.told("media.confirm")[0]
    assert (confirmed["nonce"], confirmed["tariff_hash"]) == ("n1", "t1")
    assert caller.record.first_audio_ms is not None
    assert caller.record.first_audio_ms > 0


async def test_every_tick_is_acknowledged_with_its_head(fake, caller):
    await talking(fake, caller)
    for number in (1, 2, 3):
        await fake.tick(number)
    await caller.until_tick(3)
    await caller.signal.request("ping")
    assert [(ack["tick"], ack["head"]) for ack in fake.told("tick.ack")] == [(1, "h"), (2, "h"), (3, "h")]


async def test_a_silent_app_acknowledges_nothing(fake, caller):
    caller.is_acknowledging = False
    await talking(fake, caller)
    await fake.tick(1)
    await caller.until_tick(1)
    await caller.signal.request("ping")
    assert fake.told("tick.ack") == []


async def test_a_line_goes_by_the_channel_and_again_by_socket_under_the_same_id(fake, caller):
    await talking(fake, caller)
    await caller.peer.until_open()
    status = await caller.say("hello", name="line-1")
    assert status.state == "sent"
    assert [line["id"] for line in fake.told("chat.send")] == ["line-1"]


async def test_a_line_by_socket_answers_its_status(fake, caller):
    await talking(fake, caller)
    status = await caller.say("hello", by=Path.SOCKET)
    assert (status.state, status.seq) == ("sent", 1)


async def test_a_refused_line_is_raised_with_its_code(fake, caller):
    await talking(fake, caller)
    fake.refusals["chat.send"] = "wrong_state"
    with pytest.raises(ProblemAnswer) as refused:
        await caller.say("hello", by=Path.SOCKET)
    assert refused.value.code == "wrong_state"


async def test_a_rejoining_leg_replaces_the_old_one(fake, caller):
    await talking(fake, caller)
    first = caller.peer
    caller.signal.drop()
    welcome = await caller.signal.wait("welcome")
    await caller.rejoin(welcome.sessions[0])
    assert caller.peer is not first
    assert len(fake.told("media.offer")) == 2


async def test_a_provider_accepts_the_next_ring(fake, speech):
    async with await Participant.join(fake.url, "token-2", speech=speech) as provider:
        await provider.go_online()
        await fake.ring()
        assert await provider.accept_next() == SESSION
        assert fake.told("session.accept")[0]["session"] == SESSION


async def test_the_end_leaves_its_receipt_in_the_record(fake, caller):
    await talking(fake, caller)
    await caller.hang_up()
    await fake.push("session.ended", session=SESSION, reason="hangup_client", receipt={"billed_s": 3})
    ended = await caller.until_ended()
    assert ended.reason is EndReason.HANGUP_CLIENT
    assert caller.record.ended.receipt == {"billed_s": 3}
    await caller.report()
    assert fake.told("session.report")[0]["seconds"] == 0


async def test_events_of_another_session_are_left_alone(fake, caller):
    await talking(fake, caller)
    await fake.push("session.warning", session="ses_other", seconds_left=10, reason="funds")
    await fake.push("session.warning", session=SESSION, seconds_left=60, reason="funds")
    await caller.signal.wait("session.warning", session=SESSION)
    assert [warning.seconds_left for warning in caller.record.warnings] == [60]


async def test_a_text_session_needs_no_voice(fake):
    async with await Participant.join(fake.url, "token-1") as caller:
        await caller.invite("acc_2", SessionKind.TEXT, "t1")
        await fake.accepted("text")
        await caller.connect()
        assert not caller.peer.has_voice
        assert "m=audio" not in fake.told("media.offer")[0]["sdp"]


async def test_a_call_that_is_not_accepted_is_given_up(fake, caller):
    await caller.invite("acc_2", SessionKind.VOICE, "t1")
    with pytest.raises(NothingCame, match="no Accepted"):
        await caller.connect(timeout_s=0.05)
