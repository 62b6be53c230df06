"""Checks a receipt from outside, without believing the gateway.

Decides by its own arithmetic (`price.py`) what the stated usage costs, whether lines,
sources and shares add up, and by cryptography whether the signature is the issuer's.
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

from gateway.sdk.price import owed_micros, price_micros

__all__ = ["canonical", "owed_micros", "price_micros", "problems_of", "signed_part"]


def problems_of(receipt: Mapping[str, Any], *, public_key: str | None = None) -> list[str]:
    """Everything wrong with a receipt, in sentences; empty where it holds.

    `public_key` (hexadecimal) pins the issuer; without it the receipt's own key is used.
    """
    try:
        return [*_signature(receipt, public_key), *_tariff(receipt), *_money(receipt)]
    except (KeyError, TypeError, ValueError) as lacking:
        return [f"the receipt lacks something it must have: {lacking!r}"]


def canonical(body: Mapping[str, Any]) -> bytes:
    """A receipt's written form: keys sorted, one line with its end; before version 3 indented by two spaces."""
    if body.get("version", 0) < 3:
        return (json.dumps(body, sort_keys=True, indent=2) + "\n").encode()
    return (json.dumps(body, sort_keys=True, separators=(",", ":")) + "\n").encode()


def signed_part(receipt: Mapping[str, Any]) -> bytes:
    """The bytes the signature covers: the canonical form of all other members but the notes made since."""
    return canonical({name: value for name, value in receipt.items() if name not in ("signature", "notes")})


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
    periods = [run["period"] for run in receipt.get("usage", ()) for _ in range(run["seconds"])]
    if "usage" in receipt and len(periods) != witnessed_s:
        yield "the seconds by rate period are not the billed and free ones"
    used = periods if "usage" in receipt else witnessed_s
    owed = owed_micros(receipt["tariff"], used, messages=receipt.get("messages", 0))
    charge = receipt["charge_micros"]
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
