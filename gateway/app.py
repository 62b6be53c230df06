"""The one place where adapters, services and facts are wired together.

Decides who gets what and in which order things open; closing undoes it in
reverse: sockets, sessions, meters, media, then the store. No rule of the
product is here. `bridge/` converts between packages that do not know each other.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from gateway import __version__
from gateway.admin.adapters import admin_http, audit_store
from gateway.admin.adapters.health_http import Liveness, health_routes, store_is_writable, when
from gateway.admin.adapters.metrics_http import metrics_routes
from gateway.booking.adapters import (
    books_http,
    flows_http,
    ledger_flow_schema,
    ledger_schema,
    offers_http,
    people_http,
    people_store,
    sandbox_payment,
    sign_in_store,
    top_up_store,
    wallet_http,
)
from gateway.booking.adapters.key_files import KeyRing
from gateway.booking.adapters.sandbox_page import page_routes
from gateway.booking.audit_service import AUDIT_EVERY_S, InvariantMonitor
from gateway.booking.catalogue_service import CatalogueService
from gateway.booking.people.seed import SeedPerson
from gateway.booking.people_service import Seeded
from gateway.bridge.books import Books, People, open_books, open_people
from gateway.bridge.ground import Ground
from gateway.bridge.hall import Hall, open_hall
from gateway.bridge.money import TariffRater
from gateway.bridge.sealing import open_sealing
from gateway.bridge.tariffs import open_offers
from gateway.bridge.treasury import Treasury, open_treasury
from gateway.bridge.vitals import LoadView
from gateway.bridge.watchtower import open_watchtower
from gateway.clock import NS, Clock, SystemClock
from gateway.config import Settings
from gateway.errors import Unavailable, require
from gateway.facts import FactSink
from gateway.http.server import ServerSettings, build_application
from gateway.ids import RandomIdSource
from gateway.media.adapters.plane import open_plane
from gateway.media.service import MediaService
from gateway.media.turn import TurnSettings
from gateway.metering.adapters import journal_store
from gateway.moderation.adapters import verdict_store
from gateway.outbox import Outbox
from gateway.signaling.adapters import asyncapi, session_http
from gateway.signaling.adapters import migrations as signaling_migrations
from gateway.signaling.desk_service import Desk
from gateway.signaling.load import LoadState
from gateway.store.database import Database

log = structlog.get_logger(__name__)

MIGRATIONS = (
    *people_store.MIGRATIONS,
    *sign_in_store.MIGRATIONS,
    *ledger_schema.MIGRATIONS,
    *top_up_store.MIGRATIONS,
    *sandbox_payment.MIGRATIONS,
    *ledger_flow_schema.MIGRATIONS,
    *signaling_migrations.MIGRATIONS,
    *journal_store.MIGRATIONS,
    *verdict_store.MIGRATIONS,
    *audit_store.MIGRATIONS,
)
"""Every package's tables."""

DATABASE = "gateway.db"
PAGES = Path(__file__).parent / "pages"
"""Where `make setup` builds the pages."""

MediaOpener = Callable[[Clock, FactSink], MediaService]
"""Opens a media plane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a gateway is opened with."""

    settings: Settings
    people: Sequence[SeedPerson] = ()
    """Who is there from the first start."""
    audit_every_s: float = AUDIT_EVERY_S
    """Between two looks at the books."""
    media: MediaOpener | None = None
    """Stands in for the network in a rehearsal; refused outside a demo, for it would bill silence."""


def rehearsal(directory: Path, *, people: Sequence[SeedPerson] = ()) -> Opening:
    """A demo gateway on loopback and free ports, with its store in `directory`."""
    settings = Settings(environment="demo", data_dir=directory, http_port=0, media_port=0)
    return Opening(settings=settings.unjudged(), people=people, audit_every_s=1)


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A running gateway."""

    http_url: str
    """Where pages, API and socket are."""
    media_port: int
    """The UDP port of all media."""
    tcp_port: int | None
    """The TCP port of media for networks that block UDP; None where there is none."""
    relay: str
    """Which relay forwards: `python` or `native`."""
    seeded: Sequence[Seeded]
    """Who was seeded."""
    drain_ns: int
    """How long `drain` lets live sessions run."""
    stack: AsyncExitStack
    """What is closed at the end, in reverse."""
    desk: Desk

    async def drain(self) -> None:
        """Take no more calls, let live ones run for as long as was set, end and settle the rest."""
        await self.desk.drain(run_out_ns=self.drain_ns)

    async def close(self) -> None:
        """Stop taking calls, write what is known, let go of everything."""
        await self.stack.aclose()


async def start(opening: Opening, *, clock: Clock | None = None) -> Gateway:
    """Open everything; whoever calls closes the gateway.

    Raises:
        Unavailable: a port, a key or a store cannot be had; the sentence says which.
    """
    async with AsyncExitStack() as stack:
        gateway = await _opened(opening, clock or SystemClock(), stack)
        gateway.stack = stack.pop_all()
        return gateway


async def integrator_key(settings: Settings, name: str, *, label: str) -> str:
    """A new API key of the integrator `name`, made in the store of a gateway that is stopped.

    Raises:
        StoreDown: the gateway runs, or the store cannot be opened.
    """
    async with AsyncExitStack() as stack:
        ground = await _ground(settings, SystemClock(), stack)
        books = await open_books(ground)
        people = await open_people(ground, books.wallet)
        return await people.integrators.make_key(name, label=label)


async def _opened(opening: Opening, clock: Clock, stack: AsyncExitStack) -> Gateway:
    ground = await _ground(opening.settings, clock, stack, media=opening.media)
    books = await open_books(ground)
    sealer = open_sealing(ground)
    sealer.start()
    stack.push_async_callback(sealer.close)
    stack.push_async_callback(books.metering.close)
    people = await open_people(ground, books.wallet)
    hall = await open_hall(ground, books, people)
    for closing in (hall.watch.close, hall.timer.close, hall.desk.close):
        stack.push_async_callback(closing)
    seeded = await _seed(opening, people, books)
    treasury = open_treasury(ground, books)
    monitor = InvariantMonitor(treasury.watch, clock=clock, every_s=opening.audit_every_s)
    await monitor.check()
    monitor.start()
    stack.push_async_callback(monitor.close)
    treasury.maturing.start()
    stack.push_async_callback(treasury.maturing.close)
    application = await _application(
        ground, books, people, hall, treasury=treasury, monitor=monitor, stack=stack
    )
    await books.metering.recover([row.order.session for row in await hall.desk.start()])
    _run_meters(books, stack)
    http_url = await _listen(application, opening.settings, stack)
    stack.push_async_callback(hall.sockets.close)
    log.info("gateway_opened", url=http_url, media_port=ground.media.port, relay=ground.media.relay_name)
    return Gateway(
        http_url=http_url,
        media_port=ground.media.port,
        tcp_port=ground.media.tcp_port,
        relay=ground.media.relay_name,
        seeded=seeded,
        drain_ns=opening.settings.drain_s * NS,
        stack=stack,
        desk=hall.desk,
    )


async def _ground(
    settings: Settings, clock: Clock, stack: AsyncExitStack, *, media: MediaOpener | None = None
) -> Ground:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    keys = await asyncio.to_thread(KeyRing.load_or_create, settings.data_dir)
    database = await Database.open(settings.data_dir / DATABASE, MIGRATIONS)
    stack.push_async_callback(database.close)
    outbox = Outbox()
    stack.push_async_callback(outbox.close)
    if media is None:
        plane = await _network(settings, clock, outbox)
    else:
        require(settings.is_demo, "a simulated media plane would bill silence")
        plane = media(clock, outbox)
    stack.push_async_callback(plane.close)
    return Ground(
        settings=settings,
        keys=keys,
        database=database,
        media=plane,
        outbox=outbox,
        clock=clock,
        ids=RandomIdSource(clock),
    )


async def _network(settings: Settings, clock: Clock, sink: FactSink) -> MediaService:
    turn = TurnSettings(urls=settings.turn_urls, secret=settings.turn_secret, ttl_s=settings.turn_ttl_s)
    return await open_plane(
        host=settings.media_host,
        port=settings.media_port,
        ports=settings.media_ports,
        advertised=settings.advertised_addresses,
        clock=clock,
        sink=sink,
        turn=turn if settings.turn_urls else None,
        relay=settings.relay,
        tcp_port=settings.tcp_port,
        is_tcp_needed=settings.ice_tcp_port is not None,
    )


async def _seed(opening: Opening, people: People, books: Books) -> Sequence[Seeded]:
    """Make sure that the people are there, with the money they begin with, once."""
    seeded = await people.service.seed(opening.people, currency=opening.settings.currency)
    for each in seeded:
        if each.person.wallet_micros:
            await books.wallet.deposit(
                each.account.id,
                micros=each.person.wallet_micros,
                payment=f"seed:{each.account.id}",
                memo="Opening balance",
            )
    return seeded


async def _application(
    ground: Ground,
    books: Books,
    people: People,
    hall: Hall,
    *,
    treasury: Treasury,
    monitor: InvariantMonitor,
    stack: AsyncExitStack,
) -> web.Application:
    tower = open_watchtower(ground, books, hall, monitor, stack)
    catalogue = CatalogueService(
        people.store, presence=hall.desk.presence, rater=TariffRater(ground.clock), balance=books.wallet
    )
    session_routes = session_http.SessionRoutes(
        desk=hall.desk,
        store=books.sessions,
        lines=hall.lines,
        people=hall.people,
        receipts=hall.records,
        evidence=hall.records,
    )
    liveness = Liveness(clock=ground.clock, loop_lag=tower.loop_lag, version=__version__)
    checks = {
        "store": store_is_writable(ground.database),
        "media": when(lambda: ground.media.port > 0),
        "accepting": when(lambda: hall.desk.load.reading().load.state is not LoadState.DRAINING),
    }
    return build_application(
        [
            *people_http.routes(
                people=people.service,
                sign_in=people.sign_in,
                integrators=people.integrators,
                catalogue=catalogue,
            ),
            *offers_http.routes(open_offers(ground, people)),
            *wallet_http.routes(books.wallet, books.top_ups, window_days=ground.settings.dispute_window_days),
            *flows_http.routes(treasury.counter.payouts, treasury.counter.disputes),
            *books_http.routes(treasury.counter),
            *session_http.routes(session_routes),
            *admin_http.routes(tower.admin),
        ],
        tokens=people.tokens,
        api_keys=people.integrators,
        clock=ground.clock,
        ids=ground.ids,
        settings=ServerSettings(
            version=__version__, pages=PAGES, proxies=int(ground.settings.is_behind_tls_proxy)
        ),
        extra=[
            *hall.sockets.routes(),
            *health_routes(liveness, checks, load=LoadView(hall.desk.load)),
            *metrics_routes(tower.metrics, token=ground.settings.metrics_token or None),
            *(page_routes(books.sandbox) if ground.settings.is_demo else ()),
        ],
        asyncapi=lambda: asyncapi.document(title="Session gateway socket", version=__version__),
    )


def _run_meters(books: Books, stack: AsyncExitStack) -> None:
    task = asyncio.get_running_loop().create_task(books.metering.run(), name="meters")

    async def stop() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(stop)


async def _listen(application: web.Application, settings: Settings, stack: AsyncExitStack) -> str:
    """Serve on the HTTP port; answers the address people open."""
    try:
        sock = socket.create_server((settings.http_host, settings.http_port), backlog=1024)
    except OSError as error:
        raise Unavailable(
            f"Port {settings.http_port} on {settings.http_host} cannot be bound: {error.strerror}. "
            "Another gateway may be running; choose another http_port.",
            code="port_taken",
        ) from error
    runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=2)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    context = None
    if settings.tls_certificate is not None and settings.tls_key is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    await web.SockSite(runner, sock, ssl_context=context).start()
    host, port = sock.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if context else 'http'}://{shown}:{port}"
