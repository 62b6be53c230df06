"""Numbers become green, amber or red."""

from typing import Any

import pytest

from gateway.admin.health import INVARIANT_AGE_NS_AMBER, Check, Light, node_checks, rated, worst
from gateway.admin.reading import InvariantReading, StoreReading
from tests.admin.fakes import STARTED_WALL_NS, invariant, load_reading, node_reading

pytestmark = pytest.mark.core


def lights(
    *, invariants: list[InvariantReading] | None = None, given_up_hooks: int = 0, age_ns: int = 0, **node: Any
) -> dict[str, str]:
    checks = node_checks(
        node_reading(**node),
        [invariant()] if invariants is None else invariants,
        given_up_hooks=given_up_hooks,
        now_wall_ns=STARTED_WALL_NS + age_ns,
    )
    return {check.name: check.light.value for check in checks if check.light is not Light.GREEN}


@pytest.mark.parametrize(
    ("value", "light"),
    [(0, "green"), (9.99, "green"), (10, "amber"), (19.99, "amber"), (20, "red"), (99, "red")],
)
def test_a_bound_belongs_to_the_worse_side(value: float, light: str) -> None:
    assert rated("lag", value, amber=10, red=20).light == light


def test_a_quiet_node_is_green() -> None:
    assert lights() == {}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"loop_lag_ms": 100.0}, {"loop_lag_ms": "amber"}),
        ({"loop_lag_ms": 250.0}, {"loop_lag_ms": "red"}),
        ({"tick_lag_ms": 999.0}, {"tick_lag_ms": "amber"}),
        ({"tick_lag_ms": 1_000.0}, {"tick_lag_ms": "red"}),
    ],
)
def test_lag_is_rated(node: dict[str, float], expected: dict[str, str]) -> None:
    assert lights(**node) == expected


@pytest.mark.parametrize(
    ("depth", "expected"), [(999, {}), (1_000, {"store_queue": "amber"}), (5_000, {"store_queue": "red"})]
)
def test_a_store_that_falls_behind_is_rated(depth: int, expected: dict[str, str]) -> None:
    store = StoreReading(commands=0, commits=0, queue_depth=depth, commit_ns_last=0)

    assert lights(store=store) == expected


@pytest.mark.parametrize(("state", "expected"), [("full", {"full": "red"}), ("draining", {"full": "amber"})])
def test_a_node_that_refuses_calls_is_rated(state: str, expected: dict[str, str]) -> None:
    assert lights(load=load_reading(state=state, why=("cpu",))) == expected


def test_one_broken_invariant_is_red() -> None:
    assert lights(invariants=[invariant("a"), invariant("b", ok=False)]) == {"invariants_broken": "red"}


def test_invariants_that_nobody_checks_are_amber() -> None:
    assert lights(age_ns=INVARIANT_AGE_NS_AMBER) == {}
    assert lights(age_ns=INVARIANT_AGE_NS_AMBER + 1) == {"invariants_age_s": "amber"}
    assert lights(invariants=[]) == {"invariants_age_s": "amber"}


def test_a_hook_that_was_given_up_is_amber() -> None:
    assert lights(given_up_hooks=1) == {"moderation_hooks_given_up": "amber"}


def test_the_whole_is_as_bad_as_its_worst_part() -> None:
    checks = [Check(name=light.value, light=light, value=0) for light in Light]

    assert worst(checks) is Light.RED
    assert worst(checks[:2]) is Light.AMBER
    assert worst([]) is Light.GREEN
