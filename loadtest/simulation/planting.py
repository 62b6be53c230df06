"""Plants one bug in a process of its own, before anything of the product is imported.

Decides how the changed text gets in: an import hook gives one module's source with
the old text replaced. Then worlds are staged as they are asked for on standard
input, and what the auditor complained of is answered on standard output.
Never writes a file, never runs beside honest worlds in one process, and never
decides what counts as caught (`mutate.py`).
Keeps: the old text must stand in the module exactly once.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from loadtest.simulation.faults import Fault
from loadtest.simulation.mutant import Mutant
from loadtest.simulation.mutants import MUTANTS

TOLD_CHARACTERS_MAX = 300
"""Of one complaint."""


class StaleMutantError(Exception):
    """The old text is not in the module exactly once."""


class _Loader(importlib.abc.Loader):
    def __init__(self, mutant: Mutant, honest: importlib.machinery.SourceFileLoader) -> None:
        self._mutant = mutant
        self._honest = honest

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """The usual one."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the module with the bug in it."""
        mutant = self._mutant
        source = self._honest.get_data(self._honest.path).decode()
        if source.count(mutant.old) != 1:
            raise StaleMutantError(
                f"{mutant.name}: the text is in {mutant.module} {source.count(mutant.old)} times"
            )
        exec(compile(source.replace(mutant.old, mutant.new), self._honest.path, "exec"), module.__dict__)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Only the mutant's module is found here."""
        if fullname != self._mutant.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            raise StaleMutantError(f"{self._mutant.name}: there is no module {fullname}")
        return importlib.util.spec_from_loader(fullname, _Loader(self._mutant, spec.loader))


def plant(mutant: Mutant) -> None:
    """From now on the module is imported with the bug in it."""
    if mutant.module in sys.modules:
        raise StaleMutantError(f"{mutant.module} was imported before the bug could be planted")
    sys.meta_path.insert(0, _Finder(mutant))


def serve(name: str) -> None:
    """Stage worlds with that bug, or none, for as long as somebody asks.

    Asked `{"seed", "number", "faults"}` it answers `{"is_staged", "complaint", "broke"}`; a world that did not
    draw the faults is not staged.
    """
    if name:
        plant(next(mutant for mutant in MUTANTS if mutant.name == name))
    # Imported only now, so that the bug is in what is imported.
    from loadtest.simulation import run

    run.prepare()
    for line in sys.stdin:
        asked = json.loads(line)
        faults = frozenset(Fault(fault) for fault in asked["faults"])
        print(json.dumps(_staged(run, asked["seed"], asked["number"], faults)), flush=True)


def _staged(run: Any, seed: int, number: int, faults: frozenset[Fault]) -> dict[str, Any]:
    errand = replace(run.errand_of(seed, number), only=faults or None)
    if faults and not faults <= _drawn(run, errand.seed):
        return {"is_staged": False, "complaint": None, "broke": None}
    outcome = run.stage(errand)
    broke = next((each for each in outcome.complaints if each.startswith(run.BROKE)), None)
    complaint = next(iter(outcome.verdict.complaints), None)
    return {"is_staged": True, "complaint": _short(complaint), "broke": _short(broke)}


def _drawn(run: Any, seed: int) -> frozenset[Fault]:
    stage = run.World(seed, sessions=1).stage
    stage.disk.close()
    kinds: frozenset[Fault] = stage.swarm.kinds
    return kinds


def _short(text: str | None) -> str | None:
    return None if text is None else text[:TOLD_CHARACTERS_MAX]


def main() -> None:
    """`python -m loadtest.simulation.planting NAME`; an empty name plants nothing."""
    try:
        serve(sys.argv[1])
    except StaleMutantError as error:
        print(json.dumps({"stale": str(error)}), flush=True)


if __name__ == "__main__":
    main()
