"""Bytes to documents and back."""

import contextlib
import json

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ids import SessionId
from gateway.limits import JSON_DEPTH_MAX, SOCKET_MESSAGE_BYTES_MAX
from gateway.money import Money
from gateway.signaling.adapters.codec import Subprotocol, Writer, bytes_in, document_of, framed, read, write
from gateway.signaling.adapters.wire import Unreadable
from gateway.signaling.chat_notice import ChatLines, ChatMessage
from gateway.signaling.notice import MuteChanged, Notice, SessionEnded, TickNotice
from gateway.signaling.outcome import Outcome
from gateway.terms import EndReason, Side

pytestmark = pytest.mark.core

JSON, MSGPACK = Subprotocol.JSON, Subprotocol.MSGPACK
SESSION = SessionId("ses_1")


def nested(depth: int) -> object:
    document: object = 1
    for _ in range(depth):
        document = [document]
    return document


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1, "a": 2}',
        '{"a": 1} x',
        "[" * 60_000,
        '{"a": ' + "1" * 5_000 + "}",
        json.dumps(nested(JSON_DEPTH_MAX + 1)),
        "x" * (SOCKET_MESSAGE_BYTES_MAX + 1),
        '"' + "语" * (SOCKET_MESSAGE_BYTES_MAX // 3) + '"',
        "\ud800",
        '{"text": "\\ud800"}',
        '{"\\udfff": 1}',
    ],
)
def test_bad_json_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(JSON, text)

    assert refused.value.outcome is Outcome.MALFORMED
    assert len(refused.value.detail) < 100


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x81\xa1a",
        msgpack.packb({"a": 1}) + b"\x00",
        b"\x82\xa1a\x01\xa1a\x02",
        b"\x81\x01\x02",
        b"\x81\xc4\x01a\x02",
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xd4\x05\x00",
        msgpack.packb(msgpack.Timestamp(1)),
        msgpack.packb(b"bytes"),
        b"\xa1\xff",
        b"\x91" * 60_000,
        msgpack.packb(nested(JSON_DEPTH_MAX + 1)),
        b"\xda\xff\xff" + b"x" * SOCKET_MESSAGE_BYTES_MAX,
    ],
)
def test_bad_msgpack_is_refused_without_repeating_it(data: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        read(MSGPACK, data)

    assert refused.value.outcome is Outcome.MALFORMED


def test_a_frame_of_the_other_kind_is_refused() -> None:
    with pytest.raises(Unreadable):
        read(JSON, b"{}")
    with pytest.raises(Unreadable):
        read(MSGPACK, "{}")


def test_the_deepest_document_that_is_allowed_is_read() -> None:
    assert read(JSON, json.dumps(nested(JSON_DEPTH_MAX))) == nested(JSON_DEPTH_MAX)
    assert read(MSGPACK, msgpack.packb(nested(JSON_DEPTH_MAX))) == nested(JSON_DEPTH_MAX)


@given(st.binary(max_size=300))
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    frames: list[tuple[Subprotocol, str | bytes]] = [(MSGPACK, data), (JSON, data.decode("latin-1"))]
    for subprotocol, frame in frames:
        with contextlib.suppress(Unreadable):
            read(subprotocol, frame)


def test_the_size_of_text_is_counted_in_bytes() -> None:
    assert bytes_in("语音") == 6
    assert bytes_in(b"abc") == 3


LINE = ChatMessage(session=SESSION, seq=1, from_=Side.CLIENT, text="你好", at="t", id="m1")


@pytest.mark.parametrize(
    ("notice", "document"),
    [
        (
            MuteChanged(session=SESSION, from_=Side.CLIENT, muted=True),
            {"type": "mute.changed", "session": "ses_1", "from": "client", "muted": True},
        ),
        (
            SessionEnded(session=SESSION, reason=EndReason.BUSY, receipt=None),
            {"type": "session.ended", "session": "ses_1", "reason": "busy", "receipt": None},
        ),
        (
            ChatLines(re="m", session=SESSION, items=[LINE]),
            {
                "type": "chat.lines",
                "re": "m",
                "session": "ses_1",
                "items": [
                    {
                        "type": "chat.message",
                        "session": "ses_1",
                        "seq": 1,
                        "from": "client",
                        "text": "你好",
                        "at": "t",
                        "id": "m1",
                    }
                ],
            },
        ),
    ],
)
def test_both_subprotocols_carry_the_same_document(notice: Notice, document: dict[str, object]) -> None:
    text, data = write(JSON, notice), write(MSGPACK, notice)

    assert isinstance(text, str)
    assert isinstance(data, bytes)
    assert json.loads(text) == msgpack.unpackb(data) == document
    assert next(iter(json.loads(text))) == "type"


def test_a_field_that_defaults_to_nothing_is_left_out_and_written_when_it_is_there() -> None:
    plain = TickNotice(
        session=SESSION, tick=1, billed_s=0, provisional_s=1, cost=Money(5, "CNY"), time_left_s=9, head="h"
    )
    document = document_of(plain)

    assert "earned" not in document
    assert document["cost"] == {"micros": 5, "currency": "CNY"}


@pytest.mark.parametrize("depth", [JSON_DEPTH_MAX + 1, 3 * JSON_DEPTH_MAX])
def test_a_deep_document_is_refused_however_it_is_looked_at(depth: int) -> None:
    with pytest.raises(Unreadable):
        read(JSON, json.dumps(nested(depth)))


def test_many_shallow_things_are_not_taken_for_depth() -> None:
    assert read(JSON, json.dumps([[1]] * 100)) == [[1]] * 100


def test_half_a_character_is_refused_although_the_line_is_plain_ascii() -> None:
    with pytest.raises(Unreadable):
        read(JSON, r'{"text":"\ud800"}')


def test_a_notice_for_many_sockets_is_written_once_for_each_subprotocol() -> None:
    writer, notice = Writer(), MuteChanged(session=SESSION, from_=Side.CLIENT, muted=True)

    frames = [writer.write(subprotocol, notice) for subprotocol in (JSON, MSGPACK, JSON, MSGPACK)]

    assert frames[0] is frames[2]
    assert frames[1] is frames[3]
    assert frames[:2] == [framed(write(JSON, notice)), framed(write(MSGPACK, notice))]


def test_the_next_notice_is_written_anew() -> None:
    writer = Writer()
    muted, speaking = (
        MuteChanged(session=SESSION, from_=Side.CLIENT, muted=is_so) for is_so in (True, False)
    )

    assert writer.write(JSON, muted) == framed(write(JSON, muted))
    assert writer.write(JSON, speaking) == framed(write(JSON, speaking))
    assert writer.write(JSON, muted) == framed(write(JSON, muted))
