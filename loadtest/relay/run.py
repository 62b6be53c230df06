"""The same voice through one server after the other, and what a packet costs each.

Decides the order (turn about, so that a noisy machine is noisy to all), how often
a disturbed turn is taken again, the ratios and their bounds. Generator and server
have a core each; only the server's processor time counts. Absolute times belong
to the machine. A server that cannot carry the asked number of calls gets as many
as it can, and the native relay is measured at that number too.

    python -m loadtest relay --calls 200 --against floor,python,janus,aiortc --json
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from loadtest.relay.turn import CONTENDERS, DELIVERED_MIN, Seen, take

CALLS_MAX = 1_000
SECONDS_MAX = 60
ROUNDS_MAX = 20
NATIVE = "native"
CALLS_CARRIED: Mapping[str, int] = {"janus": 60, "aiortc": 4}
"""Calls that one core carries without losing packets, where that is less than is asked of the others."""
CALLS_JUDGED_MIN = 200
"""Ratios are judged from so many calls on."""
RATIO_MAX: Mapping[str, float] = {"native_to_floor": 1.6}
RATIO_MIN: Mapping[str, float] = {"python_to_native": 2.5, "janus_to_native": 5, "aiortc_to_native": 60}
WHOLE = (NATIVE, "floor")
"""Servers that must deliver."""
EXTRA_ROUNDS_MAX = 6
"""Rounds after the asked ones, in which disturbed turns are taken again; no more than were asked for."""

Key = tuple[str, int]
"""A server and its number of calls."""


def run(calls: int, seconds: int, *, rounds: int, against: Sequence[str]) -> dict[str, object]:
    """Every server in every round, the native relay always among them.

    Raises:
        Unready: a server could not be started, or did not take every leg.
    """
    return judged(calls, measured(planned(calls, against), seconds, rounds=rounds))


def planned(calls: int, against: Sequence[str]) -> list[Key]:
    """Each server at the number of calls it carries; the native relay beside it at the smaller numbers too."""
    keys = [
        (name, min(calls, CALLS_CARRIED.get(name, calls)))
        for name in CONTENDERS
        if name == NATIVE or name in against
    ]
    fewer = sorted({carried for _, carried in keys} - {calls})
    return keys + [(NATIVE, carried) for carried in fewer]


def judged(calls: int, seen: Mapping[Key, Seen]) -> dict[str, object]:
    """What is printed of turns that were taken as `planned` for so many calls."""
    servers = {name: seen[name, at] for name, at in seen if name != NATIVE or at == calls}
    ratios = _ratios({name: each.cpu_us_per_packet for name, each in servers.items()})
    problems = [*_undelivered(servers), *(_beyond(ratios) if calls >= CALLS_JUDGED_MIN else ())]
    return {
        "calls": calls,
        "servers": {name: each.told() for name, each in servers.items()},
        "ratios": ratios,
        "same_calls": {
            name: _beside(each, seen[NATIVE, each.calls])
            for name, each in servers.items()
            if each.calls < calls
        },
        "is_judged": calls >= CALLS_JUDGED_MIN,
        "is_one_core": len(os.sched_getaffinity(0)) == 1,
        "problems": problems,
        "ok": not problems,
    }


def measured(keys: Sequence[Key], seconds: int, *, rounds: int) -> dict[Key, Seen]:
    """`rounds` undisturbed turns of each, where the machine allows it; turn about.

    Raises:
        Unready: a server could not be started, or did not take every leg.
    """
    seen = {key: Seen(calls=key[1]) for key in keys}
    with _cores() as (mine, its):
        for turn in range(rounds + min(rounds, EXTRA_ROUNDS_MAX)):
            for key in keys:
                if turn >= rounds and len(seen[key].undisturbed) >= rounds:
                    continue
                name, calls = key
                took = take(name, calls=calls, seconds=seconds, core=its, is_spinning=mine != its)
                seen[key].turns.append(took)
                _say(
                    f"round {turn + 1}: {name}, {calls} calls: {took.cpu_us_per_packet:.1f} us, "
                    f"{took.delivered:.4f} delivered" + (", disturbed" if took.is_disturbed else "")
                )
    return seen


@contextmanager
def _cores() -> Iterator[tuple[int, int]]:
    """This process's core and the servers'; the same one where there is but one."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    try:
        yield cores[0], cores[-1]
    finally:
        os.sched_setaffinity(0, set(cores))


def _ratios(costs: Mapping[str, float]) -> dict[str, float]:
    pairs = {"native_to_floor": (NATIVE, "floor")}
    pairs |= {f"{name}_to_native": (name, NATIVE) for name in costs if name not in WHOLE}
    return {
        title: round(costs[one] / costs[other], 2)
        for title, (one, other) in pairs.items()
        if one in costs and other in costs
    }


def _beside(rival: Seen, native: Seen) -> dict[str, float]:
    """A server beside the native relay at the same number of calls."""
    return {
        "calls": rival.calls,
        "native_cpu_us_per_packet": round(native.cpu_us_per_packet, 2),
        "ratio": round(rival.cpu_us_per_packet / native.cpu_us_per_packet, 2),
    }


def _undelivered(servers: Mapping[str, Seen]) -> Iterable[str]:
    for name in WHOLE:
        if name in servers and not servers[name].undisturbed:
            yield f"{name}: no turn in which {DELIVERED_MIN:.1%} were delivered and the machine kept still"


def _beyond(ratios: Mapping[str, float]) -> Iterable[str]:
    for title, ratio in ratios.items():
        most, least = RATIO_MAX.get(title), RATIO_MIN.get(title)
        if most is not None and ratio > most:
            yield f"{title} is {ratio}, more than {most}"
        if least is not None and ratio < least:
            yield f"{title} is {ratio}, less than {least}"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
