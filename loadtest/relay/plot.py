"""The pictures and the table of `docs/performance.md`, made of a sweep.

Decides what they show: what a packet costs each server at each number of calls, and
how long it is under way. A point whose server lost packets is not drawn, and nothing
beyond it: there the core was full. The table says so instead.
Never measures, and never draws a line by hand; `chart.py` lays it out.

    python -m loadtest plot docs/measurements/relay.json docs/pictures
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtest.relay.chart import Chart, Series, drawn

NAMES: Mapping[str, str] = {
    "native": "native relay",
    "floor": "bare forwarder",
    "python": "relay in Python",
    "janus": "Janus (echo)",
    "aiortc": "aiortc MediaRelay",
}
"""In the order of their colours."""
DELIVERED_MIN = 0.99


def run(measurements: Path, folder: Path) -> dict[str, object]:
    """Write both pictures into the folder."""
    points = json.loads(measurements.read_text())["points"]
    pictures = {"relay_cost.svg": drawn(_costs(points)), "relay_latency.svg": drawn(_latencies(points))}
    for name, content in pictures.items():
        (folder / name).write_text(content)
    return {"pictures": [str(folder / name) for name in pictures], "table": table(points), "ok": True}


def table(points: Sequence[Mapping[str, Any]]) -> str:
    """In Markdown: a row for each number of calls, a column for each server."""
    at = {(point["server"], point["calls"]): point for point in points}
    names = [name for name in NAMES if any(server == name for server, _ in at)]
    lines = ["| calls | " + " | ".join(f"`{name}`" for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for calls in sorted({calls for _, calls in at}):
        cells = (_cell(at.get((name, calls))) for name in names)
        lines.append(f"| {calls} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(point: Mapping[str, Any] | None) -> str:
    if point is None:
        return ""
    if point["delivered"] < DELIVERED_MIN:
        return f"full: {point['delivered']:.0%} delivered"
    return f"{point['cpu_us_per_packet']:.3g} µs · {point['p50_ms']:.2g} / {point['p99_ms']:.2g} ms"


def _costs(points: Sequence[Mapping[str, Any]]) -> Chart:
    return Chart(
        title="What a forwarded packet costs",
        note="The server's processor time, all threads. Lower is better; both axes are logarithmic.",
        across="calls at the same time",
        up="microseconds a packet",
        series=[
            Series(name=NAMES[server], colour=colour, points=_spots(carried, "cpu_us_per_packet"))
            for server, colour, carried in _servers(points)
        ],
    )


def _latencies(points: Sequence[Mapping[str, Any]]) -> Chart:
    lines = []
    for server, colour, carried in _servers(points):
        lines.append(Series(name=NAMES[server], colour=colour, points=_spots(carried, "p99_ms")))
        lines.append(Series(name="", colour=colour, points=_spots(carried, "p50_ms"), is_dashed=True))
    return Chart(
        title="How long a packet is under way",
        note="Line: 99 of 100 packets; dotted: the median. Lower is better; both axes are logarithmic.",
        across="calls at the same time",
        up="milliseconds, app to app",
        series=lines,
    )


def _spots(points: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(point["calls"], point[key]) for point in points]


def _servers(
    points: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[str, int, Sequence[Mapping[str, Any]]]]:
    """Each server that was measured, its colour, and its points up to where it lost packets."""
    for colour, server in enumerate(NAMES):
        carried: list[Mapping[str, Any]] = []
        for point in (each for each in points if each["server"] == server):
            if point["delivered"] < DELIVERED_MIN:
                break
            carried.append(point)
        if carried:
            yield server, colour, carried
