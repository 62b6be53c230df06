"""A real call on loopback that checks itself.

Decides what a working gateway must show: two headless legs sign in, ring, speak
and hear, and the bill is what the seconds cost by arithmetic that is not the
gateway's own (`sdk/receipt.py`). `serve` opens the same gateway for load tests.
Never touches a running installation: store, keys and ports are its own and temporary.
See docs/operations.md, "Self-test".
"""

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import app
from gateway.admin.adapters.logging import configure_logging
from gateway.booking.people.seed import DEMO_PEOPLE, SeedPerson, crowd
from gateway.clock import NS
from gateway.sdk.http import Body, HttpClient
from gateway.sdk.participant import Participant
from gateway.sdk.problem import NothingCame, ProblemAnswer, SocketLost
from gateway.sdk.receipt import canonical, owed_micros, problems_of
from gateway.sdk.record import Record
from gateway.sdk.speech import Speech
from gateway.terms import Role, SessionKind

SPEECH_FILE = Path(__file__).parent / "assets" / "speech.ogg"
SECONDS_USUAL = 12
"""Longer than what the usual tariff gives away."""
SECONDS_MAX = 600
SECONDS_SHORT_MAX = 2
"""How many seconds below what was spoken a bill may be: one at each end."""
STOP_ALLOWANCE_NS = NS // 4
"""How long after the hang-up was sent the gateway may have gone on counting."""
PRICE_MICROS_PER_MINUTE = 3_000_000
WALLET_MICROS = 1_000_000_000
OPERATOR = next(person.phone for person in DEMO_PEOPLE if person.role is Role.OPERATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelftestResult:
    """What was seen; `--json` prints it as it stands."""

    ok: bool
    """Nothing was wrong."""
    billed_s: int
    """Seconds on the receipt."""
    elapsed_s: float
    """Seconds from the start to the hang-up by the caller's own clock."""
    cost_micros: int
    """What was charged."""
    first_audio_ms: int
    """From acceptance to the first packet the caller heard."""
    receipt_file: str
    """Where the receipt is, in its canonical form."""
    evidence_file: str
    """Where the evidence bundle is."""
    relay: str
    """Which relay forwarded the voice, as the gateway says."""
    problems: list[str]
    """What was wrong, in sentences."""


async def run(*, seconds: int = SECONDS_USUAL, directory: Path | None = None) -> SelftestResult:
    """Make the call; receipt and evidence stay in `directory` (default: a new temporary one)."""
    kept = directory or Path(tempfile.mkdtemp(prefix="gateway-selftest-"))
    kept.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-selftest-store-"))
        house = await stack.enter_async_context(open_house(Path(home), pairs=1))
        call = await stack.enter_async_context(_Call.open(house))
        try:
            await call.talk(seconds)
        except (NothingCame, ProblemAnswer, SocketLost) as failed:
            call.problems.append(f"the call failed: {failed}")
        return await call.result(kept)


@asynccontextmanager
async def open_house(
    directory: Path,
    *,
    pairs: int,
    price_micros_per_minute: int = PRICE_MICROS_PER_MINUTE,
    wallet_micros: int = WALLET_MICROS,
    **changes: Any,
) -> AsyncIterator[app.Gateway]:
    """A whole gateway in this process, on loopback and free ports, with its store in `directory`.

    Its people are `crowd(pairs)`: everybody signs in with the code the answer carries. `changes` are
    settings other than a rehearsal's.
    """
    opening = app.rehearsal(
        directory,
        people=people(pairs, price_micros_per_minute=price_micros_per_minute, wallet_micros=wallet_micros),
    )
    gateway = await app.start(replace(opening, settings=replace(opening.settings, **changes)))
    try:
        yield gateway
    finally:
        await gateway.close()


def people(pairs: int, *, price_micros_per_minute: int, wallet_micros: int) -> tuple[SeedPerson, ...]:
    """An operator, clients with money, and providers who offer both kinds."""
    operators = tuple(person for person in DEMO_PEOPLE if person.role is Role.OPERATOR)
    return operators + crowd(
        pairs, price_micros_per_minute=price_micros_per_minute, wallet_micros=wallet_micros
    )


def phones(pairs: int) -> list[tuple[str, str]]:
    """(client, provider) of each pair."""
    members = crowd(pairs, price_micros_per_minute=0, wallet_micros=0)
    return [(members[at].phone, members[at + pairs].phone) for at in range(pairs)]


class _Call:
    """One self-checking call."""

    def __init__(self, house: app.Gateway, https: Sequence[HttpClient]) -> None:
        self.problems: list[str] = []
        self._house = house
        self._client, self._provider, self._operator = https
        self._ends: list[Participant] = []
        self._before: tuple[int, int] = (0, 0)

    @classmethod
    @asynccontextmanager
    async def open(cls, house: app.Gateway) -> AsyncIterator["_Call"]:
        """Sign client, provider and operator in."""
        async with AsyncExitStack() as stack:
            https = [await stack.enter_async_context(HttpClient(house.http_url)) for _ in range(3)]
            call = cls(house, https)
            stack.push_async_callback(call._leave)
            for http, phone in zip(https, (*phones(1)[0], OPERATOR), strict=True):
                await http.sign_in(phone)
            yield call

    async def talk(self, seconds: int) -> None:
        """Ring, accept, connect, speak for `seconds`, hang up."""
        speech = Speech.load(SPEECH_FILE)
        self._before = await self._money()
        for http in (self._client, self._provider):
            self._ends.append(await Participant.join(self._house.http_url, str(http.token), speech=speech))
        caller, called = self._ends
        await called.go_online()
        provider_id, tariff_hash = await self._offer()
        await caller.invite(provider_id, SessionKind.VOICE, tariff_hash)
        await called.accept_next()
        await asyncio.gather(caller.connect(), called.connect())
        await asyncio.gather(caller.until_started(), called.until_started())
        await asyncio.sleep(caller.record.started_at_ns / NS + seconds - time.monotonic())
        await caller.hang_up()
        await asyncio.gather(caller.until_ended(), called.until_ended())
        await asyncio.gather(caller.report(), called.report())

    async def result(self, directory: Path) -> SelftestResult:
        """Check everything that can be checked, and keep receipt and evidence in `directory`."""
        files = {"receipt": "", "evidence": ""}
        receipt: Body = {}
        if self._ends and self._ends[0].record.ended is not None:
            session = str(self._ends[0].session)
            bodies = {
                "receipt": await self._client.receipt(session),
                "evidence": await self._client.evidence(session),
            }
            for name, body in bodies.items():
                file = directory / f"{name}-{session}.json"
                file.write_bytes(canonical(body))
                files[name] = str(file)
            receipt = bodies["receipt"]
            await self._check(receipt)
        record = self._ends[0].record if self._ends else Record()
        return SelftestResult(
            ok=not self.problems,
            billed_s=int(receipt.get("billed_s", 0)),
            elapsed_s=round(max(0, record.hung_up_at_ns - record.started_at_ns) / NS, 3),
            cost_micros=int(receipt.get("charge_micros", 0)),
            first_audio_ms=record.first_audio_ms or 0,
            receipt_file=files["receipt"],
            evidence_file=files["evidence"],
            relay=self._house.relay,
            problems=self.problems,
        )

    async def _check(self, receipt: Body) -> None:
        caller, called = (end.record for end in self._ends)
        billed_s, charge = receipt["billed_s"], receipt["charge_micros"]
        spoken_ns = caller.hung_up_at_ns - caller.started_at_ns
        begun_ns = max(caller.confirmed_at_ns, called.confirmed_at_ns)
        most_s = (caller.hung_up_at_ns + STOP_ALLOWANCE_NS - begun_ns) // NS
        self._expect(billed_s <= most_s, f"{billed_s} s were billed, at most {most_s} s were spoken")
        least_s = spoken_ns // NS - SECONDS_SHORT_MAX
        self._expect(billed_s >= least_s, f"{billed_s} s were billed, at least {least_s} s were spoken")
        owed = owed_micros(receipt["tariff"], billed_s + receipt["free_s"])
        self._expect(charge == owed, f"{charge} micros were charged, {owed} are owed")
        self.problems += problems_of(receipt)
        for name, seen in (("caller", caller), ("called", called)):
            is_same = seen.ended is not None and seen.ended.receipt == receipt
            self._expect(is_same, f"the {name} was told another receipt than HTTP gives")
        paid, earned = (abs(a - b) for a, b in zip(self._before, await self._money(), strict=True))
        self._expect(paid == charge, f"the wallet lost {paid} micros, {charge} were charged")
        share = receipt["earned_micros"]
        self._expect(earned == share, f"the provider's pending grew by {earned} micros instead of {share}")
        for name, end in zip(("caller", "called"), self._ends, strict=True):
            is_heard = end.peer is not None and end.peer.hearing.voiced_frames > 0
            self._expect(is_heard, f"the {name} heard no voice")
        books = await self._operator.audited()
        broken = [item["name"] for item in books["items"] if not item["ok"]]
        self._expect(bool(books["ok"]), f"the ledger's invariants are broken: {', '.join(broken)}")

    def _expect(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            self.problems.append(otherwise)

    async def _offer(self) -> tuple[str, str]:
        provider_id = str((await self._provider.me())["id"])
        offers = (await self._client.provider(provider_id))["offers"]
        (tariff_hash,) = [offer["tariff_hash"] for offer in offers if offer["kind"] == SessionKind.VOICE]
        return provider_id, str(tariff_hash)

    async def _money(self) -> tuple[int, int]:
        pending = (await self._provider.earnings())["pending"]
        return await self._client.available_micros(), int(pending["micros"])

    async def _leave(self) -> None:
        for end in self._ends:
            await end.leave()


command = typer.Typer(add_completion=False, help=__doc__)


@command.command(name="run")
def run_command(
    seconds: Annotated[int, typer.Option(min=1, max=SECONDS_MAX)] = SECONDS_USUAL,
    directory: Annotated[Path | None, typer.Option(help="Where receipt and evidence are kept.")] = None,
) -> None:
    """Make the call and print what was seen as one JSON object."""
    configure_logging(is_json=False, level="warning")
    result = asyncio.run(run(seconds=seconds, directory=directory))
    sys.stdout.write(json.dumps(asdict(result)) + "\n")
    raise typer.Exit(0 if result.ok else 1)


@command.command()
def serve(
    directory: Annotated[Path, typer.Option(help="Where the store and the keys are put.")],
    pairs: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Open a gateway full of people for a load test; says where in one line, ends at SIGTERM."""
    import uvloop

    configure_logging(is_json=False, level="warning")
    uvloop.run(_serve(directory, pairs))


async def _serve(directory: Path, pairs: int) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with open_house(directory, pairs=pairs) as house:
        members = [{"client": client, "provider": provider} for client, provider in phones(pairs)]
        ready = {"url": house.http_url, "operator": OPERATOR, "pairs": members}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    command()
