"""What seconds and messages cost, reckoned from outside.

Decides C(n) of docs/metering.md for every kind of tariff by counting each second
alone, which is slow and easy to read. Written from that page and not from the
gateway's own code, so that a mistake there is seen here.
Never checks a receipt (`receipt.py`) and never decides which period a second
lies in.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.money import floor_to_minor

Terms = Mapping[str, Any]
"""Tariff terms, version 1 or 2."""


def price_micros(terms: Terms, witnessed: int | Sequence[int], *, messages: int = 0) -> int:
    """C(n), before rounding to the minor unit.

    `witnessed` is a count of seconds at the base price, or the rate period of each second in order.
    """
    periods = [0] * witnessed if isinstance(witnessed, int) else witnessed
    if terms["kind"] == "per_message":
        counted = messages - int(terms["messages_free"])
        return _bounded(terms, counted * int(terms["message_micros"])) if counted > 0 else 0
    if len(periods) <= max(terms["free_if_ended_within_s"], terms["free_s"]):
        return 0
    block = terms.get("block")
    fixed = int(terms.get("session_micros", 0)) + (_blocks_micros(block, len(periods)) if block else 0)
    first_priced = block["length_s"] if block else terms["free_s"]
    chargeable = _chargeable(terms, periods[first_priced:]) if terms["tiers"] else []
    if not chargeable and not fixed:
        return 0
    sixtieths = sum(_price_per_minute(terms, period, place) for place, period in enumerate(chargeable))
    return _bounded(terms, fixed + sixtieths // 60)


def owed_micros(terms: Terms, witnessed: int | Sequence[int], *, messages: int = 0) -> int:
    """C(n) rounded down to the minor unit, which is what is charged."""
    return floor_to_minor(price_micros(terms, witnessed, messages=messages), terms["currency"])


def _bounded(terms: Terms, micros: int) -> int:
    price = max(int(terms["connect_fee_micros"]) + micros, int(terms["minimum_micros"]))
    return price if terms["cap_micros"] is None else min(price, int(terms["cap_micros"]))


def _blocks_micros(block: Mapping[str, Any], seconds: int) -> int:
    begun = -(-seconds // block["length_s"]) if block["overrun"] == "ask" else 1
    return int(begun * block["price_micros"])


def _chargeable(terms: Terms, periods: Sequence[int]) -> list[int]:
    """The rate period that prices each chargeable second, in order."""
    if not periods:
        return []
    step, least_s, is_up = terms["increment_s"], terms["initial_block_s"], terms.get("rounding") == "up"
    counted_s = max(len(periods), least_s)
    if is_up:
        counted_s, least_s = -(-counted_s // step) * step, -(-least_s // step) * step
    else:
        counted_s = max(counted_s - counted_s % step, least_s)
    begins = [place - place % step if is_up else place for place in range(counted_s)]
    return [periods[0 if place < least_s else begin] for place, begin in enumerate(begins)]


def _price_per_minute(terms: Terms, period: int, place: int) -> int:
    tiers = terms["windows"][period - 1]["tiers"] if period else terms["tiers"]
    reached = [tier for tier in tiers if tier["from_s"] <= place]
    return int(max(reached, key=lambda tier: tier["from_s"])["price_micros_per_minute"])
