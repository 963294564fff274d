"""An account is docked by scanning a code, loses its authorization while a customer is served, and gets it back."""

import re
from typing import cast

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import choose_official_account, sign_in, write_from_phone

pytestmark = pytest.mark.browser


class Administrator:
    """The account's administrator: a phone that scans, and what WeChat's back office lets them do."""

    def __init__(self, *, demo: Demo, phone: Page, account: dict[str, str], platform: str) -> None:
        self._demo = demo
        self._phone = phone
        self._platform = platform
        self.appid = account["appid"]
        self.name = account["name"]

    async def confirms(self, page: Page) -> None:
        """Scan the code that `page` shows, choose the account and authorize."""
        code = page.locator('a[href*="/admin/scan"]').first
        await expect(code).to_be_attached()
        address = await code.get_attribute("href")
        assert address is not None
        await self._phone.goto(f"{self._demo.sandbox_url}{address[address.index('/admin') :]}&lang=en")
        await self._phone.get_by_role("radio", name=re.compile(re.escape(self.name))).last.check()
        await self._phone.get_by_role("button", name="Authorize").click()

    async def withdraws(self) -> None:
        """Take the platform's authorization away, as in WeChat's back office."""
        path = f"/sandbox/api/accounts/{self.appid}/authorizations/{self._platform}/revoke"
        async with httpx.AsyncClient(base_url=self._demo.sandbox_url, trust_env=False) as client:
            (await client.post(path, json={})).raise_for_status()


async def an_administrator(*, demo: Demo, phone: Page) -> Administrator:
    """Return the administrator of a certified service account that nobody has docked yet."""
    async with httpx.AsyncClient(base_url=demo.sandbox_url, trust_env=False) as client:
        listed = (await client.get("/sandbox/api/accounts")).json()
    accounts = cast("list[dict[str, str]]", listed["items"] if isinstance(listed, dict) else listed)
    account = next(one for one in accounts if "服务号" in one["name"])
    return Administrator(demo=demo, phone=phone, account=account, platform=demo.component.appid)


def conversation_with(agent: Page, words: str) -> Locator:
    return agent.get_by_role("listbox", name="Conversations").get_by_role("option").filter(has_text=words).first


async def test_an_account_is_docked_by_scanning_withdrawn_and_authorized_again(demo: Demo, open_page: OpenPage) -> None:
    owner, agent = await open_page(), await open_page()
    phone = await open_page(width=390, height=844)
    administrator = await an_administrator(demo=demo, phone=await open_page(width=390, height=844))

    await sign_in(owner, demo=demo, who=demo.owner)
    await choose_official_account(owner)
    await owner.get_by_role("link", name=re.compile("Access by scanning code")).click()
    scan = owner.get_by_text("Scan code for authorization", exact=True).last
    await expect(scan).to_be_visible()
    assert await serious_findings(owner) == []
    await scan.click()
    await administrator.confirms(owner)
    await expect(owner.get_by_text(f"{administrator.name} is docked")).to_be_visible()
    await expect(owner.get_by_text("Service account, certified")).to_be_visible()
    await expect(owner.get_by_text("Message management")).to_be_visible()
    await expect(owner.locator('main img[src*="/avatar"]').first).to_be_visible()
    assert await serious_findings(owner) == []

    await sign_in(agent, demo=demo, who=demo.agents[1])
    await agent.get_by_role("link", name="Workbench").click()
    await agent.get_by_role("button", name=re.compile("Status: ")).wait_for()
    await phone.goto(f"{demo.phone_url}?account={administrator.appid}&follower=Lei&lang=en")
    await phone.get_by_role("button", name="Follow", exact=True).click()
    await write_from_phone(phone, words="茶叶怎么保存？")
    await conversation_with(agent, "茶叶怎么保存？").click()
    reply = agent.get_by_role("textbox", name="Reply")
    await reply.fill("放在阴凉干燥处。")
    await agent.get_by_role("button", name="Send", exact=True).click()
    await expect(phone.get_by_text("放在阴凉干燥处。")).to_be_visible()

    await administrator.withdraws()
    await expect(agent.get_by_text("The account cannot send")).to_be_visible()
    await expect(reply).to_have_count(0)
    assert await serious_findings(agent) == []

    await owner.get_by_text("Open the channel", exact=True).click()
    await expect(
        owner.get_by_text("Authorization withdrawn").or_(owner.get_by_text("Deauthorized")).first
    ).to_be_visible()
    await owner.get_by_text("Permissions", exact=True).first.click()
    await owner.get_by_text("Authorize again", exact=True).first.click()
    await administrator.confirms(owner)
    await expect(owner.get_by_text(f"{administrator.name} is docked")).to_be_visible()
    await expect(reply).to_be_editable()
    await reply.fill("还有什么可以帮您？")
    await agent.get_by_role("button", name="Send", exact=True).click()
    await expect(phone.get_by_text("还有什么可以帮您？")).to_be_visible()
