"""Whole worlds: peace is clean, the same seed gives the same bytes, a planted theft is found."""

from collections.abc import Iterator

import pytest
import structlog

from gateway.metering.receipt import Statement
from loadtest.simulation import logs
from loadtest.simulation.faults import Fault
from loadtest.simulation.run import kinds_of
from loadtest.simulation.world import Outcome, World

pytestmark = pytest.mark.service

PEACE: frozenset[Fault] = frozenset()
CENT_MICROS = 10_000


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    logs.silence(is_cached=False)
    yield
    structlog.reset_defaults()


def staged(seed: int, *, sessions: int = 4, only: frozenset[Fault] | None = PEACE) -> Outcome:
    return World(seed, sessions=sessions, only=only).run()


def test_a_world_without_faults_is_clean() -> None:
    outcome = staged(1)

    assert outcome.complaints == []
    assert outcome.sessions == 4
    assert outcome.fired == {}
    assert outcome.states["settled"] > 0


def test_the_same_seed_gives_the_same_bytes_whatever_breaks() -> None:
    first, second = (staged(507, sessions=5, only=None) for _ in range(2))

    assert first.digest == second.digest
    assert (first.steps, first.fired) == (second.steps, second.fired)


def test_another_seed_gives_another_world() -> None:
    assert staged(1).digest != staged(2).digest


def test_a_world_with_crashes_settles_everything() -> None:
    crashes = kinds_of("crash_at_step,crash_before_commit,crash_after_commit")
    seed = next(
        seed for seed in range(1, 500) if len(World(seed, sessions=1).stage.swarm.kinds & crashes) > 1
    )

    outcome = staged(seed, sessions=8, only=crashes)

    assert sum(outcome.fired.values()) > 0
    assert (outcome.verdict.unsettled, outcome.verdict.drift_micros, outcome.verdict.double_posts) == (
        0,
        0,
        0,
    )


def test_a_planted_overcharge_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Statement.charge_micros
    monkeypatch.setattr(Statement, "charge_micros", lambda self: honest(self) + CENT_MICROS)

    outcome = staged(1)

    assert outcome.verdict.overbilled_micros >= CENT_MICROS
    assert any("overcharged" in complaint for complaint in outcome.complaints)
