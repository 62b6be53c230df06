"""Evidence entries, their frozen encoding and the running head.

Decides the bytes that a second, a start, a restart and a stop leave behind and
how they chain: head = SHA-256(previous head ‖ entry). Version 1 of the encoding
is frozen; receipts quote the last head.
Never stores (`adapters/journal_store.py`) and never judges a second (`meter.py`).
Keeps: fixed-length big-endian fields, so equal entries have equal bytes.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from gateway.errors import Malformed
from gateway.metering.tick import Tick, TickFinding
from gateway.terms import EndReason, MeterOrder, Side, SuspendReason

VERSION = 1
_SLOT = struct.Struct(">BBBBBBIQQIIIIII")
_ANCHOR = struct.Struct(">BBBBIQQ16s")
_SLOT_TAG, _ANCHOR_TAG = 0x53, 0x41
SLOT_BYTES, ANCHOR_BYTES = _SLOT.size, _ANCHOR.size

_FINDINGS = tuple(TickFinding)
_SUSPENDS = (None, *SuspendReason)
_ENDS = (None, *EndReason)


class AnchorKind(IntEnum):
    """What an anchor marks."""

    START = 1
    RESTART = 2
    STOP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A point that ties ticks to both clocks."""

    kind: AnchorKind
    after_tick: int
    """The tick before it; the next one starts at `at_ns`."""
    at_ns: int
    wall_ns: int
    boot: str
    """Boot id whose monotonic clock `at_ns` is read from."""
    reason: EndReason | None = None
    """Of a STOP."""


def genesis(order: MeterOrder) -> str:
    """The head before the first entry: binds the chain to parties, tariff and nonces."""
    text = "\x1f".join(
        (
            "gateway-evidence-1",
            order.session,
            order.client,
            order.provider,
            order.kind,
            order.tariff.hash,
            order.nonce_client,
            order.nonce_provider,
        )
    )
    return hashlib.sha256(text.encode()).hexdigest()


def chained(head: str, entry: bytes) -> str:
    """The head after `entry`."""
    return hashlib.sha256(bytes.fromhex(head) + entry).hexdigest()


def encode_tick(tick: Tick) -> bytes:
    """The slot of one second."""
    return _SLOT.pack(
        _SLOT_TAG,
        VERSION,
        _FINDINGS.index(tick.finding),
        _bits(tick.media),
        _bits(tick.apps),
        _SUSPENDS.index(tick.paused_by),
        tick.number,
        tick.ended_at_ns,
        tick.ended_wall_ns,
        *tick.acked,
        *tick.rtp_packets,
        *tick.rtp_span,
    )


def encode_anchor(anchor: Anchor) -> bytes:
    """The entry of one anchor; the boot id is kept as 16 bytes of its SHA-256."""
    return _ANCHOR.pack(
        _ANCHOR_TAG,
        VERSION,
        anchor.kind,
        _ENDS.index(anchor.reason),
        anchor.after_tick,
        anchor.at_ns,
        anchor.wall_ns,
        boot_mark(anchor.boot),
    )


def boot_mark(boot: str) -> bytes:
    """What an anchor keeps of a boot id."""
    return hashlib.sha256(boot.encode()).digest()[:16]


def split_entries(blob: bytes) -> Iterator[bytes]:
    """Entries of a concatenated bundle.

    Raises:
        Malformed: an unknown tag or version, or a truncated entry.
    """
    at = 0
    while at < len(blob):
        length = {_SLOT_TAG: SLOT_BYTES, _ANCHOR_TAG: ANCHOR_BYTES}.get(blob[at])
        if length is None or at + length > len(blob) or blob[at + 1] != VERSION:
            raise Malformed(f"The evidence cannot be read at byte {at}.", code="evidence_malformed")
        yield blob[at : at + length]
        at += length


def decode(entry: bytes) -> Tick | Anchor:
    """The tick or anchor that an entry of `split_entries` spells.

    Raises:
        Malformed: a field outside its range.
    """
    try:
        return _decode_slot(entry) if entry[0] == _SLOT_TAG else _decode_anchor(entry)
    except (struct.error, IndexError, ValueError) as error:
        raise Malformed(f"An evidence entry cannot be read: {error}.", code="evidence_malformed") from error


def _decode_slot(entry: bytes) -> Tick:
    _, _, finding, media, apps, paused_by, number, at_ns, wall_ns, *rest = _SLOT.unpack(entry)
    if media > 3 or apps > 3:
        raise ValueError("unknown witness bits")
    return Tick(
        number=number,
        finding=_FINDINGS[finding],
        media=(bool(media & 1), bool(media & 2)),
        apps=(bool(apps & 1), bool(apps & 2)),
        paused_by=_SUSPENDS[paused_by],
        ended_at_ns=at_ns,
        ended_wall_ns=wall_ns,
        acked=(rest[0], rest[1]),
        rtp_packets=(rest[2], rest[3]),
        rtp_span=(rest[4], rest[5]),
    )


def _decode_anchor(entry: bytes) -> Anchor:
    _, _, kind, reason, after_tick, at_ns, wall_ns, boot = _ANCHOR.unpack(entry)
    return Anchor(
        kind=AnchorKind(kind),
        reason=_ENDS[reason],
        after_tick=after_tick,
        at_ns=at_ns,
        wall_ns=wall_ns,
        boot=boot.hex(),
    )


def _bits(pair: tuple[bool, bool]) -> int:
    return int(pair[0]) | int(pair[1]) << 1


SIDES = (Side.CLIENT, Side.PROVIDER)
"""The order of every pair in an entry."""
