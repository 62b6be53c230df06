"""Bytes to documents and notices to bytes, as JSON and as MessagePack.

Decides what is refused before anything is looked at: size, depth, doubled keys,
numbers that are none, extension types, a text frame on a binary socket.
Never knows a message; `wire.py` does.
Keeps: both subprotocols carry the same documents. A notice's fields are written
in order, `type` first; one whose default is None is left out while it is None.
A frame written once is good for every socket that speaks the same subprotocol.
"""

import dataclasses
import json
import struct
from collections.abc import Iterable
from enum import StrEnum
from json.encoder import encode_basestring
from typing import Any, NoReturn

import msgpack

from gateway.limits import JSON_DEPTH_MAX, SOCKET_MESSAGE_BYTES_MAX
from gateway.signaling.adapters.wire import Unreadable
from gateway.signaling.notice import Notice
from gateway.signaling.outcome import Outcome


class Subprotocol(StrEnum):
    """How a socket writes its messages (RFC 6455 §1.9)."""

    JSON = "gateway.json"
    """Text frames."""
    MSGPACK = "gateway.msgpack"
    """Binary frames."""


def read(subprotocol: Subprotocol, data: str | bytes) -> object:
    """The document in one frame.

    Raises:
        Unreadable: MALFORMED, with a sentence that does not repeat the data.
    """
    if isinstance(data, str) is not (subprotocol is Subprotocol.JSON):
        raise Unreadable(Outcome.MALFORMED, f"{subprotocol} does not use this kind of frame.")
    if bytes_in(data) > SOCKET_MESSAGE_BYTES_MAX:
        raise Unreadable(Outcome.MALFORMED, f"A message has at most {SOCKET_MESSAGE_BYTES_MAX} bytes.")
    try:
        document = json_of(data) if isinstance(data, str) else _msgpack_of(data)
    except RecursionError:
        raise Unreadable(Outcome.MALFORMED, "It is nested too deeply.") from None
    except (ValueError, TypeError, msgpack.UnpackException, msgpack.StackError):
        raise Unreadable(Outcome.MALFORMED, f"It is not {subprotocol.removeprefix('gateway.')}.") from None
    if _is_plain_line(data):
        return document
    if not _is_shallow(document):
        raise Unreadable(Outcome.MALFORMED, f"It is nested deeper than {JSON_DEPTH_MAX}.")
    if not _is_text(document):
        raise Unreadable(Outcome.MALFORMED, "It holds half of a surrogate pair.")
    return document


def bytes_in(data: str | bytes) -> int:
    """The size of a frame's data as it was on the wire."""
    return (
        len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode("utf-8", "surrogatepass"))
    )


def json_of(text: str) -> object:
    """Strict JSON: no NaN, no doubled keys.

    Raises:
        ValueError, RecursionError: it is not.
    """
    return _JSON_READER.decode(text)


def write(subprotocol: Subprotocol, notice: Notice) -> str | bytes:
    """One frame's worth of a notice."""
    return json_text(notice) if subprotocol is Subprotocol.JSON else bytes(msgpack.packb(document_of(notice)))


class Writer:
    """Writes frames; one notice that goes to many sockets, one after the other, is written once."""

    def __init__(self) -> None:
        self._last: dict[Subprotocol, tuple[Notice, bytes]] = {}

    def write(self, subprotocol: Subprotocol, notice: Notice) -> bytes:
        """The whole frame of a notice."""
        last = self._last.get(subprotocol)
        if last is not None and last[0] is notice:
            return last[1]
        frame = framed(write(subprotocol, notice))
        self._last[subprotocol] = (notice, frame)
        return frame


def framed(data: str | bytes) -> bytes:
    """The frame of a server's whole message (RFC 6455 §5.2): text of a string, binary of bytes, not masked."""
    opcode, payload = (_BINARY, data) if isinstance(data, bytes) else (_TEXT, data.encode())
    length = len(payload)
    if length < 126:
        return bytes((opcode, length)) + payload
    if length < 1 << 16:
        return struct.pack(">BBH", opcode, 126, length) + payload
    return struct.pack(">BBQ", opcode, 127, length) + payload


def json_text(notice: Notice) -> str:
    """The notice as JSON text."""
    return _json_object(notice)


def document_of(notice: Notice) -> dict[str, object]:
    """The notice as plain dictionaries and lists."""
    return _plain_object(notice)


def _msgpack_of(data: bytes) -> object:
    return msgpack.unpackb(
        data,
        raw=False,
        strict_map_key=True,
        object_pairs_hook=_object,
        max_ext_len=0,
        max_str_len=SOCKET_MESSAGE_BYTES_MAX,
        max_bin_len=0,
    )


def _object(pairs: Iterable[tuple[Any, Any]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if not isinstance(key, str) or key in found:
            raise ValueError("a key is doubled or no string")
        found[key] = value
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


_JSON_READER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
_JSON_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _is_plain_line(data: str | bytes) -> bool:
    """Whether a look at the text alone shows that nothing is deep and no string is half a character.

    So it is with every message that apps send often; the others are walked.
    """
    if not isinstance(data, str) or not data.isascii() or "\\u" in data:
        return False
    return data.count("{") + data.count("[") <= JSON_DEPTH_MAX


def _is_shallow(document: object) -> bool:
    """Whether nothing lies deeper than JSON_DEPTH_MAX; walks level by level, so depth costs no stack."""
    level = [document]
    for _ in range(JSON_DEPTH_MAX + 1):
        level = [child for node in level for child in _children(node)]
        if not level:
            return True
    return False


def _is_text(document: object) -> bool:
    """Whether every string can be written again: JSON's escapes can make half a character (RFC 8259 §8.2)."""
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str) and not node.isascii() and any("\ud800" <= one <= "\udfff" for one in node):
            return False
        waiting += [*_children(node), *(node if isinstance(node, dict) else ())]
    return True


def _children(node: object) -> Iterable[object]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Slot:
    """How one field is written."""

    attribute: str
    name: str
    """`from` for `from_`."""
    is_left_out_when_none: bool


_SLOTS: dict[type, tuple[_Slot, ...]] = {}
_TEXT, _BINARY = 0x81, 0x82
"""First byte of a message in one frame."""
_AS_IS = frozenset({str, int, bool, type(None)})
"""Types that are written as they are; their subclasses may be enumerations."""


def _slots(kind: type) -> tuple[_Slot, ...]:
    """How a class is written, worked out once."""
    if kind not in _SLOTS:
        found = [
            _Slot(field.name, field.name.rstrip("_"), field.default is None)
            for field in dataclasses.fields(kind)
        ]
        _SLOTS[kind] = tuple(sorted(found, key=lambda slot: slot.name != "type"))
    return _SLOTS[kind]


def _plain_object(value: object) -> dict[str, object]:
    written: dict[str, object] = {}
    for slot in _slots(value.__class__):
        field = getattr(value, slot.attribute)
        if field is not None or not slot.is_left_out_when_none:
            written[slot.name] = _plain(field)
    return written


def _json_object(value: object) -> str:
    """What `_JSON_WRITER` makes of `_plain_object`, in a quarter of its time: ticks are the most of what is written."""
    members = []
    for attribute, key, is_left_out_when_none in _JSON_SLOTS.get(value.__class__) or _json_slots(
        value.__class__
    ):
        field = getattr(value, attribute)
        kind = field.__class__
        if kind is int:
            members.append(f"{key}{field}")
        elif kind is str:
            members.append(key + encode_basestring(field))
        elif field is not None or not is_left_out_when_none:
            is_nested = hasattr(kind, "__dataclass_fields__")
            members.append(key + (_json_object(field) if is_nested else _JSON_WRITER.encode(_plain(field))))
    return "{" + ",".join(members) + "}"


_JsonSlots = tuple[tuple[str, str, bool], ...]
"""Of each field: attribute, name as JSON writes it with its colon, whether it is left out while it is None."""
_JSON_SLOTS: dict[type, _JsonSlots] = {}


def _json_slots(kind: type) -> _JsonSlots:
    found = [
        (one.attribute, f"{encode_basestring(one.name)}:", one.is_left_out_when_none) for one in _slots(kind)
    ]
    _JSON_SLOTS[kind] = tuple(found)
    return _JSON_SLOTS[kind]


def _plain(value: object) -> object:
    if type(value) in _AS_IS:
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return _plain_object(value) if dataclasses.is_dataclass(value) else value
