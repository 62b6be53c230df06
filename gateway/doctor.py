"""What `gateway doctor` looks at before anybody calls: settings, ports, clock, store, keys, TURN.

Decides a list of checks, each with a sentence that says what to do. It changes
nothing: ports are bound and let go, the store is opened for reading only, and
what a TURN server allocates is given back.
"""

import asyncio
import ipaddress
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
from gateway.media.adapters.plane import candidate_addresses
from gateway.media.adapters.relay_choice import choose
from gateway.media.adapters.turn_probe import probe
from gateway.media.adapters.udp import ask_for_buffers, buffer_advice, family_of, granted_buffers
from gateway.media.turn import TurnSettings
from gateway.store.connection import open_reader
from gateway.store.schema import describe

BUILT_AFTER_NS = 1_767_225_600 * NS
"""1 January 2026: a wall clock before it was never set."""
DISCARD_PORT = 9
"""Stands in for a media port that is not chosen yet (RFC 863)."""


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
    yield await asyncio.to_thread(_ice_tcp, settings)
    yield _addresses(settings)
    yield await asyncio.to_thread(_buffers)
    yield _clock()
    yield await asyncio.to_thread(_keys, settings.data_dir)
    yield await asyncio.to_thread(_store, settings.data_dir)
    yield await asyncio.to_thread(examine_relay, settings.relay)
    yield _pages()
    async for check in _turn(settings):
        yield check
    yield await _redis(settings)


def _port(name: str, host: str, port: int, protocol: str) -> Check:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    try:
        with socket.socket(family_of(host), kind) as sock:
            if protocol == "tcp":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
    except OSError as error:
        detail = f"{host}:{port}/{protocol} cannot be bound: {error.strerror}; is a gateway running already?"
        return Check(name=name, ok=False, detail=detail)
    return Check(name=name, ok=True, detail=f"{host}:{port or 'any'}/{protocol} is free")


def _ice_tcp(settings: Settings) -> Check:
    port = settings.tcp_port
    if port is None:
        return Check(name="ice_tcp", ok=True, detail="off; networks that block UDP need a TURN server")
    check = _port("ice_tcp", settings.media_host, port, "tcp")
    if check.ok or settings.ice_tcp_port is not None:
        return check
    detail = f"{check.detail} Calls go without TCP; set ice_tcp_port to have it"
    return Check(name="ice_tcp", ok=True, detail=detail)


def _addresses(settings: Settings) -> Check:
    """What answers name, and whether it can be meant so."""
    try:
        named = candidate_addresses(settings.media_host, settings.advertised_addresses)
    except GatewayError as error:
        return Check(name="addresses", ok=False, detail=f"{error.detail}; see advertised_addresses")
    detail = f"answers name {', '.join(named)}"
    lost = [each for each in named if ":" in each and ":" not in settings.media_host]
    if lost:
        advice = f"{', '.join(lost)} lead nowhere while media_host is IPv4 alone; set it to ::"
        return Check(name="addresses", ok=False, detail=f"{detail}; {advice}")
    if not any(ipaddress.ip_address(each).is_global for each in named):
        detail += "; nobody outside this network reaches them: set advertised_addresses if somebody should"
    return Check(name="addresses", ok=True, detail=detail)


def _buffers() -> Check:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        ask_for_buffers(sock)
        given = granted_buffers(sock)
    shown = " and ".join(f"{count // 1024} kB of {name} buffer" for name, count in given.items())
    advice = buffer_advice(given)
    detail = f"the kernel gives {shown}" + (f"; for a busy node: {advice}" if advice else "")
    return Check(name="udp_buffer", ok=True, detail=detail)


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


async def _turn(settings: Settings) -> AsyncIterator[Check]:
    if not settings.turn_urls:
        detail = "none set; people behind networks that let nothing but web traffic out cannot talk"
        yield Check(name="turn", ok=True, detail=detail)
        return
    turn = TurnSettings(urls=settings.turn_urls, secret=settings.turn_secret, ttl_s=settings.turn_ttl_s)
    port = settings.media_port or DISCARD_PORT
    try:
        named = candidate_addresses(settings.media_host, settings.advertised_addresses)
    except GatewayError:
        named = ()
    # An allocation is of IPv4 unless IPv6 was asked for, and reaches its own family alone.
    peers = [(each, port) for each in named if ":" not in each]
    for url in turn.urls:
        found = await probe(turn, url, wall_ns=SystemClock().wall_ns(), peers=peers)
        yield Check(name="turn", ok=found.ok, detail=f"{url} {found.detail}")


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
