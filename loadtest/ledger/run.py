"""`ledger`: durable commands per second of the books, and how long one takes.

Decides the runs (the plain way, closed loops at several depths, an open loop at a
fixed rate), where the files lie and what is good enough.
Never uses a file system in memory: a commit that does not reach a disk is none.
Keeps: every run begins with an empty file; at its end the audit finds nothing and
every account has what it should.
See docs/operations.md, "Ledger bench".
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog

from gateway.booking.adapters import ledger_flow_schema, ledger_schema, top_up_store
from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.collector import calm_collector
from gateway.store.database import Database
from loadtest.ledger.cashier import COMMANDS_OF_ROUND, PROVIDERS, Cashier, Tape, provider
from loadtest.ledger.inline_store import InlineStore
from loadtest.ledger.pace import Pace
from loadtest.percentile import percentile

COMMANDS_PER_S_MIN = 5_000
P50_MS_MAX = 10.0
DEPTH = 256
"""The most commands in flight in the runs that are judged."""
DEPTHS = (1, 16, 64, 1_024)
"""Commands in flight of the other closed loops."""
SECONDS_MAX = 120
SHARE_OF_DEPTH = 0.4
"""How long each of the other runs lasts, as a share of a judged one."""
IN_MEMORY = frozenset({"tmpfs", "ramfs"})
"""Kinds of file system that keep nothing when the power fails."""
ON_DISK = Path("/var/tmp")
"""Where temporary files outlive a reboot, so they are on a disk."""
MIGRATIONS = (*ledger_schema.MIGRATIONS, *top_up_store.MIGRATIONS, *ledger_flow_schema.MIGRATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """One closed loop: every answer is followed by the next command."""

    depth: int
    """Commands in flight, always."""
    commands_per_s: int
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Processor time of this process for one command, the bench's own included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The run in numbers; printed as one JSON object."""

    ok: bool
    """Whether the rate at depth 256, and the median at the rate asked for, are within their bounds."""
    commands_per_s: int
    """Closed loop, 256 in flight."""
    p50_ms: float
    """Open loop at `offered_per_s`, at most 256 in flight, from the instant a command was due."""
    p99_ms: float
    single_commit_per_s: int
    """The same commands one after the other, one commit each, without threads."""
    ratio: float
    """`commands_per_s` over `single_commit_per_s`."""
    offered_per_s: int
    """Of the open loop."""
    answered_per_s: int
    """What the open loop kept up with."""
    closed_p50_ms: float
    """Closed loop, 256 in flight: by Little's law 256 over the rate."""
    closed_p99_ms: float
    depths: Sequence[Depth] = field(default_factory=list)
    """All closed loops."""
    commands: int
    """Answered and checked in all runs on the product's store."""
    commits: int
    """What they took."""
    file_system: str
    """Where the files were, by kind."""
    synchronous: str
    """SQLite's own word for how a commit is made durable."""
    breaches: Sequence[str]
    """What the audit and the comparison of every account found; nothing is right."""


async def run(*, seconds: float, folder: Path | None) -> dict[str, object]:
    """Measure on files in `folder`, which are removed afterwards, with the collector of a serving process."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    chosen = folder or _on_disk()
    kind = file_system(chosen)
    if kind in IN_MEMORY:
        raise SystemExit(f"{chosen} is {kind}, where nothing is durable; name a folder on a disk")
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=chosen) as place:
        async with calm_collector():
            single = await _plain(Path(place) / "plain.db", seconds * SHARE_OF_DEPTH)
            return asdict(await _measured(Path(place), seconds, single=single, kind=kind))


def file_system(path: Path) -> str:
    """The kind of file system that `path` is on, as the kernel names it."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, source = line.partition(" - ")
        if mount.split()[2] == wanted:
            return source.split()[0]
    return "unknown"


def _on_disk() -> Path:
    usual = Path(tempfile.gettempdir())
    return ON_DISK if file_system(usual) in IN_MEMORY else usual


async def _plain(path: Path, seconds: float) -> Tape:
    store = InlineStore(path, MIGRATIONS)
    ledger = await LedgerStore.open(store, currency="CNY")
    crew = [Cashier(ledger=ledger, name="plain")]
    await _open_accounts(ledger, crew)
    tape = await _closed(crew, seconds)
    await store.close()
    _say(f"one commit each: {tape.commands_per_s:,.0f} commands/s")
    return tape


@dataclass(slots=True, kw_only=True)
class _Looked:
    """What the files of all runs came to."""

    commands: int = 0
    commits: int = 0
    breaches: list[str] = field(default_factory=list)
    synchronous: set[str] = field(default_factory=set)


async def _measured(place: Path, seconds: float, *, single: Tape, kind: str) -> Measured:
    looked = _Looked()
    depths: list[Depth] = []
    for depth in (*DEPTHS, DEPTH):
        length_s = seconds if depth == DEPTH else seconds * SHARE_OF_DEPTH
        async with _books(place / f"depth-{depth}.db", depth, looked) as crew:
            depths.append(await _at_depth(crew, length_s))
    judged = depths[-1]
    async with _books(place / "open.db", DEPTH, looked) as crew:
        steady = await _open(crew, COMMANDS_PER_S_MIN, seconds)
    p50_ms = percentile(steady.latency_ms, 50)
    is_fast = judged.commands_per_s >= COMMANDS_PER_S_MIN and p50_ms <= P50_MS_MAX
    return Measured(
        ok=is_fast and not looked.breaches and looked.synchronous == {"full"},
        commands_per_s=judged.commands_per_s,
        p50_ms=round(p50_ms, 2),
        p99_ms=round(percentile(steady.latency_ms, 99), 2),
        single_commit_per_s=round(single.commands_per_s),
        ratio=round(judged.commands_per_s / single.commands_per_s, 2),
        offered_per_s=COMMANDS_PER_S_MIN,
        answered_per_s=round(steady.commands_per_s),
        closed_p50_ms=judged.p50_ms,
        closed_p99_ms=judged.p99_ms,
        depths=sorted(depths, key=lambda run: run.depth),
        commands=looked.commands,
        commits=looked.commits,
        file_system=kind,
        synchronous=",".join(sorted(looked.synchronous)),
        breaches=looked.breaches,
    )


@asynccontextmanager
async def _books(path: Path, depth: int, looked: _Looked) -> AsyncIterator[Sequence[Cashier]]:
    """A crew on an empty file of its own, which is looked at when they are done."""
    database = await Database.open(path, MIGRATIONS)
    ledger = await LedgerStore.open(database, currency="CNY")
    crew = [Cashier(ledger=ledger, name=f"d{depth}_{number}") for number in range(depth)]
    await _open_accounts(ledger, crew)
    before = database.stats()
    yield crew
    looked.breaches += await _compared(database, ledger, crew)
    looked.synchronous.add(await database.write(_synchronous))
    looked.commands += database.stats()["commands"] - before["commands"]
    looked.commits += database.stats()["commits"] - before["commits"]
    await database.close()


async def _open_accounts(ledger: LedgerStore, crew: Sequence[Cashier]) -> None:
    await asyncio.gather(*map(ledger.open_account, map(provider, range(PROVIDERS))))
    for cashier in crew:
        await cashier.open_accounts()


async def _at_depth(crew: Sequence[Cashier], seconds: float) -> Depth:
    began_s = time.process_time()
    tape = await _closed(crew, seconds)
    spent_s = time.process_time() - began_s
    result = Depth(
        depth=len(crew),
        commands_per_s=round(tape.commands_per_s),
        p50_ms=round(percentile(tape.latency_ms, 50), 2),
        p99_ms=round(percentile(tape.latency_ms, 99), 2),
        cpu_us=round(spent_s * 1e6 / len(tape.latency_ms), 1),
    )
    _say(f"depth {len(crew)}: {result.commands_per_s:,} commands/s, p50 {result.p50_ms} ms")
    return result


async def _closed(crew: Sequence[Cashier], seconds: float) -> Tape:
    """Every cashier gives its next command when it has the answer, until the time is up."""
    tape = Tape(began_ns=time.perf_counter_ns())
    until_ns = tape.began_ns + int(seconds * 1e9)

    async def work(cashier: Cashier) -> None:
        while time.perf_counter_ns() < until_ns:
            await cashier.step(tape)

    await asyncio.gather(*map(work, crew))
    tape.ended_ns = time.perf_counter_ns()
    await _finished(crew)
    return tape


async def _open(crew: Sequence[Cashier], per_s: int, seconds: float) -> Tape:
    """Commands fall due at a fixed rate, whether or not those before are answered; a late start counts."""
    count = int(per_s * seconds)
    for _ in range(count // (len(crew) * COMMANDS_OF_ROUND) + 1):
        for cashier in crew:
            cashier.plan()
    pace = Pace(per_s=per_s, count=count)
    tape = Tape(began_ns=pace.began_ns)

    async def work(cashier: Cashier) -> None:
        while (due_ns := await pace.next()) is not None:
            await cashier.step(tape, due_ns=due_ns)

    await asyncio.gather(pace.keep(), *map(work, crew))
    tape.ended_ns = time.perf_counter_ns()
    await _finished(crew)
    _say(f"open loop: {tape.commands_per_s:,.0f} commands/s, p50 {percentile(tape.latency_ms, 50):.2f} ms")
    return tape


async def _finished(crew: Sequence[Cashier]) -> None:
    """End the rounds that were cut short, uncounted, so that balances can be compared."""

    async def finish(cashier: Cashier) -> None:
        while not cashier.is_between_rounds:
            await cashier.step(Tape())

    await asyncio.gather(*map(finish, crew))


async def _compared(database: Database, ledger: LedgerStore, cashiers: Sequence[Cashier]) -> list[str]:
    """What the audit found, and every account that has not what the cashiers say."""
    found = [f"{finding.name}: {finding.value}" for finding in await ledger.audit() if not finding.ok]
    expected: dict[str, int] = {"platform_fee": 0}
    for cashier in cashiers:
        for wallet, micros in enumerate(cashier.balances):
            expected[f"client_cash:{cashier.account(wallet)}"] = micros
        for payee, micros in cashier.earned.items():
            name = f"provider_pending:{payee}"
            expected[name] = expected.get(name, 0) + micros
        expected["platform_fee"] += cashier.charged_micros - sum(cashier.earned.values())
    kept = await database.read(_balances)
    for account, micros in expected.items():
        if kept.get(account, 0) != micros:
            found.append(f"{account} has {kept.get(account, 0)} instead of {micros}")
    return found


def _balances(connection: sqlite3.Connection) -> dict[str, int]:
    rows = connection.execute("SELECT id, credits_posted - debits_posted AS posted FROM ledger_account")
    return {row["id"]: row["posted"] for row in rows}


def _synchronous(transaction: sqlite3.Connection) -> str:
    (level,) = transaction.execute("PRAGMA synchronous").fetchone()
    return {0: "off", 1: "normal", 2: "full", 3: "extra"}[level]


def _say(line: str) -> None:
    print(line, file=sys.stderr)
