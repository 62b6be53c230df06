from pathlib import Path

import pytest

from gateway.http.server import ServerSettings
from tests.http.stand import served

pytestmark = pytest.mark.adapter


@pytest.fixture
def built(tmp_path: Path) -> Path:
    pages = tmp_path / "pages"
    (pages / "assets").mkdir(parents=True)
    for name in ("index", "provider", "ops"):
        (pages / f"{name}.html").write_text(f"<title>{name}</title>")
    (pages / "favicon.svg").write_text("<svg/>")
    (pages / "assets" / "main-1a2b.js").write_text("let a")
    (tmp_path / "secret.txt").write_text("secret")
    return pages


@pytest.mark.parametrize(("path", "title"), [("/", "index"), ("/provider", "provider"), ("/ops", "ops")])
async def test_a_built_page_is_shown_and_asked_for_again_each_time(
    built: Path, path: str, title: str
) -> None:
    async with served([], settings=ServerSettings(pages=built)) as client:
        answer = await client.get(path)

        assert answer.status == 200
        assert answer.content_type == "text/html"
        assert title in await answer.text()
        assert answer.headers["Cache-Control"] == "no-cache"


async def test_assets_may_be_kept_for_good(built: Path) -> None:
    async with served([], settings=ServerSettings(pages=built)) as client:
        asset = await client.get("/assets/main-1a2b.js")
        missing = await client.get("/assets/main-0000.js")
        icon = await client.get("/favicon.svg")

    assert asset.status == 200
    assert "immutable" in asset.headers["Cache-Control"]
    assert (missing.status, missing.headers["Cache-Control"]) == (404, "no-store")
    assert icon.content_type == "image/svg+xml"


@pytest.mark.parametrize(
    "path", ["/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/secret.txt"]
)
async def test_nothing_outside_the_pages_is_served(built: Path, path: str) -> None:
    async with served([], settings=ServerSettings(pages=built)) as client:
        answer = await client.get(path)

        assert answer.status in {403, 404}
        assert "secret" not in await answer.text()


@pytest.mark.parametrize("path", ["/", "/provider", "/ops"])
async def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path, path: str) -> None:
    async with served([], settings=ServerSettings(pages=tmp_path / "none")) as client:
        answer = await client.get(path)

        assert answer.status == 503
        assert "make setup" in await answer.text()
