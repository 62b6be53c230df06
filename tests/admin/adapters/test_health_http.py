"""Alive is about this process; ready is about what it needs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin.adapters.health_http import (
    Liveness,
    ReadyCheck,
    health_routes,
    store_is_writable,
    when,
)
from gateway.clock import NS, ManualClock
from gateway.store.database import Database
from tests.admin.fakes import FakeParts, load_reading

pytestmark = pytest.mark.adapter


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def asked(
    path: str, clock: ManualClock, *, seconds: int = 0, parts: FakeParts | None = None, **checks: ReadyCheck
) -> tuple[int, dict[str, Any]]:
    liveness = Liveness(clock=clock, loop_lag=FakeParts(), version="1.2.3")
    application = web.Application()
    application.add_routes(health_routes(liveness, checks, load=parts or FakeParts(), check_ns_max=NS // 100))
    clock.advance(seconds=seconds)
    async with TestClient(TestServer(application)) as client:
        answer = await client.get(path)
        return answer.status, await answer.json()


async def hanging() -> bool:
    await asyncio.Event().wait()
    return True


async def broken() -> bool:
    raise RuntimeError("no such port")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "ready.db", ())
    yield opened
    await opened.close()


async def test_a_living_process_says_so_whatever_it_depends_on(clock: ManualClock) -> None:
    status, body = await asked("/healthz", clock, seconds=12, store=broken)

    assert (status, body) == (
        200,
        {"status": "alive", "uptime_s": 12, "loop_lag_ms": 0.0, "version": "1.2.3"},
    )


async def test_ready_where_every_check_holds(clock: ManualClock) -> None:
    status, body = await asked("/readyz", clock, media=when(lambda: True), accepting=when(lambda: True))

    assert (status, body) == (
        200,
        {
            "ready": True,
            "failing": [],
            "checks": {"media": True, "accepting": True},
            "load": {"state": "open", "why": []},
        },
    )


@pytest.mark.parametrize("failing", [when(lambda: False), hanging, broken])
async def test_one_failing_check_is_named_with_503(clock: ManualClock, failing: ReadyCheck) -> None:
    status, body = await asked("/readyz", clock, media=failing, accepting=when(lambda: True))

    assert (status, body["ready"], body["failing"]) == (503, False, ["media"])


async def test_a_store_that_takes_writes_is_ready(clock: ManualClock, database: Database) -> None:
    check = store_is_writable(database)

    assert await check()


async def test_a_closed_store_is_not_ready(clock: ManualClock, database: Database) -> None:
    await database.close()

    status, body = await asked("/readyz", clock, store=store_is_writable(database))

    assert (status, body["failing"]) == (503, ["store"])


async def test_a_full_node_stays_ready_and_says_that_it_is_full(clock: ManualClock) -> None:
    parts = FakeParts()
    parts.stands = load_reading(state="full", why=("cpu",))

    status, body = await asked("/readyz", clock, parts=parts, accepting=when(lambda: True))

    assert (status, body["ready"], body["load"]) == (200, True, {"state": "full", "why": ["cpu"]})
