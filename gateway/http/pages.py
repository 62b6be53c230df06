"""The built pages: companion app, provider console, operator page, their assets.

Decides which file a path shows and how long a browser may keep it: assets carry
a hash in their name and never change, pages are asked for again each time.
Never builds them (`make setup` does) and never serves a path made of what the
caller sent, except inside the assets folder.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

PageHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Shows one fixed thing."""

PAGES = {"/": "index.html", "/provider": "provider.html", "/ops": "ops.html"}
"""Path to file of each page."""

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Pages not built</title>
<h1>The pages are not built</h1>
<p>The gateway is running, but the folder with its pages is empty.
Run <code>make setup</code> and start it again.</p>
<p>The HTTP reference is at <a href="/docs">/docs</a>.</p>
</html>
"""


def add_pages(application: web.Application, folder: Path | None) -> None:
    """Serve what is in `folder` now; a page that is missing says how to build it."""
    for path, name in PAGES.items():
        file = folder / name if folder is not None else None
        application.router.add_get(path, _page(file if file is not None and file.is_file() else None))
    if folder is None or not folder.is_dir():
        return
    for file in sorted(folder.iterdir()):
        # The icon and the like, which browsers ask for at the root.
        if file.is_file() and file.suffix != ".html":
            application.router.add_get(f"/{file.name}", _page(file))
    if (folder / "assets").is_dir():
        application.router.add_static("/assets/", folder / "assets")
        application.on_response_prepare.append(_keep_assets)


def _page(file: Path | None) -> PageHandler:
    async def show(_request: web.Request) -> web.StreamResponse:
        if file is None:
            return web.Response(text=_NOT_BUILT, content_type="text/html", status=503)
        return web.FileResponse(file, headers={"Cache-Control": "no-cache"})

    return show


async def _keep_assets(request: web.Request, answer: web.StreamResponse) -> None:
    if request.path.startswith("/assets/") and answer.status in {200, 206, 304}:
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
