"""What an admin sets is guarded until it is saved, and never overwrites what another admin has set meanwhile."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.backstage import a_customer, a_docked_account, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import sign_in

pytestmark = pytest.mark.browser


async def test_workspace_settings_are_saved_by_who_saw_the_present_ones(demo: Demo, open_page: OpenPage) -> None:
    page, other = await open_page(), await open_page()
    for each in (page, other):
        await sign_in(each, demo=demo, who=demo.owner)
        await each.get_by_role("link", name="Settings").click()
        await expect(each.get_by_role("heading", name="Workspace")).to_be_visible()
    field, save = page.get_by_label("Away after"), page.get_by_role("button", name="Save")
    await expect(field).to_have_value("3")
    await field.fill("61")
    await expect(page.get_by_text("A whole number from 1 to 60.")).to_be_visible()
    await expect(save).to_be_disabled()
    assert await serious_findings(page) == []

    await field.fill("2")
    await page.get_by_role("link", name="Workbench").click()
    leaving = page.get_by_role("dialog", name="Leave without saving?")
    await leaving.get_by_role("button", name="Stay here").click()
    await save.click()
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    await other.get_by_label("Away after").fill("5")
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_text("Somebody else has set 2 minutes meanwhile.")).to_be_visible()
    assert await serious_findings(other) == []
    await other.get_by_label("Away after").fill("3")
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_text("Saved", exact=True)).to_be_visible()
    await page.reload()
    await expect(field).to_have_value("3")


async def test_how_long_customers_come_back_to_their_agent_is_set_on_the_channel(
    demo: Demo, open_page: OpenPage
) -> None:
    await a_docked_account(demo, name="回头客")
    page = await open_page()
    await sign_in(page, demo=demo, who=demo.owner)
    await page.get_by_role("link", name="Channels").first.click()
    await page.get_by_role("link", name="回头客").first.click()
    await page.get_by_role("link", name="Reception").click()
    served = page.get_by_label("Agent who served them last")
    await expect(served).to_have_value("72")
    await served.fill("0")
    assert await serious_findings(page) == []
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    await page.reload()
    await expect(served).to_have_value("0")
    await expect(page.get_by_label("Agent who wrote after the session")).to_have_value("24")


async def test_settings_are_copied_and_undocking_says_what_ends(demo: Demo, open_page: OpenPage) -> None:
    first, second = "Copied Tea", "Copying Tea"
    appid = await a_docked_account(demo, name=first)
    await a_docked_account(demo, name=second)
    page = await open_page()
    await sign_in(page, demo=demo, who=demo.owner)
    await off_duty(demo, demo.owner, *demo.agents)
    await page.get_by_role("link", name="Channels").first.click()
    await page.get_by_role("link", name=first).first.click()
    await page.get_by_role("link", name="Reception").click()
    await page.get_by_role("radio", name="Ask to type").check()
    await page.get_by_label("Text", exact=True).fill("Please type, {nobody} is listening")
    merging = page.get_by_role("group", name="Merge short lines")
    await merging.get_by_role("radio", name=re.compile("^On")).check()
    within = page.get_by_label("Waiting time")
    await within.fill("11")
    await expect(page.get_by_role("button", name="Save")).to_be_disabled()
    await within.fill("5")
    assert await serious_findings(page) == []
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Trans-to-agent").click()
    await page.get_by_label("Follow replies").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved", exact=True).last).to_be_visible()

    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Copy settings to").click()
    copying = page.get_by_role("dialog", name=f"Copy settings of {first}")
    for part in ("Answer to voices without their text", "Merge replies", "Trans-to-agent words and guidance line"):
        await copying.get_by_label(part).check()
    await copying.get_by_label(second).check()
    assert await serious_findings(page) == []
    await copying.get_by_role("button", name="Copy to 1").click()
    await expect(page.get_by_text("Changed on 1 channels")).to_be_visible()
    await page.get_by_role("link", name="Channels").first.click()
    await page.get_by_role("link", name=second).first.click()
    await page.get_by_role("link", name="Reception").click()
    await expect(page.get_by_label("Text", exact=True)).to_have_value("Please type, {nobody} is listening")
    await expect(page.get_by_label("Waiting time")).to_have_value("5")
    await page.get_by_role("link", name="Trans-to-agent").click()
    await expect(page.get_by_label("Follow replies")).to_be_checked()

    await (await a_customer(demo, appid=appid, nickname="Mei")).sends("voice", recognition="")
    await page.get_by_role("link", name="Channels").first.click()
    await page.get_by_role("link", name=first).first.click()
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Undock").click()
    undocking = page.get_by_role("dialog", name=f"Undock {first}?")
    waiting = undocking.locator("dl > div").filter(has_text="Customers waiting for an answer")
    await expect(waiting.get_by_role("definition")).to_have_text("1")
    assert await serious_findings(page) == []
    await undocking.get_by_role("button", name="Undock", exact=True).click()
    await expect(page.get_by_text(f"{first} is undocked")).to_be_visible()
