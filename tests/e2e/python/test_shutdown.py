"""SIGTERM: no new calls, the live ones run out or are ended and settled, then the process goes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway import selftest
from gateway.booking.people.seed import DEMO_PEOPLE
from gateway.sdk.http import HttpClient
from gateway.sdk.problem import ProblemAnswer
from gateway.sdk.receipt import problems_of
from gateway.terms import EndReason, Role

from .light_pair import LightPair
from .stage import Stage, speeches

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ROLES = (Role.CLIENT, Role.PROVIDER, Role.OPERATOR)
PHONES = {person.role: person.phone for person in reversed(DEMO_PEOPLE)}


@asynccontextmanager
async def served(directory: Path, *, drain_s: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`gateway demo` as a process of its own; its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", "demo"),
        *("--data-dir", str(directory), "--http-port", "0", "--media-port", "0"),
        env={**os.environ, "GATEWAY_DRAIN_S": str(drain_s)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while b"companion app" not in (line := await process.stdout.readline()):
                assert line, "it ended before it served"
        yield process, line.split()[-1].decode().rstrip("/")
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def staged(url: str, stack: AsyncExitStack) -> Stage:
    """The demonstration's first people."""
    https = {role: await stack.enter_async_context(HttpClient(url)) for role in ROLES}
    accounts = {role: await http.sign_in(PHONES[role]) for role, http in https.items()}
    return Stage(
        url=url,
        media_port=0,
        client=https[Role.CLIENT],
        provider=https[Role.PROVIDER],
        operator=https[Role.OPERATOR],
        provider_id=accounts[Role.PROVIDER]["id"],
        speeches=speeches(),
        stack=stack,
    )


async def audited(directory: Path) -> bool:
    """Whether the books that the process left are sound."""
    audit = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", "ledger", "audit", "--data-dir", str(directory)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await audit.wait() == 0


async def test_a_terminated_gateway_ends_and_settles_what_is_live_before_it_goes(tmp_path):
    async with served(tmp_path, drain_s=0) as (process, url), AsyncExitStack() as stack:
        pair = await LightPair.talking(await staged(url, stack))
        await pair.caller.until_tick(3)

        process.send_signal(signal.SIGTERM)
        told = await pair.caller.until_ended(), await pair.called.until_ended()
        code = await asyncio.wait_for(process.wait(), 30)

    assert [ended.reason for ended in told] == [EndReason.SHUTDOWN] * 2
    assert problems_of(told[0].receipt) == []
    assert told[0].receipt["billed_s"] + told[0].receipt["free_s"] >= 2
    assert code == 0
    assert await audited(tmp_path)


async def test_a_gateway_that_may_wait_lets_calls_run_out_and_takes_no_more(tmp_path):
    async with served(tmp_path, drain_s=600) as (process, url), AsyncExitStack() as stack:
        stage = await staged(url, stack)
        pair = await LightPair.talking(stage)
        await pair.caller.until_tick(1)

        process.send_signal(signal.SIGTERM)
        last = await pair.caller.until_tick(4)
        async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as ready:
            assert ready.status == 503
            assert (await ready.json())["failing"] == ["accepting"]
        with pytest.raises(ProblemAnswer, match="shutting down") as refused:
            await stage.client.post("/v1/sessions", {"provider_id": stage.provider_id, "kind": "voice"})
        assert refused.value.code == "unavailable"
        await pair.caller.until_tick(last.tick + 2)
        await pair.caller.hang_up()
        ended = await pair.caller.until_ended()
        code = await asyncio.wait_for(process.wait(), 30)

    assert ended.reason is EndReason.HANGUP_CLIENT
    assert ended.receipt["billed_s"] + ended.receipt["free_s"] >= last.tick + 1
    assert code == 0
    assert await audited(tmp_path)


async def test_an_interrupted_gateway_leaves_what_is_live_to_its_next_start(tmp_path):
    async with served(tmp_path, drain_s=600) as (process, url), AsyncExitStack() as stack:
        pair = await LightPair.talking(await staged(url, stack))
        await pair.caller.until_tick(2)

        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        code = await asyncio.wait_for(process.wait(), 30)

    assert code == 0
    assert pair.caller.record.ended is None
    async with selftest.open_house(tmp_path, pairs=1) as again, HttpClient(again.http_url) as operator:
        await operator.sign_in(selftest.OPERATOR)
        assert [live["session"] for live in (await operator.live())["sessions"]] == [pair.caller.session]
