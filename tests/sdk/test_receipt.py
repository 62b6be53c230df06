"""The receipt, checked from outside."""

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.sdk.receipt import owed_micros, price_micros, problems_of, signed_part

pytestmark = pytest.mark.core

PLAIN = {
    "version": 1,
    "kind": "per_second",
    "currency": "CNY",
    "tiers": [{"from_s": 0, "price_micros_per_minute": 3_000_000}],
    "connect_fee_micros": 0,
    "free_s": 0,
    "initial_block_s": 0,
    "increment_s": 1,
    "minimum_micros": 0,
    "cap_micros": None,
    "free_if_ended_within_s": 10,
    "billed_when_socket_only": False,
}
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()

TIERED = {
    "tiers": [
        {"from_s": 0, "price_micros_per_minute": 6_000_000},
        {"from_s": 60, "price_micros_per_minute": 60},
    ]
}

TABLE = [
    # terms that differ from PLAIN, seconds, micros
    ({}, 0, 0),
    ({}, 10, 0),
    ({}, 11, 550_000),
    ({}, 60, 3_000_000),
    ({"free_if_ended_within_s": 0}, 1, 50_000),
    ({"connect_fee_micros": 7}, 10, 0),
    ({"connect_fee_micros": 7}, 12, 600_007),
    ({"free_s": 20}, 20, 0),
    ({"free_s": 20}, 21, 50_000),
    ({"initial_block_s": 60}, 11, 3_000_000),
    ({"initial_block_s": 60}, 61, 3_050_000),
    ({"increment_s": 30}, 29, 0),
    ({"increment_s": 30}, 59, 1_500_000),
    ({"minimum_micros": 1_000_000}, 11, 1_000_000),
    ({"cap_micros": 600_000}, 13, 600_000),
    (TIERED, 60, 6_000_000),
    (TIERED, 75, 6_000_015),
    ({"tiers": [{"from_s": 0, "price_micros_per_minute": 100}]}, 11, 18),
]


def receipt(**changes: object) -> dict:
    body = {
        "version": 1,
        "tariff": PLAIN,
        "tariff_hash": hashlib.sha256(
            json.dumps(PLAIN, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest(),
        "billed_s": 12,
        "free_s": 0,
        "lines": [{"code": "time", "quantity": 12, "unit": "s", "amount_micros": 600_000}],
        "currency": "CNY",
        "charge_micros": 600_000,
        "promo_micros": 100_000,
        "cash_micros": 500_000,
        "fee_bp": 2_000,
        "fee_micros": 120_000,
        "earned_micros": 480_000,
        "issuer": {"key_id": hashlib.sha256(PUBLIC).hexdigest()[:16], "public_key": PUBLIC.hex()},
        **changes,
    }
    return {**body, "signature": KEY.sign(signed_part(body)).hex()}


@pytest.mark.parametrize(("changes", "seconds", "micros"), TABLE)
def test_the_price_of_so_many_seconds(changes, seconds, micros):
    assert price_micros({**PLAIN, **changes}, seconds) == micros


def test_what_is_owed_is_rounded_down_to_the_coin():
    assert (
        owed_micros({**PLAIN, "tiers": [{"from_s": 0, "price_micros_per_minute": 1_000_000}]}, 13) == 210_000
    )


def test_a_true_receipt_has_no_problems():
    assert problems_of(receipt(), public_key=PUBLIC.hex()) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"billed_s": 11}, "11 s cost 550000 micros and 600000 were charged"),
        ({"billed_s": 13}, "13 s cost 650000 micros and only 600000 were charged, without a reason"),
        ({"tariff_hash": "0" * 64}, "the tariff hash is not the tariff's"),
        ({"currency": "EUR"}, "the currency is not the tariff's"),
        ({"lines": []}, "the price lines do not sum to the charge"),
        ({"promo_micros": 0}, "promotional money and cash do not sum to the charge"),
        ({"fee_micros": 119_999, "earned_micros": 480_001}, "the fee is not the stated share"),
        ({"earned_micros": 480_001}, "fee and the provider's share do not sum to the charge"),
        ({"issuer": {"key_id": "0" * 16, "public_key": PUBLIC.hex()}}, "the key id is not the public key's"),
    ],
)
def test_a_false_statement_is_named_even_when_it_is_signed(changes, problem):
    assert problems_of(receipt(**changes)) == [problem]


def test_a_changed_byte_breaks_the_signature():
    assert problems_of({**receipt(), "end_reason": "funds"}) == ["the signature does not fit the receipt"]


def test_notes_made_since_do_not_break_the_signature():
    note = {"grade": "B", "why": "the client's app counted 3 s, the gateway 12 s", "signature": "00"}
    assert problems_of({**receipt(), "notes": [note]}) == []


def test_another_issuer_than_the_pinned_one_is_named():
    assert problems_of(receipt(), public_key="00" * 32) == ["the receipt was issued with another key"]


def test_a_receipt_that_lacks_a_member_says_which():
    (problem,) = problems_of({"version": 1})
    assert "issuer" in problem
