"""The line is lost for a while, then the server falls over: nothing is missed, and nothing is said twice."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.backstage import (
    a_customer,
    a_docked_account,
    an_empty_desk,
    kill_web_process,
    minutes_later,
    off_duty,
)
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench, row, say, sent, sign_in

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


async def test_five_minutes_off_are_caught_up_and_nobody_waits_for_them(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="灯塔茶行")
    await off_duty(demo, *demo.agents)
    await an_empty_desk(demo)
    agent, onlooker = await open_page(), await open_page()
    await at_the_workbench(onlooker, demo=demo, who=demo.owner)
    await off_duty(demo, demo.owner)
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    names = ("Ping", "Wen", "Quan")
    shan, wen, quan = [await a_customer(demo, appid=appid, nickname=name) for name in names]
    for customer, question, answer in (
        (quan, "几点关门？", "九点。"),
        (wen, "有茶吗？", "有茶。"),
        (shan, "在吗？", "在。"),
    ):
        await customer.writes(question)
        await row(agent, question).click()
        await say(agent, answer)
        await expect(sent(agent, answer)).to_be_visible()
    log = agent.get_by_role("log")

    await agent.context.set_offline(True)
    await expect(agent.get_by_text("Offline. What is here can be read")).to_be_visible()
    await agent.get_by_role("textbox", name="Reply").fill("还没写完")
    with minutes_later(demo, 5):
        await onlooker.get_by_role("radio", name="All").click()
        await expect(row(onlooker, "九点。")).to_contain_text("(away)", timeout=60_000)
        late = await a_customer(demo, appid=appid, nickname="Late")
        await late.writes("我先来的")
        await onlooker.get_by_role("radio", name="Queue").click()
        await expect(row(onlooker, "我先来的")).to_be_visible()
        for words in ("一", "二", "三"):
            await shan.writes(words)
        await expect(row(onlooker, "三")).to_contain_text("Their agent left")
        await wen.writes("茶呢？")
        queue = onlooker.get_by_role("listbox", name="Conversations").get_by_role("option")
        await expect(queue).to_contain_text(["三", "茶呢？", "我先来的"])
        assert await serious_findings(onlooker) == []
        await row(onlooker, "茶呢？").click()
        await onlooker.get_by_role("button", name="Take over").click()
        await say(onlooker, "我来。")
        await expect(sent(onlooker, "我来。")).to_be_visible()

        await agent.context.set_offline(False)
        await expect(agent.get_by_text("Everything is up to date")).to_be_visible()
        await expect(log.get_by_text("三", exact=True)).to_be_visible()
        words = await shown_words(agent)
        assert [each for each in words if each in ("在吗？", "在。", "一", "二", "三")] == [
            "在吗？",
            "在。",
            "一",
            "二",
            "三",
        ]
        await expect(agent.get_by_role("textbox", name="Reply")).to_have_value("还没写完")
        await expect(row(agent, "我先来的")).to_be_visible()  # they take customers again, the first ones first
        await expect(row(agent, "三")).to_be_visible()
        await expect(row(agent, "我来。")).to_have_count(0)
        await onlooker.get_by_role("radio", name="All").click()
        await expect(row(onlooker, "九点。")).to_be_visible()
        await expect(row(onlooker, "九点。")).not_to_contain_text("(away)")

        await say(agent, "写完了。")
        await expect(sent(agent, "写完了。")).to_be_visible()
        caught_up = await shown_words(agent)
        await agent.reload()
        await expect(log.get_by_text("写完了。", exact=True)).to_be_visible()
        assert await shown_words(agent) == caught_up
        assert [words for words in await shan.received() if words in ("在。", "写完了。")] == ["在。", "写完了。"]
