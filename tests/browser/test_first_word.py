"""A customer writes in WeChat, an agent answers in the browser: the first complete path, as people walk it."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Account, Demo
from tests.browser.stories import choose_official_account, sign_in, write_from_phone

pytestmark = pytest.mark.browser


async def dock_by_hand(page: Page, *, oa: Account) -> None:
    await choose_official_account(page)
    await page.get_by_role("link", name=re.compile("By hand")).click()
    for label, value in (
        ("AppID", oa.appid),
        ("AppSecret", oa.secret),
        ("Token", oa.token),
        ("EncodingAESKey", oa.aes_key),
    ):
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name="Dock account").click()
    await expect(page.get_by_role("button", name="Dock account")).to_have_count(0)  # the form shows the address too
    await expect(page.get_by_text(oa.callback_url).first).to_be_visible()


async def test_a_customer_writes_in_wechat_and_an_agent_answers_in_the_browser(demo: Demo, open_page: OpenPage) -> None:
    owner, agent, phone = await open_page(), await open_page(), await open_page(width=390, height=844)

    await owner.goto(demo.console_url)
    assert await serious_findings(owner) == []
    await sign_in(owner, demo=demo, who=demo.owner)
    await dock_by_hand(owner, oa=demo.oa)
    assert await serious_findings(owner) == []

    await sign_in(agent, demo=demo, who=demo.agents[0])
    await agent.get_by_role("link", name="Workbench").click()

    await phone.goto(f"{demo.phone_url}?account={demo.oa.appid}&follower=Mei&lang=en")
    await phone.get_by_role("button", name="Follow", exact=True).click()
    await write_from_phone(phone, words="你好")

    row = agent.get_by_role("listbox", name="Conversations").get_by_role("option").first
    await expect(row).to_contain_text("你好")
    await expect(row.get_by_label(re.compile("1 unread"))).to_be_visible()
    await row.click()
    await expect(agent.get_by_role("log").get_by_text("你好", exact=True)).to_be_visible()
    assert await serious_findings(agent) == []

    await agent.get_by_role("textbox", name="Reply").fill("您好，订单今天发货。")
    await agent.get_by_role("button", name="Send", exact=True).click()
    await expect(phone.get_by_text("您好，订单今天发货。")).to_be_visible()

    await agent.get_by_role("button", name="End conversation").first.click()
    await agent.get_by_role("dialog").get_by_role("button", name="End conversation").click()
    await expect(agent.get_by_role("listbox", name="Conversations").get_by_role("option")).to_have_count(0)
