"""What `gateway doctor` looks at before anybody calls: settings, ports, clock, store, keys.

Decides a list of checks, each with a sentence that says what to do. It changes
nothing: ports are bound and let go, the store is opened for reading only.
"""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.app import DATABASE, PAGES
from gateway.booking.adapters.key_files import FOLDER, KeyRing
from gateway.clock import NS, SystemClock, rfc3339
from gateway.config import Settings
from gateway.errors import GatewayError
from gateway.media.adapters.relay_choice import choose
from gateway.store.connection import open_reader
from gateway.store.schema import describe

BUILT_AFTER_NS = 1_767_225_600 * NS
"""1 January 2026: a wall clock before it was never set."""
BUFFER_BYTES_WANTED = 2 * 1024 * 1024
"""Receive buffer that rides out a pause of the event loop under load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str
    """What was found and, where it is wrong, what to do."""


async def examine(settings: Settings) -> list[Check]:
    """Every check, in the order an operator would look."""
    return [check async for check in _checks(settings)]


async def _checks(settings: Settings) -> AsyncIterator[Check]:
    yield Check(name="settings", ok=True, detail=f"environment {settings.environment}")
    yield await asyncio.to_thread(_port, "http_port", settings.http_host, settings.http_port, "tcp")
    for port in range(settings.media_port, settings.media_port + settings.media_ports):
        media_port = port if settings.media_port else 0
        yield await asyncio.to_thread(_port, "media_port", settings.media_host, media_port, "udp")
    yield await asyncio.to_thread(_buffers)
    yield _clock()
    yield await asyncio.to_thread(_keys, settings.data_dir)
    yield await asyncio.to_thread(_store, settings.data_dir)
    yield await asyncio.to_thread(examine_relay, settings.relay)
    yield _pages()
    yield _turn(settings)
    yield await _redis(settings)


def _port(name: str, host: str, port: int, protocol: str) -> Check:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, kind) as sock:
            if protocol == "tcp":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
    except OSError as error:
        detail = f"{host}:{port}/{protocol} cannot be bound: {error.strerror}; is a gateway running already?"
        return Check(name=name, ok=False, detail=detail)
    return Check(name=name, ok=True, detail=f"{host}:{port or 'any'}/{protocol} is free")


def _buffers() -> Check:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES_WANTED)
        given = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    enough = given >= BUFFER_BYTES_WANTED
    detail = f"the kernel gives {given // 1024} kB of receive buffer"
    advice = "" if enough else f"; for a busy node set net.core.rmem_max to {BUFFER_BYTES_WANTED}"
    return Check(name="udp_buffer", ok=True, detail=detail + advice)


def _clock() -> Check:
    clock = SystemClock()
    first, wall_ns, second = clock.monotonic_ns(), clock.wall_ns(), clock.monotonic_ns()
    if second < first or wall_ns < BUILT_AFTER_NS:
        detail = f"it is {rfc3339(wall_ns)} by the wall clock; set it, and run a time service"
        return Check(name="clock", ok=False, detail=detail)
    return Check(name="clock", ok=True, detail=f"it is {rfc3339(wall_ns)}; monotonic time does not step")


def _keys(data_dir: Path) -> Check:
    if not (data_dir / FOLDER).exists():
        return Check(name="keys", ok=True, detail="none yet; they are made at the first start")
    try:
        key_id = KeyRing.load_or_create(data_dir).signer().key_id
    except GatewayError as error:
        return Check(name="keys", ok=False, detail=error.detail)
    return Check(name="keys", ok=True, detail=f"readable by this user alone; receipts are signed by {key_id}")


def _store(data_dir: Path) -> Check:
    path = data_dir / DATABASE
    if not path.exists():
        return Check(name="store", ok=True, detail="none yet; it is made at the first start")
    try:
        connection = open_reader(path)
        try:
            report = describe(connection)
        finally:
            connection.close()
    except (GatewayError, sqlite3.Error) as error:
        return Check(name="store", ok=False, detail=f"{path} cannot be read: {error}")
    if report.problems:
        detail = f"{path} is damaged: {'; '.join(report.problems[:3])}; restore the last backup"
        return Check(name="store", ok=False, detail=detail)
    detail = f"SQLite {report.sqlite_version}, {report.journal_mode}, {len(report.tables)} tables, sound"
    return Check(name="store", ok=True, detail=detail)


def examine_relay(wanted: str) -> Check:
    """Which relay a gateway with that setting runs on, and why."""
    try:
        choice = choose(wanted, SystemClock())
    except GatewayError as error:
        return Check(name="relay", ok=False, detail=error.detail)
    return Check(name="relay", ok=True, detail=f"the {choice.name} relay forwards: {choice.why}")


def _pages() -> Check:
    built = (PAGES / "index.html").exists()
    return Check(name="pages", ok=True, detail="built" if built else "not built; `make setup` builds them")


def _turn(settings: Settings) -> Check:
    if not settings.turn_urls:
        detail = "none set; people behind networks that block UDP cannot talk"
        return Check(name="turn", ok=True, detail=detail)
    detail = f"{', '.join(settings.turn_urls)} with credentials of {settings.turn_ttl_s} s"
    return Check(name="turn", ok=True, detail=detail)


async def _redis(settings: Settings) -> Check:
    if not settings.redis_url:
        return Check(name="redis", ok=True, detail="none set; presence is kept in this process")
    redis = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        return Check(name="redis", ok=False, detail=f"nobody answers: {error}")
    finally:
        await redis.aclose()
    return Check(name="redis", ok=True, detail="answers")
