"""Steps that several stories take."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.demo import Demo, SignIn


async def sign_in(page: Page, *, demo: Demo, who: SignIn) -> None:
    """Sign in as `who` from the console's first page."""
    await page.goto(demo.console_url)
    await page.get_by_role("textbox", name="Email").fill(who.email)
    await page.get_by_label("Password", exact=True).fill(who.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("link", name="Workbench")).to_be_visible()


async def at_the_workbench(page: Page, *, demo: Demo, who: SignIn) -> None:
    """Sign in and be there for customers."""
    await sign_in(page, demo=demo, who=who)
    await page.get_by_role("link", name="Workbench").click()
    await expect(page.get_by_text("Up to date")).to_be_visible()


async def open_tab(page: Page, *, demo: Demo, account: str, tab: str) -> None:
    """Sign in as the owner and open a tab of a docked account."""
    await sign_in(page, demo=demo, who=demo.owner)
    await page.get_by_role("link", name="Channels").first.click()
    await page.get_by_role("link", name=account).first.click()
    await page.get_by_role("link", name=tab, exact=True).click()


async def save(page: Page) -> None:
    """Save the open form."""
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def row(page: Page, words: str) -> Locator:
    """Return the conversation in the list whose last words are `words`."""
    return page.get_by_role("listbox", name="Conversations").get_by_role("option").filter(has_text=words)


async def say(page: Page, words: str) -> None:
    """Answer in the open conversation."""
    await page.get_by_role("textbox", name="Reply").fill(words)
    await page.get_by_role("button", name="Send", exact=True).click()


def sent(page: Page, words: str) -> Locator:
    """Return the mark that says that `words`, the last of what was said, were sent."""
    return page.get_by_role("log").locator(".message").filter(has_text=words).get_by_text("Sent", exact=True)


async def choose_official_account(page: Page) -> None:
    """Go to where the way of docking an Official Account is chosen."""
    await page.get_by_role("link", name="Channels").first.click()
    await page.get_by_role("link", name="Add channel").first.click()
    await page.get_by_role("link", name=re.compile("WeChat Official Account")).click()


async def write_from_phone(page: Page, *, words: str) -> None:
    """Send `words` from the customer's phone."""
    await page.get_by_role("textbox", name="Message").fill(words)
    await page.get_by_role("button", name="Send").click()


async def shows_a_picture(image: Locator) -> None:
    """Expect that a picture was loaded and can be seen, not only its place."""
    await expect(image).to_be_visible()
    await expect(image).to_have_js_property("complete", value=True)
    assert await image.evaluate("image => image.naturalWidth") > 0
