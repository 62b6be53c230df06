"""`python -m loadtest`: proof under load, one subcommand each.

Decides how results are shown: progress on standard error, then one JSON object
with `--json` or a line per number without. Exit status 0 only where `ok`.
Never runs anything itself; each subcommand has its module.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from loadtest import calls as calls_run
from loadtest import video as video_run
from loadtest.crash import run as crash_run
from loadtest.crowd.crowd import Habits
from loadtest.crowd.mishap import Shares
from loadtest.fuzz import run as fuzz_run
from loadtest.ledger import run as ledger_run
from loadtest.meters import run as meters_run
from loadtest.relay import plot as plot_run
from loadtest.relay import run as relay_run
from loadtest.relay import sweep as sweep_run
from loadtest.relay.turn import CONTENDERS
from loadtest.simulation import mutate as mutate_run
from loadtest.simulation import run as simulate_run

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@app.callback()
def main() -> None:
    """Proof under load, against a gateway started for it on loopback."""


@app.command()
def calls(  # noqa: PLR0917 typer's options, never called by position
    calls: Annotated[int, typer.Option(min=1, max=calls_run.CALLS_MAX, help="Calls at the same time.")] = 50,
    seconds: Annotated[
        int, typer.Option(min=1, max=calls_run.SECONDS_MAX, help="Length of the counted span.")
    ] = 20,
    rounds: Annotated[
        int, typer.Option(min=1, max=calls_run.ROUNDS_MAX, help="Hang up all and call again, so many times.")
    ] = 1,
    arrivals: Annotated[
        float, typer.Option(min=0.1, max=calls_run.ARRIVALS_MAX, help="Invitations in a second.")
    ] = 40,
    dtx: Annotated[bool, typer.Option("--dtx", help="Talk spurts with pauses between them.")] = False,
    loss: Annotated[float, typer.Option(min=0, max=50, help="Percent of packets that never leave.")] = 0,
    jitter: Annotated[float, typer.Option(min=0, max=500, help="Packets leave up to so many ms late.")] = 0,
    roam: Annotated[float, typer.Option(min=0, max=0.5, help="Share of legs that change address.")] = 0,
    mute: Annotated[float, typer.Option(min=0, max=0.5, help="Share of people who mute for a while.")] = 0,
    kill: Annotated[float, typer.Option(min=0, max=0.5, help="Share of legs that die with their app.")] = 0,
    profile: Annotated[Path | None, typer.Option(help="Write a profile of the gateway there.")] = None,
    profile_setups: Annotated[bool, typer.Option(help="Of the set-ups, not of the counted span.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Many calls at once: packets, ticks, bills and the ledger."""
    wish = calls_run.Wish(
        calls=calls,
        seconds=seconds,
        rounds=rounds,
        arrivals=arrivals,
        habits=Habits(has_silences=dtx, loss=loss / 100, jitter_ms=jitter),
        shares=Shares(roam=roam, mute=mute, kill=kill),
        profile=profile,
        is_setup_profiled=profile_setups,
    )
    _show(uvloop.run(calls_run.run(wish)), as_json=as_json)


@app.command()
def crash(
    kills: Annotated[int, typer.Option(min=1, max=crash_run.KILLS_MAX, help="How often it is killed.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Chooses moments and people's habits.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Leave the gateway's file and log there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Kill the real process with real calls on it, and look at its file from outside."""
    _show(uvloop.run(crash_run.run(kills, seed=seed, keep=keep)), as_json=as_json)


@app.command()
def fuzz(
    datagrams: Annotated[
        int, typer.Option(min=1, max=fuzz_run.DATAGRAMS_MAX, help="Broken datagrams and messages in all.")
    ] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Chooses what is broken and how.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Broken datagrams, offers and messages into a running gateway, beside calls that must not notice."""
    _show(uvloop.run(fuzz_run.run(datagrams, seed=seed)), as_json=as_json)


@app.command()
def ledger(
    seconds: Annotated[
        int, typer.Option(min=1, max=ledger_run.SECONDS_MAX, help="Length of each judged run.")
    ] = 8,
    folder: Annotated[Path | None, typer.Option(help="Where the files lie; a disk, not memory.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Durable ledger commands per second, beside one commit for each in the same run."""
    _show(uvloop.run(ledger_run.run(seconds=seconds, folder=folder)), as_json=as_json)


@app.command()
def meters(
    sessions: Annotated[
        int, typer.Option(min=1, max=meters_run.SESSIONS_MAX, help="Live sessions at the same time.")
    ] = 1_000,
    seconds: Annotated[
        int, typer.Option(min=1, max=meters_run.SECONDS_MAX, help="Length of the counted span.")
    ] = 60,
    profile: Annotated[Path | None, typer.Option(help="Write a profile of the gateway there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """One gateway process that meters many sessions; media simulated, everything else real."""
    _show(uvloop.run(meters_run.run(sessions, seconds, profile=profile)), as_json=as_json)


@app.command()
def relay(
    calls: Annotated[int, typer.Option(min=1, max=relay_run.CALLS_MAX, help="Calls at the same time.")] = 200,
    seconds: Annotated[
        int, typer.Option(min=1, max=relay_run.SECONDS_MAX, help="Length of each server's round.")
    ] = 6,
    rounds: Annotated[int, typer.Option(min=1, max=relay_run.ROUNDS_MAX, help="Turns of each server.")] = 3,
    against: Annotated[
        str, typer.Option(help=f"Beside the native relay, separated by commas: {', '.join(CONTENDERS)}.")
    ] = "floor,python",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """What forwarding a packet costs the native relay, its twin, other servers, and a bare forwarder."""
    _show(relay_run.run(calls, seconds, rounds=rounds, against=_known(against)), as_json=as_json)


@app.command()
def sweep(
    into: Annotated[Path, typer.Argument(help="The file that keeps the points.")],
    seconds: Annotated[int, typer.Option(min=1, max=relay_run.SECONDS_MAX, help="Length of each turn.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, max=relay_run.ROUNDS_MAX, help="Turns of each.")] = 1,
    against: Annotated[str, typer.Option(help="Servers, separated by commas.")] = ",".join(CONTENDERS),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """`relay` at several numbers of calls, for the tables and pictures of docs/performance.md."""
    _show(sweep_run.run(into, seconds, rounds=rounds, against=_known(against)), as_json=as_json)


@app.command()
def plot(
    docs: Annotated[Path, typer.Argument(help="The folder of documents, with its measurements.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Draw the pictures and fill the tables of docs/performance.md."""
    _show(plot_run.run(docs), as_json=as_json)


@app.command()
def simulate(  # noqa: PLR0917 typer's options, never called by position
    sessions: Annotated[
        int, typer.Option(min=1, help="Simulated sessions; of one world with --world.")
    ] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="Chooses every world.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = simulate_run.WORKERS_MAX,
    world: Annotated[int | None, typer.Option(help="Replay this one world, in this process.")] = None,
    only: Annotated[str | None, typer.Option(help="Fault kinds left to that world, or none.")] = None,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Plant bugs and see whether they are found.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """The services on virtual time, with faults everywhere and an independent auditor."""
    if mutate:
        result = mutate_run.run(seed, workers=workers)
    elif world is None:
        result = simulate_run.run(sessions, seed, workers=workers)
    else:
        kinds = None if only is None else simulate_run.kinds_of(only)
        result = simulate_run.replay(world, sessions=sessions, only=kinds)
    _show(result, as_json=as_json)


@app.command()
def video(
    seconds: Annotated[
        int, typer.Option(min=5, max=video_run.SECONDS_MAX, help="How long they see each other.")
    ] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Two Chromium with a demanding picture: what bandwidth they find through the gateway."""
    _show(uvloop.run(video_run.run(seconds)), as_json=as_json)


def _known(servers: str) -> list[str]:
    names = servers.split(",")
    if unknown := set(names) - set(CONTENDERS):
        raise typer.BadParameter(f"no server is called {', '.join(sorted(unknown))}")
    return names


def _show(result: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")
    raise typer.Exit(0 if result["ok"] else 1)


if __name__ == "__main__":
    app()
