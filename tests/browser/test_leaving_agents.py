"""Agents go, on purpose or not, and none of their customers is left waiting for them."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.backstage import a_customer, a_docked_account, an_empty_desk, minutes_later, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench, row, say, sent

pytestmark = pytest.mark.browser


async def test_whoever_signs_out_says_what_becomes_of_their_customers(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="晚班茶行")
    await off_duty(demo, *demo.agents)
    await an_empty_desk(demo)
    leaving, staying = await open_page(), await open_page()
    await at_the_workbench(leaving, demo=demo, who=demo.agents[0])
    answered = await a_customer(demo, appid=appid, nickname="Bo")
    waiting = await a_customer(demo, appid=appid, nickname="Qing")
    await answered.writes("地址改好了吗？")
    await row(leaving, "地址改好了吗？").click()
    await say(leaving, "改好了。")
    await expect(sent(leaving, "改好了。")).to_be_visible()
    await waiting.writes("什么时候发货？")
    await expect(row(leaving, "什么时候发货？")).to_be_visible()
    await at_the_workbench(staying, demo=demo, who=demo.agents[1])

    await leaving.get_by_role("button", name=re.compile("^Account:")).click()
    await leaving.get_by_role("menuitem", name="Sign out").click()
    dialog = leaving.get_by_role("dialog", name="Sign out with open conversations?")
    await expect(dialog).to_contain_text("Open: 2. Waiting for an answer: 1.")
    assert await serious_findings(leaving) == []
    await dialog.get_by_role("button", name="Stay signed in").click()
    await expect(row(leaving, "什么时候发货？")).to_be_visible()

    await leaving.get_by_role("button", name=re.compile("^Account:")).click()
    await leaving.get_by_role("menuitem", name="Sign out").click()
    await dialog.get_by_role("radio", name=re.compile("^Hand them over")).check()
    await dialog.get_by_role("button", name="Sign out").click()
    await expect(leaving.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(row(staying, "什么时候发货？")).to_be_visible()
    await expect(row(staying, "改好了。")).to_be_visible()
    await row(staying, "什么时候发货？").click()
    await say(staying, "今天就发。")
    await expect(sent(staying, "今天就发。")).to_be_visible()
    assert "今天就发。" in await waiting.received()


async def test_the_customer_of_an_agent_who_vanished_reaches_a_colleague(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="早班茶行")
    await off_duty(demo, *demo.agents)
    await an_empty_desk(demo)
    lost, colleague = await open_page(), await open_page()
    await at_the_workbench(lost, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Rui")
    await customer.writes("有人在吗？")
    await expect(row(lost, "有人在吗？")).to_be_visible()
    await at_the_workbench(colleague, demo=demo, who=demo.agents[1])
    await expect(row(colleague, "有人在吗？")).to_have_count(0)

    await lost.close()
    with minutes_later(demo, 4):
        await expect(row(colleague, "有人在吗？")).to_be_visible(timeout=60_000)
        await row(colleague, "有人在吗？").click()
        await expect(
            colleague.get_by_role("log").get_by_text("is gone; the customer waits for somebody else")
        ).to_be_visible()
        assert await serious_findings(colleague) == []
        await say(colleague, "我在。")
        await expect(sent(colleague, "我在。")).to_be_visible()
        assert "我在。" in await customer.received()
