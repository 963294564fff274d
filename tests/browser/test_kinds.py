"""Voice in: the phone sends a voice, the agent plays it; and what else a phone can send."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.backstage import a_customer, a_docked_account, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import sign_in

pytestmark = pytest.mark.browser


async def at_work(demo: Demo, agent: Page) -> None:
    await off_duty(demo, *demo.agents[1:])
    await sign_in(agent, demo=demo, who=demo.agents[0])
    await agent.get_by_role("link", name="Workbench").click()
    await expect(agent.get_by_text("Up to date")).to_be_visible()


async def test_agent_plays_a_voice_and_reads_what_was_understood_of_it(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="茶馆")
    agent = await open_page()
    await at_work(demo, agent)
    customer = await a_customer(demo, appid=appid, nickname="Bo")
    await customer.writes("我发语音")
    await agent.get_by_role("listbox").get_by_role("option").filter(has_text="我发语音").click()
    log = agent.get_by_role("log")

    await customer.sends("voice", recognition="我要退款")
    await expect(log.get_by_text("我要退款")).to_be_visible()
    players = log.get_by_role("group", name="Voice message")
    first = players.first
    position = first.get_by_role("slider", name="Position")
    await expect(position).to_have_attribute("aria-valuetext", "0:00 of 0:03")
    assert await log.locator("audio").first.evaluate("sound => sound.paused"), "nothing plays before it is asked for"

    await first.get_by_role("button", name="Play").click()
    await expect(first.get_by_role("button", name="Pause")).to_be_visible()
    await expect(position).not_to_have_attribute("aria-valuetext", "0:00 of 0:03")
    await expect(first.get_by_role("button", name="Play")).to_be_visible()  # at its end it is ready to begin again
    await expect(position).to_have_attribute("aria-valuetext", "0:00 of 0:03")

    await customer.sends("voice", format="mp3", recognition=" ")
    await expect(players).to_have_count(2)
    await expect(log.get_by_text("Speech not recognised")).to_be_visible()
    await first.get_by_role("button", name="Play").press("Enter")
    await expect(first.get_by_role("button", name="Pause")).to_be_visible()
    await players.nth(1).get_by_role("button", name="Play").press("Space")
    await expect(first.get_by_role("button", name="Play")).to_be_visible()  # one at a time
    await position.press("ArrowRight")
    await expect(position).not_to_have_attribute("aria-valuetext", "0:00 of 0:00")

    await customer.sends("voice", format="speex", recognition="还在吗")
    await expect(log.get_by_text("No browser plays this format.")).to_be_visible()
    await expect(log.get_by_role("link", name="Download")).to_have_attribute(
        "href", re.compile(r"^/api/media/.+download=1$")
    )
    assert await serious_findings(agent) == []


async def test_agent_sees_what_else_a_phone_can_send(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="集市")
    agent = await open_page()
    await at_work(demo, agent)
    customer = await a_customer(demo, appid=appid, nickname="Qi")
    await customer.writes("好的/::)[捂脸]")
    row = agent.get_by_role("listbox").get_by_role("option").filter(has_text="好的")
    await expect(row.get_by_role("img", name="Smile")).to_be_visible()
    await row.click()
    log = agent.get_by_role("log")
    await expect(log.get_by_role("img", name="Smile")).to_be_visible()
    await expect(log.get_by_role("img", name="Facepalm")).to_be_visible()
    copied = await log.get_by_text("好的").evaluate(
        "(words) => { getSelection().selectAllChildren(words); return getSelection().toString() }"
    )
    assert copied == "好的/::)[捂脸]"

    await customer.sends("location", latitude=31.230416, longitude=121.473701, label="人民大道200号")
    place = log.get_by_role("link", name="Show on a map")
    await expect(place).to_have_attribute("href", re.compile("^https://uri.amap.com/marker"))
    await expect(place).to_have_attribute("rel", re.compile("noopener"))
    await customer.sends("link", title="退换货说明", description="七天无理由", url="https://shop.example.com/help")
    await expect(log.get_by_role("link", name="退换货说明")).to_have_attribute("href", "https://shop.example.com/help")
    await expect(log.get_by_text("shop.example.com", exact=True)).to_be_visible()
    await customer.sends("link", title="点我", url="javascript:alert(1)")
    await expect(log.get_by_text("This is no web address")).to_be_visible()
    await expect(log.get_by_role("link", name="点我")).to_have_count(0)
    await customer.sends("file", title="发票.pdf", file_total_len="48213")
    await expect(log.get_by_text("发票.pdf")).to_be_visible()
    await expect(log.get_by_text("no way to fetch this file")).to_be_visible()
    await customer.sends("video")
    await agent.wait_for_function("() => document.querySelector('[role=log] video')?.videoWidth > 0")
    assert await serious_findings(agent) == []
    await customer.sends("event", event="LOCATION", fields={"Latitude": "31.2", "Longitude": "121.4", "Precision": "9"})
    await expect(log.get_by_text("Is at 31.20000, 121.40000")).to_be_visible()
