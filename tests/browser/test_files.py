"""An agent records a voice, sends a file that the customer downloads, and asks for one that they hand in."""

import asyncio
import re

import pytest
from playwright.async_api import FilePayload, expect

from tests.browser.backstage import Customer, a_customer, a_docked_account, minutes_later, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench
from tests.voices import a_recording

pytestmark = pytest.mark.browser

PDF = b"%PDF-1.7 a price list"
GROWS_TWICE = """() => new Promise((tell) => {
  const log = document.querySelector('[role=log]')
  const content = log.firstElementChild
  const grow = () => {
    const more = document.createElement('div')
    more.style = 'height: 300px; flex: none'
    content.append(more)
  }
  const observer = new ResizeObserver(() => {
    observer.disconnect()
    grow()
    setTimeout(() => tell(log.scrollHeight - log.scrollTop - log.clientHeight), 200)
  })
  requestAnimationFrame(() => {
    grow()
    observer.observe(content)
  })
})"""
"""Let the timeline grow, and again right after it went to its end; tell how far it is from there then."""


async def test_voice_goes_out_and_files_go_both_ways(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="茶行")
    await off_duty(demo, *demo.agents[1:])
    agent = await open_page()
    await agent.context.grant_permissions(["microphone"])
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Mei")
    await customer.writes("能发语音吗？")
    await agent.get_by_role("listbox").get_by_role("option").filter(has_text="能发语音吗？").click()
    log = agent.get_by_role("log")

    await agent.get_by_role("button", name="Record a voice").click()
    recorder = agent.get_by_role("group", name="Voice recording")
    await expect(recorder.get_by_role("timer")).to_contain_text("0:01")
    await recorder.get_by_role("button", name="Stop").click()
    await expect(recorder.get_by_role("button", name="Send voice")).to_be_visible()
    assert await serious_findings(agent) == []
    await recorder.get_by_role("button", name="Send voice").click()
    await expect(log.get_by_role("group", name="Voice message")).to_be_visible()
    await expect(log.get_by_role("button", name="Play")).to_be_visible()

    price_list = FilePayload(name="../价目表.pdf", mimeType="application/pdf", buffer=PDF)
    await agent.locator("input[type=file]").set_input_files([price_list])
    tray = agent.get_by_role("list", name="Files for the next reply")
    await expect(tray.get_by_role("listitem")).to_have_count(1)
    await agent.get_by_role("button", name="Send", exact=True).click()
    await expect(log.get_by_text("Sent as a link, which works until")).to_be_visible()
    wechat = await open_page(width=390, height=844)
    await wechat.goto(f"{demo.phone_url}?account={appid}&follower=Mei&lang=en")
    card = wechat.get_by_role("log").get_by_role("link").filter(has_text="价目表.pdf")
    await expect(card).to_contain_text("21 B，有效期至")
    picture = card.locator("img")
    await expect(picture).to_have_attribute("src", f"{demo.console_url}/cards/pdf.png")
    await wechat.wait_for_function("() => document.querySelector('a.card img').naturalWidth === 720")
    async with wechat.expect_popup() as opened:
        await card.click()
    phone = await opened.value
    await expect(phone.get_by_role("heading", name="价目表.pdf")).to_be_visible()
    assert await serious_findings(phone) == []
    async with phone.expect_download() as download:
        await phone.get_by_role("button", name="Download").click()
    path = await (await download.value).path()
    assert path.read_bytes() == PDF

    await customer.sends("file", title="发票.pdf", file_total_len=123)
    await log.get_by_role("button", name="Ask for the file").click()
    await expect(log.get_by_text("Asked for “发票.pdf”")).to_be_visible()
    await phone.goto(await the_link(customer, "upload"))
    await expect(phone.get_by_role("heading", name="Send a file to")).to_be_visible()
    invoice = FilePayload(name="invoice.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7 invoice")
    await phone.locator("input[type=file]").set_input_files([invoice])
    await expect(phone.get_by_text("has received it")).to_be_visible()
    assert await serious_findings(phone) == []
    await expect(log.get_by_text("invoice.pdf")).to_be_visible()
    song = FilePayload(name="问题录音.wav", mimeType="audio/wav", buffer=a_recording("wav"))
    await phone.locator("input[type=file]").set_input_files([song])
    sound = log.locator(".card").filter(has_text="问题录音.wav")
    await expect(sound.get_by_role("button", name="Play")).to_be_visible()
    await expect(sound.get_by_role("link", name="Download")).to_be_visible()

    # What grows once more before the browser has told of its own scrolling, as pictures and cards do, moves nobody.
    assert await agent.evaluate(GROWS_TWICE) < 2
    reading = await agent.evaluate("() => document.querySelector('[role=log]').scrollTop = 5")
    assert await agent.evaluate(GROWS_TWICE) > 200
    assert await agent.evaluate("() => document.querySelector('[role=log]').scrollTop") == reading

    with minutes_later(demo, 8 * 24 * 60):
        await phone.goto((await customer.addresses())[0])
        await expect(phone.get_by_text("This link has expired")).to_be_visible()
        await expect(phone.get_by_text("It worked until")).to_be_visible()


async def the_link(customer: Customer, purpose: str) -> str:
    """Return the address that reached the phone, once it is there."""
    async with asyncio.timeout(15):
        while True:
            for words in reversed(await customer.received()):
                if found := re.search(rf"https?://\S+/c/{purpose}/[\w-]+", words):
                    return found[0]
            await asyncio.sleep(0.1)
