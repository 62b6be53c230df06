"""Whether a receipt is true to itself and to its evidence.

Decides every check that needs no database: canonical form, tariff hash, usage
recounted from the evidence and priced anew, the hours each second fell into,
agreed limits, chain head, split of the money. The signature check is handed in,
and the zones' offsets where the hours themselves are to be resolved anew.
Never trusts a sum it can recompute. See docs/metering.md, "Receipt".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.errors import GatewayError, InvariantBroken, Malformed
from gateway.metering import receipt as receipts
from gateway.metering.evidence import Anchor, decode, split_entries
from gateway.metering.record import Record
from gateway.metering.schedule import OffsetAt
from gateway.metering.tariff import Tariff, parse
from gateway.metering.tick import Tick
from gateway.metering.timetable import strays, timetable
from gateway.metering.usage import Usage
from gateway.money import floor_to_minor, split_fee
from gateway.terms import ConsentKind, TariffSnapshot

CheckSignature = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) → whether the signature holds."""


def problems_of(
    receipt_file: bytes,
    evidence_file: bytes | None,
    *,
    check_signature: CheckSignature,
    expected_key: bytes | None = None,
    offset_s_at: OffsetAt | None = None,
) -> list[str]:
    """Everything that is wrong, in sentences; an empty list means that the receipt holds.

    `expected_key` pins the issuer's public key; without it the receipt's own is used.
    With `offset_s_at` the tariff's hours are resolved anew instead of believed.
    """
    try:
        receipt = receipts.read(receipt_file, "receipt")
        found = list(_signature(receipt, check_signature, expected_key))
        found += _price(receipt)
        if evidence_file is not None:
            found += _evidence(receipt, receipts.read(evidence_file, "evidence"), offset_s_at)
    except (GatewayError, InvariantBroken) as error:
        return [str(error)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"The receipt lacks something it must have: {error!r}."]
    return found


def _signature(
    receipt: Mapping[str, Any], check_signature: CheckSignature, expected_key: bytes | None
) -> Iterator[str]:
    public_key = bytes.fromhex(receipt["issuer"]["public_key"])
    if expected_key is not None and expected_key != public_key:
        yield "The receipt was issued with another key than the one expected."
    signature = bytes.fromhex(receipt["signature"])
    if not check_signature(public_key, receipts.signed_part(receipt), signature):
        yield "The signature does not fit the receipt."


def _price(receipt: Mapping[str, Any]) -> Iterator[str]:
    version = receipt["version"]
    if version not in range(1, receipts.RECEIPT_VERSION + 1):
        yield "The receipt is not of a version that this program knows."
    tariff = parse(receipt["tariff"])
    usage = _known(tariff, receipts.usage_of(receipt))
    if TariffSnapshot.of(receipt["tariff"]).hash != receipt["tariff_hash"]:
        yield "The tariff hash is not the tariff's."
    if usage.seconds != receipt["billed_s"] + receipt["free_s"]:
        yield "The seconds by rate period do not sum to the billed and free ones."
    charge = receipt["charge_micros"]
    yield from _charged(tariff, usage, charge)
    if receipt["lines"] != receipts.priced(tariff, usage, charge_micros=charge, version=version):
        yield "The price lines are not those of the tariff."
    if receipt["promo_micros"] + receipt["cash_micros"] != charge:
        yield "Promotional money and cash do not sum to the charge."
    if split_fee(charge, receipt["fee_bp"]) != (receipt["fee_micros"], receipt["earned_micros"]):
        yield "Fee and the provider's share are not split by the stated basis points."
    if receipt["currency"] != tariff.currency:
        yield "The currency is not the tariff's."


def _known(tariff: Tariff, usage: Usage) -> Usage:
    """`usage`, when the tariff has a price for every period of it.

    Raises:
        Malformed: it has not, or a count is below nothing.
    """
    periods = range(1 + len(tariff.windows))
    if usage.messages < 0 or any(seconds < 0 or period not in periods for period, seconds in usage.runs):
        raise Malformed("The seconds lie in a rate period that the tariff does not have.")
    return usage


def _charged(tariff: Tariff, usage: Usage, charge: int) -> Iterator[str]:
    owed = floor_to_minor(tariff.cost(usage), tariff.currency)
    if charge > owed:
        yield f"The charge of {charge} micros is above the {owed} that {usage.seconds} seconds cost."


def _evidence(
    receipt: Mapping[str, Any], evidence: Mapping[str, Any], offset_s_at: OffsetAt | None
) -> Iterator[str]:
    versions = range(1, receipts.BUNDLE_VERSION + 1)
    if set(evidence) != {"version", "session", "entries"} or evidence["version"] not in versions:
        yield "The evidence is not of the version that this program knows."
    if evidence["session"] != receipt["session"]:
        yield "The evidence belongs to another session."
    entries = b"".join(bytes.fromhex(entry) for entry in evidence["entries"])
    record = Record.replayed(receipts.order_of(receipt), entries)
    if record.head != receipt["evidence_head"]:
        yield "The evidence chain does not lead to the head on the receipt."
    for name in ("billed_s", "free_s", "paused_s", "unwitnessed_s"):
        if getattr(record.tally, name) != receipt[name]:
            yield f"{name} is {receipt[name]} on the receipt and {getattr(record.tally, name)} by the evidence."
    found = [decode(entry) for entry in split_entries(entries)]
    if receipts.gaps(found) != receipt["gaps"]:
        yield "The gaps are not those of the evidence."
    if record.stop is not None and record.stop.reason != receipt["end_reason"]:
        yield "The end reason is not the one in the evidence."
    tariff = parse(receipt["tariff"])
    yield from _charged(tariff, _known(tariff, record.tally.usage), receipt["charge_micros"])
    if receipt["version"] != 1:
        yield from _usage(receipt, record)
        yield from _hours(receipt, tariff, found, offset_s_at)
        yield from _limits(tariff, record)


def _usage(receipt: Mapping[str, Any], record: Record) -> Iterator[str]:
    if receipts.usage_of(receipt) != record.tally.usage:
        yield "The seconds by rate period or the messages are not those of the evidence."
    if receipts.consents(record) != receipt["consents"]:
        yield "The client's consents are not those of the evidence."


def _hours(
    receipt: Mapping[str, Any],
    tariff: Tariff,
    found: Sequence[Tick | Anchor],
    offset_s_at: OffsetAt | None,
) -> Iterator[str]:
    listed = receipt["schedule"]
    if offset_s_at is not None and timetable(tariff, found, offset_s_at) != listed:
        yield "The schedule is not the one that the tariff's hours give."
    if listed and not tariff.windows:
        yield "The receipt has a schedule and the tariff no hours."
    if stray := strays(found, listed):
        yield f"Second {stray[0]} is priced in a period that was not in force when it began."


def _limits(tariff: Tariff, record: Record) -> Iterator[str]:
    """What the client agreed to: no second beyond a limit without its yes."""
    usage, cost = record.tally.usage, tariff.cost(record.tally.usage)
    if tariff.spend_stop_micros is not None and cost > tariff.spend_stop_micros:
        yield "The session cost more than the tariff's spend_stop_micros."
    consent = tariff.spend_consent_micros
    if consent is not None and cost > consent and not record.consents(ConsentKind.SPEND):
        yield "The session went beyond spend_consent_micros without the client's consent."
    limit_s = tariff.limit_s(1 + record.consents(ConsentKind.BLOCK))
    if limit_s is not None and usage.seconds > limit_s:
        yield "The session went beyond the prepaid time without the client's consent."
