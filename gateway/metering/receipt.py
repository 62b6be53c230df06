"""The frozen, signed, recomputable statement of a session.

Decides what a receipt says, how it is written down byte for byte, and whether
one is consistent with its evidence. Signing and signature checks are handed in
(`adapters/receipt_key.py`), so this stays pure.
Keeps: one canonical form, so that any changed byte is seen; lines sum to the
charge; fee + earned = charge; the seconds are those of the evidence. Version 3
is issued; older ones are still read (`verification.py`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from gateway.clock import rfc3339
from gateway.errors import InvariantBroken, Malformed, require
from gateway.ids import AccountId, ReceiptId, SessionId
from gateway.metering.evidence import SIDES, Anchor, AnchorKind, decode, split_entries
from gateway.metering.record import Record
from gateway.metering.schedule import OffsetAt
from gateway.metering.tariff import Line, Tariff
from gateway.metering.tick import Tick, TickFinding
from gateway.metering.timetable import timetable
from gateway.metering.usage import Usage
from gateway.metering.warning import TimeLeft
from gateway.money import floor_to_minor, micros_per_minor, split_fee
from gateway.terms import EndReason, Grade, MeterOrder, SessionKind, TariffSnapshot

RECEIPT_VERSION = 3
"""1 knew plain tariffs only; 2 was written over many lines."""
BUNDLE_VERSION = 2
"""Of the evidence bundle's form; its entries carry versions of their own. 1 was written over many lines."""
_ONE_LINE_SINCE = (("receipt", 3), ("entries", 2))
"""What tells a kind of file, and the first version of it that is written in one line."""
_LINE = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_INDENTED = json.JSONEncoder(sort_keys=True, indent=2)
_UNITS = {"time": "s", "block": "block", "messages": "message"}


_CLOCKS = ("clock_rtp_client", "clock_rtp_provider", "clock_app_client", "clock_app_provider")
"""By bit of `Tick.short_clocks`."""


def _no_zone(zone: str, unix_s: int) -> int:
    raise InvariantBroken(f"the hours of {zone} were not handed in")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a stopped meter found: everything of a receipt but the money's sources and the signature."""

    receipt: ReceiptId
    order: MeterOrder
    tariff: Tariff
    entries: bytes
    """All evidence entries, concatenated."""
    reason: EndReason
    grade: Grade
    warnings: tuple[tuple[TimeLeft, int], ...]
    """Each with the tick it was given at."""
    offset_s_at: OffsetAt = _no_zone
    """How far the clocks of the tariff's zone are ahead; asked only where it has windows."""

    @cached_property
    def record(self) -> Record:
        """The entries, replayed."""
        return Record.replayed(self.order, self.entries)

    @cached_property
    def found(self) -> tuple[Tick | Anchor, ...]:
        """The entries, decoded."""
        return tuple(map(decode, split_entries(self.entries)))

    def charge_micros(self) -> int:
        """C(n) rounded down to the minor unit."""
        return floor_to_minor(self.tariff.cost(self.record.tally.usage), self.tariff.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Where the charge came from and went."""

    charge_micros: int
    promo_micros: int
    cash_micros: int
    fee_micros: int
    earned_micros: int


def outlined(statement: Statement, *, key_id: str, public_key: bytes) -> dict[str, Any]:
    """The receipt without its money and signature; the members are in docs/wire.md."""
    order, record = statement.order, statement.record
    tally = record.tally
    return {
        "version": RECEIPT_VERSION,
        "receipt": statement.receipt,
        "session": order.session,
        "kind": order.kind,
        "client": {"id": order.client},
        "provider": {"id": order.provider},
        "tariff": order.tariff.terms(),
        "tariff_hash": order.tariff.hash,
        "nonces": [order.nonce_client, order.nonce_provider],
        "started_at": rfc3339(record.start.wall_ns) if record.start else None,
        "stopped_at": rfc3339(record.stop.wall_ns) if record.stop else None,
        "zone": "UTC",
        "billed_s": tally.billed_s,
        "free_s": tally.free_s,
        "paused_s": tally.paused_s,
        "unwitnessed_s": tally.unwitnessed_s,
        "usage": [{"period": period, "seconds": seconds} for period, seconds in tally.usage.runs],
        "messages": tally.usage.messages,
        "schedule": timetable(statement.tariff, statement.found, statement.offset_s_at),
        "consents": consents(record),
        "gaps": gaps(statement.found),
        "currency": statement.tariff.currency,
        "fee_bp": order.fee_bp,
        "grade": statement.grade,
        "warnings": [
            {"seconds_left": left.seconds, "reason": left.reason, "tick": tick}
            for left, tick in statement.warnings
        ],
        "end_reason": statement.reason,
        "evidence_head": record.head,
        "issuer": {"key_id": key_id, "public_key": public_key.hex()},
    }


def completed(outline: Mapping[str, Any], tariff: Tariff, paid: Paid) -> dict[str, Any]:
    """The receipt with its money, still unsigned."""
    require(paid.promo_micros + paid.cash_micros == paid.charge_micros, "the sources sum to the charge")
    split = split_fee(paid.charge_micros, outline["fee_bp"])
    require(split == (paid.fee_micros, paid.earned_micros), "fee and share are split by the one rule")
    return {
        **outline,
        "lines": priced(tariff, usage_of(outline), charge_micros=paid.charge_micros),
        "charge_micros": paid.charge_micros,
        "promo_micros": paid.promo_micros,
        "cash_micros": paid.cash_micros,
        "fee_micros": paid.fee_micros,
        "earned_micros": paid.earned_micros,
    }


def usage_of(receipt: Mapping[str, Any]) -> Usage:
    """The usage that a receipt states."""
    if receipt["version"] == 1:
        return Usage.plain(receipt["billed_s"] + receipt["free_s"])
    usage = Usage()
    for run in receipt["usage"]:
        usage = usage.plus(run["period"], run["seconds"])
    return Usage(usage.runs, receipt["messages"])


def priced(
    tariff: Tariff, usage: Usage, *, charge_micros: int, version: int = RECEIPT_VERSION
) -> list[dict[str, Any]]:
    """Price lines that sum to the charge; what rounding or a short hold took off is a line too."""
    lines = [*tariff.lines(usage)]
    if rest := charge_micros - sum(line.amount_micros for line in lines):
        is_rounding = -micros_per_minor(tariff.currency) < rest < 0
        lines.append(Line("rounding" if is_rounding else "capped_to_hold", 1, rest))
    return [
        {
            "code": line.code,
            "quantity": line.quantity,
            "unit": _UNITS.get(line.code, ""),
            "amount_micros": line.amount_micros,
            **({} if version == 1 else {"period": line.period}),
        }
        for line in lines
    ]


def consents(record: Record) -> list[dict[str, Any]]:
    """What the client said yes to, and when."""
    return [
        {"kind": anchor.consent, "at": rfc3339(anchor.wall_ns), "after_tick": anchor.after_tick}
        for anchor in record.anchors
        if anchor.kind is AnchorKind.CONSENT
    ]


def gaps(found: Iterable[Tick | Anchor]) -> list[dict[str, Any]]:
    """Spans of ticks that were not billed, each with its finding and why."""
    ticks = [entry for entry in found if isinstance(entry, Tick)]
    spans = []
    for (finding, why), group in groupby(ticks, key=lambda tick: (tick.finding, _why(tick))):
        members = list(group)
        if finding is not TickFinding.BILLED:
            span = {"from_tick": members[0].number, "to_tick": members[-1].number}
            spans.append({**span, "finding": finding, "why": why})
    return spans


def _why(tick: Tick) -> str:
    if tick.finding is TickFinding.PAUSED:
        return str(tick.paused_by)
    if tick.finding is TickFinding.UNWITNESSED:
        missing = [f"media_{side}" for side, seen in zip(SIDES, tick.media, strict=True) if not seen]
        missing += [f"app_{side}" for side, seen in zip(SIDES, tick.apps, strict=True) if not seen]
        missing += [name for bit, name in enumerate(_CLOCKS) if tick.short_clocks >> bit & 1]
        return ",".join(missing)
    return ""


def canonical(body: Mapping[str, Any]) -> bytes:
    """The one written form: sorted keys, ASCII escapes, a final newline; one line, or two spaces of indent.

    Receipts and bundles are one line, those of old versions and all other files are indented.
    """
    is_line = any(key in body and body.get("version", 0) >= since for key, since in _ONE_LINE_SINCE)
    text = _LINE.encode(body) if is_line else _INDENTED.encode(body)
    return (text + "\n").encode()


def signed_part(receipt: Mapping[str, Any]) -> bytes:
    """The bytes a signature covers: everything but itself and the notes that were made later."""
    return canonical({key: value for key, value in receipt.items() if key not in ("signature", "notes")})


def bundle(order: MeterOrder, entries: bytes) -> dict[str, Any]:
    """The evidence bundle: who and what the chain begins with, and every entry."""
    return {
        "version": BUNDLE_VERSION,
        "session": order.session,
        "entries": [entry.hex() for entry in split_entries(entries)],
    }


def read(file: bytes, what: str) -> dict[str, Any]:
    """A canonical file as a dictionary.

    Raises:
        Malformed: not JSON, or not byte for byte in the canonical form.
    """
    try:
        body = json.loads(file)
    except ValueError as error:
        raise Malformed(f"The {what} is not JSON: {error}.", code=f"{what}_malformed") from error
    if not isinstance(body, dict) or not _is_canonical(body, file):
        raise Malformed(f"The {what} has been changed: it is not in the form it is issued in.")
    return body


def _is_canonical(body: Mapping[str, Any], file: bytes) -> bool:
    try:
        return canonical(body) == file
    except TypeError:
        return False  # its version is no number


def order_of(receipt: Mapping[str, Any]) -> MeterOrder:
    """The order that a receipt restates, as far as the evidence chain needs it."""
    nonce_client, nonce_provider = receipt["nonces"]
    return MeterOrder(
        session=SessionId(receipt["session"]),
        client=AccountId(receipt["client"]["id"]),
        provider=AccountId(receipt["provider"]["id"]),
        kind=SessionKind(receipt["kind"]),
        tariff=TariffSnapshot.of(receipt["tariff"]),
        fee_bp=receipt["fee_bp"],
        duration_s_max=0,
        nonce_client=nonce_client,
        nonce_provider=nonce_provider,
    )
