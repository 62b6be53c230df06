"""A receipt holds offline, and any changed byte is seen."""

import json
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.clock import NS
from gateway.errors import Malformed
from gateway.ids import ReceiptId
from gateway.metering import receipt as receipts
from gateway.metering.adapters.receipt_key import is_signed
from gateway.metering.evidence import decode, encode_tick, genesis, split_entries
from gateway.metering.receipt import Paid, Statement
from gateway.metering.record import Record
from gateway.metering.tick import Tick, TickFinding
from gateway.metering.verification import problems_of
from gateway.money import split_fee
from gateway.terms import EndReason, Side, SuspendReason, TariffSnapshot
from tests.metering.bench import Bench, order, terms

pytestmark = pytest.mark.core

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def called(**changes: Any) -> Bench:
    """A finished call of 24 seconds, three of them paused."""
    bench = Bench(order(tariff=TariffSnapshot.of(terms(**changes)))).started().run(10)
    bench.meter.pause(SuspendReason.SOS, bench.now_ns)
    bench.run(3)
    bench.meter.resume(SuspendReason.SOS, bench.now_ns)
    bench.run(11)
    bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    return bench.ended()


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
    )
    charge = statement.charge_micros()
    fee, earned = split_fee(charge, meter.order.fee_bp)
    paid = Paid(
        charge_micros=charge, promo_micros=0, cash_micros=charge, fee_micros=fee, earned_micros=earned
    )
    outline = receipts.outlined(statement, key_id="k", public_key=PUBLIC)
    body = receipts.completed(outline, meter.tariff, paid)
    body["signature"] = KEY.sign(receipts.signed_part(body)).hex()
    evidence = receipts.canonical(receipts.bundle(meter.order, statement.entries))
    return body, evidence


def problems(receipt: bytes, evidence: bytes | None, **more: Any) -> list[str]:
    return problems_of(receipt, evidence, check_signature=is_signed, **more)


def test_a_receipt_and_its_evidence_hold() -> None:
    body, evidence = issued(called())

    assert problems(receipts.canonical(body), evidence, expected_key=PUBLIC) == []
    assert body["billed_s"] == 21
    assert body["charge_micros"] == 1_050_000
    assert body["gaps"] == [{"from_tick": 11, "to_tick": 13, "finding": "paused", "why": "sos"}]


def test_any_changed_byte_of_either_file_is_seen() -> None:
    body, evidence = issued(called())
    receipt = receipts.canonical(body)
    chance = random.Random(7)

    for _ in range(300):
        at, flip = chance.randrange(len(receipt)), chance.randrange(1, 256)
        changed = receipt[:at] + bytes([receipt[at] ^ flip]) + receipt[at + 1 :]
        assert problems(changed, evidence), f"byte {at} changed unseen"
        at = chance.randrange(len(evidence))
        changed = evidence[:at] + bytes([evidence[at] ^ flip]) + evidence[at + 1 :]
        assert problems(receipt, changed), f"evidence byte {at} changed unseen"


def test_a_receipt_signed_anew_with_another_key_fails_against_the_expected_key() -> None:
    body, evidence = issued(called())
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    raw = other.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    body["issuer"] = {**body["issuer"], "public_key": raw.hex()}
    body["signature"] = other.sign(receipts.signed_part(body)).hex()

    assert problems(receipts.canonical(body), evidence) == []
    assert problems(receipts.canonical(body), evidence, expected_key=PUBLIC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("billed_s", 22),
        ("charge_micros", 1_100_000),
        ("fee_micros", 0),
        ("cash_micros", 0),
        ("lines", []),
        ("gaps", []),
        ("end_reason", "funds"),
        ("tariff_hash", "00"),
        ("session", "ses_2"),
    ],
)
def test_a_receipt_signed_with_a_false_statement_is_caught_by_recomputing(field: str, value: object) -> None:
    body, evidence = issued(called())
    body[field] = value
    body["signature"] = KEY.sign(receipts.signed_part(body)).hex()

    assert problems(receipts.canonical(body), evidence)


def test_a_dropped_tail_of_evidence_is_seen() -> None:
    body, evidence = issued(called())
    bundle = json.loads(evidence)
    bundle["entries"] = bundle["entries"][:-1]

    assert problems(receipts.canonical(body), receipts.canonical(bundle))


def test_sub_coin_cost_is_rounded_down_as_a_line_of_its_own() -> None:
    body, evidence = issued(called(tiers=[{"from_s": 0, "price_micros_per_minute": 1_234_567}]))

    assert body["charge_micros"] == 430_000
    assert body["lines"][-1] == {"code": "rounding", "quantity": 1, "unit": "", "amount_micros": -2_098}
    assert problems(receipts.canonical(body), evidence) == []


@pytest.mark.parametrize("file", [b"", b"{", b"[]", b"{}", b'{"a": 1}', b"\xff\xfe", b"null\n"])
def test_a_file_that_is_no_receipt_is_told_apart(file: bytes) -> None:
    assert problems(file, None)


def test_the_encoding_of_version_1_is_frozen() -> None:
    tick = Tick(
        number=7,
        finding=TickFinding.PAUSED,
        media=(True, False),
        apps=(True, True),
        paused_by=SuspendReason.SOS,
        ended_at_ns=123 * NS,
        ended_wall_ns=456 * NS,
        acked=(6, 7),
        rtp_packets=(350, 351),
        rtp_span=(336_000, 336_960),
    )

    entry = encode_tick(tick)

    assert entry.hex() == (
        "530102010304000000070000001ca35f0e000000006a2bb7d00000000006000000070000015e0000015f0005208000052440"
    )
    assert decode(entry) == tick


def test_the_chain_begins_with_who_met_whom_at_what_price() -> None:
    assert genesis(order()) == genesis(order())
    assert genesis(order(nonce_client="x")) != genesis(order())
    assert genesis(order(tariff=TariffSnapshot.of(terms(free_s=1)))) != genesis(order())


def test_noise_is_no_evidence() -> None:
    chance = random.Random(3)
    for length in range(1, 200):
        blob = bytes(chance.randrange(256) for _ in range(length))
        try:
            Record.replayed(order(), blob)
        except (Malformed, AssertionError):
            continue
        pytest.fail("noise was taken for evidence")


def test_entries_split_where_they_were_joined() -> None:
    entries = bytes(called().meter.record.entries)

    assert b"".join(split_entries(entries)) == entries
