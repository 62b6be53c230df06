"""A receipt holds offline, and any changed byte is seen."""

import json
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import Malformed
from gateway.metering import receipt as receipts
from gateway.metering.evidence import genesis, split_entries
from gateway.metering.record import Record
from gateway.terms import EndReason, Side, SuspendReason, TariffSnapshot
from tests.metering.bench import Bench, order, terms
from tests.metering.notary import PUBLIC, issued, problems, signed

pytestmark = pytest.mark.core


def called(**changes: Any) -> Bench:
    """A finished call of 24 seconds, three of them paused."""
    bench = Bench(order(tariff=TariffSnapshot.of(terms(**changes)))).started().run(10)
    bench.meter.pause(SuspendReason.SOS, bench.now_ns)
    bench.run(3)
    bench.meter.resume(SuspendReason.SOS, bench.now_ns)
    bench.run(11)
    bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    return bench.ended()


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
        ("usage", [{"period": 1, "seconds": 21}]),
        ("usage", [{"period": 0, "seconds": 20}]),
        ("messages", 1),
        ("consents", [{"kind": "spend", "at": "", "after_tick": 3}]),
        ("schedule", [{"after_tick": 0, "periods": [{"at": "", "at_wall_ns": 0, "period": 0}]}]),
        ("version", 4),
    ],
)
def test_a_receipt_signed_with_a_false_statement_is_caught_by_recomputing(field: str, value: object) -> None:
    body, evidence = issued(called())
    body[field] = value

    assert problems(receipts.canonical(signed(body)), evidence)


def test_files_of_today_are_one_line_each() -> None:
    body, evidence = issued(called())

    assert receipts.canonical(body).count(b"\n") == 1
    assert evidence.count(b"\n") == 1


def test_files_of_the_version_before_are_indented_and_still_hold() -> None:
    body, evidence = issued(called())
    receipt = receipts.canonical(signed({**body, "version": 2}))
    bundle = receipts.canonical({**json.loads(evidence), "version": 1})

    assert receipt.startswith(b'{\n  "')
    assert bundle.startswith(b'{\n  "')
    assert problems(receipt, bundle) == []


def test_a_file_in_the_form_of_another_version_is_refused() -> None:
    body, evidence = issued(called())
    indented = json.dumps(body, sort_keys=True, indent=2).encode() + b"\n"

    assert "form" in problems(indented, evidence)[0]


def test_a_dropped_tail_of_evidence_is_seen() -> None:
    body, evidence = issued(called())
    bundle = json.loads(evidence)
    bundle["entries"] = bundle["entries"][:-1]

    assert problems(receipts.canonical(body), receipts.canonical(bundle))


def test_sub_coin_cost_is_rounded_down_as_a_line_of_its_own() -> None:
    body, evidence = issued(called(tiers=[{"from_s": 0, "price_micros_per_minute": 1_234_567}]))

    assert body["charge_micros"] == 430_000
    assert body["lines"][-1] == {
        "code": "rounding",
        "quantity": 1,
        "unit": "",
        "amount_micros": -2_098,
        "period": 0,
    }
    assert problems(receipts.canonical(body), evidence) == []


@pytest.mark.parametrize("file", [b"", b"{", b"[]", b"{}", b'{"a": 1}', b"\xff\xfe", b"null\n"])
def test_a_file_that_is_no_receipt_is_told_apart(file: bytes) -> None:
    assert problems(file, None)


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
