"""Every server that is measured, small: it takes real legs, forwards, and is gone afterwards."""

import os

import pytest

from loadtest.relay.process import cpu_ns, rss_kb
from loadtest.relay.run import run
from loadtest.relay.turn import CONTENDERS, take

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("name", CONTENDERS)
def test_a_server_delivers_a_calls_voice_both_ways(name: str) -> None:
    turn = take(name, calls=1, seconds=1, core=min(os.sched_getaffinity(0)), is_spinning=False)

    assert turn.delivered >= 0.99
    assert len(turn.delays_us) >= 99
    assert min(turn.delays_us) > 0
    assert turn.cpu_us_per_packet > 0


def test_a_run_measures_the_native_relay_even_if_only_others_were_asked_for() -> None:
    result = run(2, 1, rounds=1, against=["floor"])

    servers = result["servers"]
    assert isinstance(servers, dict)
    assert set(servers) == {"floor", "native"}
    assert result["ratios"].keys() == {"native_to_floor"}
    assert not result["is_judged"]


def test_a_process_tells_its_processor_time_and_memory() -> None:
    before = cpu_ns(os.getpid())
    assert sum(range(100_000)) > 0

    assert cpu_ns(os.getpid()) > before
    assert rss_kb(os.getpid()) > 1_000
