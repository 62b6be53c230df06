"""The relays side by side, small: every server forwards, and the figures are there."""

import pytest

from loadtest.relay.run import run
from loadtest.relay.server import SERVERS

pytestmark = pytest.mark.e2e

CALLS = 3


def test_every_server_delivers_the_same_voice() -> None:
    result = run(CALLS, 1, rounds=1, against=list(SERVERS))

    servers = result["servers"]
    assert isinstance(servers, dict)
    assert list(servers) == ["floor", "native", "python"]
    for figures in servers.values():
        assert figures["delivered"] >= 0.99
        assert 0 < figures["cpu_us_per_packet"] < 10_000
        assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert set(result["ratios"]) == {"native_to_floor", "python_to_native"}
