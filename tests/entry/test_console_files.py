"""Promises of how the console's files are served."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from moorage.entry.console_files import ConsoleFiles
from moorage.entry.problems import add_problem_handlers
from tests.serving import served


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Moorage</title>")
    (folder / "customer.html").write_text("<title>For you</title>")
    (folder / "assets" / "app-1a2b3c.js").write_text("let app")
    (folder / "cards").mkdir()
    (folder / "cards" / "pdf.png").write_bytes(b"png")
    (folder / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    app = FastAPI()
    add_problem_handlers(app)
    app.mount("/", ConsoleFiles(folder=folder))
    async with (
        served(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/", "/workbench", "/channels/0193a2b4/settings", "/index.html"])
async def test_every_page_is_the_start_page_and_asked_for_again(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.text == "<title>Moorage</title>"
    assert answer.headers["cache-control"] == "no-cache"
    again = await browser.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/c/upload/WyJh.bC-d_e", "/c", "/c/"])
async def test_what_customers_open_has_a_start_page_of_its_own(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).text == "<title>For you</title>"


async def test_file_with_a_hash_in_its_name_is_kept_for_ever(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/assets/app-1a2b3c.js")
    assert answer.text == "let app"
    assert "immutable" in answer.headers["cache-control"]
    assert (await browser.get("/favicon.svg")).headers["cache-control"] == "no-cache"


async def test_only_pictures_of_cards_may_be_shown_by_other_sites(browser: httpx.AsyncClient) -> None:
    picture = await browser.get("/cards/pdf.png")
    assert picture.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "cross-origin-resource-policy" not in (await browser.get("/favicon.svg")).headers


@pytest.mark.parametrize(
    "path",
    [
        "/cards/gone.png",
        "/assets/app-old.js",
        "/missing.css",
        "/api/nothing",
        "/api",
        "/wechat/oa",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
    ],
)
async def test_what_is_not_there_is_missing_and_no_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "core.missing"


async def test_server_without_a_console_says_so(tmp_path: Path) -> None:
    app = FastAPI()
    add_problem_handlers(app)
    app.mount("/", ConsoleFiles(folder=tmp_path / "none"))
    async with served(app) as address, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://{address}/")).status_code == 404
