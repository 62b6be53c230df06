"""The gateway process of a run under load: a whole gateway, with its real media plane or the simulated one.

Decides who is seeded (`gateway/selftest.py` has the people), that new calls are judged by load where media is
real, and, with `--profile`, that what the event loop's thread does between SIGUSR1 and SIGUSR2 (or the end) is
profiled. Runs as a serving gateway does, with its calm collector and its own pace of looking at the books.
Says where it is in one line, as `gateway.selftest serve` does; ends at SIGTERM.

    python -m loadtest.serving --simulated --pairs 1000 --directory DIR
"""

import asyncio
import cProfile
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from gateway import app, selftest
from gateway.admin.adapters.logging import configure_logging
from gateway.collector import calm_collector
from gateway.config import Settings
from loadtest.meters.plane import simulated_plane


def serve(
    directory: Annotated[Path, typer.Option(help="Where the store and the keys are put.")],
    pairs: Annotated[int, typer.Option(min=1)] = 1,
    profile: Annotated[Path | None, typer.Option(help="Where a profile is written.")] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Legs that always talk, without a packet.")
    ] = False,
) -> None:
    """Open the gateway and wait for SIGTERM."""
    configure_logging(is_json=False, level="warning")
    uvloop.run(_serve(_opening(directory, pairs, is_simulated=simulated), pairs, profile))


async def _serve(opening: app.Opening, pairs: int, profile: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    profiler = cProfile.Profile()
    if profile is not None:
        loop.add_signal_handler(signal.SIGUSR1, profiler.enable)
        loop.add_signal_handler(signal.SIGUSR2, profiler.disable)
    gateway = await app.start(opening)
    try:
        members = [{"client": client, "provider": provider} for client, provider in selftest.phones(pairs)]
        ready = {"url": gateway.http_url, "operator": selftest.OPERATOR, "pairs": members}
        async with calm_collector():
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            await stop.wait()
    finally:
        profiler.disable()
        await gateway.close()
    if profile is not None:
        profiler.dump_stats(profile)


def _opening(directory: Path, pairs: int, *, is_simulated: bool) -> app.Opening:
    settings = Settings(environment="demo", data_dir=directory, http_port=0, media_port=0)
    people = selftest.people(
        pairs,
        price_micros_per_minute=selftest.PRICE_MICROS_PER_MINUTE,
        wallet_micros=selftest.WALLET_MICROS,
    )
    if is_simulated:
        return app.Opening(settings=settings.unjudged(), people=people, media=simulated_plane)
    return app.Opening(settings=settings, people=people)


if __name__ == "__main__":
    typer.run(serve)
