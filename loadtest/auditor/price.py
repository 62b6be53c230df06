"""What a use of the service costs: the page's price rules, read once more and written down naively.

Decides C(n) for tariff terms of both versions, the part of a charge that each party
gets, and what an amount is in whole minor units.
Never knows seconds' findings (meter.py) or when a window of the day is open
(windows.py); it is handed seconds by rate period.
Keeps true: integers only, one division for each cost, floored.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Terms = Mapping[str, Any]
Runs = Sequence[tuple[int, int]]
"""(rate period, seconds) in the order they were used."""

_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "XOF": 0, "XAF": 0, "PYG": 0, "UGX": 0}
_MINOR_DIGITS |= {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4}


def minor_micros(currency: str) -> int:
    """One minor unit of the currency in micros."""
    return int(10 ** (6 - _MINOR_DIGITS.get(currency, 2)))


def to_minor(micros: int, currency: str) -> int:
    """The amount, down to whole minor units."""
    unit = minor_micros(currency)
    return micros // unit * unit


def split(charge_micros: int, fee_bp: int) -> tuple[int, int]:
    """(platform's fee, provider's share); they sum to the charge."""
    fee = charge_micros * fee_bp // 10_000
    return fee, charge_micros - fee


def cost(terms: Terms, runs: Runs, messages: int = 0) -> int:
    """C(n) of the seconds in `runs` and the counted lines, in micros."""
    used_s = sum(seconds for _, seconds in runs)
    if terms.get("kind") == "per_message":
        total = _lines_cost(terms, messages)
    elif used_s <= int(terms.get("free_if_ended_within_s", 0)):
        return 0
    else:
        total = _time_cost(terms, _without_first(runs, int(terms.get("free_s", 0))))
    if total is None:
        return 0
    total += int(terms.get("connect_fee_micros", 0))
    total = max(total, int(terms.get("minimum_micros", 0)))
    cap = terms.get("cap_micros")
    return total if cap is None else min(total, int(cap))


def _time_cost(terms: Terms, left: Runs) -> int | None:
    """What the chargeable time costs; None where none is chargeable."""
    kind = terms.get("kind", "per_second")
    if not left:
        return None
    if kind == "per_session":
        return int(terms["session_micros"])
    if kind == "block":
        return _block_cost(terms, left)
    return _tiers_cost(terms, left)


def _lines_cost(terms: Terms, messages: int) -> int | None:
    counted = messages - int(terms.get("messages_free") or 0)
    return counted * int(terms["message_micros"]) if counted > 0 else None


def _block_cost(terms: Terms, left: Runs) -> int:
    block = terms["block"]
    used_s = sum(seconds for _, seconds in left)
    price, length_s = int(block["price_micros"]), int(block["length_s"])
    if block["overrun"] == "ask":
        return price * -(-used_s // length_s)
    if block["overrun"] == "stop":
        return price
    over = _without_first(left, length_s)
    return price + (_tiers_cost(terms, over) or 0 if over else 0)


def _without_first(runs: Runs, seconds: int) -> list[tuple[int, int]]:
    """What is left of the runs after their first seconds."""
    left: list[tuple[int, int]] = []
    for period, length in runs:
        gone = min(length, seconds)
        seconds -= gone
        if length > gone:
            left.append((period, length - gone))
    return left


def _charged(terms: Terms, left: Runs) -> list[int]:
    """The rate period of every chargeable second, whole block and whole steps included."""
    used = [period for period, seconds in left for _ in range(seconds)]
    block_s = int(terms.get("initial_block_s", 0))
    step_s = max(1, int(terms.get("increment_s", 1)))
    wanted_s = max(len(used), block_s)
    if terms.get("rounding") == "up":
        total_s, block_s = -(-wanted_s // step_s) * step_s, -(-block_s // step_s) * step_s
    else:
        total_s = max(wanted_s // step_s * step_s, block_s)
    if not total_s:
        return []
    charged = used[:total_s] + [used[-1]] * (total_s - len(used))
    if terms.get("rounding") == "up":
        for place in range(total_s):
            begin_s = place // step_s * step_s
            charged[place] = charged[begin_s]
    return [charged[0]] * min(block_s, total_s) + charged[block_s:]


def _tiers_cost(terms: Terms, left: Runs) -> int | None:
    """Σ price per minute of every chargeable second, divided once; None where no step is chargeable."""
    charged = _runs(terms, left)
    position_s = 0
    total = 0
    for period, length in charged:
        tiers = terms["tiers"] if period == 0 else terms["windows"][period - 1]["tiers"]
        total += _priced(tiers, position_s, position_s + length)
        position_s += length
    return total // 60 if position_s else None


def _runs(terms: Terms, left: Runs) -> list[tuple[int, int]]:
    """The chargeable seconds by period; where no window opened in between there is one run."""
    if len(left) > 1:
        return [(period, 1) for period in _charged(terms, left)]
    period, used_s = left[0]
    block_s, step_s = int(terms.get("initial_block_s", 0)), max(1, int(terms.get("increment_s", 1)))
    wanted_s = max(used_s, block_s)
    if terms.get("rounding") == "up":
        return [(period, -(-wanted_s // step_s) * step_s)]
    return [(period, max(wanted_s // step_s * step_s, block_s))]


def _priced(tiers: Sequence[Mapping[str, int]], begin_s: int, end_s: int) -> int:
    total = 0
    for index, tier in enumerate(tiers):
        low = max(begin_s, tier["from_s"])
        high = end_s if index + 1 == len(tiers) else min(end_s, tiers[index + 1]["from_s"])
        if high > low:
            total += (high - low) * tier["price_micros_per_minute"]
    return total
