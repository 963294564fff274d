"""An admin writes what followers hear, and they hear it on their phones; an agent's short lines go out as one."""

import re

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.browser.backstage import a_customer, a_docked_account, a_stranger, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench, open_tab, row, save, say, shows_a_picture
from tests.browser.test_pictures import a_png

pytestmark = pytest.mark.browser


def panel(page: Page, title: str) -> Locator:
    """Return the panel of one kind of follower."""
    return page.locator("section").filter(has=page.get_by_role("heading", name=title, exact=True))


async def test_followers_hear_what_the_admin_wrote_for_them(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="山茶社")
    page, phone = await open_page(), await open_page(width=390, height=844)
    await open_tab(page, demo=demo, account="山茶社", tab="Follow reply")

    # Two messages for everybody, others for who comes back and for one code.
    await page.get_by_role("radio", name=re.compile("^On ")).check()
    everybody = panel(page, "Everybody who follows")
    await everybody.get_by_role("button", name="Add a message: Everybody who follows").click()
    first = everybody.get_by_role("group", name="Message 1")
    await first.get_by_label("Text", exact=True).fill("欢迎来到{chanel}")
    await expect(first.get_by_text("There is no {chanel}.")).to_be_visible()
    await first.get_by_label("Text", exact=True).fill("欢迎来到{channel}")
    await everybody.get_by_role("button", name="Add a message").click()
    second = everybody.get_by_role("group", name="Message 2")
    await second.get_by_role("radio", name="Picture").click()
    await second.locator("input[type=file]").set_input_files(
        [FilePayload(name="tea.png", mimeType="image/png", buffer=a_png())]
    )
    await expect(second.get_by_text("tea.png")).to_be_visible()
    preview = page.locator("figure")
    await expect(preview.get_by_text("欢迎来到山茶社")).to_be_visible()
    await expect(preview.get_by_role("img", name="Picture")).to_be_visible()
    returning = panel(page, "Followers who come back")
    await returning.get_by_role("radio", name="Own reply").click()
    await returning.get_by_label("Text", exact=True).fill("好久不见")
    await page.get_by_role("button", name="Add a code").click()
    await page.get_by_label("Scene", exact=True).fill("shop-7")
    await page.get_by_role("region", name="shop-7").get_by_label("Text", exact=True).fill("七号店欢迎您")
    await expect(preview.get_by_text("七号店欢迎您")).to_be_visible()
    assert await serious_findings(page) == []
    await save(page)

    await phone.goto(f"{demo.phone_url}?account={appid}&follower=Mei&lang=en")
    await phone.get_by_role("button", name="Follow", exact=True).click()
    await expect(phone.get_by_text("欢迎来到山茶社")).to_be_visible()
    await expect(phone.get_by_role("link", name="Open picture")).to_be_visible()
    await phone.get_by_role("button", name="Unfollow").click()
    await phone.get_by_role("button", name="Follow", exact=True).click()
    await expect(phone.get_by_text("好久不见")).to_be_visible()

    visitor = await a_stranger(demo, appid=appid, nickname="Lin")
    await visitor.follows(scene="shop-7")
    await phone.goto(f"{demo.phone_url}?account={appid}&follower=Lin&lang=en")
    await expect(phone.get_by_text("七号店欢迎您")).to_be_visible()
    await expect(phone.get_by_text("欢迎来到山茶社")).to_have_count(0)


async def test_follower_answers_the_question_and_the_agent_reads_what_it_means(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="问茶")
    page, phone, agent = await open_page(), await open_page(width=390, height=844), await open_page()
    await open_tab(page, demo=demo, account="问茶", tab="Follow reply")
    await page.get_by_role("radio", name=re.compile("^On ")).check()
    everybody = panel(page, "Everybody who follows")
    await everybody.get_by_role("button", name="Add a message: Everybody who follows").click()
    await everybody.get_by_role("button", name="Add a message").click()
    asks, shows = (everybody.get_by_role("group", name=f"Message {number}", exact=True) for number in (1, 2))
    await asks.get_by_role("radio", name="Choices").click()
    await asks.get_by_label("Question").fill("您想喝什么茶？")
    await asks.get_by_label("Choice 1", exact=True).fill("红茶")
    await asks.get_by_label("Choice 2", exact=True).fill("红茶 ")
    await expect(asks.get_by_text("There is a choice with these words already.")).to_be_visible()
    await asks.get_by_label("Choice 2", exact=True).fill("绿茶")
    await shows.get_by_role("radio", name="News card").click()
    await shows.get_by_label("Title").fill("新人礼")
    await shows.get_by_label("Page", exact=True).fill("shop.example.com")
    await expect(shows.get_by_text("This is no web address.")).to_be_visible()
    await shows.get_by_label("Page", exact=True).fill("https://shop.example.com/new")
    await shows.get_by_label("Picture", exact=True).fill("picture.png")
    await expect(shows.get_by_text("This is no web address.")).to_be_visible()
    await shows.locator("input[type=file]").set_input_files(
        [FilePayload(name="gift.png", mimeType="image/png", buffer=a_png())]
    )
    await expect(shows.get_by_role("img", name="The card’s picture")).to_be_visible()
    preview = page.locator("figure")
    await expect(preview.get_by_text("绿茶")).to_be_visible()
    await expect(preview.get_by_text("新人礼")).to_be_visible()
    assert await serious_findings(page) == []
    await save(page)

    await off_duty(demo, demo.owner, *demo.agents[1:])
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    await phone.goto(f"{demo.phone_url}?account={appid}&follower=Hua&lang=en")
    await phone.get_by_role("button", name="Follow", exact=True).click()
    await shows_a_picture(phone.get_by_role("link", name="新人礼").locator("img"))
    await phone.get_by_role("button", name="绿茶").click()
    await expect(phone.get_by_text("绿茶", exact=True)).to_have_count(2)  # the choice, and what was said
    await row(agent, "绿茶").click()
    await expect(agent.get_by_role("log").get_by_text("您想喝什么茶？")).to_be_visible()
    assert await serious_findings(agent) == []


async def test_two_short_lines_reach_the_phone_as_one_message(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="合并茶")
    page, agent, phone = await open_page(), await open_page(), await open_page(width=390, height=844)
    await open_tab(page, demo=demo, account="合并茶", tab="Reception")
    merging = page.get_by_role("group", name="Merge short lines")
    await merging.get_by_role("radio", name=re.compile("^On ")).check()
    await page.get_by_label("Waiting time").fill("2")
    assert await serious_findings(page) == []
    await save(page)

    await off_duty(demo, demo.owner, *demo.agents[1:])
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Tao")
    await customer.writes("有货吗？")
    await row(agent, "有货吗？").click()
    await say(agent, "有的")
    await say(agent, "今天发货")
    log = agent.get_by_role("log")
    for words in ("有的", "今天发货"):
        bubble = log.locator(".message").filter(has_text=words)
        await expect(bubble).to_be_visible()
    await phone.goto(f"{demo.phone_url}?account={appid}&follower=Tao&lang=en")
    await expect(phone.get_by_role("log").get_by_text("今天发货")).to_be_visible()
    assert await customer.received() == ["有的\n今天发货"]
    await expect(log.get_by_text("Sent", exact=True)).to_be_visible()
    await expect(log.get_by_text("Not sent")).to_have_count(0)
