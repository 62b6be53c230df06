"""The web server, put together from everybody's routes.

Decides what the application consists of: routes with their checks, the API
documents, the pages, and what is handed in ready-made (`extra`: the socket,
health, metrics, the sandbox's payment page), which does its own checking.
Never knows a domain word. Listening, certificates and shutdown are `app.py`'s.
Keeps: every path is one route per method; two packages claiming one is an error
at start-up. See docs/wire.md, "HTTP".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.clock import Clock
from gateway.http import middleware, openapi, reference_page
from gateway.http.gatekeeper import Gatekeeper
from gateway.http.limiter import Limiter
from gateway.http.operation import Operation
from gateway.http.pages import PageHandler, add_pages
from gateway.http.ports import ApiKeyVerifier, TokenVerifier
from gateway.http.route import Route
from gateway.ids import IdSource
from gateway.limits import HTTP_BODY_BYTES_MAX

RATE_PER_MINUTE = 600
"""Calls of one account or address in a minute on routes that name no rate; a page polls twice a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What an operator may say about the server."""

    title: str = "Session gateway"
    """Title of the API documents."""
    version: str = "0"
    """Version of the API documents."""
    rate_per_minute: int = RATE_PER_MINUTE
    """Default bound per account or address."""
    proxies: int = 0
    """Trusted proxies in front, each of which appends to X-Forwarded-For."""
    pages: Path | None = None
    """Folder of the built pages."""


def build_application(
    routes: Sequence[Route],
    *,
    tokens: TokenVerifier,
    api_keys: ApiKeyVerifier,
    clock: Clock,
    ids: IdSource,
    settings: ServerSettings | None = None,
    extra: Sequence[web.RouteDef] = (),
    asyncapi: Callable[[], dict[str, Any]] | None = None,
) -> web.Application:
    """The application, ready for an `AppRunner`.

    Raises:
        ValueError: two routes claim one method and path.
    """
    settings = settings or ServerSettings()
    application = web.Application(
        middlewares=[middleware.identified(ids), middleware.problems],
        client_max_size=HTTP_BODY_BYTES_MAX,
    )
    application.on_response_prepare.append(middleware.set_headers)
    _refuse_doubles(routes)
    gatekeeper = Gatekeeper(
        tokens=tokens, api_keys=api_keys, limiter=Limiter(clock), rate_per_minute=settings.rate_per_minute
    )
    for route in routes:
        operation = Operation(route, gatekeeper, proxies=settings.proxies)
        application.router.add_route(route.method, route.path, operation.answer)
    application.add_routes(list(extra))
    _add_documents(application, routes, settings, asyncapi)
    add_pages(application, settings.pages)
    return application


def _refuse_doubles(routes: Sequence[Route]) -> None:
    seen: set[tuple[str, str]] = set()
    for route in routes:
        key = (route.method, route.path)
        if key in seen:
            raise ValueError(f"two routes claim {route.method} {route.path}")
        seen.add(key)


def _add_documents(
    application: web.Application,
    routes: Sequence[Route],
    settings: ServerSettings,
    asyncapi: Callable[[], dict[str, Any]] | None,
) -> None:
    document = openapi.document(
        routes, title=settings.title, version=settings.version, rate_per_minute=settings.rate_per_minute
    )
    application.router.add_get("/openapi.json", _json(lambda: document))
    application.router.add_get("/docs", _text(reference_page.rendered(document), "text/html"))
    application.router.add_get("/docs/reference.css", _text(reference_page.STYLE, "text/css"))
    if asyncapi is not None:
        application.router.add_get("/asyncapi.json", _json(asyncapi))


def _json(make: Callable[[], dict[str, Any]]) -> PageHandler:
    async def show(_request: web.Request) -> web.StreamResponse:
        return web.json_response(make())

    return show


def _text(text: str, content_type: str) -> PageHandler:
    async def show(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, headers={"Cache-Control": "no-cache"})

    return show
