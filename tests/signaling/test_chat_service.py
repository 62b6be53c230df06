"""Lines of text: judged, numbered, stored, delivered, read."""

import asyncio

import pytest

from gateway.errors import StoreDown
from gateway.facts import ChatSent
from gateway.ids import SessionId
from gateway.limits import CHAT_LINES_PER_S, CHAT_PAGE_MAX
from gateway.signaling.chat import LineState
from gateway.signaling.chat_notice import ChatMessage, ChatStatus
from gateway.signaling.notice import ModerationNotice, Notice
from gateway.signaling.outcome import Outcome
from gateway.terms import EndReason, SessionState, Side, SuspendReason
from tests.signaling.world import (
    AS_CLIENT,
    AS_PROVIDER,
    AS_STRANGER,
    Call,
    accepted,
    metering,
    ringing,
)

pytestmark = pytest.mark.service


async def say(call: Call, side: Side, text: str, *, line_id: str = "m1") -> tuple[Outcome, list[Notice]]:
    """Send by socket; answers the outcome and what came back."""
    replies: list[Notice] = []
    outcome = await call.world.desk.chat.send_by_socket(
        call.side(side), call.session, line_id=line_id, text=text, reply=replies.append
    )
    return outcome, replies


async def say_by_channel(
    call: Call, side: Side, text: str, *, line_id: str = "m1"
) -> tuple[Outcome, list[Notice]]:
    replies: list[Notice] = []
    outcome = await call.world.desk.chat.send_by_channel(
        call.session, side, line_id=line_id, text=text, reply=replies.append
    )
    return outcome, replies


def only(replies: list[Notice]) -> ChatStatus:
    assert len(replies) == 1
    assert isinstance(replies[0], ChatStatus)
    return replies[0]


async def test_a_line_is_stored_acknowledged_and_delivered() -> None:
    call = await metering()

    outcome, replies = await say(call, Side.CLIENT, "hello")

    assert outcome is Outcome.DONE
    status = only(replies)
    assert (status.state, status.seq, status.id, status.re) == (LineState.SENT, 1, "m1", "m1")
    got = call.provider.last(ChatMessage)
    assert (got.text, got.seq, got.from_, got.id) == ("hello", 1, Side.CLIENT, "m1")
    assert call.client.last(ChatStatus).state is LineState.DELIVERED
    assert [line.text for line in call.world.lines.lines[call.session]] == ["hello"]
    assert ("line_sent", call.session, Side.CLIENT) in call.world.meters.calls
    fact = call.world.sink.of(ChatSent)[0]
    assert (fact.side, fact.seq, fact.characters) == (Side.CLIENT, 1, 5)


async def test_the_data_channel_is_taken_first() -> None:
    call = await metering()
    call.world.channel.open = {Side.PROVIDER}

    await say(call, Side.CLIENT, "hello")

    assert [(side, type(notice)) for side, notice in call.world.channel.sent] == [
        (Side.PROVIDER, ChatMessage)
    ]
    assert call.provider.heard(ChatMessage) == []


async def test_one_sequence_holds_for_both_sides_and_both_paths() -> None:
    call = await metering()

    await say(call, Side.CLIENT, "one", line_id="a")
    await say_by_channel(call, Side.PROVIDER, "two", line_id="a")
    await say_by_channel(call, Side.CLIENT, "three", line_id="b")

    lines = call.world.lines.lines[call.session]
    assert [(line.seq, line.side, line.text) for line in lines] == [
        (1, Side.CLIENT, "one"),
        (2, Side.PROVIDER, "two"),
        (3, Side.CLIENT, "three"),
    ]


async def test_a_line_that_nothing_pays_for_is_refused_and_not_stored() -> None:
    call = await metering()
    call.world.meters.is_covered = False
    replies: list[Notice] = []

    outcome = await call.world.desk.chat.send_by_socket(
        call.client, call.session, line_id="m1", text="hello", reply=replies.append
    )

    assert outcome is Outcome.NOT_COVERED
    assert replies == []
    assert call.world.lines.lines.get(call.session, []) == []


async def test_a_line_that_was_judged_while_the_other_side_took_the_last_money_is_refused() -> None:
    call = await metering()
    world = call.world
    world.watch.gate = asyncio.Event()
    slow = asyncio.create_task(say(call, Side.CLIENT, "slow one"))
    await asyncio.sleep(0)

    done, _ = await say(call, Side.PROVIDER, "quick one")
    world.meters.is_covered = False
    world.watch.gate.set()
    refused, replies = await slow

    assert (done, refused) == (Outcome.DONE, Outcome.NOT_COVERED)
    assert replies == []
    assert [line.text for line in world.lines.lines[call.session]] == ["quick one"]
    assert ("line_sent", call.session, Side.CLIENT) not in world.meters.calls


async def test_a_line_sent_on_both_paths_is_delivered_once_and_answered_twice() -> None:
    call = await metering()

    _, by_socket = await say(call, Side.CLIENT, "hello")
    _, by_channel = await say_by_channel(call, Side.CLIENT, "hello")

    assert only(by_socket).seq == only(by_channel).seq == 1
    assert len(call.provider.heard(ChatMessage)) == 1
    assert len(call.world.watch.judged) == 1


async def test_a_line_known_only_to_the_store_is_answered_with_its_first_number() -> None:
    call = await metering()
    await say(call, Side.CLIENT, "hello")
    call.live.room = type(call.live.room)()
    call.forget()

    _, replies = await say(call, Side.CLIENT, "hello")
    _, fresh = await say(call, Side.CLIENT, "again", line_id="m2")

    assert only(replies).seq == 1
    assert call.world.sink.of(ChatSent)[0].seq == 2
    assert only(fresh).seq == 2
    assert [message.text for message in call.provider.heard(ChatMessage)] == ["again"]


async def test_a_senders_lines_keep_their_order_while_one_is_judged_slowly() -> None:
    call = await metering()
    call.world.watch.gate = asyncio.Event()

    first = asyncio.create_task(say(call, Side.CLIENT, "slow one", line_id="a"))
    await asyncio.sleep(0)
    second = asyncio.create_task(say_by_channel(call, Side.CLIENT, "quick one", line_id="b"))
    other = await say(call, Side.PROVIDER, "mine", line_id="c")
    call.world.watch.gate.set()
    await asyncio.gather(first, second)

    assert only(other[1]).seq == 1
    texts = [line.text for line in call.world.lines.lines[call.session]]
    assert texts == ["mine", "slow one", "quick one"]


async def test_a_masked_line_is_delivered_and_stored_masked_and_its_sender_sees_it() -> None:
    call = await metering()

    _, replies = await say(call, Side.CLIENT, "mask:secret")

    status = only(replies)
    assert (status.state, status.text, status.seq) == (LineState.MASKED, "******", 1)
    assert call.provider.last(ChatMessage).text == "******"
    assert [line.text for line in call.world.lines.lines[call.session]] == ["******"]


@pytest.mark.parametrize("action", ["bounce", "hold", "block", "mute", "unheard_of"])
async def test_a_blocked_line_is_neither_stored_nor_delivered(action: str) -> None:
    call = await metering()

    _, replies = await say(call, Side.PROVIDER, f"{action}:words")

    status = only(replies)
    assert (status.state, status.reason, status.seq) == (LineState.BLOCKED, "abuse", None)
    assert call.client.heard(ChatMessage) == []
    assert call.world.lines.lines == {}
    assert call.provider.last(ModerationNotice).action == action
    assert call.client.heard(ModerationNotice) == []
    assert call.world.meters.stopped == {}


async def test_a_blocked_line_sent_again_is_blocked_again_unjudged() -> None:
    call = await metering()
    await say(call, Side.CLIENT, "block:words")

    _, replies = await say_by_channel(call, Side.CLIENT, "nice words, same id")

    assert only(replies).state is LineState.BLOCKED
    assert call.world.watch.judged == ["block:words"]


@pytest.mark.parametrize("action", ["terminate", "suspend"])
async def test_a_line_that_terminates_ends_the_session_at_once(action: str) -> None:
    call = await metering()

    _, replies = await say(call, Side.CLIENT, f"{action}:words")

    assert only(replies).state is LineState.BLOCKED
    assert call.world.meters.stopped == {call.session: EndReason.MODERATION}
    for side in Side:
        notice = call.side(side).last(ModerationNotice)
        assert (notice.action, notice.category) == (action, "abuse")


async def test_a_line_that_freezes_pauses_the_meter_and_stops_forwarding() -> None:
    call = await metering()

    await say(call, Side.CLIENT, "freeze:words")

    assert ("pause", call.session, SuspendReason.MODERATION) in call.world.meters.calls
    assert ("unlink", call.session) in call.world.media.calls
    assert call.provider.last(ModerationNotice).action == "freeze"
    assert call.client.heard(ChatMessage) == []


async def test_a_flagged_line_passes() -> None:
    call = await metering()

    _, replies = await say(call, Side.CLIENT, "flag:words")

    assert only(replies).state is LineState.SENT
    assert call.provider.last(ChatMessage).text == "words"


async def test_lines_faster_than_the_rate_are_refused_on_both_paths_together() -> None:
    call = await metering()

    outcomes = []
    for number in range(2 * CHAT_LINES_PER_S + 1):
        send = say if number % 2 else say_by_channel
        outcomes.append((await send(call, Side.CLIENT, "x", line_id=f"m{number}"))[0])

    assert outcomes == [Outcome.DONE] * (2 * CHAT_LINES_PER_S) + [Outcome.TOO_MANY_REQUESTS]
    call.world.clock.advance(seconds=1)
    assert (await say(call, Side.CLIENT, "x", line_id="later"))[0] is Outcome.DONE


async def test_a_line_that_cannot_be_stored_is_not_acknowledged_and_may_be_sent_again() -> None:
    call = await metering()
    call.world.lines.is_down = True
    with pytest.raises(StoreDown):
        await say(call, Side.CLIENT, "hello")
    assert call.provider.heard(ChatMessage) == []

    call.world.lines.is_down = False
    _, replies = await say(call, Side.CLIENT, "hello")

    assert only(replies).seq == 1
    assert len(call.provider.heard(ChatMessage)) == 1


async def test_a_line_to_someone_who_is_away_waits_in_the_history() -> None:
    call = await metering()
    call.world.legs.detach(call.provider)

    _, replies = await say(call, Side.CLIENT, "are you there?")

    assert only(replies).state is LineState.SENT
    assert [status.state for status in call.client.heard(ChatStatus)] == []
    back = await call.world.connect(AS_PROVIDER)
    missed = await call.world.desk.chat.history(back.principal, call.session, 0)
    assert not isinstance(missed, Outcome)
    assert [message.text for message in missed] == ["are you there?"]


async def test_history_goes_on_after_a_number_and_is_bounded() -> None:
    call = await metering()
    for number in range(CHAT_PAGE_MAX + 5):
        call.world.clock.advance(seconds=1)
        await say(call, Side.CLIENT, f"line {number}", line_id=f"m{number}")

    page = await call.world.desk.chat.history(AS_CLIENT, call.session, 3)

    assert not isinstance(page, Outcome)
    assert [message.seq for message in page] == list(range(4, CHAT_PAGE_MAX + 4))


async def test_history_outlives_the_session_for_its_parties_only() -> None:
    call = await metering()
    await say(call, Side.CLIENT, "hello")
    await call.world.desk.sessions.end(AS_CLIENT, call.session)
    await call.world.settle(call.session)
    history = call.world.desk.chat.history

    page = await history(AS_PROVIDER, call.session, 0)
    assert not isinstance(page, Outcome)
    assert [message.text for message in page] == ["hello"]
    assert await history(AS_STRANGER, call.session, 0) is Outcome.NOT_FOUND
    assert await history(AS_STRANGER, SessionId("ses_unknown"), 0) is Outcome.NOT_FOUND


async def test_reading_is_told_to_the_sender_of_the_newest_line_read() -> None:
    call = await metering()
    await say(call, Side.CLIENT, "one", line_id="a")
    await say(call, Side.CLIENT, "two", line_id="b")

    read = call.world.desk.chat.read_by_socket
    assert await read(call.provider, call.session, 2) is Outcome.DONE
    assert await read(call.provider, call.session, 1) is Outcome.DONE

    told = call.client.last(ChatStatus)
    assert (told.state, told.id, told.seq, told.re) == (LineState.READ, "b", 2, None)
    assert [status.state for status in call.client.heard(ChatStatus)].count(LineState.READ) == 1
    assert call.world.lines.reads == {(call.session, Side.PROVIDER): 2}


async def test_reading_by_data_channel_is_the_same() -> None:
    call = await metering()
    await say(call, Side.CLIENT, "one")
    call.world.channel.open = {Side.CLIENT}

    assert await call.world.desk.chat.read_by_channel(call.session, Side.PROVIDER, 9) is Outcome.DONE

    side, notice = call.world.channel.sent[-1]
    assert side is Side.CLIENT
    assert isinstance(notice, ChatStatus)
    assert (notice.state, notice.seq) == (LineState.READ, 1)


async def test_chat_opens_with_the_acceptance_and_closes_with_the_end() -> None:
    call = await ringing()
    assert (await say(call, Side.CLIENT, "too early"))[0] is Outcome.WRONG_STATE
    assert (await say_by_channel(call, Side.CLIENT, "too early"))[0] is Outcome.WRONG_STATE
    await call.accept()
    assert (await say(call, Side.CLIENT, "now", line_id="m2"))[0] is Outcome.DONE

    await call.world.desk.sessions.end(AS_CLIENT, call.session)
    await call.world.settle(call.session)

    assert (await say(call, Side.CLIENT, "too late"))[0] is Outcome.WRONG_STATE
    assert (await say_by_channel(call, Side.CLIENT, "too late"))[0] is Outcome.WRONG_STATE
    read = call.world.desk.chat.read_by_channel
    assert await read(call.session, Side.CLIENT, 1) is Outcome.WRONG_STATE


async def test_a_terminating_line_in_a_session_that_ends_already_changes_no_reason() -> None:
    call = await metering()
    call.live.state = SessionState.ENDING

    await say(call, Side.CLIENT, "terminate:words")

    assert call.world.meters.stopped == {}


async def test_strangers_can_neither_write_nor_read() -> None:
    call = await accepted()
    stranger = await call.world.connect(AS_STRANGER)
    chat = call.world.desk.chat

    for session in (call.session, SessionId("ses_unknown")):
        sent = await chat.send_by_socket(stranger, session, line_id="m", text="x", reply=lambda _: None)
        assert sent is Outcome.NOT_FOUND
        assert await chat.read_by_socket(stranger, session, 1) is Outcome.NOT_FOUND


async def test_a_replaced_socket_writes_nothing() -> None:
    call = await metering()
    phone = await call.world.connect(AS_CLIENT)
    await call.world.desk.calls.offer(phone, call.session, "offer")

    assert (await say(call, Side.CLIENT, "from the old one"))[0] is Outcome.REPLACED
