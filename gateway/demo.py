"""`gateway serve` and `gateway demo`: run until told to stop.

Decides what is printed at the start, and what signals mean: SIGTERM drains before
it closes, so that every session is ended and settled; SIGINT closes at once and
leaves live sessions to the next start. A second signal cuts a drain short.
The demonstration adds people and money and shows where to look.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence

from gateway.app import Gateway, Opening, start
from gateway.booking.people.offer import headline
from gateway.booking.people_service import Seeded
from gateway.collector import calm_collector
from gateway.config import Settings
from gateway.money import written
from gateway.terms import Role


async def serve(opening: Opening) -> None:
    """Open the gateway, say where it is, and close it as a signal says."""
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_by(*, is_hurried: bool) -> None:
        if is_hurried or stop.is_set():
            hurry.set()
        stop.set()

    loop.add_signal_handler(signal.SIGINT, lambda: stop_by(is_hurried=True))
    loop.add_signal_handler(signal.SIGTERM, lambda: stop_by(is_hurried=False))
    gateway = await start(opening)
    try:
        async with calm_collector():
            sys.stdout.write(greeting(gateway, opening.settings))
            sys.stdout.flush()
            await stop.wait()
            await drained(gateway, hurry)
    finally:
        await gateway.close()


async def drained(gateway: Gateway, hurry: asyncio.Event) -> None:
    """Drain until nothing is live, or until somebody is in a hurry."""
    if hurry.is_set():
        return
    async with asyncio.TaskGroup() as group:
        tasks = group.create_task(gateway.drain()), group.create_task(hurry.wait())
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


def greeting(gateway: Gateway, settings: Settings) -> str:
    """What the operator reads first."""
    url = gateway.http_url
    or_tcp = "" if gateway.tcp_port is None else f" or TCP port {gateway.tcp_port}"
    lines = [
        "",
        f"  companion app     {url}/",
        f"  provider console  {url}/provider",
        f"  operator page     {url}/ops",
        f"  API reference     {url}/docs",
        f"  calls             UDP port {gateway.media_port}{or_tcp} ({gateway.relay} relay)",
        "",
    ]
    if settings.is_demo:
        lines += ["  Sign in with any of these numbers; the page shows the code.", ""]
        lines += people(gateway.seeded, settings.currency)
        lines += [
            "",
            "  Open the console in one window and go online, the app in another, and call.",
            "  Ctrl-C stops; live sessions may resume within 15 s of the next start.",
            "",
        ]
    return "\n".join(lines) + "\n"


def people(seeded: Sequence[Seeded], currency: str) -> list[str]:
    """One line for each seeded person."""
    lines = []
    for each in seeded:
        person = each.person
        what = f"{written(person.wallet_micros, currency)} in the wallet" if person.wallet_micros else ""
        if person.role is Role.PROVIDER:
            offers = ((kind, *headline(tariff)) for kind, tariff in person.tariffs(currency).items())
            what = ", ".join(f"{kind} {written(micros, currency)} a {unit}" for kind, micros, unit in offers)
        lines.append(f"  {person.phone:<16}{person.role:<10}{person.nickname:<16}{what}".rstrip())
    return lines
