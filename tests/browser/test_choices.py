"""An agent asks with choices, shows a card and a face; the customer taps, types a number or opens a page."""

import re

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.browser.backstage import a_customer, a_docked_account, off_duty, the_next_reply_meets
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench, open_tab, row, say, sent, shows_a_picture
from tests.browser.test_pictures import a_png

pytestmark = pytest.mark.browser


async def asks(agent: Page, question: str, *options: str, is_long: bool = False) -> None:
    await agent.get_by_role("button", name="Insert", exact=True).click()
    await agent.get_by_role("menuitem", name="Choices").click()
    editor = agent.get_by_role("dialog", name="Send choices")
    await editor.get_by_role("textbox", name="Question").fill(question)
    await editor.get_by_role("textbox", name="Question").press("Enter")
    for number, option in enumerate(options, start=1):
        field = editor.get_by_role("textbox", name=f"Option {number}")
        await expect(field).to_be_focused()
        await field.fill(option)
        if number < len(options):
            await field.press("Enter")
    note = editor.get_by_role("status")
    await expect(note).to_contain_text("gets a link to a page" if is_long else re.compile("^$"))
    assert await serious_findings(agent) == []
    await agent.keyboard.press("Control+Enter")
    await expect(editor).to_be_hidden()


async def test_choices_are_tapped_or_answered_by_number_and_cards_arrive(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="选茶")
    await off_duty(demo, *demo.agents[1:])
    agent = await open_page()
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Mei")
    phone = await open_page(width=390, height=844)
    await phone.goto(f"{demo.phone_url}?account={appid}&follower=Mei&lang=en")
    await customer.writes("想退货")
    await row(agent, "想退货").click()
    log = agent.get_by_role("log")

    # The customer sees that somebody writes, and then the words with the face.
    reply = agent.get_by_role("textbox", name="Reply")
    await reply.press_sequentially("您好")
    await expect(phone.get_by_text("Typing…")).to_be_visible()
    await reply.fill("")  # taken back: seen at once, not after WeChat's 15 s
    await expect(phone.get_by_text("Typing…")).to_be_hidden(timeout=8_000)
    await reply.fill("您好")
    await reply.press("Home")
    await agent.get_by_role("button", name="Insert a face").click()
    faces = agent.get_by_role("dialog", name="Faces")
    await faces.get_by_role("searchbox").fill("捂脸")
    assert await serious_findings(agent) == []
    await faces.get_by_role("button", name="Facepalm").click()
    await expect(reply).to_have_value("[捂脸]您好")
    await expect(reply).to_be_focused()
    await reply.press("Enter")
    await expect(log.get_by_role("img", name="Facepalm")).to_be_visible()
    await expect(phone.get_by_text("Typing…")).to_be_hidden()

    # Tapped.
    await asks(agent, "为什么要退？", "尺码不合", "质量问题")
    await phone.get_by_text("质量问题", exact=True).click()
    chosen = log.get_by_role("list", name="Choices").first.get_by_role("listitem").filter(has_text="质量问题")
    await expect(chosen.get_by_text("Chosen")).to_be_visible()

    # Refused as a menu: a text with numbers, and the number counts.
    await the_next_reply_meets(demo, kind="errcode", errcode=48008)
    await asks(agent, "怎么处理？", "退款", "换货", "维修")
    await expect(phone.get_by_text("2. 换货")).to_be_visible()
    await customer.writes("2")
    await expect(log.get_by_text("2 · 换货")).to_be_visible()
    second = log.get_by_role("list", name="Choices").nth(1)
    await expect(second.get_by_role("listitem").filter(has_text="换货").get_by_text("Chosen")).to_be_visible()

    # Too long for numbers, and of menus the account is known to take none: a link leads to a page, and a click answers.
    reasons = [f"原因{number}：" + "说" * 36 for number in range(1, 9)]
    await asks(agent, "请问主要是什么原因？" + "请仔细阅读以下选项。" * 40, *reasons, is_long=True)
    link = phone.locator("a[href*='/c/choices/']")
    async with phone.context.expect_page() as opening:
        await link.click()
    page = await opening.value
    await expect(page.get_by_role("heading", name="请问主要是什么原因？")).to_be_visible()
    assert await serious_findings(page) == []
    await page.get_by_role("button", name="原因3").dblclick()
    await expect(page.get_by_role("status")).to_contain_text("has your answer")
    await expect(page.get_by_role("status")).to_be_focused()
    assert await serious_findings(page) == []
    third = log.get_by_role("list", name="Choices").nth(2)
    await expect(third.get_by_role("listitem").filter(has_text="原因3").get_by_text("Chosen")).to_be_visible()
    await expect(log.get_by_text("Sent as a link to a page")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("status")).to_contain_text("has your answer")
    await expect(page.get_by_role("button")).to_have_count(0)

    # A card; what is wrong is said at its field.
    await agent.get_by_role("button", name="Insert", exact=True).click()
    await agent.get_by_role("menuitem", name="Card").click()
    card = agent.get_by_role("dialog", name="Send a card")
    await card.get_by_role("textbox", name="Title").fill("退换货说明")
    await card.get_by_role("textbox", name="Link").fill("shop.example/help")
    await card.get_by_role("button", name="Send", exact=True).click()
    await expect(card.get_by_text("Enter a whole web address")).to_be_visible()
    await expect(card.get_by_role("textbox", name="Link")).to_be_focused()
    await card.get_by_role("textbox", name="Link").fill("https://shop.example/help")

    # Its picture is uploaded: refused with the reason, or shown to the agent and on the customer's phone alike.
    upload = card.locator("input[type=file]")
    await upload.set_input_files([FilePayload(name="logo.png", mimeType="image/png", buffer=b"<svg/>")])
    await expect(card.get_by_text("This is no picture, whatever its name says.")).to_be_visible()
    assert await serious_findings(agent) == []
    await upload.set_input_files([FilePayload(name="tea.png", mimeType="image/png", buffer=a_png())])
    await expect(card.get_by_role("img", name="The card’s picture")).to_be_visible()
    await expect(card.get_by_text("This is no picture")).to_have_count(0)
    assert await serious_findings(agent) == []
    await card.get_by_role("button", name="Send", exact=True).click()
    await expect(sent(agent, "退换货说明")).to_be_visible()
    await expect(log.get_by_role("img", name="The card’s picture")).to_be_visible()
    await shows_a_picture(phone.get_by_role("link", name="退换货说明").locator("img"))
    assert await serious_findings(agent) == []


async def test_what_an_uncertified_account_cannot_send_is_shown_with_the_reason(
    demo: Demo, open_page: OpenPage
) -> None:
    appid = await a_docked_account(demo, name="小茶铺", certified=None)
    await off_duty(demo, *demo.agents[1:])
    owner = await open_page()
    await open_tab(owner, demo=demo, account="小茶铺", tab="Health")
    await off_duty(demo, demo.owner)
    await states_certification(owner, "No")
    agent = await open_page()
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Lan")
    await customer.writes("在吗")
    await row(agent, "在吗").click()
    await expect(agent.get_by_text("What you write waits and goes out")).to_be_visible()
    await expect(agent.get_by_role("button", name="Record a voice")).to_have_count(0)
    await agent.get_by_role("button", name="Insert", exact=True).press("ArrowUp")
    file = agent.get_by_role("menuitem", name="File Needs a certified account")
    await expect(file).to_be_focused()
    for kind in ("Card", "Picture", "Voice", "Video", "File"):
        await expect(agent.get_by_role("menuitem", name=f"{kind} Needs a certified account")).to_be_disabled()
    assert await serious_findings(agent) == []
    await file.press("Enter")
    await expect(file).to_be_visible()  # nothing to open: the reason stays to be read
    await agent.keyboard.press("Escape")

    # Words it can say, and choices can be such: they wait for the customer.
    await asks(agent, "什么事？", "退款", "换货")
    await customer.writes("你好")
    await expect(agent.get_by_role("log").get_by_text("Sent as a text with numbers")).to_be_visible()
    await customer.writes("2")
    await expect(agent.get_by_role("log").get_by_text("2 · 换货")).to_be_visible()

    # Once it is certified, what waits goes out by itself.
    await say(agent, "好的，马上")
    await expect(sent(agent, "好的，马上")).to_have_count(0)
    await states_certification(owner, "Yes")
    await expect(sent(agent, "好的，马上")).to_be_visible()
    await expect(agent.get_by_text("What you write waits")).to_have_count(0)


async def states_certification(page: Page, answer: str) -> None:
    """Say of the account that is open in Channels whether it is certified."""
    if page.url.endswith("/health"):
        line = page.get_by_role("listitem").filter(has_text="Account type")
        await line.get_by_role("link", name="Open the overview").click()
    await page.get_by_role("radio", name=re.compile(rf"^{answer}\b")).check()
    assert await serious_findings(page) == []
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved. It counts from the next message on.")).to_be_visible()
