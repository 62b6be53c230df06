"""Green, amber or red: what a node's numbers mean to the person on duty.

Decides the thresholds. Amber: look when convenient. Red: people or money are
affected now. Never measures (adapters do) and never acts.
Keeps: the whole is as bad as its worst part. See docs/operations.md, "health".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.admin.reading import InvariantReading, NodeReading
from gateway.clock import NS
from gateway.limits import STORE_QUEUE_MAX

LOOP_LAG_MS_AMBER = 100.0
"""Something blocks the loop: voice of five packets waits."""
LOOP_LAG_MS_RED = 250.0
"""The relay's counters are read four times a second; one reading is missed."""
TICK_LAG_MS_AMBER = 250.0
"""Apps see a second a quarter late."""
TICK_LAG_MS_RED = 1_000.0
"""A whole second late: warnings come late as well."""
STORE_QUEUE_AMBER = STORE_QUEUE_MAX // 10
"""The store is slower than its callers."""
STORE_QUEUE_RED = STORE_QUEUE_MAX // 2
"""Commands will soon be refused."""
INVARIANT_AGE_NS_AMBER = 60 * NS
"""The monitor looks every 10 s; six looks are missing."""


class Light(StrEnum):
    """How well a thing is."""

    GREEN = "green"
    """As it should be."""
    AMBER = "amber"
    """Look when convenient."""
    RED = "red"
    """People or money are affected now."""

    @property
    def level(self) -> int:
        """0 green, 1 amber, 2 red."""
        return list(Light).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    light: Light
    value: float
    """The number that was judged."""


def worst(checks: Iterable[Check]) -> Light:
    """The light of the whole; green where nothing was looked at."""
    return max((check.light for check in checks), key=lambda light: light.level, default=Light.GREEN)


def rated(name: str, value: float, *, amber: float, red: float) -> Check:
    """A number that is better the smaller it is; a bound belongs to the worse side."""
    light = Light.RED if value >= red else Light.AMBER if value >= amber else Light.GREEN
    return Check(name=name, light=light, value=value)


def node_checks(
    node: NodeReading, invariants: Sequence[InvariantReading], *, given_up_hooks: int, now_wall_ns: int
) -> tuple[Check, ...]:
    """Every check of one node."""
    return (
        rated("loop_lag_ms", node.loop_lag_ms, amber=LOOP_LAG_MS_AMBER, red=LOOP_LAG_MS_RED),
        rated("tick_lag_ms", node.tick_lag_ms, amber=TICK_LAG_MS_AMBER, red=TICK_LAG_MS_RED),
        _room(node.load.state, len(node.load.why)),
        rated("store_queue", node.store.queue_depth, amber=STORE_QUEUE_AMBER, red=STORE_QUEUE_RED),
        _broken(invariants),
        _stale(invariants, now_wall_ns),
        Check(
            name="moderation_hooks_given_up",
            light=Light.AMBER if given_up_hooks else Light.GREEN,
            value=given_up_hooks,
        ),
    )


def _room(state: str, reasons: int) -> Check:
    """Red where people are refused now; a node that drains does as it was told."""
    light = {"open": Light.GREEN, "draining": Light.AMBER}.get(state, Light.RED)
    return Check(name="full", light=light, value=reasons)


def _broken(invariants: Sequence[InvariantReading]) -> Check:
    broken = sum(not invariant.ok for invariant in invariants)
    return Check(name="invariants_broken", light=Light.RED if broken else Light.GREEN, value=broken)


def _stale(invariants: Sequence[InvariantReading], now_wall_ns: int) -> Check:
    """Nothing checked yet counts as stale: silence must not look like health."""
    ages_ns = [max(now_wall_ns - invariant.checked_wall_ns, 0) for invariant in invariants]
    oldest_s = max(ages_ns, default=0) // NS
    is_stale = not ages_ns or max(ages_ns) > INVARIANT_AGE_NS_AMBER
    return Check(name="invariants_age_s", light=Light.AMBER if is_stale else Light.GREEN, value=oldest_s)
