"""Every server at several numbers of calls, kept as points in a file.

Decides at which loads each one is measured: up to where its core is full. Points are
kept by server and calls, and a new one takes the place of an older one, so a sweep
may be taken in parts. Nothing is judged; `plot.py` draws it.

    python -m loadtest sweep docs/measurements/relay.json
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtest.relay.run import measured

LOADS: Mapping[str, Sequence[int]] = {
    "floor": (25, 50, 100, 200, 300, 400),
    "native": (2, 5, 10, 25, 50, 100, 200, 300, 400),
    "python": (25, 50, 100, 200, 250),
    "janus": (10, 25, 50, 75, 100),
    "aiortc": (1, 2, 4),
}
Point = Mapping[str, Any]
"""One server at one number of calls, as `relay` prints it."""


def run(into: Path, seconds: int, *, rounds: int, against: Sequence[str]) -> dict[str, object]:
    """Measure one server after the other, and write its points to `into` as soon as they are there.

    Raises:
        Unready: a server could not be started, or did not take every leg.
    """
    points: list[Point] = json.loads(into.read_text())["points"] if into.exists() else []
    for name in (name for name in LOADS if name in against):
        seen = measured([(name, calls) for calls in LOADS[name]], seconds, rounds=rounds)
        points = merged(points, [{"server": name, **each.told()} for each in seen.values()])
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_text(json.dumps({"points": points}, indent=1) + "\n")
    return {"points": len(points), "into": str(into), "ok": True}


def merged(kept: Sequence[Point], new: Sequence[Point]) -> list[Point]:
    """All points in order, one for each server and number of calls: the newer."""
    at = {(point["server"], point["calls"]): point for point in (*kept, *new)}
    order = list(LOADS)
    return [at[key] for key in sorted(at, key=lambda key: (order.index(key[0]), key[1]))]
