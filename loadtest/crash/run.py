"""Kills a gateway many times while people call, lets everything settle, and judges from outside.

Decides what is good enough: not a micro unit astray, nothing charged twice, no
hold left, no second billed that the legs did not see, and at most one second of
a live session lost in a kill. The same seed makes the same choices, not the same
run: the calls are real and take the time they take.
Never more kills than the bound below; stops by itself.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from aiortc.rtcdtlstransport import RTCCertificate

from gateway.sdk.http import HttpClient
from gateway.sdk.receipt import problems_of
from loadtest.auditor.auditor import audit_file
from loadtest.crash import books, diary
from loadtest.crash.killer import Killer
from loadtest.crash.pair import Pair
from loadtest.crash.person import Person
from loadtest.crash.stage import Stage
from loadtest.house import House, Ready, split_cores
from loadtest.metronome import Metronome
from loadtest.voice import Recording

KILLS_MAX = 1_000
PAIRS = 12
STEADY_PAIRS = 3
SPEECH = Path(__file__).parents[2] / "gateway" / "assets" / "speech.ogg"
SETTLE_S = 150.0
"""How long the last sessions may take to be over."""
VERIFIED_MAX = 12
"""Receipts given to `gateway receipt verify`, which starts a process for each."""
DATABASE = "gateway.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was found; `--json` prints it as it stands."""

    ok: bool
    """Every bound of this module is kept."""
    kills: int
    live_sessions_hit: int
    """Sessions whose seconds counted at a kill, summed over kills."""
    drift_micros: int
    """Money that is not where the receipts say."""
    double_charges: int
    stuck_holds: int
    lost_s_max: int
    """Most seconds that one session lost in one kill: ended, acknowledged by both apps, and not billed."""
    lost_s: int
    """The same, summed over all sessions and kills."""
    overbilled_s: int
    """Seconds billed during which the two legs did not hear each other."""
    unsettled: int
    """Sessions that are not over although everybody waited."""
    sessions: int
    receipts: int
    charged_micros: int
    moments: dict[str, int]
    """Kills by what they were aimed at."""
    end_reasons: dict[str, int]
    refusals: dict[str, int]
    """What the gateway refused, by code; a call is then tried again."""
    audit_complaints: int
    """What the independent auditor had to say about the file."""
    receipts_verified: int
    """Receipts that `gateway receipt verify` was given, evidence and all."""
    wall_s: float
    problems: tuple[str, ...]
    """Up to twenty sentences about what was wrong."""


async def run(kills: int, *, seed: int, keep: Path | None = None) -> dict[str, object]:
    """The whole run; `keep` is a directory in which the gateway's file and log stay."""
    core = split_cores()
    with contextlib.ExitStack() as stack:
        where = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-")))
        where.mkdir(parents=True, exist_ok=True)
        return asdict(await _run(where, kills, seed=seed, core=core))


async def _run(directory: Path, kills: int, *, seed: int, core: int | None) -> Result:
    began = time.monotonic()
    stage, metronome = Stage(), Metronome()
    pairs: list[Pair] = []

    def before_kill() -> None:
        for story in (pair.open_story for pair in pairs):
            if story is not None and story.is_metering and not story.is_hung_up:
                story.hits.append(stage.life)

    killer = Killer(stage, directory, pairs=PAIRS, core=core, seed=f"{seed}/killer", before_kill=before_kill)
    async with killer.house() as first:
        pairs += _people(first.ready, stage, metronome, seed)
    metronome.start()
    living = [asyncio.ensure_future(pair.run()) for pair in pairs]
    try:
        for number in range(1, kills + 1):
            await killer.kill_next()
            calls = sum(len(pair.stories) for pair in pairs)
            _say(f"kill {number} of {kills} after {time.monotonic() - began:.0f} s, {calls} calls so far")
        problems = await _settled(killer.house(), stage, living)
    finally:
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)
        await metronome.stop()
    _say("looking at the file")
    return await _judged(
        directory, kills=kills, stage=stage, pairs=pairs, killer=killer, problems=problems, began=began
    )


def _people(ready: Ready, stage: Stage, metronome: Metronome, seed: int) -> list[Pair]:
    recording, certificate = Recording.load(SPEECH), RTCCertificate.generateCertificate()

    def person(phone: str, side: str) -> Person:
        return Person(
            phone,
            side,
            stage=stage,
            metronome=metronome,
            recording=recording,
            certificate=certificate,
        )

    return [
        Pair(
            person(pair.client, "client"),
            person(pair.provider, "provider"),
            stage=stage,
            seed=f"{seed}/{number}",
            is_steady=number < STEADY_PAIRS,
        )
        for number, pair in enumerate(ready.pairs)
    ]


async def _settled(house: House, stage: Stage, living: Sequence["asyncio.Future[None]"]) -> list[str]:
    """Start a last gateway, let everybody finish, and stop it in order."""
    problems = []
    async with house:
        stage.is_over = True
        stage.rise(house.ready.url)
        _say("no more kills; the last calls end")
        _, late = await asyncio.wait(living, timeout=SETTLE_S)
        if late:
            problems.append(f"{len(late)} pairs did not finish within {SETTLE_S} s")
        async with HttpClient(house.ready.url) as http:
            await http.sign_in(house.ready.operator)
            found = await http.audited()
            problems += [f"invariant broken: {item['name']}" for item in found["items"] if not item["ok"]]
    return problems


async def _judged(
    directory: Path,
    *,
    kills: int,
    stage: Stage,
    pairs: Sequence[Pair],
    killer: Killer,
    problems: list[str],
    began: float,
) -> Result:
    found = books.read(directory / DATABASE)
    compared = diary.compared(
        (story for pair in pairs for story in pair.stories), found.bundles, stage.killed_at_ns
    )
    verdict = audit_file(directory / DATABASE)
    verified, refused = await _verified(directory, found)
    receipts = {session: json.loads(body) for session, body in found.receipts.items()}
    problems += [problem for pair in pairs for problem in pair.problems]
    problems += [f"{session}: {said}" for session, body in receipts.items() for said in problems_of(body)]
    problems += [*found.problems, *compared.problems, *refused]
    if found.lacking:
        problems.append(f"{found.lacking} settled sessions have no receipt")
    problems += [str(complaint) for complaint in verdict.complaints]
    bounds = (
        not problems,
        found.drift_micros == 0,
        found.double_charges == 0,
        found.stuck_holds == 0,
        found.unsettled == 0,
        compared.lost_s_max <= 1,
        compared.beyond_s == 0,
    )
    return Result(
        ok=all(bounds),
        kills=kills,
        live_sessions_hit=compared.hits,
        drift_micros=found.drift_micros,
        double_charges=found.double_charges,
        stuck_holds=found.stuck_holds,
        lost_s_max=compared.lost_s_max,
        lost_s=compared.lost_s,
        overbilled_s=compared.beyond_s,
        unsettled=found.unsettled,
        sessions=found.sessions,
        receipts=len(found.receipts),
        charged_micros=found.charged_micros,
        moments={str(moment): count for moment, count in sorted(killer.moments.items())},
        end_reasons=dict(sorted(Counter(body["end_reason"] for body in receipts.values()).items())),
        refusals=dict(sum((pair.refusals for pair in pairs), Counter[str]())),
        audit_complaints=sum(verdict.rules.values()),
        receipts_verified=verified,
        wall_s=round(time.monotonic() - began, 1),
        problems=tuple(problems[:20]),
    )


async def _verified(directory: Path, found: books.Books) -> tuple[int, list[str]]:
    """Give the longest records to the product's own offline verifier."""
    problems = []
    longest = sorted(found.bundles, key=lambda session: -len(found.bundles[session]))[:VERIFIED_MAX]
    for session in longest:
        receipt = directory / f"receipt-{session}.json"
        receipt.write_bytes(found.receipts[session])
        (directory / f"evidence-{session}.json").write_bytes(found.bundles[session])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli", "receipt", "verify", str(receipt)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        if process.returncode:
            problems.append(f"{session}: {said.decode(errors='replace').strip()}")
    return len(longest), problems


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
