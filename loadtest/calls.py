"""`calls`: N calls at the same time, every one signalled, metered and settled.

Decides what is measured and what is good enough: the share of packets delivered,
what a packet's way took, how late ticks are, whether each bill is the truth and
whether the ledger balances at the end.
Never more calls or seconds than the bounds below; stops by itself.
"""

import asyncio
import math
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from aiortc.rtcdtlstransport import RTCCertificate

from gateway.sdk.http import HttpClient
from loadtest.call import Call
from loadtest.house import House, stolen_s
from loadtest.metronome import Metronome
from loadtest.percentile import percentile
from loadtest.voice import Recording

CALLS_MAX = 500
SECONDS_MAX = 600
"""Well within the life of an access token."""
SETUPS_AT_ONCE = 8
SETTLE_S = 0.5
"""Between the last counted packet and the first hang-up."""
SPEECH = Path(__file__).parents[1] / "gateway" / "assets" / "speech.ogg"

T = TypeVar("T")

DELIVERED_MIN = 0.999
ADDED_P99_MS_MAX = 50.0
TICK_LAG_P99_MS_MAX = 500.0
FIRST_AUDIO_P95_MS_MAX = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The run in numbers; printed as one JSON object."""

    ok: bool
    """Whether every bound held."""
    calls: int
    """Calls that were set up."""
    seconds: int
    """Length of the counted span."""
    delivered: float
    """Share of the packets counted that arrived, both ways."""
    added_p50_ms: float
    """A packet's way through the gateway, both sockets included: the median."""
    added_p99_ms: float
    """The same, 99th percentile."""
    tick_lag_p99_ms: float
    """From the end of a second to its tick's arrival."""
    billing_errors: int
    """Calls whose bill or receipt is not what it should be."""
    ledger_ok: bool
    """Every invariant of the ledger holds at the end."""
    setups_per_s: float
    """Calls set up per second, invitation to start."""
    first_audio_p50_ms: float
    """From acceptance to the first packet heard: the median."""
    first_audio_p95_ms: float
    """The same, 95th percentile."""
    rss_kb_per_call: float
    """Memory the gateway grew by, per call."""
    gateway_cpu_share: float
    """Processor share of the gateway in the counted span; 1 = one core."""
    generator_late_ms_max: float
    """How late this generator itself was at worst; large means that it measured itself."""
    host_stolen_share: float
    """Processor share that the machine's host took away meanwhile; where it is large, latencies are the host's."""
    problems: tuple[str, ...]
    """Up to ten sentences about what was wrong."""


async def run(calls: int, seconds: int) -> dict[str, object]:
    """The whole run: start a gateway, call, measure, stop it; both numbers within their bounds."""
    gateway_core = _split_cores()
    recording = Recording.load(SPEECH)
    with tempfile.TemporaryDirectory(prefix="loadtest-") as directory:
        async with House(Path(directory), pairs=calls, core=gateway_core) as house:
            measured = asdict(await _measure(house, recording, seconds=seconds))
    # What was never seen is infinite, and JSON has no such number.
    return {name: None if value == math.inf else value for name, value in measured.items()}


async def _measure(house: House, recording: Recording, *, seconds: int) -> Measured:
    metronome = Metronome()
    certificate = RTCCertificate.generateCertificate()
    calls = [Call(house.ready.url, pair, recording, certificate) for pair in house.ready.pairs]
    metronome.start()
    try:
        _say(f"signing {2 * len(calls)} participants in")
        await _few_at_once(call.open() for call in calls)
        rss_before_kb = house.rss_kb()
        began = time.monotonic()
        ups = await _few_at_once(call.set_up(metronome) for call in calls)
        setup_s = time.monotonic() - began
        up = [call for call, is_up in zip(calls, ups, strict=True) if is_up]
        _say(f"{len(up)} of {len(calls)} calls are up after {setup_s:.1f} s")
        stolen_before_s = stolen_s()
        cpu_share = await _count(house, up, seconds)
        stolen_share = (stolen_s() - stolen_before_s) / seconds
        rss_kb = house.rss_kb()
        _say("hanging up")
        await _few_at_once(call.hang_up() for call in up)
    finally:
        await asyncio.gather(*(call.close(metronome) for call in calls))
        await metronome.stop()
    _say("waiting for the next look at the books")
    return _judged(
        calls,
        seconds=seconds,
        ledger_ok=await _is_ledger_ok(house),
        setups_per_s=len(up) / setup_s,
        rss_kb_per_call=(rss_kb - rss_before_kb) / max(1, len(up)),
        cpu_share=cpu_share,
        stolen_share=stolen_share,
        late_ms=metronome.late_us_max / 1_000,
    )


async def _count(house: House, calls: Sequence[Call], seconds: int) -> float:
    cpu_before_s, began = house.cpu_s(), time.monotonic()
    for call in calls:
        call.count(is_counting=True)
    for left in range(seconds, 0, -1):
        if left % 5 == 0:
            _say(f"{left} s left")
        await asyncio.sleep(1)
    for call in calls:
        call.count(is_counting=False)
    share = (house.cpu_s() - cpu_before_s) / (time.monotonic() - began)
    await asyncio.sleep(SETTLE_S)
    return share


def _judged(
    calls: Sequence[Call],
    *,
    seconds: int,
    ledger_ok: bool,
    setups_per_s: float,
    rss_kb_per_call: float,
    cpu_share: float,
    stolen_share: float,
    late_ms: float,
) -> Measured:
    outcomes = [call.outcome for call in calls]
    stamps = [end.leg.stamps for call in calls for end in call.ends]
    took_ms = [took / 1_000 for each in stamps for took in each.took_us]
    lags_ms = [lag for outcome in outcomes for lag in outcome.tick_lag_ms]
    audio_ms = [ms for outcome in outcomes for ms in outcome.first_audio_ms]
    delivered = sum(each.delivered for each in stamps) / max(1, sum(each.sent for each in stamps))
    errors = sum(bool(outcome.problems) for outcome in outcomes)
    bounds = (
        delivered >= DELIVERED_MIN,
        percentile(took_ms, 99) <= ADDED_P99_MS_MAX,
        percentile(lags_ms, 99) <= TICK_LAG_P99_MS_MAX,
        percentile(audio_ms, 95) <= FIRST_AUDIO_P95_MS_MAX,
        errors == 0,
        ledger_ok,
    )
    return Measured(
        ok=all(bounds),
        calls=sum(bool(outcome.first_audio_ms) for outcome in outcomes),
        seconds=seconds,
        delivered=round(delivered, 6),
        added_p50_ms=round(percentile(took_ms, 50), 3),
        added_p99_ms=round(percentile(took_ms, 99), 3),
        tick_lag_p99_ms=round(percentile(lags_ms, 99), 1),
        billing_errors=errors,
        ledger_ok=ledger_ok,
        setups_per_s=round(setups_per_s, 2),
        first_audio_p50_ms=round(percentile(audio_ms, 50), 1),
        first_audio_p95_ms=round(percentile(audio_ms, 95), 1),
        rss_kb_per_call=round(rss_kb_per_call, 1),
        gateway_cpu_share=round(cpu_share, 3),
        generator_late_ms_max=round(late_ms, 1),
        host_stolen_share=round(stolen_share, 3),
        problems=tuple(problem for outcome in outcomes for problem in outcome.problems)[:10],
    )


async def _is_ledger_ok(house: House) -> bool:
    async with HttpClient(house.ready.url) as http:
        await http.sign_in(house.ready.operator)
        return bool((await http.audited())["ok"])


async def _few_at_once(coroutines: Iterable[Awaitable[T]]) -> list[T]:
    gate = asyncio.Semaphore(SETUPS_AT_ONCE)

    async def gated(coroutine: Awaitable[T]) -> T:
        async with gate:
            return await coroutine

    return list(await asyncio.gather(*(gated(coroutine) for coroutine in coroutines)))


def _split_cores() -> int | None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None
    os.sched_setaffinity(0, set(cores[1:]))
    return cores[0]


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
