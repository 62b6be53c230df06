"""Chat over the legs' data channels."""

import json
from typing import Any

import pytest

from gateway.ids import SessionId
from gateway.signaling.adapters.data_channel import DataChannel, DataChannelInbox
from gateway.signaling.chat import FRAMES_PER_S
from gateway.signaling.notice import Ok
from gateway.terms import Side
from tests.signaling.world import Call, World, metering

pytestmark = pytest.mark.adapter


class Stand:
    """A call whose chat travels by data channel."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.world: World = call.world
        channel = DataChannel(self.world.media)
        self.inbox = DataChannelInbox(chat=self.world.desk.chat, channel=channel, timer=self.world.timer)
        self.world.media.channels = {(call.session, side) for side in Side}

    async def hear(self, side: Side, text: str) -> list[dict[str, Any]]:
        """What the leg is sent in answer to `text`."""
        self.world.media.texts.clear()
        self.inbox.on_text(self.call.session, side, text)
        await self.world.timer.settle()
        return [json.loads(sent) for _, to, sent in self.world.media.texts if to is side]


async def stand() -> Stand:
    return Stand(await metering())


def chat(call: Call, **fields: object) -> str:
    return json.dumps({"type": "chat.send", "id": "m1", "session": call.session, "text": "你好", **fields})


async def test_a_line_is_taken_and_its_status_goes_back_the_same_way() -> None:
    table = await stand()

    told = await table.hear(Side.CLIENT, chat(table.call))

    assert [(one["type"], one["state"], one["seq"]) for one in told] == [("chat.status", "sent", 1)]
    line = table.world.lines.lines[table.call.session][0]
    assert (line.side, line.text) == (Side.CLIENT, "你好")


async def test_reading_is_taken_without_an_answer() -> None:
    table = await stand()
    await table.hear(Side.CLIENT, chat(table.call))
    read = {"type": "chat.read", "id": "m2", "session": table.call.session, "seq": 1}

    assert await table.hear(Side.PROVIDER, json.dumps(read)) == []

    assert table.world.lines.reads == {(table.call.session, Side.PROVIDER): 1}


@pytest.mark.parametrize(
    ("text", "code", "re"),
    [
        ("{", "malformed", None),
        ("[" * 50_000, "malformed", None),
        ('{"type": "no.such", "id": "m9"}', "unknown_type", "m9"),
        ('{"type": "ping", "id": "m9"}', "unknown_type", "m9"),
        ('{"type": "chat.send", "id": "m9", "session": "ses_other", "text": "x"}', "not_found", "m9"),
    ],
)
async def test_anything_but_chat_of_this_session_is_refused(text: str, code: str, re: str | None) -> None:
    table = await stand()

    told = await table.hear(Side.CLIENT, text)

    assert [(one["type"], one["code"], one.get("re")) for one in told] == [("problem", code, re)]


async def test_a_store_that_is_down_is_told() -> None:
    table = await stand()
    table.world.lines.is_down = True

    told = await table.hear(Side.CLIENT, chat(table.call))

    assert [one["code"] for one in told] == ["store_down"]


async def test_lines_of_one_leg_keep_their_order() -> None:
    table = await stand()
    for number in range(8):
        table.inbox.on_text(
            table.call.session, Side.CLIENT, chat(table.call, id=f"m{number}", text=f"{number}")
        )
    await table.world.timer.settle()

    texts = [line.text for line in table.world.lines.lines[table.call.session]]
    assert texts == [str(number) for number in range(8)]


async def test_a_leg_without_a_channel_is_not_sent_to() -> None:
    table = await stand()
    channel = DataChannel(table.world.media)

    assert channel.send(table.call.session, Side.CLIENT, Ok(re="m"))
    table.world.media.channels.clear()
    assert not channel.send(table.call.session, Side.CLIENT, Ok(re="m"))


async def test_messages_beyond_the_rate_and_of_sessions_that_are_over_are_dropped_unread() -> None:
    table = await stand()
    for _ in range(2 * FRAMES_PER_S):
        table.inbox.on_text(table.call.session, Side.CLIENT, "{")

    assert await table.hear(Side.CLIENT, "{") == []
    assert len(await table.hear(Side.PROVIDER, "{")) == 1
    table.inbox.on_text(SessionId("ses_over"), Side.CLIENT, "{")
