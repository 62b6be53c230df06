"""The pictures of the performance page: what is low lies low, and what is lost is not drawn."""

import itertools
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from loadtest.relay import plot
from loadtest.relay.chart import NAME_HEIGHT, Chart, Series, drawn

pytestmark = pytest.mark.core

SVG = "{http://www.w3.org/2000/svg}"


def of(kind: str, picture: str, of_class: str = "") -> list[ET.Element]:
    found = ET.fromstring(picture).iter(SVG + kind)
    return [each for each in found if of_class in each.get("class", "").split() or not of_class]


def a_chart(*series: Series) -> Chart:
    return Chart(title="Cost & care", note="", across="calls", up="us", series=series)


def test_a_higher_value_lies_higher_and_a_later_one_further_right() -> None:
    picture = drawn(a_chart(Series(name="a", colour=0, points=[(1, 10), (10, 100), (100, 1_000)])))

    dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in of("circle", picture)]

    assert [x for x, _ in dots] == sorted(x for x, _ in dots)
    assert [y for _, y in dots] == sorted((y for _, y in dots), reverse=True)
    assert dots[1][0] - dots[0][0] == pytest.approx(dots[2][0] - dots[1][0], abs=0.2)


def test_names_do_not_lie_on_each_other() -> None:
    lines = [Series(name=f"line {each}", colour=each, points=[(1, 1), (9, 50 + each)]) for each in range(5)]

    names = sorted(float(name.attrib["y"]) for name in of("text", drawn(a_chart(*lines)), "name"))

    assert len(names) == 5
    assert all(later - earlier >= NAME_HEIGHT for earlier, later in itertools.pairwise(names))


def test_a_picture_says_in_words_what_it_shows() -> None:
    picture = drawn(a_chart(Series(name="a", colour=0, points=[(1, 10), (100, 2.5)])))

    (title,), (description,) = of("title", picture), of("desc", picture)

    assert title.text == "Cost & care"
    assert description.text == "us by calls. a: 10 at 1, 2.5 at 100"


def a_folder(tmp_path: Path) -> Path:
    """Documents with a sweep of Janus that lost packets at 100 calls, and a run."""

    def point(calls: int, delivered: float) -> dict[str, object]:
        figures = {"cpu_us_per_packet": 9.0, "p50_ms": 1.0, "p99_ms": 2.0}
        return {"server": "janus", "calls": calls, "delivered": delivered, **figures}

    def told(calls: int, cost_us: float) -> dict[str, object]:
        times = {"p50_ms": 1.0, "p99_ms": 2.0, "calls_per_core": 1_000, "rss_kb_per_call": 25.0}
        turns = {"turns_undisturbed": 2, "turns_disturbed": [{}]}
        return {"calls": calls, "cpu_us_per_packet": cost_us, "delivered": 1.0, **times, **turns}

    for name in ("measurements", "pictures"):
        (tmp_path / name).mkdir()
    points = [point(10, 1.0), point(50, 1.0), point(100, 0.8)]
    (tmp_path / plot.SWEEP).write_text(json.dumps({"points": points}))
    servers = {"native": told(200, 8.0), "janus": told(60, 100.0)}
    run = {"servers": servers, "same_calls": {"janus": {"calls": 60, "ratio": 8.0}}}
    (tmp_path / plot.RUN).write_text(json.dumps(run))
    marks = "<!-- run -->old<!-- end of run -->between<!-- sweep --><!-- end of sweep -->after"
    (tmp_path / plot.PAGE).write_text("before" + marks)
    return tmp_path


def test_a_server_is_drawn_up_to_where_it_lost_packets(tmp_path: Path) -> None:
    docs = a_folder(tmp_path)

    plot.run(docs)

    assert len(of("circle", (docs / "pictures" / "relay_cost.svg").read_text())) == 2
    assert len(of("polyline", (docs / "pictures" / "relay_latency.svg").read_text(), "dashed")) == 1


def test_the_page_is_filled_between_its_marks_and_tells_what_was_lost(tmp_path: Path) -> None:
    docs = a_folder(tmp_path)

    plot.run(docs)
    once = (docs / plot.PAGE).read_text()
    plot.run(docs)

    assert (docs / plot.PAGE).read_text() == once
    assert "old" not in once
    assert once.startswith("before<!-- run -->")
    assert once.endswith("<!-- end of sweep -->after")
    assert "| `janus` | 60 | 100.0 | 12.5 × | 8 × | 100.00% | 1 / 2 | 1,000 | 25 | 3, 1 |" in once
    assert "| 50 | 9 µs · 1 / 2 ms |\n| 100 | 80% delivered |" in once
