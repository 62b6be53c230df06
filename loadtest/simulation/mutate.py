"""How many planted bugs the auditor catches.

Decides in which worlds each bug is hunted and what counts as caught: a complaint
of the auditor about a world of which it has none when honest code runs in it.
What the gateway logs, and a world that breaks with a traceback, do not count.
Never plants anything in this process (`planting.py`).
Keeps: the same seed finds the same bugs in the same worlds, however many run at once.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Timer
from typing import Any, Protocol, Self

from loadtest.simulation.faults import Fault
from loadtest.simulation.mutant import Mutant
from loadtest.simulation.mutants import MUTANTS

ANSWER_S_MAX = 120
"""A world that takes longer never ends."""
LOOKED_AT_MAX = 4_000
"""Worlds that are looked at for the faults that a bug wants."""
CAUGHT_SHARE = 0.95
MUTANTS_MIN = 40

Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """What became of one bug."""

    mutant: Mutant
    caught: str | None = None
    """What the auditor said."""
    world: int | None = None
    """Number of the world in which it said so."""
    worlds: int = 0
    """Worlds staged."""
    stale: str | None = None
    crashed: str | None = None
    """Why there was nothing for the auditor to judge."""
    dishonest: tuple[int, ...] = ()
    """Worlds of which the auditor complains even when honest code runs in them."""


class Stager(Protocol):
    """Stages worlds with one bug, or none."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_exception: object) -> None: ...

    def stage(self, seed: int, number: int, faults: Sequence[Fault]) -> Told:
        """Stage that world; what `planting.py` answers, or `{"crashed"}`."""
        ...


class Process:
    """A process of its own that does so."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, "-m", "loadtest.simulation.planting", name]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        self._process.communicate()

    def stage(self, seed: int, number: int, faults: Sequence[Fault]) -> Told:
        """Stage that world; `{"stale"}` or `{"crashed"}` where that cannot be."""
        assert self._process.stdin is not None, "it is a pipe"
        assert self._process.stdout is not None, "it is a pipe"
        dead_line = Timer(ANSWER_S_MAX, self._process.kill)
        dead_line.start()
        try:
            asked = {"seed": seed, "number": number, "faults": sorted(faults)}
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = self._process.stdout.readline()
        finally:
            dead_line.cancel()
        if not answer:
            return {"crashed": self._last_words()}
        told: Told = json.loads(answer)
        return told

    def _last_words(self) -> str:
        _, said = self._process.communicate()
        return said.strip()[-300:] or f"no answer within {ANSWER_S_MAX} s"


class Hunter:
    """Hunts bugs, several at once, each beside somebody who runs honest code."""

    def __init__(self, seed: int, *, workers: int, begun: Callable[[str], Stager] = Process) -> None:
        """`begun` begins a stager with the bug of that name, or with none for an empty one."""
        self._seed = seed
        self._workers = workers
        self._begun = begun
        self._honest: SimpleQueue[Stager] = SimpleQueue()
        self._known: dict[tuple[int, frozenset[Fault]], bool] = {}
        """Whether honest code passes in a world."""

    def hunt(self, mutants: Sequence[Mutant], *, told: Callable[[Hunt], None]) -> list[Hunt]:
        """Hunt all of them; `told` hears of each in their order."""
        found = []
        with ExitStack() as stack, ThreadPoolExecutor(self._workers) as pool:
            for _ in range(self._workers):
                self._honest.put(stack.enter_context(self._begun("")))
            for each in pool.map(self._hunted, mutants):
                found.append(each)
                told(each)
        return found

    def _hunted(self, mutant: Mutant) -> Hunt:
        worlds, broke = 0, None
        dishonest: list[int] = []
        with self._begun(mutant.name) as stager:
            for number in range(LOOKED_AT_MAX):
                told = stager.stage(self._seed, number, tuple(mutant.faults))
                if "stale" in told or "crashed" in told:
                    return Hunt(mutant=mutant, worlds=worlds, **told)
                worlds += told["is_staged"]
                broke = broke or told["broke"]
                if (complaint := told["complaint"]) is not None:
                    if self._is_honest(number, mutant.faults):
                        return Hunt(
                            mutant=mutant,
                            caught=complaint,
                            world=number,
                            worlds=worlds,
                            dishonest=tuple(dishonest),
                        )
                    dishonest.append(number)
                if worlds == mutant.worlds:
                    break
        return Hunt(mutant=mutant, worlds=worlds, crashed=broke, dishonest=tuple(dishonest))

    def _is_honest(self, number: int, faults: frozenset[Fault]) -> bool:
        """Whether honest code passes in that world."""
        key = (number, faults)
        if key not in self._known:
            stager = self._honest.get()
            try:
                told = stager.stage(self._seed, number, tuple(faults))
            finally:
                self._honest.put(stager)
            self._known[key] = told.get("is_staged", False) and told["complaint"] is told["broke"] is None
        return self._known[key]


def run(seed: int, *, workers: int = 2, only: frozenset[str] = frozenset()) -> dict[str, object]:
    """Hunt every mutant, or only those named; the survivors with why."""
    began_s = time.monotonic()
    mutants = [mutant for mutant in MUTANTS if not only or mutant.name in only]
    return {
        "seed": seed,
        **summed(Hunter(seed, workers=workers).hunt(mutants, told=_show)),
        "wall_s": round(time.monotonic() - began_s, 1),
    }


def summed(hunts: Sequence[Hunt]) -> dict[str, object]:
    """What was caught and what was not; `ok` where that is enough."""
    caught = [hunt for hunt in hunts if hunt.caught is not None]
    stale = {hunt.mutant.name: hunt.stale for hunt in hunts if hunt.stale is not None}
    crashed = {
        hunt.mutant.name: hunt.crashed for hunt in hunts if hunt.caught is None and hunt.crashed is not None
    }
    survivors = {
        hunt.mutant.name: f"{hunt.mutant.breaks}: {hunt.mutant.survives or 'no world showed it'}"
        for hunt in hunts
        if hunt.caught is hunt.stale is hunt.crashed is None
    }
    planted = len(caught) + len(survivors)
    dishonest = sorted({number for hunt in hunts for number in hunt.dishonest})
    is_enough = planted >= MUTANTS_MIN and len(caught) >= CAUGHT_SHARE * planted
    return {
        "planted": planted,
        "caught": len(caught),
        "caught_share": round(len(caught) / planted, 4) if planted else 0.0,
        "survivors": survivors,
        "crashed": crashed,
        "stale": stale,
        "dishonest_worlds": dishonest,
        "worlds": sum(hunt.worlds for hunt in hunts),
        "ok": is_enough and not stale and not crashed and not dishonest,
        "complaints": {hunt.mutant.name: hunt.caught for hunt in caught},
    }


def _show(hunt: Hunt) -> None:
    """One line on standard error."""
    if hunt.caught is not None:
        what = f"caught in world {hunt.world}: {hunt.caught}"
    else:
        what = hunt.stale or hunt.crashed or f"survives {hunt.worlds} worlds"
    print(f"{hunt.mutant.name:36} {hunt.worlds:4} {what}"[:200], file=sys.stderr, flush=True)
