"""`GET /metrics`.

Decides who may scrape: everybody who reaches the port, or only who knows the
token where one is configured (money and load are nobody else's business).
Never decides what is measured; `metrics.py` does.
"""

import hmac

from aiohttp import web

from gateway.admin.adapters.metrics import CONTENT_TYPE, Metrics


def metrics_routes(metrics: Metrics, *, token: str | None = None) -> list[web.RouteDef]:
    """The route, to be handed to the web server as an extra; `token` is asked for as a Bearer token."""

    async def scrape(request: web.Request) -> web.Response:
        if token is not None and not _is_right(request.headers.get("Authorization", ""), token):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    return [web.get("/metrics", scrape)]


def _is_right(header: str, token: str) -> bool:
    return hmac.compare_digest(header.encode(), f"Bearer {token}".encode())
