"""Receipts of benches, signed with a key of their own, and what is found wrong with them."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.ids import ReceiptId
from gateway.metering import receipt as receipts
from gateway.metering.adapters.receipt_key import is_signed
from gateway.metering.receipt import Paid, Statement
from gateway.metering.verification import problems_of
from gateway.money import split_fee
from tests.metering.bench import Bench

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
EAST_S = 8 * 3600


def eastern(zone: str, unix_s: int) -> int:
    """Every zone is eight hours ahead."""
    return EAST_S


def issued(bench: Bench) -> tuple[dict[str, Any], bytes]:
    """The signed receipt and the evidence file of a finished call."""
    meter = bench.meter
    assert meter.stop_mark is not None
    statement = Statement(
        receipt=ReceiptId("rcp_1"),
        order=meter.order,
        tariff=meter.tariff,
        entries=bytes(meter.record.entries),
        reason=meter.stop_mark.reason,
        grade=meter.grade,
        warnings=tuple(meter.warnings),
        offset_s_at=eastern,
    )
    charge = statement.charge_micros()
    fee, earned = split_fee(charge, meter.order.fee_bp)
    paid = Paid(
        charge_micros=charge, promo_micros=0, cash_micros=charge, fee_micros=fee, earned_micros=earned
    )
    outline = receipts.outlined(statement, key_id="k", public_key=PUBLIC)
    body = receipts.completed(outline, meter.tariff, paid)
    return signed(body), receipts.canonical(receipts.bundle(meter.order, statement.entries))


def signed(body: dict[str, Any]) -> dict[str, Any]:
    """The receipt signed anew, whatever it says."""
    return {**body, "signature": KEY.sign(receipts.signed_part(body)).hex()}


def problems(receipt: bytes, evidence: bytes | None, **more: Any) -> list[str]:
    """What is wrong with two files."""
    return problems_of(receipt, evidence, check_signature=is_signed, **more)
