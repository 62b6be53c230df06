"""Checks a receipt from outside, without believing the gateway.

Decides by its own arithmetic what the stated seconds cost, whether lines, sources
and shares add up, and by cryptography whether the signature is the issuer's.
Written from docs/metering.md and not from the gateway's own code, so that a
mistake there is seen here.
Never counts seconds; evidence bundles are checked by `gateway receipt verify`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.money import floor_to_minor

Terms = Mapping[str, Any]
"""Tariff terms, version 1."""


def problems_of(receipt: Mapping[str, Any], *, public_key: str | None = None) -> list[str]:
    """Everything wrong with a receipt, in sentences; empty where it holds.

    `public_key` (hexadecimal) pins the issuer; without it the receipt's own key is used.
    """
    try:
        return [*_signature(receipt, public_key), *_tariff(receipt), *_money(receipt)]
    except (KeyError, TypeError, ValueError) as lacking:
        return [f"the receipt lacks something it must have: {lacking!r}"]


def canonical(body: Mapping[str, Any]) -> bytes:
    """The written form of receipts and evidence: keys sorted, two spaces, a final newline."""
    return (json.dumps(body, sort_keys=True, indent=2, ensure_ascii=True) + "\n").encode()


def signed_part(receipt: Mapping[str, Any]) -> bytes:
    """The bytes the signature covers: the canonical form of all other members."""
    return canonical({name: value for name, value in receipt.items() if name != "signature"})


def price_micros(terms: Terms, witnessed_s: int) -> int:
    """C(n): what `witnessed_s` seconds cost, before rounding to the minor unit."""
    if witnessed_s <= max(terms["free_if_ended_within_s"], terms["free_s"]):
        return 0
    seconds = max(witnessed_s - terms["free_s"], terms["initial_block_s"])
    seconds = max(seconds - seconds % terms["increment_s"], terms["initial_block_s"])
    if seconds == 0:
        return 0
    sixtieths = sum(_price_per_minute(terms, second) for second in range(seconds))
    price: int = max(terms["connect_fee_micros"] + sixtieths // 60, terms["minimum_micros"])
    return price if terms["cap_micros"] is None else min(price, terms["cap_micros"])


def owed_micros(terms: Terms, witnessed_s: int) -> int:
    """C(n) rounded down to the minor unit, which is what is charged."""
    return floor_to_minor(price_micros(terms, witnessed_s), terms["currency"])


def _price_per_minute(terms: Terms, second: int) -> int:
    reached = [tier for tier in terms["tiers"] if tier["from_s"] <= second]
    return int(max(reached, key=lambda tier: tier["from_s"])["price_micros_per_minute"])


def _signature(receipt: Mapping[str, Any], public_key: str | None) -> Iterator[str]:
    key = receipt["issuer"]["public_key"]
    if public_key is not None and key != public_key:
        yield "the receipt was issued with another key"
    if hashlib.sha256(bytes.fromhex(key)).hexdigest()[:16] != receipt["issuer"]["key_id"]:
        yield "the key id is not the public key's"
    try:
        signature = bytes.fromhex(receipt["signature"])
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, signed_part(receipt))
    except InvalidSignature:
        yield "the signature does not fit the receipt"


def _tariff(receipt: Mapping[str, Any]) -> Iterator[str]:
    text = json.dumps(receipt["tariff"], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if hashlib.sha256(text.encode()).hexdigest() != receipt["tariff_hash"]:
        yield "the tariff hash is not the tariff's"
    if receipt["currency"] != receipt["tariff"]["currency"]:
        yield "the currency is not the tariff's"
    witnessed_s = receipt["billed_s"] + receipt["free_s"]
    owed, charge = owed_micros(receipt["tariff"], witnessed_s), receipt["charge_micros"]
    if charge > owed:
        yield f"{witnessed_s} s cost {owed} micros and {charge} were charged"
    if charge < owed and not any(line["code"] == "capped_to_hold" for line in receipt["lines"]):
        yield f"{witnessed_s} s cost {owed} micros and only {charge} were charged, without a reason"


def _money(receipt: Mapping[str, Any]) -> Iterator[str]:
    charge = receipt["charge_micros"]
    if sum(line["amount_micros"] for line in receipt["lines"]) != charge:
        yield "the price lines do not sum to the charge"
    if receipt["promo_micros"] + receipt["cash_micros"] != charge:
        yield "promotional money and cash do not sum to the charge"
    if receipt["fee_micros"] != charge * receipt["fee_bp"] // 10_000:
        yield "the fee is not the stated share"
    if receipt["fee_micros"] + receipt["earned_micros"] != charge:
        yield "fee and the provider's share do not sum to the charge"
