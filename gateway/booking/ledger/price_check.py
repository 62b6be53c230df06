"""What a session costs by its tariff's text, worked out a second time.

Decides by walking second after second, in the order of docs/metering.md, "Price",
and shares no code with metering, so that a fault there does not hide itself here.
Never used to charge: the invariant monitor compares it with what was settled.
Keeps: integers only; one division, floored.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Terms = Mapping[str, Any]
"""A tariff's terms, version 1 or 2."""


def owed_micros(terms: Terms, periods: Sequence[int], *, messages: int) -> int:
    """The price of witnessed seconds, each by its rate period, and of counted messages."""
    kind = terms["kind"]
    if kind == "per_message":
        counted = messages - terms["messages_free"]
        return _bounded(terms, counted * terms["message_micros"]) if counted > 0 else 0
    if len(periods) <= terms["free_if_ended_within_s"]:
        return 0
    if kind == "block":
        return _bounded(terms, _block_micros(terms, periods))
    rest = periods[terms["free_s"] :]
    if not rest:
        return 0
    if kind == "per_session":
        return _bounded(terms, terms["session_micros"])
    chargeable_s = _chargeable_s(terms, len(rest))
    return _bounded(terms, _time_micros(terms, rest, chargeable_s)) if chargeable_s else 0


def _block_micros(terms: Terms, periods: Sequence[int]) -> int:
    block = terms["block"]
    length_s, price = block["length_s"], block["price_micros"]
    if block["overrun"] == "ask":
        return int(price * -(-len(periods) // length_s))
    rest = periods[length_s:]
    if block["overrun"] == "stop" or not rest:
        return int(price)
    return int(price) + _time_micros(terms, rest, _chargeable_s(terms, len(rest)))


def _chargeable_s(terms: Terms, seconds: int) -> int:
    """Seconds that carry a price, in whole steps and at least the initial block."""
    step_s, initial_s = terms["increment_s"], terms["initial_block_s"]
    wanted_s = max(seconds, initial_s)
    if terms.get("rounding", "down") == "up":
        return int(-(-wanted_s // step_s) * step_s)
    return int(max(wanted_s // step_s * step_s, initial_s))


def _time_micros(terms: Terms, periods: Sequence[int], chargeable_s: int) -> int:
    step_s, initial_s = terms["increment_s"], terms["initial_block_s"]
    is_up = terms.get("rounding", "down") == "up"
    numerator = 0
    for place in range(chargeable_s):
        begins = 0 if place < initial_s else place // step_s * step_s if is_up else place
        period = periods[min(begins, len(periods) - 1)]
        numerator += _price(terms, period, place)
    return numerator // 60


def _price(terms: Terms, period: int, place: int) -> int:
    """Micros a minute of the chargeable second at `place`, from 0, in that rate period."""
    tiers = terms["tiers"] if period == 0 else terms["windows"][period - 1]["tiers"]
    price = 0
    for tier in tiers:
        if tier["from_s"] <= place:
            price = tier["price_micros_per_minute"]
    return int(price)


def _bounded(terms: Terms, micros: int) -> int:
    owed = max(micros + terms["connect_fee_micros"], terms["minimum_micros"])
    cap = terms["cap_micros"]
    return int(owed if cap is None else min(owed, cap))
