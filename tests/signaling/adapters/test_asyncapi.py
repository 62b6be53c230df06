"""The socket's reference."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.ids import SessionId
from gateway.signaling.adapters.asyncapi import document, received, sent
from gateway.signaling.adapters.codec import document_of
from gateway.signaling.chat import LineState
from gateway.signaling.chat_notice import ChatStatus

pytestmark = pytest.mark.core

DOCUMENT = document(title="Session gateway", version="1")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def found(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_reference_resolves() -> None:
    for reference in references(DOCUMENT):
        assert found(reference)


def test_every_message_is_in_the_document_once() -> None:
    names = [kind.__name__ for kind in (*received(), *sent())]

    assert len(set(names)) == len(names)
    assert len(DOCUMENT["components"]["messages"]) == len(names)
    assert len(DOCUMENT["operations"]["receive"]["messages"]) == len(received())
    assert len(DOCUMENT["operations"]["send"]["messages"]) == len(sent())


def test_it_names_what_the_contract_names() -> None:
    told = {
        "welcome", "ok", "problem", "pong", "presence", "session.ringing", "session.accepted",
        "session.started", "session.suspended", "session.resumed", "tick", "session.warning",
        "session.spend", "session.consent_asked", "session.consented", "session.ended", "media.answer", "leg.lost", "leg.back", "leg.replaced", "mute.changed",
        "moderation.notice", "wallet", "chat.message", "chat.status", "chat.lines",
    }  # fmt: skip
    asked = {
        "auth", "ping", "presence.set", "session.invite", "session.accept", "session.decline",
        "session.cancel", "session.end", "session.sos", "session.report", "media.offer", "media.confirm",
        "tick.ack", "session.consent", "mute.set", "chat.send", "chat.read", "chat.history",
    }  # fmt: skip

    assert set(DOCUMENT["components"]["messages"]) == told | asked


def test_the_schema_says_what_is_written() -> None:
    schema = DOCUMENT["components"]["schemas"]["ChatStatus"]
    written = document_of(ChatStatus(session=SessionId("ses_1"), id="m", state=LineState.SENT, seq=1))

    assert set(schema["required"]) <= set(written) <= set(schema["properties"])
    assert schema["properties"]["seq"]["type"] == "integer"
    assert "from" in DOCUMENT["components"]["schemas"]["ChatMessage"]["properties"]


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
