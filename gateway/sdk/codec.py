"""Messages as bytes, for both subprotocols.

Decides only the encoding: JSON text frames for `gateway.json`, msgpack binary
frames for `gateway.msgpack`; the shapes are the same.
Never looks into a message; `event.py` does. RFC 8259, msgpack specification.
"""

import json
from enum import StrEnum

import msgpack

Message = dict[str, object]
"""One message, either way."""


class Subprotocol(StrEnum):
    """What the socket speaks."""

    JSON = "gateway.json"
    MSGPACK = "gateway.msgpack"


def encode(message: Message, subprotocol: Subprotocol) -> str | bytes:
    """One frame's content."""
    if subprotocol is Subprotocol.JSON:
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    packed: bytes = msgpack.packb(message)
    return packed


def decode(frame: str | bytes) -> Message:
    """The message in a frame: text is JSON, binary is msgpack.

    Raises:
        ValueError: not a message.
    """
    found: object = json.loads(frame) if isinstance(frame, str) else msgpack.unpackb(frame)
    if not isinstance(found, dict):
        raise ValueError("a message is an object")  # noqa: TRY004 - bad input, not a bad call
    return found
