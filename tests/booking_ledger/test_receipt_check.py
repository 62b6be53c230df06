"""The second opinion on receipts: price by price with metering's, and every disagreement named."""

import hashlib
import random
import struct
from typing import Any

import pytest

from gateway.booking.ledger.invariant import Invariant
from gateway.booking.ledger.price_check import owed_micros
from gateway.booking.ledger.receipt_check import disagreements
from gateway.metering.tariff import parse
from gateway.metering.usage import Usage

pytestmark = pytest.mark.core

PLAIN: dict[str, Any] = {
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
VERSION_2: dict[str, Any] = {
    **PLAIN,
    "version": 2,
    "rounding": "down",
    "zone": "",
    "windows": [],
    "block": None,
    "session_micros": 0,
    "message_micros": 0,
    "messages_free": 0,
    "messages_from": "client",
    "spend_notify_micros": None,
    "spend_consent_micros": None,
    "spend_stop_micros": None,
}


def _window(*prices: int) -> dict[str, Any]:
    tiers = [{"from_s": 100 * place, "price_micros_per_minute": price} for place, price in enumerate(prices)]
    return {"days": [1, 2, 3], "from": "08:00", "until": "18:00", "tiers": tiers}


def _random_terms(draw: random.Random) -> dict[str, Any]:
    """A tariff of time: tiers, steps, blocks, windows, fees."""
    tiers = [
        {"from_s": place * draw.randint(20, 90), "price_micros_per_minute": draw.randint(0, 9_000_000)}
        for place in range(draw.randint(1, 3))
    ]
    step_s = draw.choice([1, 1, 6, 60])
    return {
        **VERSION_2,
        "kind": "per_second" if step_s == 1 else "per_minute",
        "tiers": sorted({tier["from_s"]: tier for tier in tiers}.values(), key=lambda tier: tier["from_s"]),
        "increment_s": step_s,
        "rounding": draw.choice(["down", "up"]) if step_s > 1 else "down",
        "connect_fee_micros": draw.choice([0, 500_000]),
        "free_s": draw.choice([0, 0, 30]),
        "minimum_micros": draw.choice([0, 1_000_000]),
        "cap_micros": draw.choice([None, 20_000_000]),
        "free_if_ended_within_s": draw.choice([0, 10]),
    }


@pytest.mark.parametrize("seed", range(60))
def test_both_opinions_on_a_price_of_time_agree(seed: int) -> None:
    draw = random.Random(seed)
    terms = _random_terms(draw)
    tariff = parse(terms)
    for seconds in (0, 1, 10, 11, 30, 31, 59, 60, 61, 119, 200, draw.randint(200, 4_000)):
        assert owed_micros(terms, [0] * seconds, messages=0) == tariff.cost(seconds), (terms, seconds)


@pytest.mark.parametrize("seed", range(20))
def test_both_opinions_agree_across_hours(seed: int) -> None:
    draw = random.Random(seed)
    terms = {**_random_terms(draw), "zone": "Asia/Shanghai", "windows": [_window(1_000_000, 700_000)]}
    usage, periods = Usage(), []
    for _ in range(draw.randint(1, 5)):
        period, seconds = draw.randint(0, 1), draw.randint(1, 200)
        usage = usage.plus(period, seconds)
        periods += [period] * seconds
    assert owed_micros(terms, periods, messages=0) == parse(terms).cost(usage)


@pytest.mark.parametrize("overrun", ["stop", "ask", "per_second"])
@pytest.mark.parametrize("seconds", [0, 10, 11, 599, 600, 601, 1_201])
def test_both_opinions_on_blocks_agree(overrun: str, seconds: int) -> None:
    tiers = PLAIN["tiers"] if overrun == "per_second" else []
    block = {"length_s": 600, "price_micros": 20_000_000, "overrun": overrun}
    terms = {**VERSION_2, "kind": "block", "tiers": tiers, "block": block}
    assert owed_micros(terms, [0] * seconds, messages=0) == parse(terms).cost(seconds)


@pytest.mark.parametrize("messages", [0, 3, 4, 30])
def test_both_opinions_on_messages_agree(messages: int) -> None:
    terms = {
        **VERSION_2,
        "kind": "per_message",
        "tiers": [],
        "message_micros": 500_000,
        "messages_free": 3,
        "free_if_ended_within_s": 0,
    }
    assert owed_micros(terms, [0] * 50, messages=messages) == parse(terms).cost(Usage.plain(50, messages))


def _receipt(entries: list[bytes], **changes: Any) -> dict[str, Any]:
    receipt: dict[str, Any] = {
        "session": "ses_1",
        "client": {"id": "acc_ann"},
        "provider": {"id": "acc_pia"},
        "kind": "voice",
        "tariff": PLAIN,
        "tariff_hash": "0" * 64,
        "nonces": ["a", "b"],
        "billed_s": len(entries),
        "currency": "CNY",
        "charge_micros": len(entries) * 50_000,
        "lines": [],
        "evidence_head": _head(entries),
    }
    return {**receipt, **changes}


def _head(entries: list[bytes]) -> str:
    names = ("gateway-evidence-1", "ses_1", "acc_ann", "acc_pia", "voice", "0" * 64, "a", "b")
    head = hashlib.sha256("\x1f".join(names).encode()).digest()
    for entry in entries:
        head = hashlib.sha256(head + entry).digest()
    return head.hex()


def _slot(
    tick: int, *, finding: int = 0, media: int = 3, apps: int = 3, ended_ns: int | None = None
) -> bytes:
    at_ns = tick * 10**9 if ended_ns is None else ended_ns
    head = struct.pack(">BBBBBBBBH", 0x53, 2, finding, media, apps, 0, 0, 0, 0)
    return head + struct.pack(">IQQIIIIIIII", tick, at_ns, at_ns, *([0] * 8))


CALL = [_slot(tick) for tick in range(1, 21)]


@pytest.mark.parametrize(
    ("entries", "changes", "settled", "broken"),
    [
        (CALL, {}, 1_000_000, set()),
        (CALL, {"evidence_head": "0" * 64}, 1_000_000, {Invariant.CHAINS}),
        (CALL, {}, 990_000, {Invariant.PRICE}),
        (CALL, {"charge_micros": 1_010_000}, 1_010_000, {Invariant.PRICE}),
        (CALL, {"charge_micros": 990_000}, 990_000, {Invariant.PRICE}),
        (CALL, {"charge_micros": 990_000, "lines": [{"code": "capped_to_hold"}]}, 990_000, set()),
        (CALL, {"billed_s": 21}, 1_000_000, {Invariant.WITNESSED}),
        ([*CALL[:-1], _slot(20, apps=1)], {}, 1_000_000, {Invariant.WITNESSED}),
        ([*CALL[:-1], _slot(20, ended_ns=19_500_000_000)], {}, 1_000_000, {Invariant.WITNESSED}),
        ([*CALL[:-1], _slot(19)], {}, 1_000_000, {Invariant.WITNESSED}),
        ([*CALL[:-1], b"\x53\x09"], {}, 1_000_000, {Invariant.CHAINS}),
    ],
)
def test_every_disagreement_is_named(
    entries: list[bytes], changes: dict[str, Any], settled: int, broken: set[Invariant]
) -> None:
    bundle = {"entries": [entry.hex() for entry in entries]}
    found = disagreements(_receipt(entries, **changes), bundle, settled_micros=settled)
    assert {name for name, _breach in found} == broken
    assert all(breach.owner == "acc_ann" for _name, breach in found)
