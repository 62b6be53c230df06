"""What the money lasts for: cover of a hold, the next hold, time left of a wallet.

Decides how much to set aside next and how long all live sessions of one wallet
can go on together. Never touches the wallet (the purse port does).
Keeps: a session never runs past the seconds its holds cover.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.limits import HOLD_EXTEND_BELOW_S, HOLD_QUANTUM_S
from gateway.metering.tariff import SECONDS_MAX, Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """One live session's claim on its wallet."""

    tariff: Tariff
    used_s: int
    """Seconds that are or may be found billed."""
    held_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """The next hold a session asks for."""

    want_micros: int
    """One more quantum."""
    least_micros: int
    """One more second; less than that buys nothing."""


def next_hold(spend: Spend) -> HoldRequest | None:
    """The hold to ask for now, or None while the cover is long enough."""
    covered_s = spend.tariff.covered_s(spend.held_micros)
    if covered_s >= SECONDS_MAX or covered_s - spend.used_s > HOLD_EXTEND_BELOW_S:
        return None
    want = spend.tariff.cost(min(covered_s + HOLD_QUANTUM_S, SECONDS_MAX)) - spend.held_micros
    least = spend.tariff.cost(covered_s + 1) - spend.held_micros
    return HoldRequest(want_micros=max(want, least), least_micros=least)


def time_left_s(available_micros: int, spends: Sequence[Spend]) -> int:
    """The most seconds that all `spends` can go on at once before the wallet is used up."""
    money = max(0, available_micros) + sum(spend.held_micros for spend in spends)
    if len(spends) == 1:
        return max(0, spends[0].tariff.covered_s(money) - spends[0].used_s)

    def fits(seconds: int) -> bool:
        return sum(spend.tariff.cost(spend.used_s + seconds) for spend in spends) <= money

    low, high = 0, SECONDS_MAX
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
