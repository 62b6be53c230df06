"""A gateway in this process and Chromium instances that click through its pages."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from gateway import selftest
from gateway.clock import NS, SystemClock
from gateway.sdk.http import Body, HttpClient

SCRIPTS = Path(__file__).parents[3] / "web" / "e2e"
CLIPS = Path("/usr/share/pocketsphinx/test/data/librivox")
MICROS_PER_SECOND = 50_000
"""3 CNY a minute."""


def speech() -> Path:
    """A recording of a person reading, for the browsers' microphones."""
    return max(CLIPS.glob("*.wav"), key=lambda clip: clip.stat().st_size)


async def browsed(url: str, out: Path, *, script: str = "call.mjs", **options: Any) -> Body:
    """What the pages showed; fails with what went wrong."""
    (client, provider) = selftest.phones(1)[0]
    asked = {
        "base": url,
        "wav": str(speech()),
        "out": str(out),
        "client_phone": client,
        "provider_phone": provider,
        "operator_phone": selftest.OPERATOR,
        **options,
    }
    process = await asyncio.create_subprocess_exec(
        "node",
        str(SCRIPTS / script),
        json.dumps(asked),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert stdout, stderr.decode()[-2_000:]
    seen: Body = json.loads(stdout)
    assert seen["ok"], (seen["failures"], stderr.decode()[-2_000:])
    return seen


async def signed_in(url: str) -> tuple[HttpClient, HttpClient, HttpClient]:
    """Client, provider and operator over the API, to look at the same things from outside."""
    https = tuple(HttpClient(url) for _ in range(3))
    for http, phone in zip(https, (*selftest.phones(1)[0], selftest.OPERATOR), strict=True):
        await http.sign_in(phone)
    return https[0], https[1], https[2]


class PastClock(SystemClock):
    """The machine's clocks, some days ago: what happens there has matured by now."""

    def __init__(self, *, days: int) -> None:
        super().__init__()
        self._back_ns = days * 86_400 * NS

    def wall_ns(self) -> int:
        """CLOCK_REALTIME less those days."""
        return time.time_ns() - self._back_ns
