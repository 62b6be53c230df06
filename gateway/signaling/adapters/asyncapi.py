"""The socket's reference: an AsyncAPI 3.0 document from the messages themselves.

Decides how models and notices become schemas, so the reference cannot differ
from what is read and written. Directions are the gateway's: it receives what
apps send.
Never describes a message by hand; the sentences are the classes' docstrings.
Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import TypeAdapter

from gateway.signaling import chat_notice, notice
from gateway.signaling.adapters import wire
from gateway.signaling.adapters.codec import Subprotocol
from gateway.signaling.notice import Notice

_REF = "#/components/schemas/{model}"


def received() -> Sequence[type[wire.ClientMessage]]:
    """Every message an app may send."""
    return get_args(get_args(wire.AnyMessage)[0])


def sent() -> Sequence[type[Notice]]:
    """Every message the gateway may send."""
    found = (*vars(notice).values(), *vars(chat_notice).values())
    notices = {
        kind: None
        for kind in found
        if isinstance(kind, type) and issubclass(kind, Notice) and kind is not Notice
    }
    return list(notices)


def document(*, title: str, version: str) -> dict[str, Any]:
    """The document served at /asyncapi.json."""
    schemas: dict[str, Any] = {}
    asked = {_type_of(kind): _received_schema(kind, schemas) for kind in received()}
    told = {_type_of(kind): _sent_schema(kind, schemas) for kind in sent()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{title}: signalling socket",
            "version": version,
            "description": (
                f"Subprotocols `{Subprotocol.JSON}` (text frames) and `{Subprotocol.MSGPACK}` (binary frames) "
                "carry the same documents. Send `auth` within 5 s."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/v1/socket",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in {**asked, **told}},
            }
        },
        "operations": {
            "receive": _operation("receive", "What apps send", list(asked)),
            "send": _operation("send", "What the gateway sends", list(told)),
        },
        "components": {"messages": {**asked, **told}, "schemas": schemas},
    }


def _operation(action: str, summary: str, names: Sequence[str]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/socket"},
        "messages": [{"$ref": f"#/channels/socket/messages/{name}"} for name in names],
    }


def _received_schema(kind: type[wire.ClientMessage], schemas: dict[str, Any]) -> dict[str, Any]:
    return _message(kind, kind.model_json_schema(ref_template=_REF), schemas)


def _sent_schema(kind: type[Notice], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(ref_template=_REF, mode="serialization")
    for part in (schema, *schema.get("$defs", {}).values()):
        _as_written(part)
    return _message(kind, schema, schemas)


def _as_written(schema: dict[str, Any]) -> None:
    """Say what `codec.py` does: `from_` is `from`; a field that defaults to null is left out instead."""
    properties: dict[str, Any] = schema.get("properties", {})
    for name in tuple(properties):
        properties[name.rstrip("_")] = field = properties.pop(name)
        if "default" in field and field["default"] is None:
            del field["default"]
            options = [option for option in field.pop("anyOf", []) if option.get("type") != "null"]
            field.update(options[0] if len(options) == 1 else {"anyOf": options} if options else {})
    required = {name.rstrip("_") for name in schema.get("required", [])}
    if "type" in properties and "const" in properties["type"]:
        properties["type"].pop("default", None)
        required.add("type")
    if properties:
        schema["required"] = sorted(required)


def _message(
    kind: type[wire.ClientMessage] | type[Notice], schema: dict[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    schemas.update(schema.pop("$defs", {}))
    schemas[kind.__name__] = schema
    return {
        "name": _type_of(kind),
        "summary": (kind.__doc__ or "").strip(),
        "payload": {"$ref": _REF.format(model=kind.__name__)},
    }


def _type_of(kind: type[wire.ClientMessage] | type[Notice]) -> str:
    """The message's `type`."""
    if issubclass(kind, wire.ClientMessage):
        return str(get_args(kind.model_fields["type"].annotation)[0])
    found = next(field for field in dataclasses.fields(kind) if field.name == "type")
    return str(found.default)
