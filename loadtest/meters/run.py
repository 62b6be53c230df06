"""Measures one gateway process that meters many live sessions, and judges it.

Decides what is good enough: 99 of 100 ticks at the app within 100 ms of the end
of their second, one evidence row a second, every bill the truth, the ledger in
balance. The gateway has one core, the crowd the others.
Never more sessions or seconds than the bounds below; stops by itself.
"""

import asyncio
import contextlib
import math
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from gateway.app import DATABASE
from gateway.clock import NS
from gateway.collector import calm_collector
from gateway.limits import LIVE_SESSIONS_MAX
from gateway.sdk.http import HttpClient
from gateway.sdk.problem import NothingCame
from loadtest.house import House, loopback, split_cores, stolen_s
from loadtest.meters.crowd import Desk, MeteredCall
from loadtest.percentile import percentile

SESSIONS_MAX = LIVE_SESSIONS_MAX
SECONDS_MAX = 600
SETUPS_AT_ONCE = 64
HANGUPS_AT_ONCE = 64
CALLS_PER_ADDRESS = 50
"""People of so many calls share an address, well below what one address may ask."""
REST_S = 5
"""Between the last setup and the counted span: what setting up left behind is done by then."""
LAG_P99_MS_MAX = 100.0
COMMITS_OFF_MAX = 0.05
"""How far from one a second the evidence rows may be; the span's two ends cut one each."""
LOOKS_AWAITED = 3
"""How often the next look at the books is waited for, each time as long as `audited` does."""
SERVE = ("loadtest.serving", "--simulated")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured; `--json` prints it as it stands."""

    ok: bool
    """Every bound of this module is kept."""
    sessions: int
    """Sessions that were metered at the same time."""
    seconds: int
    """Length of the counted span."""
    ticks: int
    """Ticks that arrived at apps in the counted span; two a second and session."""
    tick_lag_p50_ms: float
    """From the end of a second to its tick at the app: the median."""
    tick_lag_p99_ms: float
    """The same, 99th percentile."""
    tick_lag_max_ms: float
    """The same, at worst."""
    commits_per_s: float
    """Evidence rows a second, each one commit."""
    cpu_share: float
    """Processor share of the gateway in the counted span, all threads; 1 = one core."""
    rss_mb: float
    """Memory of the gateway at the end of the span."""
    setups_per_s: float
    """Calls brought from sign-in to metering in a second."""
    billed_s_wrong: int
    """Sessions whose receipt is not what their own apps saw."""
    ledger_ok: bool
    """Every ledger invariant held after the last settlement."""
    host_stolen_share: float
    """Processor share that the machine's host took away meanwhile."""
    problems: tuple[str, ...]
    """Up to ten sentences about what was wrong."""


async def run(sessions: int, seconds: int, *, profile: Path | None = None) -> dict[str, object]:
    """The whole run; both numbers within their bounds. `profile` is where the gateway's profile is put."""
    serve = SERVE if profile is None else (*SERVE, "--profile", str(profile))
    core = split_cores()
    with contextlib.ExitStack() as stack:
        if core is not None:
            awake = asyncio.create_task(_stay_awake())
            stack.callback(awake.cancel)
        measured = asdict(await _housed(core, serve, sessions, seconds, profile is not None))
    return {name: None if value == math.inf else value for name, value in measured.items()}


async def _housed(
    core: int | None, serve: Sequence[str], sessions: int, seconds: int, is_profiled: bool
) -> Measured:
    with tempfile.TemporaryDirectory(prefix="loadtest-") as directory:
        async with House(Path(directory), pairs=sessions, core=core, serve=serve) as house:
            return await _measure(house, Path(directory) / DATABASE, seconds, is_profiled)


async def _stay_awake() -> None:
    """Keep the crowd's core from sleeping.

    To wake an idle core costs whoever sends it a packet an exit to the virtual machine's host, 60 microseconds for
    13 of sending: that would be measured as the gateway's.
    """
    while True:  # noqa: ASYNC110 it is there to take turns
        await asyncio.sleep(0)


async def _measure(house: House, database: Path, seconds: int, is_profiled: bool) -> Measured:
    url, pairs = house.ready.url, house.ready.pairs
    desks = [Desk(url, loopback(number)) for number in range(-(-len(pairs) // CALLS_PER_ADDRESS))]
    calls = [
        MeteredCall(url, pair, desks[number // CALLS_PER_ADDRESS], phase_s=5 * number / len(pairs))
        for number, pair in enumerate(pairs)
    ]
    began = time.monotonic()
    ups = await _few_at_once([call.set_up() for call in calls], SETUPS_AT_ONCE, what="set up")
    setup_s = time.monotonic() - began
    up = [call for call, is_up in zip(calls, ups, strict=True) if is_up]
    _say(f"{len(up)} of {len(calls)} sessions are metered after {setup_s:.1f} s")
    await asyncio.gather(*(desk.close() for desk in desks))
    await asyncio.sleep(REST_S)
    if is_profiled:
        house.signal(signal.SIGUSR1)
    async with calm_collector():
        span = await _count(house, up, seconds)
    if is_profiled:
        house.signal(signal.SIGUSR2)
    rows = await asyncio.to_thread(_rows, database, *span.grid)
    rss_mb = house.rss_kb() / 1024
    _say("hanging up")
    await _few_at_once([call.hang_up() for call in up], HANGUPS_AT_ONCE, what="hung up")
    for call in calls:
        call.close()
    _say("waiting for the next look at the books")
    return _judged(
        calls,
        up=len(up),
        seconds=seconds,
        span=span,
        commits_per_s=rows / max(1, span.grid[1] - span.grid[0]),
        rss_mb=rss_mb,
        setups_per_s=len(up) / setup_s,
        ledger_ok=await _is_ledger_ok(house),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The counted span."""

    grid: tuple[int, int]
    """Monotonic seconds that it covers whole, the last not included."""
    cpu_share: float
    stolen_share: float


async def _count(house: House, calls: Sequence[MeteredCall], seconds: int) -> Span:
    began_ns, cpu_s, taken_s = time.monotonic_ns(), house.cpu_s(), stolen_s()
    for call in calls:
        call.is_counting = True
    for left in range(seconds, 0, -1):
        if left % 10 == 0:
            _say(f"{left} s left")
        await asyncio.sleep(1)
    for call in calls:
        call.is_counting = False
    ended_ns = time.monotonic_ns()
    took_s = (ended_ns - began_ns) / NS
    return Span(
        grid=(began_ns // NS + 1, ended_ns // NS),
        cpu_share=(house.cpu_s() - cpu_s) / took_s,
        stolen_share=(stolen_s() - taken_s) / took_s,
    )


def _judged(
    calls: Sequence[MeteredCall],
    *,
    up: int,
    seconds: int,
    span: Span,
    commits_per_s: float,
    rss_mb: float,
    setups_per_s: float,
    ledger_ok: bool,
) -> Measured:
    seen = [each for call in calls for each in call.seen.values()]
    lags_ms = [lag for each in seen for lag in each.lags_ms]
    ticks = sum(each.ticks for each in seen)
    wrong = sum(call.is_billed_wrong for call in calls)
    bounds = (
        up == len(calls),
        ticks >= 2 * up * (seconds - 1),
        percentile(lags_ms, 99) <= LAG_P99_MS_MAX,
        abs(commits_per_s - 1) <= COMMITS_OFF_MAX,
        wrong == 0,
        ledger_ok,
    )
    return Measured(
        ok=all(bounds),
        sessions=up,
        seconds=seconds,
        ticks=ticks,
        tick_lag_p50_ms=round(percentile(lags_ms, 50), 1),
        tick_lag_p99_ms=round(percentile(lags_ms, 99), 1),
        tick_lag_max_ms=round(max(lags_ms, default=math.inf), 1),
        commits_per_s=round(commits_per_s, 3),
        cpu_share=round(span.cpu_share, 3),
        rss_mb=round(rss_mb, 1),
        setups_per_s=round(setups_per_s, 1),
        billed_s_wrong=wrong,
        ledger_ok=ledger_ok,
        host_stolen_share=round(span.stolen_share, 3),
        problems=tuple(problem for call in calls for problem in call.problems)[:10],
    )


def _rows(database: Path, first: int, until: int) -> int:
    """Evidence rows of those monotonic seconds, read from outside."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
        query = "SELECT count(*) FROM meter_seconds WHERE second >= ? AND second < ?"
        return int(reader.execute(query, (first, until)).fetchone()[0])


async def _is_ledger_ok(house: House) -> bool:
    async with HttpClient(house.ready.url) as http:
        await http.sign_in(house.ready.operator)
        for _ in range(LOOKS_AWAITED):
            with contextlib.suppress(NothingCame):
                return bool((await http.audited())["ok"])
    _say("nobody looked at the books")
    return False


async def _few_at_once(coroutines: Sequence[Awaitable[T]], at_once: int, *, what: str) -> list[T]:
    gate, step, done = asyncio.Semaphore(at_once), -(-len(coroutines) // 5), 0

    async def gated(coroutine: Awaitable[T]) -> T:
        nonlocal done
        async with gate:
            result = await coroutine
        done += 1
        if done % step == 0:
            _say(f"{done} of {len(coroutines)} {what}")
        return result

    return list(await asyncio.gather(*(gated(coroutine) for coroutine in coroutines)))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
