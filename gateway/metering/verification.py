"""Whether a receipt is true to itself and to its evidence.

Decides every check that needs no database: canonical form, tariff hash, price
recomputed from the seconds, seconds recounted from the evidence, chain head,
split of the money. The signature check is handed in.
Never trusts a sum it can recompute. See docs/metering.md, "Receipt".
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.errors import GatewayError, InvariantBroken
from gateway.metering import receipt as receipts
from gateway.metering.record import Record
from gateway.metering.tariff import parse
from gateway.money import floor_to_minor, split_fee
from gateway.terms import TariffSnapshot

CheckSignature = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) → whether the signature holds."""


def problems_of(
    receipt_file: bytes,
    evidence_file: bytes | None,
    *,
    check_signature: CheckSignature,
    expected_key: bytes | None = None,
) -> list[str]:
    """Everything that is wrong, in sentences; an empty list means that the receipt holds.

    `expected_key` pins the issuer's public key; without it the receipt's own is used.
    """
    try:
        receipt = receipts.read(receipt_file, "receipt")
        found = list(_signature(receipt, check_signature, expected_key))
        found += _price(receipt)
        if evidence_file is not None:
            found += _evidence(receipt, receipts.read(evidence_file, "evidence"))
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
    if receipt["version"] != receipts.RECEIPT_VERSION:
        yield "The receipt is not of the version that this program knows."
    tariff = parse(receipt["tariff"])
    if TariffSnapshot.of(receipt["tariff"]).hash != receipt["tariff_hash"]:
        yield "The tariff hash is not the tariff's."
    witnessed_s = receipt["billed_s"] + receipt["free_s"]
    owed = floor_to_minor(tariff.cost(witnessed_s), tariff.currency)
    charge = receipt["charge_micros"]
    if charge > owed:
        yield f"The charge of {charge} micros is above the {owed} that {witnessed_s} seconds cost."
    if receipt["lines"] != receipts.priced(tariff, witnessed_s, charge_micros=charge):
        yield "The price lines are not those of the tariff."
    if receipt["promo_micros"] + receipt["cash_micros"] != charge:
        yield "Promotional money and cash do not sum to the charge."
    if split_fee(charge, receipt["fee_bp"]) != (receipt["fee_micros"], receipt["earned_micros"]):
        yield "Fee and the provider's share are not split by the stated basis points."
    if receipt["currency"] != tariff.currency:
        yield "The currency is not the tariff's."


def _evidence(receipt: Mapping[str, Any], evidence: Mapping[str, Any]) -> Iterator[str]:
    if set(evidence) != {"version", "session", "entries"} or evidence["version"] != receipts.RECEIPT_VERSION:
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
    if receipts.gaps(entries) != receipt["gaps"]:
        yield "The gaps are not those of the evidence."
    if record.stop is not None and record.stop.reason != receipt["end_reason"]:
        yield "The end reason is not the one in the evidence."
