"""`fuzz`: millions of broken datagrams and messages into a running gateway, beside calls that must not notice.

Decides what is measured and what is good enough: the gateway lives and answers,
nothing in it failed unexpectedly, its memory at the end is what it was after the
beginning, the calls' packets all arrive and are billed right.
Never sends what it counts twice, and stops by itself.
"""

import asyncio
import math
import socket
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aiortc.rtcdtlstransport import RTCCertificate

from gateway.sdk.http import HttpClient
from loadtest.call import Call
from loadtest.crowd.crowd import Crowd, Habits
from loadtest.fuzz.adversary import Adversary, HostileCall, HostileOffers, HostileSocket
from loadtest.fuzz.volley import Volley, kernel_drops
from loadtest.house import House, split_cores
from loadtest.meters.crowd import Desk
from loadtest.voice import Recording

CALLS = 3
"""Calls beside it that must not notice."""
DATAGRAMS_MAX = 100_000_000
SECONDS_MAX = 600
"""Well within the life of an access token; a run that is slower is cut and says so."""
ADDRESS = "127.0.1.1"
"""Where the people of those calls sign in from."""
SPEECH = Path(__file__).parents[2] / "gateway" / "assets" / "speech.ogg"
LOOK_S = 0.5
LATCH_S = 20.0
SETTLE_S = 1.0
RSS_GROWN_KB_MAX = 8_192
"""Between the second tenth and the last: the first warms everything up."""
FAILURES = ("Traceback", "control_failed", "http_failed", "never retrieved", "notice_not_written", '"error"')
"""What a line of the gateway's log holds where something failed that was not foreseen."""
FAILURES_TOLD_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """The run in numbers; printed as one JSON object."""

    ok: bool
    """Whether every bound held."""
    seed: int
    """Replays what was sent, but for the keys that a gateway makes anew."""
    datagrams: int
    """Everything that was sent wrongly, messages and offers included."""
    unauthentic: int
    """Datagrams from strangers and, one batch of eight, from an address that is known."""
    authentic: int
    """Datagrams with right MACs and broken content: checks, SRTP, SRTCP, SCTP."""
    messages: int
    """Socket messages of both subprotocols."""
    offers: int
    """Broken offers in accepted calls."""
    hostile_calls: int
    """Calls and sockets that the senders of those went through."""
    seconds: float
    datagrams_per_s: int
    gateway_waited_share: float
    """Share of the time in which the gateway's own pace held the sending back."""
    calls: int
    """Calls beside it."""
    delivered: float
    """Share of their packets that arrived."""
    billing_errors: int
    """Of those calls."""
    ledger_ok: bool
    answers: bool
    """Whether the gateway still answers at the end."""
    rss_kb_before: int
    rss_kb_second_tenth: int
    """Mean resident memory of that part of the run."""
    rss_kb_last_tenth: int
    rss_grown_kb: int
    drops: dict[str, int]
    """What the gateway dropped, by reason."""
    kernel_drops: int
    """Datagrams that the gateway's socket had no room for."""
    generator_late_ms_max: float
    """How late the calls' own pace was at worst; where it is large, the generator had no processor."""
    loop_lag_ms: float
    """Of the gateway's event loop, as it says itself at the end."""
    failures: int
    """Lines of the gateway's log that tell of something unforeseen."""
    problems: tuple[str, ...]
    """Sentences about what was wrong."""


@dataclass(slots=True)
class _Watch:
    """What is noted while it goes on."""

    samples: list[tuple[int, int]] = field(default_factory=list)
    """(sent so far, resident KB)."""

    def mean_kb(self, first: float, last: float) -> int:
        """Mean memory between two shares of everything that was sent."""
        total = self.samples[-1][0] if self.samples else 0
        chosen = [kb for sent, kb in self.samples if first * total <= sent <= last * total]
        # A run of a second has too few looks for tenths; the nearest one stands for them.
        chosen = chosen or [kb for _, kb in self.samples[:1]]
        return sum(chosen) // len(chosen) if chosen else 0


class _Storm:
    """Everybody who misbehaves."""

    def __init__(self, house: House, certificates: tuple[RTCCertificate, ...], *, seed: int) -> None:
        url, pairs = house.ready.url, house.ready.pairs[CALLS:]
        self.latched: asyncio.Queue[tuple[socket.socket, tuple[str, int]]] = asyncio.Queue()
        self.call = HostileCall(url, pairs[0], certificates, seed=seed)
        self.call.on_latched = lambda sock, target: self.latched.put_nowait((sock, target))
        self.offers = HostileOffers(url, pairs[1], seed=seed + 1)
        people = (pairs[2].client, pairs[2].provider)
        self.sockets = [
            HostileSocket(url, phone, subprotocol=subprotocol, seed=seed + 2 + at)
            for at, (phone, subprotocol) in enumerate(
                (phone, name) for phone in people for name in ("gateway.json", "gateway.msgpack")
            )
        ]
        self.everybody: list[Adversary] = [self.call, self.offers, *self.sockets]
        self.held: list[socket.socket] = []

    @property
    def sent(self) -> int:
        """What they said so far."""
        return sum(each.sent for each in self.everybody)

    async def stop(self) -> None:
        """Everybody ends."""
        await asyncio.gather(*(each.stop() for each in self.everybody))
        while not self.latched.empty():
            self.held.append(self.latched.get_nowait()[0])
        for sock in self.held:
            sock.close()


async def run(datagrams: int, *, seed: int) -> dict[str, object]:
    """The whole run: a gateway, calls, the storm, the books."""
    gateway_core = split_cores()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        log = Path(directory) / "log"
        gateway = House(Path(directory), pairs=CALLS + 3, core=gateway_core, log=log)
        async with gateway as house, Crowd(Recording.load(SPEECH), Habits()) as crowd:
            fuzzed = await _measure(house, crowd, datagrams=datagrams, seed=seed, log=log)
    return asdict(fuzzed)


async def _measure(house: House, crowd: Crowd, *, datagrams: int, seed: int, log: Path) -> Fuzzed:
    certificates = tuple(RTCCertificate.generateCertificate() for _ in range(2))
    desk = Desk(house.ready.url, ADDRESS)
    calls = [
        Call(house.ready.url, pair, desk, crowd=crowd, number=number)
        for number, pair in enumerate(house.ready.pairs[:CALLS])
    ]
    storm = _Storm(house, certificates, seed=seed)
    volley = None
    try:
        await asyncio.gather(*(call.open(number) for number, call in enumerate(calls)))
        await desk.close()
        await asyncio.gather(*(call.set_up() for call in calls))
        await asyncio.gather(*(call.until_started() for call in calls))
        rss_before_kb = house.rss_kb()
        for each in storm.everybody:
            each.start()
        sock, target = await asyncio.wait_for(storm.latched.get(), LATCH_S)
        storm.held.append(sock)
        volley = Volley(target, seed=seed)
        watch, began = _Watch(), time.monotonic()
        crowd.engine.count(True)
        await _rage(house, storm, volley, datagrams=datagrams, watch=watch)
        seconds = time.monotonic() - began
        crowd.engine.count(False)
        await storm.stop()
        await asyncio.sleep(SETTLE_S)
        lost = kernel_drops(target[1])
        await asyncio.gather(*(call.hang_up() for call in calls), return_exceptions=True)
    finally:
        if volley is not None:
            volley.stop()
        await storm.stop()
        await asyncio.gather(*(call.close() for call in calls), return_exceptions=True)
    answers, drops, ledger_ok, lag_ms = await _asked(house)
    return _judged(
        calls,
        storm,
        volley,
        seed=seed,
        wanted=datagrams,
        seconds=seconds,
        rss_before_kb=rss_before_kb,
        watch=watch,
        answers=answers,
        drops=drops,
        ledger_ok=ledger_ok,
        kernel_lost=lost,
        late_ms=crowd.engine.late_ns_max / 1e6,
        lag_ms=lag_ms,
        failures=_failures(log),
    )


async def _rage(house: House, storm: _Storm, volley: Volley, *, datagrams: int, watch: _Watch) -> None:
    """Send until everything is sent or the time is up."""
    volley.also_from(storm.held[0])
    volley.start(datagrams)
    until = time.monotonic() + SECONDS_MAX
    said_at = 0
    while volley.is_sending and volley.sent + storm.sent < datagrams and time.monotonic() < until:
        await asyncio.sleep(LOOK_S)
        watch.samples.append((volley.sent + storm.sent, house.rss_kb()))
        while not storm.latched.empty():
            # A leg that was ended and came back speaks from another port.
            storm.held.append(storm.latched.get_nowait()[0])
            volley.also_from(storm.held[-1])
        if volley.sent * 20 // datagrams > said_at:
            said_at = volley.sent * 20 // datagrams
            _say(f"{volley.sent + storm.sent:,} sent, {watch.samples[-1][1]:,} KB resident")
    volley.stop()


async def _asked(house: House) -> tuple[bool, dict[str, int], bool, float]:
    """(it answers, what it dropped, its ledger balances, its event loop's lag)."""
    try:
        async with HttpClient(house.ready.url) as http:
            await http.sign_in(house.ready.operator)
            live = await http.live()
            audited = await http.audited()
    except Exception as failed:
        _say(f"it does not answer: {failed!r}")
        return False, {}, False, 0.0
    drops = {name: int(count) for name, count in live["node"]["drops"].items() if count}
    return True, drops, bool(audited["ok"]), float(live["node"]["loop_lag_ms"])


def _failures(log: Path) -> list[str]:
    with log.open(errors="replace") as lines:
        return [line.strip()[:300] for line in lines if any(word in line for word in FAILURES)]


def _judged(
    calls: list[Call],
    storm: _Storm,
    volley: Volley,
    *,
    seed: int,
    wanted: int,
    seconds: float,
    rss_before_kb: int,
    watch: _Watch,
    answers: bool,
    drops: dict[str, int],
    ledger_ok: bool,
    kernel_lost: int,
    late_ms: float,
    lag_ms: float,
    failures: list[str],
) -> Fuzzed:
    outcomes = [call.outcome for call in calls]
    delivered = sum(each.delivered for each in outcomes) / max(1, sum(each.sent for each in outcomes))
    problems = [problem for call in calls for problem in call.outcome.problems]
    problems += failures[:FAILURES_TOLD_MAX]
    if volley.has_failed:
        problems.append("the sender failed")
    second, last = watch.mean_kb(0.1, 0.2), watch.mean_kb(0.9, 1.0)
    sent = volley.sent + storm.sent
    if sent < wanted:
        problems.append(f"{sent} of {wanted} were sent")
    is_undisturbed = delivered == 1.0 and not problems
    is_flat = last - second <= RSS_GROWN_KB_MAX
    return Fuzzed(
        ok=is_undisturbed and is_flat and answers and ledger_ok and not failures,
        seed=seed,
        datagrams=sent,
        unauthentic=volley.sent,
        authentic=storm.call.sent,
        messages=sum(each.sent for each in storm.sockets),
        offers=storm.offers.sent,
        hostile_calls=sum(each.calls for each in storm.everybody),
        seconds=round(seconds, 1),
        datagrams_per_s=math.floor(sent / seconds),
        gateway_waited_share=round(volley.waited_s / seconds, 3),
        calls=len(calls),
        delivered=round(delivered, 6),
        billing_errors=sum(bool(call.outcome.problems) for call in calls),
        ledger_ok=ledger_ok,
        answers=answers,
        rss_kb_before=rss_before_kb,
        rss_kb_second_tenth=second,
        rss_kb_last_tenth=last,
        rss_grown_kb=last - second,
        drops=drops,
        kernel_drops=kernel_lost,
        generator_late_ms_max=round(late_ms, 1),
        loop_lag_ms=round(lag_ms, 1),
        failures=len(failures),
        problems=tuple(problems[:10]),
    )


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
