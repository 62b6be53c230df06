"""The pictures and tables of `docs/performance.md`, made of what was measured.

Decides what they show: what a packet costs each server at each number of calls, how
long it is under way, and the figures of one run. A point whose server lost packets is
not drawn, and nothing beyond it: there the core was full. The table tells it instead.
The page is filled between its marks; nothing else of it is touched. Never measures,
and never draws a line by hand; `chart.py` lays it out.

    python -m loadtest plot docs
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtest.relay.chart import Chart, Series, drawn

SWEEP = "measurements/relay.json"
"""What `sweep` wrote."""
RUN = "measurements/relay_run.json"
"""What `relay --json` printed; without it the run's table stays as it is."""
PAGE = "performance.md"
PICTURES = """\
![Processor time of a packet by number of calls, for each server](pictures/relay_cost.svg)

![Latency of a packet by number of calls, for each server](pictures/relay_latency.svg)

Processor time of a packet, and its latency as p50 / p99:

"""
COLUMNS = (
    "server",
    "calls",
    "µs a packet",
    "beside `native`",
    "at the same calls",
    "delivered",
    "p50 / p99 ms",
    "calls a core",
    "KB a call",
    "turns, of them disturbed",
)
"""Of the run's table."""
NAMES: Mapping[str, str] = {
    "native": "native relay",
    "floor": "bare forwarder",
    "python": "relay in Python",
    "janus": "Janus (echo)",
    "aiortc": "aiortc MediaRelay",
}
"""In the order of their colours."""
DELIVERED_MIN = 0.99


def run(docs: Path) -> dict[str, object]:
    """Draw and write what is measured into the folder of documents."""
    points = json.loads((docs / SWEEP).read_text())["points"]
    pictures = {"relay_cost.svg": drawn(_costs(points)), "relay_latency.svg": drawn(_latencies(points))}
    for name, content in pictures.items():
        (docs / "pictures" / name).write_text(content)
    page = filled(
        (docs / PAGE).read_text(), "sweep", PICTURES + table(points) + f"\n\nBehind it: [the sweep]({SWEEP})."
    )
    if (docs / RUN).exists():
        told = run_table(json.loads((docs / RUN).read_text()))
        page = filled(page, "run", told + f"\n\nBehind it: [the run]({RUN}).")
    (docs / PAGE).write_text(page)
    return {"pictures": sorted(pictures), "page": PAGE, "ok": True}


def filled(page: str, name: str, content: str) -> str:
    """The page with that content between the marks of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    assert begin in page, f"the page has no mark {begin}"
    found = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    return found.sub(lambda _: f"{begin}\n\n{content}\n\n{end}", page)


def run_table(told: Mapping[str, Any]) -> str:
    """One run in Markdown, a row for each server."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    native_us = told["servers"]["native"]["cpu_us_per_packet"]
    for name, each in told["servers"].items():
        same = told["same_calls"].get(name, {}).get("ratio")
        disturbed = len(each["turns_disturbed"])
        cells = (
            f"`{name}`",
            f"{each['calls']}",
            f"{each['cpu_us_per_packet']:.1f}",
            f"{each['cpu_us_per_packet'] / native_us:.3g} ×",
            f"{same:.3g} ×" if same else "",
            f"{each['delivered']:.2%}",
            f"{_short(each['p50_ms'])} / {_short(each['p99_ms'])}",
            f"{each['calls_per_core']:,}",
            f"{each['rss_kb_per_call']:,.0f}",
            f"{each['turns_undisturbed'] + disturbed}, {disturbed}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


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
        return f"{point['delivered']:.0%} delivered"
    return (
        f"{_short(point['cpu_us_per_packet'])} µs · {_short(point['p50_ms'])} / {_short(point['p99_ms'])} ms"
    )


def _short(value: float) -> str:
    """Two digits that matter, and all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


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
