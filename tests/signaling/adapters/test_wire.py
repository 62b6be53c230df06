"""Documents as messages."""

import pytest

from gateway.limits import CHAT_CHARACTERS_MAX, SDP_BYTES_MAX
from gateway.signaling.adapters import wire
from gateway.signaling.adapters.asyncapi import received
from gateway.signaling.adapters.wire import Unreadable, message_of
from gateway.signaling.outcome import Outcome
from gateway.terms import SessionKind

pytestmark = pytest.mark.core

GOOD: list[dict[str, object]] = [
    {"type": "auth", "token": "t"},
    {"type": "auth", "token": "t", "resume": "rsm_1"},
    {"type": "ping"},
    {"type": "presence.set", "state": "online"},
    {"type": "session.invite", "provider_id": "acc_1", "kind": "voice", "tariff_hash": "h"},
    {"type": "session.accept", "session": "ses_1"},
    {"type": "session.decline", "session": "ses_1"},
    {"type": "session.decline", "session": "ses_1", "reason": "tired"},
    {"type": "session.cancel", "session": "ses_1"},
    {"type": "session.end", "session": "ses_1"},
    {"type": "session.sos", "session": "ses_1"},
    {"type": "session.report", "session": "ses_1", "seconds": 12},
    {"type": "media.offer", "session": "ses_1", "sdp": "v=0"},
    {"type": "media.confirm", "session": "ses_1", "nonce": "n", "tariff_hash": "h"},
    {"type": "tick.ack", "session": "ses_1", "tick": 1, "head": "h"},
    {"type": "session.consent", "session": "ses_1", "kind": "block"},
    {"type": "mute.set", "session": "ses_1", "muted": True},
    {"type": "chat.send", "session": "ses_1", "text": "hello"},
    {"type": "chat.read", "session": "ses_1", "seq": 1},
    {"type": "chat.history", "session": "ses_1", "after": 0},
]


@pytest.mark.parametrize("fields", GOOD)
def test_every_message_of_the_contract_is_read(fields: dict[str, object]) -> None:
    message = message_of({"id": "m1", **fields})

    assert message.id == "m1"
    assert message.type == fields["type"]


def test_every_type_is_tried() -> None:
    assert {type(message_of({"id": "m", **fields})) for fields in GOOD} == set(received())


@pytest.mark.parametrize("fields", GOOD)
def test_unknown_fields_and_missing_ones_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        message_of({"id": "m1", **fields, "more": 1})
    with pytest.raises(Unreadable):
        message_of(fields)
    for name in set(fields) - {"type", "resume", "reason"}:
        with pytest.raises(Unreadable):
            message_of({"id": "m1", **{key: value for key, value in fields.items() if key != name}})


@pytest.mark.parametrize("fields", GOOD)
@pytest.mark.parametrize("wrong", [None, [], {}, 1.5, -1, "", "x" * 70_000, True])
def test_a_field_of_the_wrong_kind_or_size_is_refused(fields: dict[str, object], wrong: object) -> None:
    for name in set(fields) - {"type"}:
        right = fields[name]
        if type(wrong) is type(right) and not isinstance(right, str | int):
            continue
        if (wrong is None and name in ("resume", "reason")) or (name == "reason" and wrong == ""):
            continue
        if isinstance(right, bool) and wrong is True:
            continue
        with pytest.raises(Unreadable) as refused:
            message_of({"id": "m1", **fields, name: wrong})
        assert refused.value.outcome is Outcome.MALFORMED
        assert refused.value.re == "m1"
        assert name in refused.value.detail
        assert "xxx" not in refused.value.detail


@pytest.mark.parametrize(
    ("document", "outcome", "re"),
    [
        ({"type": "no.such", "id": "m1"}, Outcome.UNKNOWN_TYPE, "m1"),
        ({"type": "no.such"}, Outcome.UNKNOWN_TYPE, None),
        ({"id": "m1"}, Outcome.MALFORMED, "m1"),
        ({"type": 7, "id": "m1"}, Outcome.UNKNOWN_TYPE, "m1"),
        ({"type": "ping", "id": 7}, Outcome.MALFORMED, None),
        ({"type": "ping", "id": "x" * 65}, Outcome.MALFORMED, None),
        ([], Outcome.MALFORMED, None),
        (None, Outcome.MALFORMED, None),
        ("ping", Outcome.MALFORMED, None),
    ],
)
def test_what_is_no_message_is_refused_with_its_id_where_it_has_one(
    document: object, outcome: Outcome, re: str | None
) -> None:
    with pytest.raises(Unreadable) as refused:
        message_of(document)

    assert (refused.value.outcome, refused.value.re) == (outcome, re)


def test_the_longest_line_and_the_longest_offer_are_read() -> None:
    line = message_of({"type": "chat.send", "id": "m", "session": "s", "text": "语" * CHAT_CHARACTERS_MAX})
    offer = message_of({"type": "media.offer", "id": "m", "session": "s", "sdp": "v" * SDP_BYTES_MAX})

    assert isinstance(line, wire.ChatSend)
    assert isinstance(offer, wire.MediaOffer)
    with pytest.raises(Unreadable):
        message_of({"type": "chat.send", "id": "m", "session": "s", "text": "x" * (CHAT_CHARACTERS_MAX + 1)})


def test_words_become_their_enumerations() -> None:
    message = message_of(
        {"type": "session.invite", "id": "m", "provider_id": "a", "kind": "text", "tariff_hash": "h"}
    )

    assert isinstance(message, wire.SessionInvite)
    assert message.kind is SessionKind.TEXT
