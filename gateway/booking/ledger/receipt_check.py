"""Whether a settled receipt agrees with its evidence and with the books.

Decides by reading the evidence's bytes itself (their form is frozen in
docs/metering.md, "Evidence") and pricing them a second time; shares no code with
metering, which made them. Each disagreement is a breach of one invariant.
Never checks signatures; `gateway receipt verify` does.
Keeps: what cannot be read is a breach, never an exception.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gateway.booking.ledger.invariant import Breach, Invariant
from gateway.booking.ledger.price_check import owed_micros
from gateway.ids import AccountId
from gateway.money import floor_to_minor

_SLOTS = {1: struct.Struct(">BBBBBBIQQIIIIII"), 2: struct.Struct(">BBBBBBBBHIQQIIIIIIII")}
_ANCHOR = struct.Struct(">BBBBIQQ16s")
_SLOT_TAG, _ANCHOR_TAG = 0x53, 0x41
_BILLED, _FREE = 0, 1
_BOTH = 3
_RESTART = 2
_SECOND_NS = 1_000_000_000
_JITTER_NS = 1_000_000
"""Two ends of seconds may be that much nearer than a second."""

Reading = tuple[Invariant, Breach]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """One second, as its entry says."""

    finding: int
    media: int
    apps: int
    period: int
    messages: int
    tick: int
    ended_ns: int

    @property
    def is_witnessed(self) -> bool:
        """Whether it counts towards the price."""
        return self.finding in (_BILLED, _FREE)


def disagreements(
    receipt: Mapping[str, Any], bundle: Mapping[str, Any], *, settled_micros: int
) -> list[Reading]:
    """Everything about a settled session that its own evidence contradicts."""
    owner = _owner(receipt)
    try:
        entries = [bytes.fromhex(entry) for entry in bundle["entries"]]
        slots, restarts = _read(entries)
        found = [
            *_chain(receipt, entries),
            *_witnesses(receipt, slots, restarts=restarts),
            *_price(receipt, slots, settled_micros=settled_micros),
        ]
    except (KeyError, TypeError, ValueError, IndexError, struct.error) as error:
        found = [(Invariant.CHAINS, f"cannot be read: {error!r}")]
    session = receipt.get("session")
    return [(name, Breach(sentence=f"receipt of {session} {what}", owner=owner)) for name, what in found]


def _read(entries: Sequence[bytes]) -> tuple[list[_Slot], frozenset[int]]:
    """The slots, and the tick after which each restart came."""
    slots: list[_Slot] = []
    restarts: set[int] = set()
    for entry in entries:
        tag, version = entry[0], entry[1]
        if tag == _ANCHOR_TAG:
            _, _, kind, _, after_tick, *_ = _ANCHOR.unpack(entry)
            if kind == _RESTART:
                restarts.add(after_tick)
        elif tag == _SLOT_TAG and version == 1:
            _, _, finding, media, apps, _, tick, ended_ns, *_ = _SLOTS[1].unpack(entry)
            slots.append(_slot(finding, media, apps, tick, ended_ns))
        elif tag == _SLOT_TAG:
            fields = _SLOTS[version].unpack(entry)
            _, _, finding, media, apps, _, period, _, messages, tick, ended_ns, *_ = fields
            slots.append(_slot(finding, media, apps, tick, ended_ns, period, messages))
        else:
            raise ValueError(f"an entry with tag {tag}")
    return slots, frozenset(restarts)


def _slot(*values: int) -> _Slot:
    finding, media, apps, tick, ended_ns, period, messages = (*values, 0, 0)[:7]
    return _Slot(
        finding=finding,
        media=media,
        apps=apps,
        period=period,
        messages=messages,
        tick=tick,
        ended_ns=ended_ns,
    )


def _chain(receipt: Mapping[str, Any], entries: Sequence[bytes]) -> Iterator[tuple[Invariant, str]]:
    names = (
        "gateway-evidence-1",
        receipt["session"],
        receipt["client"]["id"],
        receipt["provider"]["id"],
        receipt["kind"],
        receipt["tariff_hash"],
        *receipt["nonces"],
    )
    head = hashlib.sha256("\x1f".join(names).encode()).digest()
    for entry in entries:
        head = hashlib.sha256(head + entry).digest()
    if head.hex() != receipt["evidence_head"]:
        yield Invariant.CHAINS, "quotes another evidence head than its entries lead to"


def _witnesses(
    receipt: Mapping[str, Any], slots: Sequence[_Slot], *, restarts: frozenset[int]
) -> Iterator[tuple[Invariant, str]]:
    shared_s = sum(slot.media == slot.apps == _BOTH for slot in slots)
    billed_s = receipt["billed_s"]
    if billed_s != sum(slot.finding == _BILLED for slot in slots):
        yield Invariant.WITNESSED, f"bills {billed_s} s, which is not what its evidence counts"
    if any(slot.is_witnessed and not slot.media == slot.apps == _BOTH for slot in slots):
        yield Invariant.WITNESSED, "counts a second that not both witnesses bracket"
    if billed_s > shared_s or shared_s > len(slots):
        yield Invariant.WITNESSED, f"bills {billed_s} s of {shared_s} s that both witnesses share"
    if [slot.tick for slot in slots] != list(range(1, len(slots) + 1)):
        yield Invariant.WITNESSED, "has a second that is missing or counted twice"
    for before, after in pairwise(slots):
        is_restarted = before.tick in restarts
        if not is_restarted and after.ended_ns - before.ended_ns < _SECOND_NS - _JITTER_NS:
            yield Invariant.WITNESSED, f"has more seconds than went by at tick {after.tick}"
            return


def _price(
    receipt: Mapping[str, Any], slots: Sequence[_Slot], *, settled_micros: int
) -> Iterator[tuple[Invariant, str]]:
    charge = receipt["charge_micros"]
    if charge != settled_micros:
        yield Invariant.PRICE, f"says {charge} micros, the books settled {settled_micros}"
    periods = [slot.period for slot in slots if slot.is_witnessed]
    messages = sum(slot.messages for slot in slots)
    owed = floor_to_minor(owed_micros(receipt["tariff"], periods, messages=messages), receipt["currency"])
    is_capped = any(line["code"] == "capped_to_hold" for line in receipt["lines"])
    if charge > owed or (charge < owed and not is_capped):
        yield Invariant.PRICE, f"charges {charge} micros; its evidence costs {owed}"


def _owner(receipt: Mapping[str, Any]) -> AccountId | None:
    client = receipt.get("client")
    return AccountId(client["id"]) if isinstance(client, Mapping) and "id" in client else None
