"""Chargeable time as a course of rate periods: steps, least time, price and cover.

Decides which seconds count (whole increments, rounded down or up, at least the
initial block) and which period prices each: a second the one it lies in; a step
that is rounded up, and the initial block, as a whole the one it begins in.
Never divides by 60 and never adds fees (`tariff.py`).
Keeps: the numerator never falls with a further second; both directions are
closed forms, so that what money lasts for needs no search.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.metering.rate import Rate

Runs = Sequence[tuple[int, int]]
"""(rate period, seconds) in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """How seconds with a price become chargeable ones."""

    increment_s: int = 1
    is_rounded_up: bool = False
    initial_block_s: int = 0

    def chargeable_s(self, seconds: int) -> int:
        """Chargeable seconds out of `seconds` that carry a price."""
        if seconds <= 0:
            return 0
        step = self.increment_s
        counted = max(seconds, self.initial_block_s)
        if self.is_rounded_up:
            return -(-counted // step) * step
        return max(counted // step * step, self.initial_block_s)

    def seconds_of(self, chargeable_s: int) -> int:
        """The most seconds that count as no more than `chargeable_s`."""
        if chargeable_s < self.chargeable_s(1):
            return 0
        whole = chargeable_s // self.increment_s * self.increment_s
        return whole if self.is_rounded_up else whole + self.increment_s - 1


_EACH_SECOND = Steps()


def numerator(rates: Sequence[Rate], steps: Steps, runs: Runs) -> int:
    """Sixty times the micros that `runs` of priced seconds cost."""
    if steps == _EACH_SECOND:
        return _numerator_by_second(rates, runs)
    chargeable_s = steps.chargeable_s(sum([seconds for _, seconds in runs]))
    return sum(part for _, _, part in parts(rates, steps, runs, chargeable_s=chargeable_s))


def _numerator_by_second(rates: Sequence[Rate], runs: Runs) -> int:
    total = at = 0
    for period, seconds in runs:
        rate = rates[period]
        total -= rate.numerator(at)
        at += seconds
        total += rate.numerator(at)
    return total


def parts(
    rates: Sequence[Rate], steps: Steps, runs: Runs, *, chargeable_s: int
) -> Iterator[tuple[int, int, int]]:
    """(period, chargeable seconds, numerator) of each stretch of one period, in order."""
    for period, from_s, until_s in _stretches(steps, runs):
        end_s = min(until_s, chargeable_s)
        if end_s > from_s:
            rate = rates[period]
            yield period, end_s - from_s, rate.numerator(end_s) - rate.numerator(from_s)


def affords_s(rates: Sequence[Rate], steps: Steps, runs: Runs, limit: int) -> int:
    """The most seconds along `runs` whose numerator is at most `limit`."""
    spent, total_s = 0, sum([seconds for _, seconds in runs])
    for period, from_s, until_s in _stretches(steps, runs):
        rate = rates[period]
        before = rate.numerator(from_s)
        after = spent + rate.numerator(until_s) - before
        if after > limit:
            return min(total_s, steps.seconds_of(rate.affords_s(limit - spent + before)))
        spent = after
    return total_s


def beyond(runs: Runs, skipped_s: int) -> Runs:
    """`runs` without their first `skipped_s` seconds."""
    if not skipped_s:
        return runs
    left = []
    for period, seconds in runs:
        kept = seconds - skipped_s
        skipped_s = max(0, -kept)
        if kept > 0:
            left.append((period, kept))
    return left


def _stretches(steps: Steps, runs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """(period, from, until) in chargeable seconds: what is priced as a whole is moved to where it begins."""
    step = steps.increment_s if steps.is_rounded_up else 1
    least = steps.chargeable_s(1)
    at = walked = 0
    for period, seconds in runs:
        walked += seconds
        edge = max(-(-walked // step) * step, least)
        if edge > at:
            yield period, at, edge
            at = edge
