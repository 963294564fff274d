"""An agent pastes, drops and sends pictures; a file that only calls itself a picture is refused with the reason."""

import base64
import re
import zlib

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.browser.backstage import a_customer, a_docked_account, an_empty_desk, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import sign_in, write_from_phone

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 240, 160

GIVE = """([event, name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
  const data = new DataTransfer()
  data.items.add(new File([bytes], name, { type }))
  const [target, given] = event === 'paste'
    ? [document.querySelector('textarea'), new ClipboardEvent('paste', { clipboardData: data, bubbles: true })]
    : [document.querySelector('[role=log]'), new DragEvent(event, { dataTransfer: data, bubbles: true })]
  target.dispatchEvent(given)
}"""


def a_png() -> bytes:
    """Return a picture of one colour."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)

    header = WIDTH.to_bytes(4) + HEIGHT.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    rows = (b"\0" + b"\x0b\x6b\x78" * WIDTH) * HEIGHT
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, content) for name, content in parts)


async def give(page: Page, event: str, *, name: str, content: bytes) -> None:
    """Paste, drag or drop a file that calls itself a PNG."""
    await page.evaluate(GIVE, [event, name, "image/png", base64.b64encode(content).decode()])


async def test_pictures_are_pasted_dropped_and_sent_and_what_is_none_is_refused(
    demo: Demo, open_page: OpenPage
) -> None:
    appid = await a_docked_account(demo, name="画廊")
    await off_duty(demo, *demo.agents[1:])
    agent = await open_page()
    await sign_in(agent, demo=demo, who=demo.agents[0])
    await agent.get_by_role("link", name="Workbench").click()
    await expect(agent.get_by_text("Up to date")).to_be_visible()
    customer = await a_customer(demo, appid=appid, nickname="Yan")
    await customer.writes("有照片吗？")
    await agent.get_by_role("listbox").get_by_role("option").filter(has_text="有照片吗？").click()
    log, tray = agent.get_by_role("log"), agent.get_by_role("list", name="Files for the next reply")
    send = agent.get_by_role("button", name="Send", exact=True)

    await expect(agent.get_by_role("button", name="Add files")).to_be_visible()
    await give(agent, "paste", name="pasted.png", content=a_png())
    await expect(tray.get_by_role("listitem")).to_have_count(1)
    await give(agent, "dragenter", name="dropped.png", content=a_png())
    await expect(agent.get_by_text("Drop files here")).to_be_visible()
    await give(agent, "drop", name="lying.png", content=b"<svg onload='alert(1)'/>")
    await expect(agent.get_by_text("This is no picture, whatever its name says.")).to_be_visible()
    await expect(send).to_be_disabled()
    assert await serious_findings(agent) == []

    await agent.get_by_role("button", name="Remove lying.png").click()
    await agent.get_by_role("textbox", name="Reply").fill("给您看一张")
    await send.click()
    picture = log.get_by_role("button", name="Look at it")
    await expect(picture).to_be_visible()
    await expect(log.get_by_text("给您看一张", exact=True)).to_be_visible()
    await expect(tray).to_have_count(0)

    await picture.click()
    await expect(agent.get_by_role("dialog").get_by_role("img")).to_have_js_property("naturalWidth", WIDTH)
    assert await serious_findings(agent) == []
    await agent.keyboard.press("Escape")
    await expect(agent.get_by_role("dialog")).to_have_count(0)
    await expect(picture).to_be_focused()


async def test_the_phones_picture_reaches_the_agent_and_the_agents_picture_the_phone(
    demo: Demo, open_page: OpenPage
) -> None:
    appid = await a_docked_account(demo, name="相册")
    await off_duty(demo, *demo.agents[1:])
    await an_empty_desk(demo)
    agent, phone = await open_page(), await open_page(width=390, height=844)
    await sign_in(agent, demo=demo, who=demo.agents[0])
    await agent.get_by_role("link", name="Workbench").click()
    await expect(agent.get_by_text("Up to date")).to_be_visible()
    log = agent.get_by_role("log")

    await phone.goto(f"{demo.phone_url}?account={appid}&follower=Lan&lang=en")
    await phone.get_by_role("button", name="Follow", exact=True).click()
    await write_from_phone(phone, words="杯子碎了，看照片")
    await agent.get_by_role("listbox").get_by_role("option").filter(has_text="杯子碎了").click()
    await phone.get_by_role("button", name="More").click()
    picture: FilePayload = {"name": "cup.png", "mimeType": "image/png", "buffer": a_png()}
    await phone.locator("input[type=file][accept*=image]").first.set_input_files(picture)
    seen = log.get_by_role("button", name=re.compile("Picture from"))
    await expect(seen.get_by_role("img")).to_have_js_property("naturalWidth", WIDTH)
    assert await serious_findings(agent) == []

    await give(agent, "paste", name="new.png", content=a_png())
    await expect(agent.get_by_role("list", name="Files for the next reply").get_by_role("listitem")).to_have_count(1)
    await agent.get_by_role("button", name="Send", exact=True).click()
    await expect(log.get_by_text("Sent", exact=True).last).to_be_visible()
    on_phone = phone.get_by_role("link", name="Open picture").get_by_role("img")
    await expect(on_phone).to_have_count(2)  # the customer's own, and the agent's
    await expect(on_phone.last).to_have_js_property("naturalWidth", WIDTH)
