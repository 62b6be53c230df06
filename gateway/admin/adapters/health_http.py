"""`GET /healthz` and `GET /readyz`.

Decides what each answers: `/healthz` speaks of this process alone (a supervisor
restarts what does not answer it), `/readyz` of what new sessions need (a load
balancer sends nobody where it is 503) and names the check that failed.
Never touches a dependency from `/healthz`. A check that takes too long failed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from gateway.admin.ports import LoadReader, LoopLagReader
from gateway.clock import NS, Clock
from gateway.store.ports import Store

_log = structlog.get_logger()

CHECK_NS_MAX = NS
"""How long a readiness check may take."""

ReadyCheck = Callable[[], Awaitable[bool]]
"""Answers whether a dependency is there; raising or taking too long means that it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """What `/healthz` speaks of."""

    clock: Clock
    loop_lag: LoopLagReader
    version: str


def store_is_writable(database: Store) -> ReadyCheck:
    """A check that runs an empty command through the writer and its commit."""

    async def check() -> bool:
        await database.write(lambda _connection: None)
        return True

    return check


def when(question: Callable[[], bool]) -> ReadyCheck:
    """A check that asks a synchronous question: `when(lambda: media.port > 0)`."""

    async def check() -> bool:
        return question()

    return check


def health_routes(
    liveness: Liveness,
    checks: Mapping[str, ReadyCheck],
    *,
    load: LoadReader,
    check_ns_max: int = CHECK_NS_MAX,
) -> list[web.RouteDef]:
    """Both routes, to be handed to the web server as extras.

    `checks` by name, as `/readyz` tells them: `store`, `media`, `accepting` (false while draining).
    A full node stays ready, because the people of running calls come back through the same balancer;
    `load` beside the checks says that it is full and why.
    """
    started_ns = liveness.clock.monotonic_ns()

    async def healthz(_request: web.Request) -> web.Response:
        uptime_s = (liveness.clock.monotonic_ns() - started_ns) // NS
        lag_ms = round(liveness.loop_lag.lag_ms(), 3)
        return web.json_response(
            {"status": "alive", "uptime_s": uptime_s, "loop_lag_ms": lag_ms, "version": liveness.version}
        )

    async def readyz(_request: web.Request) -> web.Response:
        results = await asyncio.gather(*(_holds(check, check_ns_max / NS) for check in checks.values()))
        by_name = dict(zip(checks, results, strict=True))
        is_ready = all(results)
        failing = [name for name, holds in by_name.items() if not holds]
        stands = load.load()
        body = {
            "ready": is_ready,
            "failing": failing,
            "checks": by_name,
            "load": {"state": stands.state, "why": list(stands.why)},
        }
        return web.json_response(body, status=200 if is_ready else 503, headers={"Cache-Control": "no-store"})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


async def _holds(check: ReadyCheck, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            return await check()
    except Exception as failure:
        # Whatever goes wrong in a check, the answer a load balancer needs is "not here".
        _log.warning("ready_check_failed", error=type(failure).__name__)
        return False
