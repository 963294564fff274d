"""What ails a channel shows in the list and on its Health tab with what mends it, is mended there, and is over."""

import re
from typing import cast
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.backstage import a_customer, a_docked_account, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench, choose_official_account, row, say, sign_in

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

    await expect(owner.get_by_text("Service account, certified")).to_be_visible()
    await owner.get_by_role("link", name="Health").click()
    voices = line(owner, "Voices turned into text")
    await voices.get_by_role("button", name="Switch on").click()
    await expect(voices).to_contain_text("On. Voices come with their text.")
    assert await serious_findings(owner) == []


async def choose(page: Page, item: str) -> None:
    """Choose what can be done with the channel as a whole."""
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name=item).click()


async def enter_secret(page: Page, secret: str) -> None:
    await page.get_by_role("dialog", name="Change credentials").get_by_label("AppSecret", exact=True).fill(secret)
    await page.get_by_role("button", name="Save and check").click()


async def test_credentials_are_changed_and_agents_see_while_the_account_fails(demo: Demo, open_page: OpenPage) -> None:
    name = "Rotating Tea"
    appid = await a_docked_account(demo, name=name)
    async with sandbox_of(demo) as client:
        account = cast("Json", (await client.get(f"/sandbox/api/accounts/{appid}")).json())
    owner, agent = await open_page(), await open_page()
    await sign_in(owner, demo=demo, who=demo.owner)
    await off_duty(demo, demo.owner)
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Mei")
    await customer.writes("Is the shop open today?")
    await row(agent, "Is the shop open today?").click()
    warning = agent.get_by_text("The account cannot send at present.")
    await expect(agent.get_by_role("textbox", name="Reply")).to_be_visible()
    await expect(warning).to_have_count(0)

    await to_health(owner, account=name)
    await choose(owner, "Change credentials")
    assert await serious_findings(owner) == []
    await enter_secret(owner, "0" * 32)
    credentials = line(owner, "Credentials work")
    await expect(credentials).to_contain_text("The AppSecret is wrong")
    await expect(line(owner, "Server address allowed")).to_contain_text("Cannot be told before the credentials work.")
    await expect(warning).to_be_visible()
    assert await serious_findings(agent) == []

    await credentials.get_by_role("button", name="Change credentials").click()
    await enter_secret(owner, str(account["secret"]))
    await expect(owner.get_by_text("No trouble is known.")).to_be_visible()
    await expect(warning).to_have_count(0)

    # WeChat pushes in compatible mode, then that is chosen here too.
    keys = {field: account[field] for field in ("token", "aes_key")}
    server = {"url": account["callback_url"], "mode": "compatible", **keys}
    async with sandbox_of(demo) as client:
        (await client.post(f"/sandbox/api/accounts/{appid}/server", json=server)).raise_for_status()
    await customer.writes("Hello?")
    await expect(row(agent, "Hello?")).to_be_visible()
    await owner.reload()
    pushes = line(owner, "Encryption of what arrives")
    await expect(pushes).to_contain_text("Seen in the last message: compatible mode. Set here: secure mode.")
    await pushes.get_by_role("button", name="Change credentials").click()
    await owner.get_by_label("Encryption mode").select_option("compatible")
    await owner.get_by_role("button", name="Save and check").click()
    await expect(pushes).not_to_contain_text("Set here")
    await expect(pushes).to_contain_text("works")
    await off_duty(demo, demo.agents[0])


async def test_a_used_up_day_is_told_where_it_matters_and_reset_on_second_thought(
    demo: Demo, open_page: OpenPage
) -> None:
    name = "Busy Tea"
    appid = await a_docked_account(demo, name=name)
    owner, agent = await open_page(), await open_page()
    await sign_in(owner, demo=demo, who=demo.owner)
    await off_duty(demo, demo.owner)
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Lei")
    await customer.writes("Any tea left?")
    await row(agent, "Any tea left?").click()
    async with sandbox_of(demo) as client:
        path, sends = f"/sandbox/api/accounts/{appid}/traits", "/cgi-bin/message/custom/send"
        (await client.post(path, json={"daily_limits": {sends: 0}})).raise_for_status()
    await say(agent, "Plenty.")
    await expect(agent.get_by_text("WeChat's daily limit for this account is used up")).to_be_visible()
    await expect(agent.get_by_text("The account cannot send at present.")).to_be_visible()
    await owner.get_by_role("link", name="Channels").first.click()
    entry = owner.get_by_role("link").filter(has_text=name).first
    await expect(entry).to_contain_text("WeChat's daily limit for this account is used up")

    await to_health(owner, account=name)
    await wechat_refuses(demo, "/cgi-bin/clear_quota", errcode=48006)
    await line(owner, "Today's calls").get_by_role("button", name="Reset the counts").click()
    asking = owner.get_by_role("dialog", name=f"Reset the counts of {name}?")
    await expect(asking).to_contain_text("WeChat allows it 10 times a month")
    assert await serious_findings(owner) == []
    await asking.get_by_role("button", name="Reset", exact=True).click()
    await expect(asking).to_contain_text("have been reset 10 times this month")
    await wechat_relents(demo)
    async with sandbox_of(demo) as client:
        (await client.post(path, json={"daily_limits": {sends: 100}})).raise_for_status()
    await asking.get_by_role("button", name="Reset", exact=True).click()
    await expect(owner.get_by_text("No trouble is known.")).to_be_visible()
    await expect(agent.get_by_text("The account cannot send at present.")).to_have_count(0)
    await off_duty(demo, demo.agents[0])


async def the_service_account(demo: Demo) -> Json:
    """Return the certified service account of the sandbox that nobody has docked yet."""
    async with sandbox_of(demo) as client:
        accounts = cast("list[Json]", (await client.get("/sandbox/api/accounts")).json())
    return next(one for one in accounts if "服务号" in str(one["name"]))
