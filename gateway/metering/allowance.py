"""What the money lasts for: cover of a hold, the next hold, time left of a wallet.

Decides how much to set aside next and how long all live sessions of one wallet
can go on together, tariff switches and agreed limits included. Never touches
the wallet (the purse port does).
Keeps: a session never runs past what its holds cover; a hold never asks for
more than the session can still use; answers are exact to the second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.limits import (
    HOLD_EXTEND_BELOW_MESSAGES,
    HOLD_EXTEND_BELOW_S,
    HOLD_QUANTUM_MESSAGES,
    HOLD_QUANTUM_S,
)
from gateway.metering.tariff import SECONDS_MAX, Tariff
from gateway.metering.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """One live session's claim on its wallet."""

    tariff: Tariff
    usage: Usage
    """Seconds that are or may be found billed, and messages."""
    held_micros: int
    ahead: tuple[tuple[int, int], ...] = ()
    """(seconds from now, period) of switches to come, ascending; one at 0 names the period in force now,
    without it that of the last second goes on."""
    limit_s: int | None = None
    """Witnessed seconds at which the session ends without a further yes (`Tariff.limit_s`)."""
    limit_micros: int | None = None
    """Cost that no second may pass at present; None is the tariff's `spend_stop_micros`."""
    ends_in_s: int = SECONDS_MAX
    """Seconds to the booked slot's end or the hard maximum."""

    @property
    def used_s(self) -> int:
        """All seconds of the usage."""
        return self.usage.seconds

    def path(self) -> tuple[tuple[int, int], ...]:
        """The session's seconds from its first to its last possible one, as runs of periods."""
        usage, at_s, period = self.usage, 0, self.usage.runs[-1][0] if self.usage.runs else 0
        for in_s, to_period in self.ahead:
            if in_s > at_s:
                usage, at_s = usage.plus(period, in_s - at_s), in_s
            period = to_period
        return usage.plus(period, max(0, SECONDS_MAX - at_s)).runs

    def cost_after(self, seconds: int) -> int:
        """What the session will have cost after `seconds` more."""
        tariff, usage = self.tariff, self.usage
        if not tariff.windows:
            return tariff.cost(usage.seconds + seconds if not usage.messages else usage.plus(0, seconds))
        return tariff.cost(Usage(_first(self.path(), self.used_s + seconds), usage.messages))

    def lasts_s(self, micros: int) -> int:
        """The most further seconds with which the session costs no more than `micros`."""
        tariff, used_s = self.tariff, self.usage.seconds
        if not tariff.windows and not self.usage.messages:
            covered_s = tariff.covered_s(micros)
            return SECONDS_MAX if covered_s >= SECONDS_MAX else max(0, covered_s - used_s)
        covered_s = tariff.covered_along(self.path(), micros, messages=self.usage.messages)
        return min(SECONDS_MAX, max(0, covered_s - used_s))

    @property
    def limited_micros(self) -> int | None:
        """The spend limit in force."""
        return self.tariff.spend_stop_micros if self.limit_micros is None else self.limit_micros

    def may_go_on_s(self) -> int:
        """Seconds until the session ends whatever the money: maximum, slot, block time or a limit on spending."""
        left_s, limit = self.ends_in_s, self.limited_micros
        if self.limit_s is not None:
            left_s = min(left_s, max(0, self.limit_s - self.used_s))
        return left_s if limit is None else min(left_s, self.lasts_s(limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """The next hold a session asks for."""

    want_micros: int
    """One more quantum."""
    least_micros: int
    """One more second or message; less than that buys nothing."""


def next_hold(spend: Spend) -> HoldRequest | None:
    """The hold to ask for now, or None while the cover is long enough or as long as the session may be."""
    messages = spend.tariff.covered_messages(spend.held_micros)
    if messages is not None:
        return _next_messages(spend, messages)
    covered_s = spend.lasts_s(spend.held_micros)
    if covered_s > HOLD_EXTEND_BELOW_S:
        return None
    may_go_on_s = spend.may_go_on_s()
    if covered_s >= may_go_on_s:
        return None
    until_s = min(covered_s + HOLD_QUANTUM_S, may_go_on_s)
    want = _dearest_after(spend, covered_s, until_s) - spend.held_micros
    least = spend.cost_after(covered_s + 1) - spend.held_micros
    return HoldRequest(want_micros=_within_limit(spend, max(want, least)), least_micros=least)


def _next_messages(spend: Spend, covered: int) -> HoldRequest | None:
    if covered - spend.usage.messages >= HOLD_EXTEND_BELOW_MESSAGES:
        return None
    least = spend.tariff.cost(Usage((), covered + 1)) - spend.held_micros
    if spend.limited_micros is not None and spend.held_micros + least > spend.limited_micros:
        return None
    want = spend.tariff.cost(Usage((), covered + HOLD_QUANTUM_MESSAGES)) - spend.held_micros
    return HoldRequest(want_micros=_within_limit(spend, want), least_micros=least)


def _within_limit(spend: Spend, want: int) -> int:
    limit = spend.limited_micros
    return want if limit is None else min(want, limit - spend.held_micros)


def _dearest_after(spend: Spend, covered_s: int, until_s: int) -> int:
    """Cost at `until_s` at the dearer side: as scheduled, or all of the quantum at one of its periods."""
    costs = [spend.cost_after(until_s)]
    if spend.tariff.windows:
        before = Usage(_first(spend.path(), spend.used_s + covered_s), spend.usage.messages)
        quantum = _first(spend.path(), spend.used_s + until_s)[len(before.runs) - 1 :]
        costs += [
            spend.tariff.cost(before.plus(period, until_s - covered_s))
            for period in {period for period, _ in quantum}
        ]
    return max(costs)


def _first(runs: Sequence[tuple[int, int]], seconds: int) -> tuple[tuple[int, int], ...]:
    """The first `seconds` of a path."""
    kept: list[tuple[int, int]] = []
    for period, length_s in runs:
        if seconds <= 0:
            break
        kept.append((period, min(length_s, seconds)))
        seconds -= length_s
    return tuple(kept)


def time_left_s(available_micros: int, spends: Sequence[Spend]) -> int:
    """The most seconds that all `spends` can go on at once before the wallet is used up.

    A session that ends before by a limit agreed on spends nothing after its end.
    """
    money = max(0, available_micros) + sum([spend.held_micros for spend in spends])
    if len(spends) == 1:
        return spends[0].lasts_s(money)
    ends = [(spend, spend.may_go_on_s()) for spend in spends]
    alone = [lasts_s for spend, end_s in ends if (lasts_s := spend.lasts_s(money)) < end_s]

    def cost_after(seconds: int) -> int:
        return sum([spend.cost_after(min(seconds, end_s)) for spend, end_s in ends])

    return _most_s(cost_after, money, most_s=min(alone, default=SECONDS_MAX))


def _most_s(cost_after: Callable[[int], int], money: int, *, most_s: int) -> int:
    """The most seconds up to `most_s` whose cost is at most `money`; costs never fall.

    Prices are straight lines in pieces, so a guess along the line is usually the answer and halving the exception.
    """
    low_s, low, high_s, high = 0, cost_after(0), most_s, cost_after(most_s)
    if low > money or high <= money:
        return 0 if low > money else most_s
    is_guess = True
    while high_s - low_s > 1:
        if is_guess:
            middle_s = low_s + (money - low) * (high_s - low_s) // (high - low)
            middle_s = min(max(middle_s, low_s + 1), high_s - 1)
        else:
            middle_s = (low_s + high_s) // 2
        cost = cost_after(middle_s)
        # A line seen from below its answer stays just below it: look at the next second before halving.
        if cost <= money and is_guess and middle_s + 1 < high_s:
            low_s, low = middle_s, cost
            middle_s += 1
            cost = cost_after(middle_s)
        low_s, low, high_s, high = (
            (middle_s, cost, high_s, high) if cost <= money else (low_s, low, middle_s, cost)
        )
        is_guess = not is_guess
    return low_s
