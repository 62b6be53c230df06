"""The bytes of the evidence, read by the layout that the protocol states.

Decides what a slot or an anchor says, whether a chain of heads holds and from which
text it begins.
Never judges what it says; meter.py and receipts.py do.
Keeps true: an entry is read only if its tag, version and length are exactly those of
the layout.
"""

import hashlib
import json
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

BILLED, FREE, PAUSED, UNWITNESSED = range(4)
FINDINGS = ("billed", "free", "paused", "unwitnessed")
START, RESTART, STOP, CONSENT, ACCEPTED = 1, 2, 3, 4, 5

_SLOT_1 = struct.Struct(">BBBBBBIQQIIIIII")
_SLOT_2 = struct.Struct(">BBBBBBBBHIQQIIIIIIII")
_ANCHOR = struct.Struct(">BBBBIQQ16s")


class Slot(NamedTuple):
    """What the gateway found about one second."""

    finding: int
    media: int
    app: int
    suspended: int
    period: int
    clocks: int
    messages: int
    tick: int
    end_ns: int
    wall_ns: int


class Anchor(NamedTuple):
    """A point that ties the ticks to the clocks."""

    kind: int
    reason: int
    after_tick: int
    at_ns: int
    wall_ns: int
    boot: bytes


class Unreadable(ValueError):
    """An entry has none of the layouts."""


def decode(entry: bytes) -> Slot | Anchor:
    """Read one entry of either version."""
    size, tag = len(entry), entry[:2]
    if tag == b"\x53\x02" and size == _SLOT_2.size:
        f = _SLOT_2.unpack(entry)
        return Slot(f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11])
    if tag == b"\x53\x01" and size == _SLOT_1.size:
        f = _SLOT_1.unpack(entry)
        return Slot(f[2], f[3], f[4], f[5], 0, 0, 0, f[6], f[7], f[8])
    if tag in (b"\x41\x01", b"\x41\x02") and size == _ANCHOR.size:
        f = _ANCHOR.unpack(entry)
        return Anchor(f[2], f[3], f[4], f[5], f[6], f[7])
    raise Unreadable(f"{entry[:2].hex()} of {size} bytes")


def bundle(text: bytes) -> list[bytes]:
    """The entries of an evidence bundle."""
    return [bytes.fromhex(entry) for entry in json.loads(text)["entries"]]


def genesis(parts: Sequence[str], *, version: int) -> bytes:
    """The head before the first entry: session, client, provider, kind, tariff hash and both nonces."""
    return hashlib.sha256("\x1f".join((f"gateway-evidence-{version}", *parts)).encode()).digest()


def last_head(first: bytes, entries: Iterable[bytes]) -> bytes:
    """The head after all entries."""
    head = first
    for entry in entries:
        head = hashlib.sha256(head + entry).digest()
    return head


def heads(first: bytes, entries: Iterable[bytes]) -> list[bytes]:
    """The head after each entry, in order."""
    found = []
    head = first
    for entry in entries:
        head = hashlib.sha256(head + entry).digest()
        found.append(head)
    return found
