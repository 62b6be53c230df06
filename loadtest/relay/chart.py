"""A chart with two logarithmic axes as an SVG picture.

Decides where things lie: a tick at each 1, 2 and 5 of a decade, a line a series with
its name at its end, names pushed apart so that they can be read. It follows the
reader's light or dark theme and carries a title and a description.
Never knows what is drawn; `plot.py` does.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 960, 520
LEFT, RIGHT, TOP, BOTTOM = 84, 190, 84, 64
NAME_HEIGHT = 19
ROLE = 'role="img" aria-labelledby="title desc"'
COLOURS = ("#0b7a75", "#7a808b", "#6a5acd", "#c2410c", "#b4236b")
COLOURS_IN_THE_DARK = ("#3fc1b8", "#a5aebb", "#a99bff", "#fb923c", "#f472b6")
STYLE = """\
    .page {{ fill: #f7f5f1 }} text {{ fill: #23272e; font: 14px system-ui, "Segoe UI", "Noto Sans", sans-serif }}
    .title {{ font-size: 19px; font-weight: 600 }} .small {{ font-size: 13px; fill: #5b6270 }}
    .mid {{ text-anchor: middle }} .end {{ text-anchor: end }} .name {{ font-weight: 600 }}
    .grid {{ stroke: #d9d4ca }} .line {{ fill: none; stroke-width: 2.5; stroke-linejoin: round }}
    .dashed {{ stroke-dasharray: 1 6; stroke-linecap: round }}
    {colours}
    @media (prefers-color-scheme: dark) {{
      .page {{ fill: #14171c }} text {{ fill: #eceff3 }} .small {{ fill: #a5aebb }} .grid {{ stroke: #39414d }}
      {colours_in_the_dark}
    }}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line."""

    name: str
    """What stands at its end; empty for none."""
    colour: int
    """0 to 4."""
    points: Sequence[tuple[float, float]]
    """Positive, from left to right."""
    is_dashed: bool = False
    """Drawn in dots and without marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn."""

    title: str
    note: str
    """A line beneath the title."""
    across: str
    """What the horizontal axis counts."""
    up: str
    """What the vertical axis counts."""
    series: Sequence[Series]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Values on one axis, and where they lie."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        low, high = min(values), max(values)
        return cls(_step_below(low), _step_below(high * 2.499), start, end)

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> Iterator[float]:
        value = self.low
        while value <= self.high * 1.001:
            yield value
            value = _step_below(value * 2.501)


def _step_below(value: float) -> float:
    """The 1, 2 or 5 of a decade at or below a value."""
    decade = 10.0 ** math.floor(math.log10(value * 1.0001))
    return max(step * decade for step in (1, 2, 5) if step * decade <= value * 1.0001)


def drawn(chart: Chart) -> str:
    """The picture."""
    spots = [spot for series in chart.series for spot in series.points]
    across = _Axis.over([spot[0] for spot in spots], LEFT, WIDTH - RIGHT)
    up = _Axis.over([spot[1] for spot in spots], HEIGHT - BOTTOM, TOP)
    body = [
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="12"/>',
        f'<text class="title" x="28" y="38">{escape(chart.title)}</text>',
        f'<text class="small" x="28" y="60">{escape(chart.note)}</text>',
        *_frame(chart, across, up),
        *(part for series in chart.series for part in _line(series, across, up)),
        *_names(chart.series, across, up),
    ]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {ROLE}>',
            f'  <title id="title">{escape(chart.title)}</title>',
            f'  <desc id="desc">{escape(_described(chart))}</desc>',
            f"  <style>\n{_style()}\n  </style>",
            *(f"  {part}" for part in body),
            "</svg>\n",
        )
    )


def _style() -> str:
    def rules(colours: Sequence[str]) -> str:
        return " ".join(
            f".line.c{at} {{ stroke: {colour} }} .dot.c{at}, .name.c{at} {{ fill: {colour} }}"
            for at, colour in enumerate(colours)
        )

    return STYLE.format(colours=rules(COLOURS), colours_in_the_dark=rules(COLOURS_IN_THE_DARK))


def _frame(chart: Chart, across: _Axis, up: _Axis) -> Iterator[str]:
    for value in up.ticks():
        y = up.at(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>'
        yield f'<text class="small end" x="{LEFT - 10}" y="{y + 4.5}">{_figure(value)}</text>'
    for value in across.ticks():
        x = across.at(value)
        yield f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}"/>'
        yield f'<text class="small mid" x="{x}" y="{HEIGHT - BOTTOM + 22}">{_figure(value)}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text class="small mid" x="{middle}" y="{HEIGHT - 18}">{escape(chart.across)}</text>'
    height = (TOP + HEIGHT - BOTTOM) / 2
    yield (
        f'<text class="small mid" transform="translate(26 {height}) rotate(-90)" x="0" y="0">'
        f"{escape(chart.up)}</text>"
    )


def _line(series: Series, across: _Axis, up: _Axis) -> Iterator[str]:
    spots = [(across.at(x), up.at(y)) for x, y in series.points]
    path = " ".join(f"{x},{y}" for x, y in spots)
    kind = "line dashed" if series.is_dashed else "line"
    yield f'<polyline class="{kind} c{series.colour}" points="{path}"/>'
    if not series.is_dashed:
        for x, y in spots:
            yield f'<circle class="dot c{series.colour}" cx="{x}" cy="{y}" r="3.5"/>'


def _names(lines: Sequence[Series], across: _Axis, up: _Axis) -> Iterator[str]:
    """Each name at its line's end, moved down where two would lie on each other."""
    named = [series for series in lines if series.name]
    lowest: dict[float, list[float]] = {}
    for series in sorted(named, key=lambda each: -each.points[-1][1]):
        x, y = across.at(series.points[-1][0]) + 10, up.at(series.points[-1][1]) + 4.5
        taken = [at for other, places in lowest.items() if abs(other - x) < RIGHT for at in places]
        while any(abs(at - y) < NAME_HEIGHT for at in taken):
            y += 1
        lowest.setdefault(x, []).append(y)
        yield f'<text class="name c{series.colour}" x="{x}" y="{round(y, 1)}">{escape(series.name)}</text>'


def _described(chart: Chart) -> str:
    told = (
        f"{series.name}: {_figure(series.points[0][1])} at {_figure(series.points[0][0])}, "
        f"{_figure(series.points[-1][1])} at {_figure(series.points[-1][0])}"
        for series in chart.series
        if series.name
    )
    return f"{chart.up} by {chart.across}. " + "; ".join(told)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"
