"""When a node is full, and when it is open again."""

from dataclasses import replace

import pytest

from gateway.clock import NS
from gateway.limits import LOAD_FULL_AFTER_NS
from gateway.signaling.load import (
    CALM_SHARE,
    Figures,
    Load,
    LoadState,
    Marks,
    Strain,
    drained,
    judged,
    restless,
    strains,
)

pytestmark = pytest.mark.core

MARKS = Marks(
    sessions_max=100,
    cpu_percent_max=90,
    loop_lag_ms_max=200,
    tick_lag_ms_max=400,
    socket_drops_per_s_max=50,
    calm_s=10,
)
CALM = Figures(sessions=10, cpu_percent=20.0, loop_lag_ms=10.0, tick_lag_ms=20.0)
BUSY = replace(CALM, cpu_percent=85.0)
"""Below the upper mark and above the lower one."""
HOT = replace(CALM, cpu_percent=95.0)
CROWDED = replace(CALM, sessions=100)

NAMES = {
    Strain.SESSIONS: "sessions",
    Strain.CPU: "cpu_percent",
    Strain.LOOP_LAG: "loop_lag_ms",
    Strain.TICK_LAG: "tick_lag_ms",
    Strain.SOCKET_DROPS: "socket_drops_per_s",
}


def after(*looks: tuple[Figures, int], load: Load | None = None) -> Load:
    """How the node stands after looks of so many seconds each, one a second from 0 on."""
    stands, second = load or Load(), 0
    for figures, seconds in looks:
        for _ in range(seconds):
            stands = judged(stands, figures, marks=MARKS, now_ns=second * NS)
            second += 1
    return stands


LASTS_S = LOAD_FULL_AFTER_NS // NS + 1
"""Looks that a strain must be seen in."""
FULL_CPU = Load(state=LoadState.FULL, why=(Strain.CPU,), since_ns=0)

TABLE = [
    # where it stands, what is seen for how many looks, what it is then
    (Load(), [(CALM, 60)], LoadState.OPEN),
    (Load(), [(BUSY, 60)], LoadState.OPEN),
    (Load(), [(HOT, LASTS_S - 1)], LoadState.OPEN),
    (Load(), [(HOT, LASTS_S)], LoadState.FULL),
    (Load(), [(HOT, LASTS_S - 1), (BUSY, 1), (HOT, LASTS_S - 1)], LoadState.OPEN),
    (Load(), [(HOT, 2), (replace(CALM, tick_lag_ms=500.0), LASTS_S - 2)], LoadState.FULL),
    (Load(), [(CROWDED, 1)], LoadState.FULL),
    (FULL_CPU, [(HOT, 60)], LoadState.FULL),
    (FULL_CPU, [(BUSY, 60)], LoadState.FULL),
    (FULL_CPU, [(CALM, 10)], LoadState.FULL),
    (FULL_CPU, [(CALM, 11)], LoadState.OPEN),
    (FULL_CPU, [(CALM, 10), (BUSY, 1), (CALM, 10)], LoadState.FULL),
    (FULL_CPU, [(CALM, 11), (HOT, LASTS_S - 1)], LoadState.OPEN),
    (drained(Load(), 0), [(CALM, 60)], LoadState.DRAINING),
    (drained(Load(), 0), [(HOT, 60)], LoadState.DRAINING),
    (drained(FULL_CPU, 0), [(CROWDED, 60)], LoadState.DRAINING),
]


@pytest.mark.parametrize(("load", "looks", "expected"), TABLE)
def test_the_table(load: Load, looks: list[tuple[Figures, int]], expected: LoadState) -> None:
    stands = after(*looks, load=load)

    assert stands.state is expected
    assert stands.takes_calls is (expected is LoadState.OPEN)


@pytest.mark.parametrize("strain", Strain)
def test_every_figure_strains_at_its_upper_mark_and_is_calm_below_its_lower_one(strain: Strain) -> None:
    mark, low = MARKS.of(strain), MARKS.of(strain) * CALM_SHARE[strain]

    def at(value: float) -> Figures:
        return replace(Figures(), **{NAMES[strain]: value})

    assert strains(at(mark), MARKS) == (strain,)
    assert strains(at(mark - 0.1), MARKS) == ()
    assert restless(at(low), MARKS) == (strain,)
    assert restless(at(low - 0.1), MARKS) == ()


@pytest.mark.parametrize("strain", Strain)
def test_a_mark_of_nothing_leaves_the_figure_unjudged(strain: Strain) -> None:
    unjudged = Marks(sessions_max=0)

    assert strains(replace(Figures(), **{NAMES[strain]: 10**9}), unjudged) == ()


def test_a_full_node_says_what_keeps_it_full_and_since_when() -> None:
    filled = after((replace(HOT, loop_lag_ms=300.0), LASTS_S))
    later = judged(filled, replace(CALM, loop_lag_ms=150.0), marks=MARKS, now_ns=60 * NS)

    assert (filled.why, filled.since_ns) == ((Strain.CPU, Strain.LOOP_LAG), (LASTS_S - 1) * NS)
    assert (later.why, later.since_ns) == ((Strain.LOOP_LAG,), filled.since_ns)


def test_the_last_place_is_free_again_as_soon_as_one_fewer_has_been_there_long_enough() -> None:
    one = replace(MARKS, sessions_max=1)
    full = judged(Load(), Figures(sessions=1), marks=one, now_ns=0)

    assert full.state is LoadState.FULL
    assert restless(Figures(sessions=0), one) == ()


def test_draining_twice_is_draining_once() -> None:
    first = drained(Load(), 5)

    assert drained(first, 9) == first
