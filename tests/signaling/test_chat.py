"""The lines of one session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import NS
from gateway.limits import CHAT_LINES_PER_S
from gateway.signaling.chat import (
    KNOWN_LINES_MAX,
    WAITING_LINES_MAX,
    LineEffect,
    LineFate,
    LineState,
    Room,
    effect_of,
)
from gateway.terms import Side

pytestmark = pytest.mark.core


def sent(seq: int, line_id: str | None = None) -> LineFate:
    return LineFate(line_id=line_id or f"m{seq}", state=LineState.SENT, seq=seq)


@pytest.mark.parametrize(
    ("action", "effect"),
    [
        ("allow", LineEffect.DELIVER),
        ("flag", LineEffect.DELIVER),
        ("mask", LineEffect.MASK),
        ("bounce", LineEffect.BLOCK),
        ("hold", LineEffect.BLOCK),
        ("block", LineEffect.BLOCK),
        ("mute", LineEffect.BLOCK),
        ("freeze", LineEffect.FREEZE),
        ("terminate", LineEffect.TERMINATE),
        ("suspend", LineEffect.TERMINATE),
        ("an action of tomorrow", LineEffect.BLOCK),
    ],
)
def test_a_verdict_has_one_effect_and_an_unknown_one_blocks(action: str, effect: LineEffect) -> None:
    assert effect_of(action) is effect


def test_a_line_is_known_by_its_sender_and_its_id() -> None:
    room = Room()
    room.keep(Side.CLIENT, sent(1, "a"))

    assert room.fate_of(Side.CLIENT, "a") == sent(1, "a")
    assert room.fate_of(Side.PROVIDER, "a") is None
    assert room.fate_of(Side.CLIENT, "b") is None


def test_a_blocked_line_takes_no_number() -> None:
    room = Room()
    room.keep(Side.CLIENT, sent(1))
    room.keep(Side.CLIENT, LineFate(line_id="bad", state=LineState.BLOCKED, reason="abuse"))

    assert room.last_seq == 1


def test_only_so_many_lines_are_remembered() -> None:
    room = Room()
    for seq in range(1, KNOWN_LINES_MAX + 2):
        room.keep(Side.CLIENT, sent(seq))

    assert room.fate_of(Side.CLIENT, "m1") is None
    assert room.fate_of(Side.CLIENT, "m2") is not None


def test_each_side_has_its_own_rate() -> None:
    room = Room()
    burst = 2 * CHAT_LINES_PER_S

    assert all(room.may_send(Side.CLIENT, NS) for _ in range(burst))
    assert not room.may_send(Side.CLIENT, NS)
    assert room.may_send(Side.PROVIDER, NS)
    assert room.may_send(Side.CLIENT, NS + NS // CHAT_LINES_PER_S)


def test_lines_under_way_are_bounded() -> None:
    room = Room()
    room.waiting = WAITING_LINES_MAX

    assert not room.may_send(Side.CLIENT, NS)


def test_reading_covers_the_newest_line_of_the_other_side() -> None:
    room = Room()
    room.keep(Side.CLIENT, sent(1))
    room.keep(Side.CLIENT, sent(2))
    room.keep(Side.PROVIDER, sent(3))

    assert room.read(Side.PROVIDER, 3) == LineFate(line_id="m2", state=LineState.READ, seq=2)
    assert room.read(Side.CLIENT, 2) is None
    assert room.read(Side.CLIENT, 3) == LineFate(line_id="m3", state=LineState.READ, seq=3)


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=30))
def test_a_read_mark_never_goes_back_or_beyond_the_last_line(marks: list[int]) -> None:
    room = Room()
    room.resume(20, {})
    before = 0
    for mark in marks:
        room.read(Side.CLIENT, mark)
        assert before <= room.read_mark(Side.CLIENT) <= 20
        before = room.read_mark(Side.CLIENT)


def test_a_resumed_room_goes_on_after_the_stored_lines() -> None:
    room = Room()
    room.resume(7, {Side.CLIENT: 5})

    assert room.last_seq == 7
    assert room.read_mark(Side.CLIENT) == 5
    assert room.read(Side.CLIENT, 5) is None
