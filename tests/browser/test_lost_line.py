"""The line is lost for a while, then the server falls over: nothing is missed, and nothing is said twice."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.backstage import a_customer, a_docked_account, kill_web_process, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import say, sign_in

pytestmark = pytest.mark.browser


async def shown_words(page: Page) -> list[str]:
    """Return what the open conversation shows, in its order."""
    return [words.strip() for words in await page.get_by_role("log").locator(".bubble").all_inner_texts()]


async def test_a_lost_line_and_a_fallen_server_lose_and_double_nothing(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="码头茶行")
    await off_duty(demo, *demo.agents[1:])
    agent = await open_page()
    await sign_in(agent, demo=demo, who=demo.agents[0])
    await agent.get_by_role("link", name="Workbench").click()
    await expect(agent.get_by_text("Up to date")).to_be_visible()

    customer = await a_customer(demo, appid=appid, nickname="Shan")
    await customer.writes("在吗？")
    row = agent.get_by_role("listbox", name="Conversations").get_by_role("option").filter(has_text="在吗？")
    await row.click()
    log = agent.get_by_role("log")
    await expect(log.get_by_text("在吗？", exact=True)).to_be_visible()

    await agent.context.set_offline(True)
    await expect(agent.get_by_text("Offline. What is here can be read")).to_be_visible()
    for words in ("离线一", "离线二", "不要了"):
        await say(agent, words)
    await expect(log.get_by_text("Goes out when the connection is back")).to_have_count(3)
    await log.get_by_role("button", name="Discard").last.click()
    await expect(log.get_by_text("不要了")).to_have_count(0)
    await agent.get_by_role("textbox", name="Reply").fill("还没写完")
    assert await serious_findings(agent) == []
    for words in ("一", "二", "三"):
        await customer.writes(words)

    await agent.context.set_offline(False)
    await expect(agent.get_by_text("Everything is up to date")).to_be_visible()
    await expect(log.get_by_text("Goes out when the connection is back")).to_have_count(0)
    await expect(log.get_by_text("离线二", exact=True)).to_be_visible()
    await expect(log.get_by_text("Sent", exact=True).last).to_be_visible()
    await expect(log.get_by_text("三", exact=True)).to_be_visible()
    words = await shown_words(agent)
    assert [each for each in words if each in ("一", "二", "三")] == ["一", "二", "三"]
    assert [each for each in words if "离线" in each] == ["离线一", "离线二"]
    assert [each for each in await customer.received() if "离线" in each] == ["离线一", "离线二"]
    await expect(agent.get_by_role("textbox", name="Reply")).to_have_value("还没写完")

    kill_web_process(demo)
    await expect(agent.get_by_text("Offline. What is here can be read")).to_be_visible()
    await say(agent, "服务器倒下时说的")
    await customer.writes("服务器倒下时问的")
    await expect(agent.get_by_text("Everything is up to date")).to_be_visible(timeout=60_000)
    await expect(log.get_by_text("服务器倒下时问的", exact=True)).to_be_visible()
    await expect(log.get_by_text("服务器倒下时说的", exact=True)).to_have_count(1)
    await expect(log.get_by_text("Goes out when the connection is back")).to_have_count(0)
    caught_up = await shown_words(agent)
    await agent.reload()
    await expect(log.get_by_text("服务器倒下时问的", exact=True)).to_be_visible()
    assert await shown_words(agent) == caught_up
    assert (await customer.received()).count("服务器倒下时说的") == 1
