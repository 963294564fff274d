"""A company says who its customers are, by links that it signs; agents see it, and admins decide contradictions."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from tests.browser.backstage import Customer, a_customer, a_docked_account, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench, sign_in

pytestmark = pytest.mark.browser

IN_WECHAT = "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50 Language/zh_CN"


async def test_signed_link_tells_who_a_customer_is_and_a_contradiction_is_decided(
    demo: Demo, open_page: OpenPage
) -> None:
    appid = await a_docked_account(demo, name="会员店")
    await off_duty(demo, *demo.agents[1:])
    admin = await open_page()
    await sign_in(admin, demo=demo, who=demo.owner)
    await admin.get_by_role("link", name="Channels").first.click()
    await admin.get_by_text("会员店").first.click()
    await admin.get_by_role("link", name="Identity").click()
    await admin.get_by_role("button", name="Make a secret").click()
    await expect(admin.get_by_text("This is the only time that it is shown")).to_be_visible()
    secret = (await admin.locator(".secret code").inner_text()).strip()
    entry = (await admin.locator(".address code").inner_text()).strip()
    await admin.get_by_role("checkbox", name="Accept signed links").check()
    await admin.get_by_label("Attributes that may come along").fill("level")
    await admin.get_by_role("button", name="Save").click()
    await expect(admin.get_by_role("button", name="Save")).to_be_disabled()
    await expect(admin.get_by_text("Saved", exact=True)).to_be_visible()
    assert await serious_findings(admin) == []

    await off_duty(demo, demo.owner)  # signing in led to the workbench
    agent = await open_page()
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    mei = await a_customer(demo, appid=appid, nickname="Mei")
    await mei.writes("我是老会员")
    await agent.get_by_role("listbox", name="Conversations").get_by_role("option").first.click()
    await agent.get_by_role("button", name="Set a remark name").click()
    await agent.keyboard.type("周小美")
    await agent.keyboard.press("Enter")
    await expect(agent.get_by_role("listbox").get_by_text("周小美")).to_be_visible()

    phone = await open_page(width=390, height=844)
    await phone.set_extra_http_headers({"User-Agent": IN_WECHAT})
    link = signed(entry, secret, {"user": "u-1001", "level": "gold"})
    await opens(phone, link, as_=mei)
    await expect(phone.get_by_text("Is that you?")).to_be_visible()
    assert await serious_findings(phone) == []
    await expect(agent.get_by_text("u-1001")).to_have_count(0)
    await phone.get_by_role("button", name="Yes, that is me").click()
    await expect(phone.get_by_text("You are recognised")).to_be_visible()
    await phone.reload()
    await expect(phone.get_by_text("You are recognised")).to_be_visible()
    assert await serious_findings(phone) == []
    await expect(agent.get_by_text("u-1001")).to_be_visible()
    await expect(agent.get_by_text("gold")).to_be_visible()

    lei = await a_customer(demo, appid=appid, nickname="Lei")
    await opens(phone, link, as_=lei)
    await expect(phone.get_by_text("Somebody else has used this link")).to_be_visible()
    await opens(phone, signed(entry, "wrong", {"user": "u-1001"}), as_=lei)
    await expect(phone.get_by_text("The link was changed")).to_be_visible()
    await opens(phone, signed(entry, secret, {"user": "u-2002", "level": "gold"}), as_=lei)
    await phone.get_by_role("button", name="No, this is not me").click()
    await expect(phone.get_by_text("Nothing was changed")).to_be_visible()
    await opens(phone, signed(entry, secret, {"user": "u-1001"}), as_=lei)
    await phone.get_by_role("button", name="Yes, that is me").click()
    await expect(phone.get_by_text("Support will have a look")).to_be_visible()

    await admin.reload()
    await expect(admin.get_by_text("opened a link for u-2002 and said that this is somebody else")).to_be_visible()
    await admin.get_by_role("button", name="Noted").click()
    await expect(admin.get_by_role("button", name="Noted")).to_have_count(0)
    await expect(admin.get_by_text("whom “周小美” is known as")).to_be_visible()
    assert await serious_findings(admin) == []
    await admin.get_by_role("button", name="Replace").click()
    await expect(admin.get_by_text("All are decided")).to_be_visible()
    await expect(agent.get_by_text("u-1001")).to_have_count(0)


def signed(entry: str, secret: str, told: Mapping[str, str]) -> str:
    """Return a link as a company's server makes it."""
    told = {**told, "expires": str(int(time.time()) + 600)}
    canonical = "&".join(f"{quote(name, safe='-._~')}={quote(told[name], safe='-._~')}" for name in sorted(told))
    return f"{entry}?{canonical}&signature={hmac.new(secret.encode(), canonical.encode(), hashlib.sha256).hexdigest()}"


async def opens(phone: Page, link: str, *, as_: Customer) -> None:
    """Open a link in WeChat as a customer: the sandbox asks its cookie whose phone it is."""
    await phone.context.add_cookies([{"name": "phone", "value": as_.openid, "url": as_.sandbox_url}])
    await phone.goto(link)
