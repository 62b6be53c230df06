"""Planted bugs: each stands where it says, gets into what is imported, and only the auditor's word counts."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from loadtest.simulation.faults import Fault
from loadtest.simulation.mutant import Mutant
from loadtest.simulation.mutants import MUTANTS
from loadtest.simulation.mutate import MUTANTS_MIN, Hunt, Hunter, summed

pytestmark = pytest.mark.service

ROOT = Path(__file__).parents[2]
CLEAN = {"is_staged": True, "complaint": None, "broke": None}


PLANTED = "plant(next(each for each in MUTANTS if each.name == 'charge_rounded_up_to_a_coin'))"


def printed(program: str) -> str:
    """What a process of its own prints, so that no bug stays in this one."""
    imports = (
        "from loadtest.simulation.mutants import MUTANTS\nfrom loadtest.simulation.planting import plant\n"
    )
    command = [sys.executable, "-c", imports + program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def source_of(mutant: Mutant) -> str:
    return (ROOT / mutant.module.replace(".", "/")).with_suffix(".py").read_text()


def mutant(
    name: str = "bug", *, worlds: int = 5, survives: str = "", faults: frozenset[Fault] = frozenset()
) -> Mutant:
    return Mutant(
        name=name,
        module="gateway.money",
        old="this is not there",
        new="",
        breaks="something",
        worlds=worlds,
        survives=survives,
        faults=faults,
    )


class Staged:
    """Answers for each world as it is written down, for the bug and for honest code."""

    def __init__(self, name: str, said: dict[int, Any], honestly: dict[int, Any]) -> None:
        self.said = said if name else honestly

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def stage(self, _seed: int, number: int, _faults: Sequence[Fault]) -> dict[str, Any]:
        return {**CLEAN, **self.said.get(number, {})}


def hunted(bug: Mutant, said: dict[int, Any], *, honestly: dict[int, Any] | None = None) -> Hunt:
    hunter = Hunter(1, workers=1, begun=lambda name: Staged(name, said, honestly or {}))
    (found,) = hunter.hunt([bug], told=lambda _hunt: None)
    return found


def test_each_wrong_line_replaces_a_text_that_stands_once() -> None:
    counts = {each.name: source_of(each).count(each.old) for each in MUTANTS}

    assert {name: count for name, count in counts.items() if count != 1} == {}


def test_each_wrong_line_is_another_one_that_can_be_read() -> None:
    for each in MUTANTS:
        changed = source_of(each).replace(each.old, each.new)
        assert changed != source_of(each)
        compile(changed, each.name, "exec")


def test_there_are_enough_bugs_with_a_name_of_their_own() -> None:
    assert len({each.name for each in MUTANTS}) == len(MUTANTS) >= MUTANTS_MIN


def test_a_planted_bug_is_in_what_is_imported() -> None:
    said = printed(
        f"{PLANTED}\nfrom gateway.money import floor_to_minor\nprint(floor_to_minor(10_001, 'CNY'))\n"
    )

    assert said == "20000\n"


def test_a_bug_in_what_is_imported_already_cannot_be_planted() -> None:
    said = printed(
        "import gateway.money\n"
        "from loadtest.simulation.planting import StaleMutantError\n"
        "try:\n"
        f"    {PLANTED}\n"
        "except StaleMutantError as refusal:\n"
        "    print(refusal)\n"
    )

    assert "was imported before" in said


def test_a_complaint_of_the_auditor_catches_a_bug() -> None:
    found = hunted(mutant(), {2: {"complaint": "price: too much"}})

    assert (found.caught, found.world, found.worlds) == ("price: too much", 2, 3)


def test_a_complaint_that_honest_code_gets_as_well_catches_nothing() -> None:
    both = {1: {"complaint": "price: too much"}}
    found = hunted(mutant(), both, honestly=both)

    assert (found.caught, found.dishonest) == (None, (1,))
    assert summed([found])["ok"] is False


def test_a_world_that_breaks_is_not_caught_by_the_auditor() -> None:
    found = hunted(mutant(), {0: {"broke": "a traceback"}})

    assert (found.caught, found.crashed) == (None, "a traceback")
    assert summed([found])["planted"] == 0


def test_worlds_without_the_wanted_faults_are_not_counted() -> None:
    wanting = mutant(worlds=2, faults=frozenset({Fault.MUTE}))
    found = hunted(wanting, {0: {"is_staged": False}, 3: {"complaint": "too late to be heard"}})

    assert (found.caught, found.worlds) == (None, 2)


def test_survivors_are_listed_with_why() -> None:
    hunts = [
        hunted(mutant("seen"), {0: {"complaint": "x"}}),
        hunted(mutant("unseen", survives="nobody looks"), {}),
    ]

    result = summed(hunts)

    assert (result["planted"], result["caught"], result["caught_share"]) == (2, 1, 0.5)
    assert result["survivors"] == {"unseen": "something: nobody looks"}
