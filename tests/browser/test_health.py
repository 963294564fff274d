"""What ails a channel shows in the list and on its Health tab with what mends it, is mended there, and is over."""

import re
from typing import cast
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.backstage import a_customer, a_docked_account
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import choose_official_account, sign_in

pytestmark = pytest.mark.browser

Json = dict[str, object]


def sandbox_of(demo: Demo) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=demo.sandbox_url, trust_env=False, timeout=30)


async def wechat_refuses(demo: Demo, endpoint: str, *, errcode: int, errmsg: str = "") -> None:
    """Let WeChat refuse every call of `endpoint` until further notice."""
    fault = {"endpoint": endpoint, "kind": "errcode", "errcode": errcode, "errmsg": errmsg, "times": 1000}
    async with sandbox_of(demo) as client:
        (await client.post("/sandbox/api/faults", json=fault)).raise_for_status()


async def wechat_relents(demo: Demo) -> None:
    """Let WeChat do again what it is asked."""
    async with sandbox_of(demo) as client:
        (await client.delete("/sandbox/api/faults")).raise_for_status()


def line(page: Page, name: str) -> Locator:
    """Return the check of that name."""
    return page.get_by_role("listitem").filter(has=page.get_by_text(re.compile(f"^{re.escape(name)}"))).last


async def to_health(page: Page, *, account: str) -> None:
    """Go to the Health tab of an account, through the list."""
    await page.get_by_role("link", name="Channels").first.click()
    await page.get_by_role("link").filter(has_text=account).first.click()
    await page.get_by_role("link", name="Health").click()
    await expect(page.get_by_role("button", name="Run checks")).to_be_enabled()


async def test_what_ails_a_channel_is_named_mended_and_over(demo: Demo, open_page: OpenPage) -> None:
    name = "Ailing Tea"
    appid = await a_docked_account(demo, name=name)
    owner = await open_page()
    await sign_in(owner, demo=demo, who=demo.owner)
    await to_health(owner, account=name)
    await expect(line(owner, "Credentials work")).to_contain_text("works")
    await expect(owner.get_by_text("No trouble is known.")).to_be_visible()
    await expect(line(owner, "Today's calls")).to_contain_text("Messages: 0 of 500,000 used")

    reported = owner.get_by_role("list", name="What WeChat reported lately")
    await (await a_customer(demo, appid=appid, nickname="Mei")).sends("event", event="annual_renew")
    await expect(reported).to_contain_text("The account's verification has to be renewed")

    network = line(owner, "Network path to this server")
    await expect(network).to_contain_text("Asked when you run the checks")
    await wechat_refuses(demo, "/cgi-bin/openapi/quota/get", errcode=48001)
    await owner.get_by_role("button", name="Run checks").click()
    await expect(network).to_contain_text("The address leads to 127.0.0.1.")
    quotas = line(owner, "Today's calls")
    await quotas.get_by_text("Details").click()
    await quotas.get_by_role("button", name="Ask what is known of this call").click()
    await expect(quotas.get_by_role("definition").filter(has_text='"errcode":48001')).to_be_visible()
    assert await serious_findings(owner) == []
    await wechat_relents(demo)

    await wechat_refuses(
        demo, "/cgi-bin/stable_token", errcode=40164, errmsg="invalid ip 203.0.113.9, not in whitelist"
    )
    await owner.get_by_role("button", name="Run checks").click()
    address = line(owner, "Server address allowed")
    await expect(address.get_by_text("203.0.113.9", exact=True)).to_be_visible()
    await expect(address).to_contain_text("IP whitelist")
    assert await serious_findings(owner) == []
    await owner.get_by_role("link", name="Channels").first.click()
    row = owner.get_by_role("link").filter(has_text=name).first
    await expect(row).to_contain_text("Failing")
    await expect(row).to_contain_text("IP address is not on the account's list")

    await wechat_relents(demo)
    await to_health(owner, account=name)
    await owner.get_by_role("button", name="Run checks").click()
    await expect(owner.get_by_text("No trouble is known.")).to_be_visible()
    await owner.get_by_role("link", name="Channels").first.click()
    await expect(row).to_contain_text("Active")


async def test_an_account_is_docked_by_a_link_and_its_voices_are_turned_into_text(
    demo: Demo, open_page: OpenPage
) -> None:
    owner, phone = await open_page(), await open_page(width=390, height=844)
    await sign_in(owner, demo=demo, who=demo.owner)
    await choose_official_account(owner)
    await owner.get_by_role("link", name="Access by scanning code").click()
    await owner.get_by_role("button", name="Send a link to the administrator's phone").click()
    await expect(owner.get_by_alt_text("The link as a code to scan")).to_be_visible()
    assert await serious_findings(owner) == []
    address = await owner.locator("code").filter(has_text="/c/authorize/").inner_text()

    await phone.goto(address)
    await expect(phone.get_by_role("heading")).to_contain_text("asks for your Official Account")
    assert await serious_findings(phone) == []
    await phone.get_by_role("link", name="Go on to WeChat").click()
    await phone.wait_for_url("**/admin/scan**")
    account = await the_service_account(demo)
    whose = urlencode({"admin": str(account["administrator"]), "lang": "en"})
    await phone.goto(f"{phone.url.partition('#')[0]}&{whose}")
    await phone.get_by_role("radio", name=re.compile(re.escape(str(account["name"])))).last.check()
    await phone.get_by_role("button", name="Authorize").click()
    await expect(phone.get_by_text("The account is docked")).to_be_visible()
    assert "auth_code" in parse_qs(urlsplit(phone.url).query)

    await expect(owner.get_by_text("Service account, verified")).to_be_visible()
    await owner.get_by_role("link", name="Health").click()
    voices = line(owner, "Voices turned into text")
    await voices.get_by_role("button", name="Switch on").click()
    await expect(voices).to_contain_text("On. Voices come with their text.")
    assert await serious_findings(owner) == []


async def the_service_account(demo: Demo) -> Json:
    """Return the certified service account of the sandbox that nobody has docked yet."""
    async with sandbox_of(demo) as client:
        accounts = cast("list[Json]", (await client.get("/sandbox/api/accounts")).json())
    return next(one for one in accounts if "服务号" in str(one["name"]))
