"""Random tariffs of every shape that the gateway takes.

Decides the terms a provider offers in a world: mostly plain, sometimes odd, now
and then with hours that change while people talk. Never prices anything; what
the gateway would refuse is drawn again.
"""

import random
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.clock import NS
from gateway.errors import Unprocessable
from gateway.metering.tariff import tariff_of
from gateway.terms import SessionKind, TariffSnapshot

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Chatham")
DAY_MIN = 24 * 60
EDGE_S_MAX = 40
"""Later edges are left to chance: nobody waits for them on purpose."""
NOTHING: dict[str, Any] = {
    "version": 2,
    "kind": "per_second",
    "currency": "CNY",
    "tiers": [],
    "connect_fee_micros": 0,
    "free_s": 0,
    "initial_block_s": 0,
    "increment_s": 1,
    "rounding": "down",
    "minimum_micros": 0,
    "cap_micros": None,
    "free_if_ended_within_s": 0,
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
    "billed_when_socket_only": False,
}
_SECOND_ONLY = frozenset(
    {
        "rounding",
        "zone",
        "windows",
        "block",
        "session_micros",
        "message_micros",
        "messages_free",
        "messages_from",
        "spend_notify_micros",
        "spend_consent_micros",
        "spend_stop_micros",
    }
)
KINDS = ("per_second", "per_minute", "block", "per_session", "per_message")
SHARES = {SessionKind.VOICE: (60, 15, 17, 8, 0), SessionKind.TEXT: (40, 10, 15, 10, 25)}


def drawn(dice: random.Random, kind: SessionKind, *, wall_ns: int) -> TariffSnapshot:
    """Terms for sessions of `kind`; hours change within minutes of `wall_ns`."""
    while True:
        snapshot = TariffSnapshot.of(_terms(dice, kind, wall_ns))
        try:
            tariff_of(snapshot)
        except Unprocessable:
            continue
        return snapshot


def edges_s(snapshot: TariffSnapshot) -> list[int]:
    """Seconds at which the price of a session changes, or ceases to be nothing."""
    terms: dict[str, Any] = {**NOTHING, **snapshot.terms()}
    found = {terms["free_if_ended_within_s"], terms["free_s"], terms["initial_block_s"], terms["increment_s"]}
    found |= {tier["from_s"] for tier in terms["tiers"]}
    if terms["block"]:
        found.add(terms["block"]["length_s"])
    return sorted(second for second in found if 1 < second <= EDGE_S_MAX)


def _terms(dice: random.Random, of: SessionKind, wall_ns: int) -> dict[str, Any]:
    kind = dice.choices(KINDS, SHARES[of])[0]
    terms = {**NOTHING, "kind": kind}
    if kind in ("per_second", "per_minute"):
        terms |= _time(dice, wall_ns, is_stepped=kind == "per_minute") | _fringes(dice)
    elif kind == "block":
        terms |= _block(dice, wall_ns)
    elif kind == "per_session":
        terms |= {"session_micros": dice.randrange(1, 30_000_000), "free_s": dice.choice((0, 0, 7, 30))}
    else:
        terms |= {
            "message_micros": dice.randrange(1, 2_000_000),
            "messages_free": dice.choice((0, 0, 1, 2)),
            "messages_from": dice.choice(("client", "provider", "both")),
            "minimum_micros": dice.choice((0, 0, 500_000)),
        }
    if kind != "per_message":
        terms["free_if_ended_within_s"] = dice.choice((10, 10, 0, dice.randrange(0, 20)))
    if kind == "per_second" and dice.random() < 0.3 and not terms["windows"] and terms["rounding"] == "down":
        return {key: value for key, value in terms.items() if key not in _SECOND_ONLY} | {"version": 1}
    return terms | _limits(dice)


def _time(dice: random.Random, wall_ns: int, *, is_stepped: bool) -> dict[str, Any]:
    zone = dice.choice(ZONES) if dice.random() < 0.25 else ""
    return {
        "tiers": _tiers(dice),
        "increment_s": dice.choice((6, 10, 30, 60, 60)) if is_stepped else 1,
        "rounding": dice.choice(("down", "up")),
        "zone": zone,
        "windows": [_window(dice, zone, wall_ns) for _ in range(dice.randint(1, 2))] if zone else [],
    }


def _fringes(dice: random.Random) -> dict[str, Any]:
    return {
        "connect_fee_micros": dice.choice((0, 0, dice.randrange(0, 3_000_000))),
        "free_s": dice.choice((0, 0, 0, dice.randrange(1, 40))),
        "initial_block_s": dice.choice((0, 0, 0, dice.randrange(1, 90))),
        "minimum_micros": dice.choice((0, 0, dice.randrange(1, 5_000_000))),
        "cap_micros": dice.choice((None, None, dice.randrange(1_000_000, 30_000_000))),
    }


def _block(dice: random.Random, wall_ns: int) -> dict[str, Any]:
    overrun = dice.choice(("stop", "per_second", "ask"))
    block = {
        "length_s": dice.randrange(31, 120),
        "price_micros": dice.randrange(1, 12_000_000),
        "overrun": overrun,
    }
    after = _time(dice, wall_ns, is_stepped=False) if overrun == "per_second" else {}
    return {**after, "block": block, "connect_fee_micros": dice.choice((0, 0, 700_000))}


def _limits(dice: random.Random) -> dict[str, Any]:
    if dice.random() < 0.75:
        return {}
    return {
        "spend_notify_micros": dice.choice((None, dice.randrange(200_000, 3_000_000))),
        "spend_consent_micros": dice.choice((None, dice.randrange(500_000, 5_000_000))),
        "spend_stop_micros": dice.choice((None, dice.randrange(1_000_000, 9_000_000))),
    }


def _tiers(dice: random.Random) -> list[dict[str, int]]:
    starts = [0, *sorted(dice.sample(range(5, 120), dice.choice((0, 0, 0, 1, 2))))]
    return [{"from_s": start, "price_micros_per_minute": _price(dice)} for start in starts]


def _window(dice: random.Random, zone: str, wall_ns: int) -> dict[str, Any]:
    local = datetime.fromtimestamp(wall_ns // NS, UTC).astimezone(ZoneInfo(zone))
    from_min = (local.hour * 60 + local.minute + dice.randint(-2, 5)) % DAY_MIN
    until_min = (from_min + dice.randint(1, 4)) % DAY_MIN
    return {
        "days": [1, 2, 3, 4, 5, 6, 7] if dice.random() < 0.7 else [local.isoweekday()],
        "from": _written(from_min),
        "until": _written(until_min) if until_min else "24:00",
        "tiers": _tiers(dice),
    }


def _written(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _price(dice: random.Random) -> int:
    """Round prices, odd ones that leave fractions, and dear ones that use a wallet up."""
    return dice.choice(
        (
            3_000_000,
            dice.randrange(1, 20) * 500_000,
            dice.randrange(1, 9_999_999),
            dice.randrange(20, 90) * 1_000_000,
        )
    )
