"""`calls`: N calls at the same time, every one signalled, metered and settled.

Decides the course of a run: sign in, set up at a given pace, count for a while, let mishaps happen, hang
up, and perhaps all of it once more; what is good enough is in `loadtest/measured.py`.
The gateway has one core, the crowd another, which never sleeps.
Never more calls or seconds than the bounds below; stops by itself.
"""

import asyncio
import contextlib
import math
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway.collector import calm_collector
from gateway.sdk.http import HttpClient
from loadtest.call import Call, Outcome
from loadtest.crowd.crowd import Crowd, Habits
from loadtest.crowd.mishap import Mishap, MishapKind, Shares, mishaps
from loadtest.house import House, loopback, split_cores, stolen_s
from loadtest.measured import Span, judged
from loadtest.meters.crowd import Desk
from loadtest.voice import Recording

CALLS_MAX = 500
SECONDS_MAX = 600
"""Well within the life of an access token."""
ROUNDS_MAX = 5
ARRIVALS_MAX = 500
SIGN_INS_AT_ONCE = 64
HANGUPS_AT_ONCE = 64
CALLS_PER_ADDRESS = 50
"""People of so many calls share an address, well below what one address may ask."""
PING_SPREAD_S = 5
REST_S = 3
"""Between the last set-up and the counted span: what setting up left behind is done by then."""
SETTLE_S = 0.5
"""Between the last counted packet and the first hang-up."""
SEED = 1
SPEECH = Path(__file__).parents[1] / "gateway" / "assets" / "speech.ogg"
SERVE = ("loadtest.serving",)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be run."""

    calls: int
    """At the same time."""
    seconds: int
    """Length of the counted span of each round."""
    arrivals: float
    """Invitations in a second."""
    rounds: int = 1
    habits: Habits = field(default_factory=Habits)
    shares: Shares = field(default_factory=Shares)
    profile: Path | None = None
    """Where a profile of the gateway is written; of its set-ups if `is_setup_profiled`, else of the span."""
    is_setup_profiled: bool = False


@dataclass(slots=True, kw_only=True)
class _Seen:
    """Figures as they come, round by round."""

    setups_per_s: list[float] = field(default_factory=list)
    setup_gateway_s: float = 0.0
    setup_generator_s: float = 0.0
    rss_kb: list[int] = field(default_factory=list)
    gateway_s: float = 0.0
    generator_s: float = 0.0
    stolen_s: float = 0.0
    counted_s: float = 0.0


async def run(wish: Wish) -> dict[str, object]:
    """The whole run: start a gateway, call, measure, stop it; all numbers within their bounds."""
    core = split_cores()
    serve = SERVE if wish.profile is None else (*SERVE, "--profile", str(wish.profile))
    with tempfile.TemporaryDirectory(prefix="loadtest-") as directory:
        async with (
            House(Path(directory), pairs=wish.calls, core=core, serve=serve) as house,
            Crowd(Recording.load(SPEECH), wish.habits) as crowd,
        ):
            measured = asdict(judged(*await _measure(house, crowd, wish), wanted=wish.calls * wish.rounds))
    # What was never seen is infinite, and JSON has no such number.
    return {name: None if value == math.inf else value for name, value in measured.items()}


async def _measure(house: House, crowd: Crowd, wish: Wish) -> tuple[list[Outcome], Span]:
    url, pairs, seen = house.ready.url, house.ready.pairs, _Seen()
    desks = [Desk(url, loopback(number)) for number in range(-(-len(pairs) // CALLS_PER_ADDRESS))]
    calls = [
        Call(url, pair, desks[number // CALLS_PER_ADDRESS], crowd=crowd, number=number)
        for number, pair in enumerate(pairs)
    ]
    try:
        _say(f"signing {2 * len(calls)} participants in")
        await _few_at_once(
            [call.open(PING_SPREAD_S * number / len(calls)) for number, call in enumerate(calls)],
            SIGN_INS_AT_ONCE,
        )
        await asyncio.gather(*(desk.close() for desk in desks))
        seen.rss_kb.append(house.rss_kb())
        async with calm_collector():
            for number in range(wish.rounds):
                await _round(house, crowd, calls, wish=wish, seen=seen, is_last=number == wish.rounds - 1)
    finally:
        await asyncio.gather(*(call.close() for call in calls))
    _say("looking at the books")
    return [call.outcome for call in calls], _span(crowd, seen, wish, ledger_ok=await _is_ledger_ok(house))


async def _round(
    house: House, crowd: Crowd, calls: Sequence[Call], *, wish: Wish, seen: _Seen, is_last: bool
) -> None:
    with _profiled(house, is_on=wish.is_setup_profiled and wish.profile is not None):
        gateway_s, generator_s = house.cpu_s(), crowd.cpu_s()
        up = await _set_up(calls, wish.arrivals, seen)
        seen.setup_gateway_s += house.cpu_s() - gateway_s
        seen.setup_generator_s += crowd.cpu_s() - generator_s
    await asyncio.gather(*(call.until_started() for call in up))
    await asyncio.sleep(REST_S)
    with _profiled(house, is_on=not wish.is_setup_profiled and wish.profile is not None):
        # People who died stay dead, so mishaps are for the last round.
        await _count(house, crowd, up, wish=wish, seen=seen, shares=wish.shares if is_last else Shares())
    seen.rss_kb.append(house.rss_kb())
    await asyncio.sleep(SETTLE_S)
    _say("hanging up")
    await _few_at_once([call.hang_up() for call in up if call.is_whole], HANGUPS_AT_ONCE)
    await asyncio.gather(*(call.hang_up() for call in up if not call.is_whole))


async def _set_up(calls: Sequence[Call], arrivals: float, seen: _Seen) -> list[Call]:
    began = time.monotonic()

    async def arriving(number: int, call: Call) -> bool:
        await asyncio.sleep(began + number / arrivals - time.monotonic())
        return await call.set_up()

    ups = await asyncio.gather(*(arriving(number, call) for number, call in enumerate(calls)))
    took_s = time.monotonic() - began
    up = [call for call, is_up in zip(calls, ups, strict=True) if is_up]
    seen.setups_per_s.append(len(up) / took_s)
    _say(f"{len(up)} of {len(calls)} calls are up after {took_s:.1f} s")
    return up


async def _count(
    house: House, crowd: Crowd, calls: Sequence[Call], *, wish: Wish, seen: _Seen, shares: Shares
) -> None:
    began, gateway_s, generator_s, taken_s = time.monotonic(), house.cpu_s(), crowd.cpu_s(), stolen_s()
    for call in calls:
        call.count(is_counting=True)
    crowd.engine.count(True)
    plagued = asyncio.create_task(_plague(calls, shares, wish.seconds))
    for left in range(wish.seconds, 0, -1):
        if left % 10 == 0:
            _say(f"{left} s left")
        await asyncio.sleep(1)
    crowd.engine.count(False)
    for call in calls:
        call.count(is_counting=False)
    seen.counted_s += time.monotonic() - began
    seen.gateway_s += house.cpu_s() - gateway_s
    seen.generator_s += crowd.cpu_s() - generator_s
    seen.stolen_s += stolen_s() - taken_s
    await plagued


async def _plague(calls: Sequence[Call], shares: Shares, seconds: int) -> None:
    began = time.monotonic()

    async def befall(each: Mishap) -> None:
        await asyncio.sleep(began + each.at * seconds - time.monotonic())
        call = calls[each.call]
        match each.kind:
            case MishapKind.ROAM:
                await call.roam(each.side)
            case MishapKind.MUTE:
                await call.mute(each.side)
            case MishapKind.KILL:
                await call.kill(each.side)

    await asyncio.gather(*(befall(each) for each in mishaps(len(calls), shares, seed=SEED)))


def _span(crowd: Crowd, seen: _Seen, wish: Wish, *, ledger_ok: bool) -> Span:
    return Span(
        seconds=wish.seconds,
        added_p50_ms=crowd.took_ms(50),
        added_p99_ms=crowd.took_ms(99),
        arrivals_per_s=wish.arrivals,
        setups_per_s=min(seen.setups_per_s),
        setup_gateway_cpu_ms=seen.setup_gateway_s * 1e3 / (wish.calls * wish.rounds),
        setup_generator_cpu_ms=seen.setup_generator_s * 1e3 / (wish.calls * wish.rounds),
        rss_kb=seen.rss_kb,
        gateway_cpu_share=seen.gateway_s / seen.counted_s,
        generator_cpu_share=seen.generator_s / seen.counted_s,
        generator_late_ms_max=crowd.engine.late_ns_max / 1e6,
        generator_dropped=crowd.engine.send_failed + crowd.engine.unheeded,
        host_stolen_share=seen.stolen_s / seen.counted_s,
        ledger_ok=ledger_ok,
    )


@contextlib.contextmanager
def _profiled(house: House, *, is_on: bool) -> Iterator[None]:
    if is_on:
        house.signal(signal.SIGUSR1)
    yield
    if is_on:
        house.signal(signal.SIGUSR2)


async def _is_ledger_ok(house: House) -> bool:
    async with HttpClient(house.ready.url) as http:
        await http.sign_in(house.ready.operator)
        return bool((await http.post("/v1/admin/invariants/check", {}))["ok"])


async def _few_at_once(coroutines: Sequence[Awaitable[T]], at_once: int) -> list[T]:
    gate = asyncio.Semaphore(at_once)

    async def gated(coroutine: Awaitable[T]) -> T:
        async with gate:
            return await coroutine

    return list(await asyncio.gather(*(gated(coroutine) for coroutine in coroutines)))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
