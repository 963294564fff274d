"""A menu is drafted, published and tapped; another platform publishes, and its menu is noticed and imported.

WeChat is a server at the wire here, so that the story can play the other platform too.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
from playwright.async_api import Page, expect
from pydantic import SecretStr

from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.fields import read_fields, write_fields
from moorage.entry.http import create_app
from moorage.infra.database import Database
from moorage.infra.settings import Settings
from tests.browser.backstage import a_docked_account, channel_of, off_duty
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import sign_in
from tests.channels.docking import some_credentials
from tests.channels.menus.wechat import MenuWechat
from tests.connectors.provider import running_provider
from tests.connectors.wechat_requests import ACCOUNT, CUSTOMER, sealed_push
from tests.entry.web import SECRET_KEY, SignedIn, signed_in
from tests.serving import served

pytestmark = pytest.mark.browser

HOURS = "周一至周日 9:00–21:00"


@dataclass(frozen=True)
class Stage:
    """The running product, its owner, a docked account, and WeChat."""

    url: str
    owner: SignedIn
    channel_id: str
    credentials: Mapping[str, str]
    wechat: MenuWechat

    async def taps(self, key: str) -> str | None:
        """Push a tap as WeChat does, and return the words that the customer reads in answer."""
        now = datetime.now(UTC)
        event = {"ToUserName": ACCOUNT, "FromUserName": CUSTOMER, "CreateTime": int(now.timestamp())}
        tap = write_fields({**event, "MsgType": "event", "Event": "CLICK", "EventKey": key}, format="xml")
        appid = self.credentials["appid"]
        request = sealed_push(tap, at=now, appid=appid)
        answer = await self.owner.client.post(
            f"/wechat/oa/{appid}",
            params=dict(request.query),
            content=request.body,
            headers={"Content-Type": request.content_type},
        )
        if answer.content == b"success":
            return None
        sealed = str(read_fields(answer.content)["Encrypt"])
        plain = crypto.unseal(sealed, key=crypto.decode_aes_key(self.credentials["aes_key"]), appid=appid)
        return str(read_fields(plain)["Content"])

    async def opens_menu(self, page: Page) -> None:
        """Go to the menu's tab as the owner, whose session is theirs already."""
        session = {"name": "moorage_session", "value": self.owner.colleague.session.token, "url": self.url}
        await page.context.add_cookies([session])  # pyright: ignore[reportArgumentType] -- a SetCookieParam
        await page.goto(f"{self.url}/channels/{self.channel_id}/menu")


@pytest.fixture
async def stage(database: Database, database_url: str) -> AsyncGenerator[Stage]:
    wechat = MenuWechat()
    async with running_provider(wechat.answer) as provider:
        settings = Settings(
            database_url=SecretStr(database_url),
            secret_keys=SecretStr(SECRET_KEY),
            public_url="http://desk.example",
            wechat_api_url=provider.url,
        )
        async with (
            served(create_app(settings), lifespan=True) as address,
            httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client,
            signed_in(database, client) as owner,
        ):
            credentials = some_credentials()
            form = {"kind": "wechat_oa", "name": "Harbour Tea", "credentials": dict(credentials), "verified": True}
            docked = await owner.client.post("/api/channels", json=form)
            assert docked.status_code == 201, docked.text
            yield Stage(
                url=f"http://{address}",
                owner=owner,
                channel_id=docked.json()["id"],
                credentials=credentials,
                wechat=wechat,
            )


async def test_a_menu_is_drafted_published_tapped_replaced_elsewhere_and_imported(
    stage: Stage, open_page: OpenPage
) -> None:
    page = await open_page()
    await stage.opens_menu(page)

    # An empty menu says what to do first.
    await page.get_by_role("button", name="Add the first item").click()
    form = page.get_by_role("group", name="The chosen item")
    await form.get_by_label("Name").fill("六个字的菜单")
    await form.get_by_label("When it is tapped").select_option(label="Send a message")
    await form.get_by_label("Text").fill(HOURS)
    await expect(form.get_by_text("18 bytes; 16 are allowed")).to_be_visible()
    await expect(page.get_by_role("button", name="Publish…")).to_be_disabled()
    await form.get_by_label("Name").fill("营业时间")

    # A second item with a sub-menu, moved to the front by keyboard alone.
    await page.get_by_role("button", name="Add an item").press("Enter")
    await form.get_by_label("Name").fill("服务")
    await form.get_by_role("button", name="Add to sub-menu").press("Enter")
    await form.get_by_label("Name").fill("转人工")
    await form.get_by_label("When it is tapped").select_option(label="Transfer to an agent")
    bar = page.get_by_role("group", name="Menu bar")
    service = bar.get_by_role("button", name="服务", exact=True)
    await service.focus()
    await service.press("Alt+ArrowLeft")
    await expect(bar.get_by_role("button").filter(has_text="营业时间")).to_be_visible()
    await expect(service).to_be_focused()
    assert await serious_findings(page) == []

    # Tried on the phone before anybody sees it.
    await page.get_by_role("button", name="Try it").or_(page.get_by_role("radio", name="Try it")).click()
    await bar.get_by_role("button", name="营业时间").click()
    await expect(page.get_by_text(HOURS).last).to_be_visible()
    await page.get_by_role("button", name="Edit").or_(page.get_by_role("radio", name="Edit")).first.click()

    await page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("“营业时间” is new")).to_be_visible()
    await expect(dialog.get_by_text("within 5 minutes")).to_be_visible()
    assert await serious_findings(page) == []
    await dialog.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_text("Customers see version 1.")).to_be_visible()
    assert stage.wechat.names() == ["服务", "营业时间"]

    # What WeChat was given leads back to the item.
    assert stage.wechat.menu is not None
    assert await stage.taps(stage.wechat.menu[1]["key"]) == HOURS

    # Another platform publishes: the last one wins, and we say in what it differs.
    stage.wechat.menu = [stage.wechat.menu[1], {"type": "click", "name": "抽奖", "key": "LOTTERY"}]
    await page.get_by_role("button", name="Look again").click()
    await expect(page.get_by_text("“服务” is gone")).to_be_visible()
    await expect(page.get_by_text("“抽奖” is new")).to_be_visible()
    await page.get_by_role("link", name="Overview").click()
    await expect(page.get_by_text("Customers see another menu than the one published here.")).to_be_visible()
    await page.get_by_role("link", name="Look at the menu").click()
    await page.get_by_role("button", name="Import as draft").click()
    await expect(bar.get_by_role("button", name="抽奖")).to_be_visible()
    await bar.get_by_role("button", name="抽奖").click()
    await expect(page.get_by_text("Another system made this item")).to_be_visible()
    await expect(page.get_by_text("LOTTERY")).to_be_visible()

    # And back to what we had.
    await page.get_by_role("button", name="Publish…").click()
    await dialog.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_text("Customers see version 2.")).to_be_visible()
    assert await stage.taps("LOTTERY") is None
    await page.get_by_role("button", name="Roll back…").click()
    await dialog.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_text("Customers see version 3.")).to_be_visible()
    assert stage.wechat.names() == ["服务", "营业时间"]


async def test_customers_use_the_published_menu_on_their_phone(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="茶行")
    page = await open_page()
    await sign_in(page, demo=demo, who=demo.owner)
    await off_duty(demo, demo.owner)
    await page.goto(f"{demo.console_url}/channels/{await channel_of(demo, appid=appid)}/menu")
    form = page.get_by_role("group", name="The chosen item")
    await page.get_by_role("button", name="Add the first item").click()
    await form.get_by_label("Name").fill("营业时间")
    await form.get_by_label("When it is tapped").select_option(label="Send a message")
    await form.get_by_label("Text").fill(HOURS)
    await page.get_by_role("button", name="Add an item").click()
    await form.get_by_label("Name").fill("服务")
    for name, kind in (("官方网站", "Open a link"), ("转人工", "Transfer to an agent")):
        await page.get_by_role("group", name="Menu bar").get_by_role("button", name="服务", exact=True).click()
        await form.get_by_role("button", name="Add to sub-menu").click()
        await form.get_by_label("Name").fill(name)
        await form.get_by_label("When it is tapped").select_option(label=kind)
        if kind == "Open a link":
            await form.get_by_label("Address").fill(f"{demo.sandbox_url}/backoffice?from=menu")
    await page.get_by_role("button", name="Publish…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_text("Customers see version 1.")).to_be_visible()

    phone = await open_page(width=390, height=844)
    await phone.goto(f"{demo.phone_url}?account={appid}&follower=Mei&lang=en")
    await phone.get_by_role("button", name="Follow", exact=True).click()
    bar = phone.get_by_role("navigation", name="Menu")
    service = bar.get_by_role("button", name="服务")
    website = bar.get_by_role("button", name="官方网站")
    await expect(website).to_be_hidden()
    await service.click()
    await expect(service).to_have_attribute("aria-expanded", "true")
    await expect(website).to_be_in_viewport(ratio=1)
    assert await serious_findings(phone) == []
    async with phone.expect_popup() as opened:
        await website.click()
    assert (await opened.value).url == f"{demo.sandbox_url}/backoffice?from=menu"
    await expect(website).to_be_hidden()  # a choice closes the list, as does the next tap beside it
    await service.click()
    await phone.get_by_role("log").click()
    await expect(website).to_be_hidden()

    log = phone.get_by_role("log")
    await bar.get_by_role("button", name="营业时间").click()
    await expect(log.get_by_text(HOURS)).to_be_visible()
    await service.click()
    await bar.get_by_role("button", name="转人工").click()
    await expect(page.get_by_role("link", name="Workbench")).to_be_visible()
    await bar.get_by_role("button", name="Keyboard").click()
    await expect(phone.get_by_role("textbox", name="Message")).to_be_visible()


async def test_a_menu_for_some_customers_is_made_on_a_phone(stage: Stage, open_page: OpenPage) -> None:
    stage.wechat.menu = [{"type": "view", "name": "官网", "url": "https://x.example/"}]
    page = await open_page(width=390, height=844, scheme="dark", locale="zh-CN")
    await stage.opens_menu(page)
    await expect(page.get_by_text("客户看到的菜单不是在这里创建的。")).to_be_visible()
    await page.get_by_role("button", name="导入为草稿").click()
    await expect(page.get_by_role("button", name="官网", exact=True)).to_be_visible()
    await page.get_by_role("button", name="添加菜单", exact=True).click()
    await page.get_by_label("名称").first.fill("英文用户")
    await expect(page.get_by_text("请设置适用人群：语言、设备、标签至少一项。")).to_be_visible()
    await page.get_by_label("语言").select_option("en")
    assert await serious_findings(page) == []
    await page.get_by_role("button", name="保存", exact=True).click()
    row = page.get_by_role("listitem").filter(has_text="英文用户")
    await expect(row.get_by_text("草稿")).to_be_visible()
    await row.get_by_role("button", name="发布").click()
    await expect(row.get_by_text("生效中")).to_be_visible()
    assert [one["matchrule"] for one in stage.wechat.conditional] == [{"language": "en"}]
    await row.get_by_role("button", name=re.compile("删除")).click()
    await page.get_by_role("dialog").get_by_role("button", name="删除", exact=True).click()
    await expect(page.get_by_text("所有客户看到同一份菜单。")).to_be_visible()
    assert stage.wechat.conditional == []
