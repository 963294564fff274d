"""The browser tests' stage: a demo for each file, one Chromium for the run, a fresh context for each person."""

import shutil
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.demo import Demo, running_demo

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A microphone that hums, and nobody who is asked for it.
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
expect.set_options(timeout=15_000)
WORST = ("serious", "critical")

FAILED = pytest.StashKey[bool]()

OpenPage = Callable[..., Awaitable[Page]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember of a story whether it failed: then its pages are kept as pictures."""
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Demo]:
    async with running_demo(folder=tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncGenerator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium is not None, "Chromium is missing: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[OpenPage]:
    """Return a way to open a page as somebody new: no cookies, their own window, nothing shared."""
    contexts: list[BrowserContext] = []

    async def opener(*, locale: str = "en-US", width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        context = await browser.new_context(
            locale=locale,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            bypass_csp=True,  # axe is injected as a script
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        return await context.new_page()

    yield opener
    if request.node.stash.get(FAILED, False):
        await _keep_pictures(contexts, folder=tmp_path)
    for context in contexts:
        await context.close()


async def _keep_pictures(contexts: Sequence[BrowserContext], *, folder: Path) -> None:
    """Keep what each page showed when a story failed, and say where."""
    pages = [page for context in contexts for page in context.pages]
    for number, page in enumerate(pages, start=1):
        picture = folder / f"page-{number}.png"
        await page.screenshot(path=picture)
        sys.stdout.write(f"{page.url} as it stood: {picture}\n")


async def serious_findings(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page as it is now, one line each."""
    await page.add_script_tag(path=str(AXE))
    found = await page.evaluate("async () => (await axe.run(document)).violations")
    return [
        f"{violation['id']}: {node['html']}"
        for violation in found
        if violation["impact"] in WORST
        for node in violation["nodes"]
    ]
