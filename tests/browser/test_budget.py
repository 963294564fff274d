"""What may still be sent is shown while one writes; when it is used up the composer says so, and opens by itself."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.backstage import (
    Customer,
    a_customer,
    a_docked_account,
    an_empty_desk,
    change_settings,
    minutes_later,
    off_duty,
    the_next_reply_meets,
)
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench, open_tab, row, save, say, sent

pytestmark = pytest.mark.browser

LIMIT_OF_REPLIES = 45047
LEFT = re.compile(r"^\d of 5 replies left")
SPENT = "All replies are used up"


async def choose_present_limits(page: Page) -> None:
    """Choose in the open Reception tab what WeChat lets most accounts send."""
    await page.get_by_role("radio", name=re.compile("^As for most accounts since 2023")).check()
    await save(page)


async def spend_all(agent: Page, customer: Customer) -> None:
    """Send what may be sent, message by message, until the composer is locked."""
    await customer.writes("壶盖碎了")
    await row(agent, "壶盖碎了").click()
    left, reply = agent.get_by_text(LEFT), agent.get_by_role("textbox", name="Reply")
    await expect(left).to_contain_text(re.compile(r"^5 of 5 replies left · 4[78]h"))

    for number in range(1, 6):
        await expect(left).to_contain_text(f"{6 - number} of 5")
        await say(agent, f"第{number}条")
        await expect(sent(agent, f"第{number}条")).to_be_visible()
    await expect(agent.get_by_text(SPENT)).to_be_visible()
    await expect(agent.get_by_text(re.compile("More are allowed as soon as .* writes"))).to_be_visible()
    await expect(reply).to_have_count(0)
    assert await serious_findings(agent) == []
    assert await customer.received() == [f"第{number}条" for number in range(1, 6)]


async def be_told_so_by_wechat(demo: Demo, agent: Page, customer: Customer) -> None:
    """Hear from WeChat that all is used up, before our own count says so; then let the customer write."""
    left, reply = agent.get_by_text(LEFT), agent.get_by_role("textbox", name="Reply")
    await customer.writes("还在吗？")
    await expect(agent.get_by_text(SPENT)).to_have_count(0)
    await expect(left).to_contain_text("5 of 5")
    await the_next_reply_meets(demo, kind="errcode", errcode=LIMIT_OF_REPLIES)
    await say(agent, "在的")
    await expect(agent.get_by_role("log").get_by_text("Not sent", exact=True)).to_be_visible()
    await expect(agent.get_by_text(SPENT)).to_be_visible()
    assert "在的" not in await customer.received()

    await customer.writes("？")
    await expect(reply).to_be_enabled()
    await agent.get_by_role("log").get_by_role("button", name="Send again").click()
    await expect(sent(agent, "在的")).to_be_visible()
    assert (await customer.received()).count("在的") == 1


async def test_replies_run_out_lock_the_composer_and_come_back_when_the_customer_writes(
    demo: Demo, open_page: OpenPage
) -> None:
    appid = await a_docked_account(demo, name="余量")
    admin, agent = await open_page(), await open_page()
    await change_settings(demo, appid=appid, settings={"greeting": {"mode": "off"}})
    await open_tab(admin, demo=demo, account="余量", tab="Reception")
    await choose_present_limits(admin)
    await an_empty_desk(demo)
    await off_duty(demo, demo.owner, *demo.agents)
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Yu")
    with minutes_later(demo, 2):  # until then one may also say something because they follow
        await spend_all(agent, customer)
        await be_told_so_by_wechat(demo, agent, customer)
