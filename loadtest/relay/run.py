"""The same voice through one relay after the other, and what a packet costs each.

Decides the order (turn about, so that a noisy machine is noisy to all), the
figures and the bounds on their ratios. Generator and relay have a core each;
only the relay's processor time counts. Absolute times belong to the machine.
Never claims more calls a core than one core was seen to carry in proportion.

    python -m loadtest relay --calls 200 --json
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtest.percentile import percentile
from loadtest.relay.crowd import PACKETS_PER_S, Crowd
from loadtest.relay.server import SERVERS

CALLS_MAX = 1_000
SECONDS_MAX = 60
ROUNDS_MAX = 20
NATIVE_TO_FLOOR_MAX = 1.6
"""What the native relay may cost beside the floor, at 200 calls or more."""
PYTHON_TO_NATIVE_MIN = 2.5
DELIVERED_MIN = 0.999


@dataclass(slots=True)
class _Seen:
    """Figures of one server, round by round."""

    costs_us: list[float] = field(default_factory=list)
    disturbed_us: list[float] = field(default_factory=list)
    """Costs of rounds in which packets were lost: the machine was away, and what came then came at once."""
    delays_us: list[float] = field(default_factory=list)
    sent: int = 0
    received: int = 0

    def told(self) -> dict[str, float]:
        cost_us = statistics.median(self.costs_us or self.disturbed_us)
        return {
            "cpu_us_per_packet": round(cost_us, 2),
            "rounds_undisturbed": len(self.costs_us),
            "delivered": round(self.received / max(1, self.sent), 5),
            "p50_ms": round(percentile(self.delays_us, 50) / 1_000, 2),
            "p99_ms": round(percentile(self.delays_us, 99) / 1_000, 2),
            "calls_per_core": int(1e6 / (cost_us * 2 * PACKETS_PER_S)),
        }


def run(calls: int, seconds: int, *, rounds: int, against: Sequence[str]) -> dict[str, object]:
    """Every server in every round."""
    cores = sorted(os.sched_getaffinity(0))
    mine, its = cores[0], cores[-1]
    seen = {name: _Seen() for name in against}
    os.sched_setaffinity(0, {mine})
    try:
        for turn in range(rounds):
            for name in against:
                cost_us = _measure(name, seen[name], calls=calls, seconds=seconds, core=its)
                print(f"round {turn + 1}: {name} {cost_us:.1f} us", file=sys.stderr)
    finally:
        os.sched_setaffinity(0, set(cores))
    servers = {name: figures.told() for name, figures in seen.items()}
    ratios = _ratios({name: figures["cpu_us_per_packet"] for name, figures in servers.items()})
    return {
        "calls": calls,
        "servers": servers,
        "ratios": ratios,
        "is_one_core": mine == its,
        "ok": ratios.get("native_to_floor", 0) <= NATIVE_TO_FLOOR_MAX
        and ratios.get("python_to_native", PYTHON_TO_NATIVE_MIN) >= PYTHON_TO_NATIVE_MIN
        and min(figures["delivered"] for figures in servers.values()) >= DELIVERED_MIN,
    }


def _ratios(costs: dict[str, float]) -> dict[str, float]:
    pairs = {"native_to_floor": ("native", "floor")}
    pairs |= {f"{name}_to_native": (name, "native") for name in costs if name not in ("native", "floor")}
    return {
        title: round(costs[one] / costs[other], 2)
        for title, (one, other) in pairs.items()
        if one in costs and other in costs
    }


def _measure(name: str, seen: _Seen, *, calls: int, seconds: int, core: int) -> float:
    """One server, one round; its processor time for each packet that arrived."""
    assert name in SERVERS, name
    crowd = Crowd(calls, seconds)
    legs = [
        {
            "address": app.address,
            "inbound": app.inbound.hex(),
            "outbound": app.outbound.hex(),
            "ssrc_out": app.ssrc_out,
        }
        for app in crowd.apps
    ]
    command = ["taskset", "-c", str(core), sys.executable, "-m", "loadtest.relay.server", name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def ask(line: str) -> dict[str, int]:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(line + "\n")
            server.stdin.flush()
            answer: dict[str, int] = json.loads(server.stdout.readline())
            return answer

        port = ask(json.dumps(legs))["port"]
        before_ns = ask("cpu")["cpu_ns"]
        heard = crowd.speak(("127.0.0.1", port))
        spent_ns = ask("cpu")["cpu_ns"] - before_ns
        server.stdin.close()
    crowd.sock.close()
    cost_us = spent_ns / 1_000 / max(1, heard.received)
    is_whole = heard.received >= DELIVERED_MIN * heard.sent
    (seen.costs_us if is_whole else seen.disturbed_us).append(cost_us)
    seen.delays_us.extend(heard.delays_us)
    seen.sent += heard.sent
    seen.received += heard.received
    return cost_us
