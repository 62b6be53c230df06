"""What admission goes by, out of this process, its media plane and its settings."""

import socket

import pytest

from gateway.bridge.vitals import LoadView, NodeVitals, marks_of
from gateway.clock import NS, SystemClock
from gateway.config import Settings
from gateway.media.adapters.plane import open_plane
from gateway.signaling.load import Strain
from tests.media.facts import Facts
from tests.signaling.fakes import FakeVitals
from tests.signaling.world import World

pytestmark = pytest.mark.adapter


async def test_the_thread_that_asks_is_the_one_whose_time_is_told() -> None:
    plane = await open_plane(host="127.0.0.1", port=0, clock=SystemClock(), sink=Facts(), relay="python")
    vitals = NodeVitals(plane)
    before_ns = vitals.cpu_ns()

    while vitals.cpu_ns() < before_ns + NS // 100:
        sum(range(10_000))

    assert vitals.socket_drops() == 0
    await plane.close()


async def test_what_a_busy_loop_leaves_in_the_socket_is_told_as_dropped() -> None:
    plane = await open_plane(host="127.0.0.1", port=0, clock=SystemClock(), sink=Facts(), relay="python")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        # The loop does not get a turn meanwhile, so nobody reads; 24 MB are more than any buffer that is asked for.
        for _ in range(20_000):
            sender.sendto(bytes(1_200), ("127.0.0.1", plane.port))

    assert NodeVitals(plane).socket_drops() > 0
    await plane.close()


def test_every_mark_comes_from_its_setting() -> None:
    marks = marks_of(
        Settings(
            sessions_max=1,
            full_at_cpu_percent=2,
            full_at_loop_lag_ms=3,
            full_at_tick_lag_ms=4,
            full_at_socket_drops_per_s=5,
            calm_s=6,
        )
    )

    assert [marks.of(strain) for strain in Strain] == [1, 2, 3, 4, 5]
    assert marks.calm_s == 6


async def test_the_operator_reads_each_figure_beside_its_mark() -> None:
    world = World(vitals=FakeVitals(), marks=marks_of(Settings()))

    told = LoadView(world.desk.load).load()

    assert (told.state, told.why, told.refused) == ("open", (), {})
    assert [(figure.name, figure.mark) for figure in told.figures] == [
        ("sessions", 2_000),
        ("cpu", 95),
        ("loop_lag", 250),
        ("tick_lag", 500),
        ("socket_drops", 50),
    ]
