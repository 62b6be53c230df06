"""Many worlds from one seed, in as many processes as there are cores, merged in their order.

Decides which worlds there are, what their figures add up to and whether that is
good enough. A world that fails is made smaller for as long as it still fails,
and the command that replays it is printed.
Never stages a world itself (`world.py`) and never judges one (the auditor).
Keeps: the result is the same however many processes took part.
"""

import gc
import hashlib
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from gateway.terms import EndReason, SessionState
from loadtest.auditor.verdict import Verdict
from loadtest.simulation import logs
from loadtest.simulation.faults import Fault
from loadtest.simulation.world import Outcome, World

SESSIONS_PER_WORLD = 25
WORKERS_MAX = 2
COVERAGE_FROM = 20_000
"""Sessions from which on every fault and state must have been met."""
SHRINKS_MAX = 40
"""Smaller worlds that are tried for one that failed."""
SHOWN_MAX = 5
"""Failing worlds that are shrunk and shown."""
PROGRESS_S = 5.0

BROKE = "the world broke"
"""How the complaint begins of a world that could not be staged to its end."""

FIGURES_SUM = (
    "overbilled_s",
    "overbilled_micros",
    "overdrafts",
    "double_posts",
    "unsettled",
    "drift_micros",
)
FIGURES_MAX = ("underbilled_s_per_crash_max", "warning_off_s_max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One world to stage."""

    number: int
    seed: int
    sessions: int
    only: frozenset[Fault] | None = None


@dataclass(slots=True, kw_only=True)
class Sum:
    """What all worlds came to."""

    sessions: int = 0
    worlds: int = 0
    steps: int = 0
    virtual_s: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    end_reasons: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    """Worlds in which each rule was broken."""
    failed: list[tuple[Errand, list[str]]] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, errand: Errand, outcome: Outcome) -> None:
        """One more world, in their order."""
        self.sessions += outcome.sessions
        self.worlds += 1
        self.steps += outcome.steps
        self.virtual_s += outcome.virtual_s
        for name in FIGURES_SUM:
            self.figures[name] += getattr(outcome.verdict, name)
        for name in FIGURES_MAX:
            self.figures[name] = max(self.figures[name], getattr(outcome.verdict, name))
        self.fired.update(outcome.fired)
        self.states.update(outcome.states)
        self.end_reasons.update(outcome.end_reasons)
        self.logged.update(outcome.logged)
        self.rules.update({complaint.partition(":")[0][:60] for complaint in outcome.complaints})
        self.digest.update(outcome.digest.encode())
        if outcome.complaints:
            self.failed.append((errand, outcome.complaints))


def run(sessions: int, seed: int, *, workers: int = WORKERS_MAX) -> dict[str, object]:
    """Stage at least that many sessions and answer the figures; `ok` says whether they are as promised."""
    began_s = time.monotonic()
    found, progress = Sum(), _Progress(sessions)
    with _Workers(workers) as staff:
        number = 0
        while found.sessions < sessions and found.worlds < 2 * sessions:
            missing = -(-(sessions - found.sessions) // SESSIONS_PER_WORLD)
            errands = [errand_of(seed, number + index, sessions=sessions) for index in range(missing)]
            number += missing
            for errand, outcome in zip(errands, staff.stage(errands), strict=True):
                found.add(errand, outcome)
                progress.show(found)
                if outcome.complaints:
                    _show(errand, outcome.complaints)
        for errand, complaints in found.failed[:SHOWN_MAX]:
            _show(*_shrunk(staff, errand, complaints))
    return _result(found, seed, wall_s=time.monotonic() - began_s)


def kinds_of(names: str) -> frozenset[Fault]:
    """Fault kinds by their names with commas between them; `none` is none."""
    return frozenset(Fault(name) for name in names.split(",") if name != "none")


def replay(seed: int, *, sessions: int, only: frozenset[Fault] | None) -> dict[str, object]:
    """One world again, in this process."""
    prepare()
    outcome = stage(Errand(number=0, seed=seed, sessions=sessions, only=only))
    for complaint in outcome.complaints:
        print(complaint, file=sys.stderr)
    found = Sum()
    found.add(Errand(number=0, seed=seed, sessions=sessions, only=only), outcome)
    return {**_result(found, seed, wall_s=0.0), "complaints": len(outcome.complaints)}


def _result(found: Sum, seed: int, *, wall_s: float) -> dict[str, object]:
    figures: dict[str, int] = {name: found.figures[name] for name in (*FIGURES_SUM, *FIGURES_MAX)}
    faults = {fault.value: found.fired[fault] for fault in Fault}
    states = {state.value: found.states[state] for state in SessionState}
    ends = {reason.value: found.end_reasons[reason] for reason in EndReason}
    reached = sum(map(bool, (*states.values(), *ends.values())))
    fired = sum(map(bool, faults.values()))
    is_right = not found.failed and not any(figures[name] for name in FIGURES_SUM)
    is_close = all(figures[name] <= 1 for name in FIGURES_MAX)
    is_covered = reached == len(states) + len(ends) and fired == len(faults)
    return {
        "sessions": found.sessions,
        "seed": seed,
        **figures,
        "faults_fired": fired,
        "faults_known": len(faults),
        "states_reached": reached,
        "states_known": len(states) + len(ends),
        "digest": found.digest.hexdigest(),
        "wall_s": round(wall_s, 1),
        "ok": is_right and is_close and (is_covered or found.sessions < COVERAGE_FROM),
        "worlds": found.worlds,
        "worlds_failed": len(found.failed),
        "rules": dict(sorted(found.rules.items())),
        "steps": found.steps,
        "virtual_s": round(found.virtual_s),
        "faults": faults,
        "states": states,
        "end_reasons": ends,
        "logged": dict(sorted(found.logged.items())),
    }


def errand_of(seed: int, number: int, *, sessions: int = SESSIONS_PER_WORLD) -> Errand:
    """The world of that number; a seed has them without end."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return Errand(
        number=number,
        seed=int.from_bytes(digest[:6], "big"),
        sessions=min(SESSIONS_PER_WORLD, max(1, sessions)),
    )


class _Workers:
    """Processes that stage worlds; their hashes are fixed, so that sets have one order."""

    def __init__(self, count: int) -> None:
        os.environ["PYTHONHASHSEED"] = "0"
        self._pool = multiprocessing.get_context("spawn").Pool(max(1, count), initializer=prepare)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._pool.terminate()
        self._pool.join()

    def stage(self, errands: Iterable[Errand]) -> Iterator[Outcome]:
        """Each world's outcome, in their order."""
        return self._pool.imap(stage, errands, chunksize=4)


def prepare() -> None:
    """Make this process fit for worlds: silent, warm, and with little for the collector to look through."""
    logs.silence(is_cached=True)
    World(0, sessions=1).run()
    # What is loaded stays; only what worlds leave behind need be looked through.
    gc.collect()
    gc.freeze()
    gc.disable()


def stage(errand: Errand) -> Outcome:
    """One world, in this process."""
    try:
        return World(errand.seed, sessions=errand.sessions, only=errand.only).run()
    except Exception:
        # A world that breaks is a failing world; the others go on.
        why = f"{BROKE}: {traceback.format_exc(limit=-6)}"
        return Outcome(
            seed=errand.seed,
            sessions=0,
            digest=hashlib.sha256(why.encode()).hexdigest(),
            verdict=Verdict(),
            fired=Counter(),
            states=Counter(),
            end_reasons=Counter(),
            logged=Counter(),
            complaints=[why],
        )


def _shrunk(staff: _Workers, errand: Errand, complaints: list[str]) -> tuple[Errand, list[str]]:
    """A smaller world that fails as well, if one is found."""
    tries = 0
    is_smaller = True
    while is_smaller and tries < SHRINKS_MAX:
        is_smaller = False
        candidates = list(_smaller(errand))[: SHRINKS_MAX - tries]
        tries += len(candidates)
        for candidate, outcome in zip(candidates, staff.stage(candidates), strict=True):
            if outcome.complaints:
                errand, complaints, is_smaller = candidate, outcome.complaints, True
                break
    return errand, complaints


def _smaller(errand: Errand) -> Iterator[Errand]:
    for sessions in sorted({1, 2, errand.sessions // 2, errand.sessions - 1}):
        if 0 < sessions < errand.sessions:
            yield Errand(number=0, seed=errand.seed, sessions=sessions, only=errand.only)
    kinds = errand.only
    if kinds is None:
        kinds = World(errand.seed, sessions=1).stage.swarm.kinds
    if kinds:
        yield Errand(number=0, seed=errand.seed, sessions=errand.sessions, only=frozenset())
    for kind in sorted(kinds):
        yield Errand(number=0, seed=errand.seed, sessions=errand.sessions, only=kinds - {kind})


def _show(errand: Errand, complaints: list[str]) -> None:
    only = "" if errand.only is None else f" --only {','.join(sorted(errand.only)) or 'none'}"
    print(f"\nworld {errand.seed} fails:", file=sys.stderr)
    for complaint in complaints[:SHOWN_MAX]:
        print(f"  {complaint[:600]}", file=sys.stderr)
    print(
        f"  replay: python -m loadtest simulate --world {errand.seed} --sessions {errand.sessions}{only}",
        file=sys.stderr,
    )


class _Progress:
    """A line on standard error now and then."""

    def __init__(self, sessions: int) -> None:
        self._sessions = sessions
        self._began_s = self._shown_s = time.monotonic()

    def show(self, found: Sum) -> None:
        """How far it is."""
        now_s = time.monotonic()
        if now_s - self._shown_s < PROGRESS_S:
            return
        self._shown_s = now_s
        print(
            f"{found.sessions}/{self._sessions} sessions, {found.worlds} worlds,"
            f" {len(found.failed)} failed, {now_s - self._began_s:.0f} s",
            file=sys.stderr,
            flush=True,
        )
