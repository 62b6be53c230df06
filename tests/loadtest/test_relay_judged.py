"""What is made of turns: medians, disturbed ones told apart, ratios and their bounds."""

import pytest

from loadtest.relay.run import judged, planned
from loadtest.relay.sweep import merged
from loadtest.relay.turn import Seen, Turn

pytestmark = pytest.mark.core


def turn(cost_us: float, *, delivered: float = 1.0, stolen: float = 0.0, stalled: float = 0.0) -> Turn:
    return Turn(
        cpu_us_per_packet=cost_us,
        delivered=delivered,
        stolen_share=stolen,
        stalled_share=stalled,
        rss_kb_per_call=10.0,
        delays_us=(100.0, 200.0, 300.0),
    )


def seen(calls: int, *turns: Turn) -> Seen:
    return Seen(calls=calls, turns=list(turns))


def test_a_server_that_carries_fewer_calls_has_the_native_relay_beside_it() -> None:
    assert planned(200, ["floor", "aiortc"]) == [
        ("floor", 200),
        ("native", 200),
        ("aiortc", 4),
        ("native", 4),
    ]
    assert planned(2, ["janus", "aiortc"]) == [("native", 2), ("janus", 2), ("aiortc", 2)]


@pytest.mark.parametrize(
    "disturbed",
    [turn(90, delivered=0.99), turn(90, stolen=0.2), turn(90, stalled=0.2)],
    ids=["packets were lost", "the host took the core", "the crowd was held up"],
)
def test_a_disturbed_turn_is_told_and_does_not_count(disturbed: Turn) -> None:
    told = seen(200, turn(10), disturbed, turn(12)).told()

    assert told["cpu_us_per_packet"] == 11
    assert told["turns_undisturbed"] == 2
    assert [each["cpu_us_per_packet"] for each in told["turns_disturbed"]] == [90]


def test_ratios_are_of_medians_and_within_their_bounds() -> None:
    result = judged(
        200,
        {
            ("floor", 200): seen(200, turn(10), turn(10), turn(30)),
            ("native", 200): seen(200, turn(15)),
            ("python", 200): seen(200, turn(45)),
            ("aiortc", 4): seen(4, turn(1_500)),
            ("native", 4): seen(4, turn(50)),
        },
    )

    assert result["ratios"] == {"native_to_floor": 1.5, "python_to_native": 3, "aiortc_to_native": 100}
    assert result["same_calls"] == {"aiortc": {"calls": 4, "native_cpu_us_per_packet": 50, "ratio": 30}}
    assert result["problems"] == []
    assert result["ok"]


@pytest.mark.parametrize(
    ("name", "cost_us", "problem"),
    [
        ("floor", 9, "native_to_floor is 1.67, more than 1.6"),
        ("python", 30, "python_to_native is 2.0, less than 2.5"),
        ("janus", 60, "janus_to_native is 4.0, less than 5"),
        ("aiortc", 600, "aiortc_to_native is 40.0, less than 60"),
    ],
)
def test_a_ratio_beyond_its_bound_is_a_problem_from_200_calls_on(
    name: str, cost_us: float, problem: str
) -> None:
    def result(calls: int) -> dict[str, object]:
        servers = {("native", calls): seen(calls, turn(15)), (name, calls): seen(calls, turn(cost_us))}
        return judged(calls, servers)

    assert result(200)["problems"] == [problem]
    assert not result(200)["ok"]
    assert result(100)["problems"] == []


def test_a_relay_of_ours_that_never_delivered_everything_is_a_problem_and_another_server_is_not() -> None:
    result = judged(
        200,
        {
            ("native", 200): seen(200, turn(15, delivered=0.9)),
            ("janus", 60): seen(60, turn(150, delivered=0.9)),
            ("native", 60): seen(60, turn(20)),
        },
    )

    (problem,) = result["problems"]
    assert problem.startswith("native: no turn")


def test_a_newer_point_takes_the_place_of_an_older_one() -> None:
    old = [{"server": "janus", "calls": 10, "of": "old"}, {"server": "native", "calls": 50, "of": "old"}]
    new = [{"server": "janus", "calls": 10, "of": "new"}, {"server": "native", "calls": 25, "of": "new"}]

    points = [(point["server"], point["calls"], point["of"]) for point in merged(old, new)]

    assert points == [("native", 25, "new"), ("native", 50, "old"), ("janus", 10, "new")]
