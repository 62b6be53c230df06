"""Evidence entries, their frozen encoding and the running head.

Decides the bytes that a second, an acceptance, a start, a restart, a consent and
a stop leave behind and how they chain: head = SHA-256(previous head ‖ entry).
Version 2 is written; version 1 is read for sessions that have it.
Never stores (`adapters/journal_store.py`) and never judges a second (`judgement.py`).
Keeps: fixed-length big-endian fields and one spelling of each value, so that
equal entries have equal bytes and every readable entry re-encodes to itself.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from gateway.errors import Malformed
from gateway.metering.tick import Tick, TickFinding
from gateway.terms import ConsentKind, EndReason, MeterOrder, Side, SuspendReason

VERSION = 2
_SLOT_1 = struct.Struct(">BBBBBBIQQIIIIII")
_SLOT_2 = struct.Struct(">BBBBBBBBHIQQIIIIIIII")
_ANCHOR = struct.Struct(">BBBBIQQ16s")
_SLOT_TAG, _ANCHOR_TAG = 0x53, 0x41
ANCHOR_BYTES = _ANCHOR.size
SLOT_BYTES = _SLOT_2.size
_LENGTHS = {
    (_SLOT_TAG, 1): _SLOT_1.size,
    (_SLOT_TAG, 2): _SLOT_2.size,
    (_ANCHOR_TAG, 1): _ANCHOR.size,
    (_ANCHOR_TAG, 2): _ANCHOR.size,
}

_FINDINGS = tuple(TickFinding)
_FINDING_INDEX = {finding: index for index, finding in enumerate(_FINDINGS)}
_WITNESSED = (TickFinding.BILLED, TickFinding.FREE)
_SUSPENDS: tuple[SuspendReason | None, ...] = (None, *SuspendReason)
_SUSPEND_INDEX = {reason: index for index, reason in enumerate(_SUSPENDS)}
_ENDS: tuple[EndReason | None, ...] = (None, *EndReason)
_CONSENTS: tuple[ConsentKind | None, ...] = (None, *ConsentKind)
_PAIRS = ((False, False), (True, False), (False, True), (True, True))
"""Two bits as (client, provider)."""


class AnchorKind(IntEnum):
    """What an anchor marks."""

    START = 1
    RESTART = 2
    STOP = 3
    CONSENT = 4
    """The client said yes."""
    ACCEPTED = 5
    """The provider said yes; the first entry, which ties the schedule of prices to both clocks."""


_KINDS = {1: (AnchorKind.START, AnchorKind.RESTART, AnchorKind.STOP), 2: tuple(AnchorKind)}
"""The kinds that each version knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A point that ties ticks to both clocks."""

    kind: AnchorKind
    after_tick: int
    """The tick before it; of a START or RESTART the next one begins at `at_ns`."""
    at_ns: int
    wall_ns: int
    boot: bytes
    """`boot_mark` of the boot whose monotonic clock `at_ns` is read from."""
    reason: EndReason | None = None
    """Of a STOP."""
    consent: ConsentKind | None = None
    """Of a CONSENT."""


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


def boot_mark(boot: str) -> bytes:
    """What an anchor keeps of a boot id: 16 bytes of its SHA-256."""
    return hashlib.sha256(boot.encode()).digest()[:16]


def encode_tick(tick: Tick, *, version: int = VERSION) -> bytes:
    """The slot of one second."""
    finding = _FINDING_INDEX[tick.finding]
    media, apps = tick.media[0] | tick.media[1] << 1, tick.apps[0] | tick.apps[1] << 1
    paused_by = _SUSPEND_INDEX[tick.paused_by]
    if version == 1:
        return _SLOT_1.pack(
            *(_SLOT_TAG, 1, finding, media, apps, paused_by),
            *(tick.number, tick.ended_at_ns, tick.ended_wall_ns),
            *(*tick.acked, *tick.rtp_packets, *tick.rtp_span),
        )
    return _SLOT_2.pack(
        *(_SLOT_TAG, VERSION, finding, media, apps, paused_by),
        *(tick.period, tick.short_clocks, tick.messages),
        *(tick.number, tick.ended_at_ns, tick.ended_wall_ns),
        *(*tick.acked, *tick.rtp_packets, *tick.rtp_span, *tick.app_clock_ms),
    )


def encode_anchor(anchor: Anchor, *, version: int = VERSION) -> bytes:
    """The entry of one anchor."""
    reason = _CONSENTS.index(anchor.consent) if anchor.consent else _ENDS.index(anchor.reason)
    return _ANCHOR.pack(
        *(_ANCHOR_TAG, version, anchor.kind, reason),
        *(anchor.after_tick, anchor.at_ns, anchor.wall_ns, anchor.boot),
    )


def split_entries(blob: bytes) -> Iterator[bytes]:
    """Entries of a concatenated bundle.

    Raises:
        Malformed: an unknown tag or version, or a truncated entry.
    """
    at = 0
    while at < len(blob):
        length = _LENGTHS.get((blob[at], blob[at + 1])) if at + 1 < len(blob) else None
        if length is None or at + length > len(blob):
            raise Malformed(f"The evidence cannot be read at byte {at}.", code="evidence_malformed")
        yield blob[at : at + length]
        at += length


def decode(entry: bytes) -> Tick | Anchor:
    """The tick or anchor that an entry of `split_entries` spells.

    Raises:
        Malformed: a field outside its range, or a value that is spelt in another way than it is written.
    """
    try:
        if entry[0] == _ANCHOR_TAG:
            return _decode_anchor(entry)
        tick = _decode_slot_1(entry) if entry[1] == 1 else _decode_slot_2(entry)
        _check(tick)
    except (struct.error, IndexError, ValueError) as error:
        raise Malformed(f"An evidence entry cannot be read: {error}.", code="evidence_malformed") from error
    return tick


def _decode_slot_1(entry: bytes) -> Tick:
    tag, version, finding, media, apps, paused_by, number, at_ns, wall_ns, *rest = _SLOT_1.unpack(entry)
    _require((tag, version) == (_SLOT_TAG, 1), "not a slot of version 1")
    return Tick(
        number=number,
        finding=_FINDINGS[finding],
        media=_PAIRS[media],
        apps=_PAIRS[apps],
        paused_by=_SUSPENDS[paused_by],
        ended_at_ns=at_ns,
        ended_wall_ns=wall_ns,
        acked=(rest[0], rest[1]),
        rtp_packets=(rest[2], rest[3]),
        rtp_span=(rest[4], rest[5]),
    )


def _decode_slot_2(entry: bytes) -> Tick:
    tag, version, finding, media, apps, paused_by, *rest = _SLOT_2.unpack(entry)
    _require((tag, version) == (_SLOT_TAG, 2), "not a slot of version 2")
    period, short_clocks, messages, number, at_ns, wall_ns, *pairs = rest
    _require(short_clocks <= 15, "unknown clock bits")
    return Tick(
        number=number,
        finding=_FINDINGS[finding],
        media=_PAIRS[media],
        apps=_PAIRS[apps],
        paused_by=_SUSPENDS[paused_by],
        ended_at_ns=at_ns,
        ended_wall_ns=wall_ns,
        acked=(pairs[0], pairs[1]),
        rtp_packets=(pairs[2], pairs[3]),
        rtp_span=(pairs[4], pairs[5]),
        app_clock_ms=(pairs[6], pairs[7]),
        period=period,
        messages=messages,
        short_clocks=short_clocks,
    )


def _check(tick: Tick) -> None:
    """What a slot may say together."""
    is_paused = tick.finding is TickFinding.PAUSED
    _require(is_paused == (tick.paused_by is not None), "paused without its reason, or a reason without")
    _require(not tick.messages or tick.finding in _WITNESSED, "messages in a second without a witness")
    _require(
        not tick.short_clocks or tick.finding is TickFinding.UNWITNESSED, "a short clock and yet not cut"
    )


def _decode_anchor(entry: bytes) -> Anchor:
    _, version, number, reason, after_tick, at_ns, wall_ns, boot = _ANCHOR.unpack(entry)
    kind = AnchorKind(number)
    _require(kind in _KINDS.get(version, ()), "an anchor that its version does not know")
    _require(bool(reason) == (kind in _WITH_REASON), "an anchor without its reason, or a reason without")
    return Anchor(
        kind=kind,
        after_tick=after_tick,
        at_ns=at_ns,
        wall_ns=wall_ns,
        boot=boot,
        reason=_ENDS[reason] if kind is AnchorKind.STOP else None,
        consent=_CONSENTS[reason] if kind is AnchorKind.CONSENT else None,
    )


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


_WITH_REASON = (AnchorKind.STOP, AnchorKind.CONSENT)

SIDES = (Side.CLIENT, Side.PROVIDER)
"""The order of every pair in an entry."""
