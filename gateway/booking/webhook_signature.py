"""Signatures of webhooks: who sent these bytes, and when.

Decides how a webhook is signed and when a signature is good: HMAC-SHA256 over
`id.timestamp.body`, in constant time, by any of several signatures (a secret may
be changing), and not older or newer than five minutes.
Never parses the body: what is checked are the bytes as they came.
See Standard Webhooks, "Signature scheme" (`v1`).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum

TOLERANCE_S = 300
"""How far the sender's clock and the way here may be off."""
_VERSION = "v1"


class SignatureStatus(StrEnum):
    """Whether a webhook may be believed, in order of precedence."""

    MISSING = "missing"
    """A header is absent or cannot be read."""
    STALE = "stale"
    """Its time is too far from ours: perhaps recorded and sent again."""
    WRONG = "wrong"
    """No signature of the known scheme fits."""
    GOOD = "good"


def sign(secret: bytes, *, message_id: str, timestamp_s: int, body: bytes) -> Mapping[str, str]:
    """The three headers that go with `body`."""
    signature = base64.b64encode(_digest(secret, message_id, str(timestamp_s), body)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"{_VERSION},{signature}",
    }


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, *, now_s: int) -> SignatureStatus:
    """Whether `body` came from a holder of `secret`, lately; header names in lower case."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not (message_id and signatures and _is_instant(timestamp)):
        return SignatureStatus.MISSING
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        return SignatureStatus.STALE
    wanted = _digest(secret, message_id, timestamp, body)
    given = (_read(signature) for signature in signatures.split(" "))
    is_good = any(candidate is not None and hmac.compare_digest(wanted, candidate) for candidate in given)
    return SignatureStatus.GOOD if is_good else SignatureStatus.WRONG


def _is_instant(timestamp: str) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12


def _digest(secret: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    return hmac.digest(secret, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)


def _read(signature: str) -> bytes | None:
    version, _, encoded = signature.partition(",")
    if version != _VERSION:
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
