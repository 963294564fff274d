"""The way to a grant, and the platform's back office, as people use them."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.sandbox.platform import AES_KEY, COMPONENT, ROOT, SEAL, SECRET, TOKEN
from tests.sandbox.process import running_process
from tests.sandbox.receiver import Received, Receiver, Reply, running_receiver
from tests.sandbox.test_pages import open_page
from tests.sandbox.world import Json, until
from wechat_sandbox.wire import child_text, parse

pytestmark = pytest.mark.browser

ACCOUNTS = [
    {"appid": "wxservice", "name": "晨光文具", "type": "service", "administrator": "王店长"},
    {"appid": "wxpoor", "name": "街角书店", "verified": False, "permission_sets": [3], "administrator": "王店长"},
    {"appid": "wxforeign", "name": "远方茶舍", "administrator": "李经理"},
]


@dataclass(slots=True)
class Stage:
    """A stand-in in a process of its own, a platform's server, and a page in a browser."""

    url: str
    http: httpx.AsyncClient
    receiver: Receiver
    page: Page
    token: str = ""
    link: str = ""

    def answer(self, request: Received) -> Reply:
        if request.path == "/callback/start":
            return Reply(body=f'<!doctype html><meta charset="utf-8"><a href="{self.link}">go</a>'.encode())
        return Reply()

    def notices(self) -> list[str]:
        """Return the kinds of notification that came."""
        kinds: list[str] = []
        for push in self.receiver.pushes:
            query = push.query
            message = SEAL.open(
                encrypt=child_text(parse(push.body), "Encrypt") or "",
                timestamp=query["timestamp"],
                nonce=query["nonce"],
                signature=query["msg_signature"],
            )
            document = parse(message)
            self.token = child_text(document, "ComponentVerifyTicket") or self.token
            kinds.append(child_text(document, "InfoType") or "")
        return kinds

    async def call(self, name: str, **body: str) -> Json:
        answer = await self.http.post(f"{ROOT}/{name}", json={"component_appid": COMPONENT} | body)
        return answer.json()

    async def visit(self, path: str = "/cgi-bin/componentloginpage", extra: str = "") -> None:
        """Go from the platform's own page to the authorization page."""
        await until(lambda: "component_verify_ticket" in self.notices())
        credentials = {"component_appsecret": SECRET, "component_verify_ticket": self.token}
        token = (await self.call("api_component_token", **credentials))["component_access_token"]
        code = (await self.call(f"api_create_preauthcode?access_token={token}"))["pre_auth_code"]
        back = quote(f"{self.receiver.url}/back?state=7", safe="")
        query = f"component_appid={COMPONENT}&pre_auth_code={code}&redirect_uri={back}&auth_type=1{extra}"
        self.link = f"{self.url}{path}?{query}"
        await self.page.goto(f"{self.receiver.url}/start")
        await self.page.get_by_role("link", name="go").click()

    async def back_with_code(self, page: Page) -> str:
        """Return the code with which the browser came back."""
        await page.wait_for_url(f"{self.receiver.url}/back**")
        query = parse_qs(urlsplit(page.url).query)
        assert query["state"] == ["7"]
        assert query["expires_in"] == ["600"]
        return query["auth_code"][0]


@asynccontextmanager
async def a_stage(folder: Path) -> AsyncGenerator[Stage]:
    accounts = folder / "accounts.json"
    accounts.write_text(json.dumps(ACCOUNTS))
    async with running_receiver() as receiver:
        seed = {
            "appid": COMPONENT,
            "secret": SECRET,
            "token": TOKEN,
            "aes_key": AES_KEY,
            "name": "云帆客服",
            "event_url": f"{receiver.url}/events",
            "message_url": f"{receiver.url}/wx/$APPID$",
            "start_domain": urlsplit(receiver.url).netloc,
        }
        arguments = ("--accounts-file", str(accounts), "--component", json.dumps(seed))
        async with (
            running_process(folder, *arguments) as ready,
            httpx.AsyncClient(base_url=ready["url"], trust_env=False) as http,
            open_page() as page,
        ):
            stage = Stage(url=ready["url"], http=http, receiver=receiver, page=page)
            receiver.echoes, receiver.usual = False, stage.answer
            yield stage


async def no_wider_than_the_screen(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_administrator_scans_chooses_and_confirms(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        await stage.visit()
        page = stage.page
        await expect(page.get_by_role("img", name="授权二维码")).to_be_visible()
        await no_wider_than_the_screen(page)
        async with page.expect_popup() as popup:
            await page.get_by_role("link", name="在本机打开管理员的手机").click()
        phone = await popup.value
        await expect(page.get_by_role("status")).to_have_text("扫描成功，请在手机上确认授权")
        await expect(phone.get_by_role("radio")).to_have_count(2)
        await phone.get_by_role("radio", name="街角书店").check()
        await expect(phone.get_by_role("checkbox")).to_have_count(1)
        await phone.get_by_role("radio", name="晨光文具").check()
        await phone.get_by_role("checkbox", name="素材管理").uncheck()
        await no_wider_than_the_screen(phone)
        await phone.get_by_role("button", name="授权", exact=True).click()
        await expect(phone.get_by_text("授权成功")).to_be_visible()
        assert (await stage.back_with_code(page)).startswith("queryauthcode@@@")
        await until(lambda: "authorized" in stage.notices())
        [grant] = (await stage.http.get("/sandbox/api/accounts/wxservice/authorizations")).json()
        assert grant["sets"] == [1, 2, 3, 4, 7, 15]


async def test_administrator_cancels_in_english(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        await stage.visit()
        await stage.page.get_by_role("link", name="English").click()
        async with stage.page.expect_popup() as popup:
            await stage.page.get_by_role("link", name="Open the administrator's phone on this machine").click()
        phone = await popup.value
        await phone.get_by_label("Administrator").select_option("李经理")
        await expect(phone.get_by_role("radio")).to_have_count(1)
        await phone.get_by_role("button", name="Cancel").click()
        await expect(phone.get_by_text("No permission was granted.")).to_be_visible()
        await expect(stage.page.get_by_role("status")).to_have_text("The administrator cancelled")


async def test_page_without_code_leads_back_from_the_same_phone(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        extra = "&action=bindcomponent&no_scan=1&biz_appid=wxforeign"
        await stage.visit("/wxaopen/safe/bindcomponent", extra)
        await expect(stage.page.get_by_role("radio", name="远方茶舍")).to_be_checked()
        await stage.page.get_by_role("button", name="授权", exact=True).click()
        assert (await stage.back_with_code(stage.page)).startswith("queryauthcode@@@")


async def test_address_typed_by_hand_is_refused(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        await stage.visit()
        await stage.page.goto("about:blank")
        await stage.page.goto(stage.link)
        await expect(stage.page.get_by_role("alert")).to_contain_text("授权入口页所在域名：空")
        await stage.page.goto(f"{stage.link}&lang=en")
        await expect(stage.page.get_by_role("alert")).to_contain_text("must be on the same domain")


async def test_administrator_changes_permissions_and_takes_the_grant_back(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        await stage.visit("/safe/bindcomponent", "&action=bindcomponent&no_scan=1")
        page = stage.page
        await page.get_by_role("button", name="授权", exact=True).click()
        await stage.back_with_code(page)
        await page.goto(f"{stage.url}/admin/authorizations?account=wxservice")
        await page.get_by_role("checkbox", name="菜单管理").uncheck()
        await page.get_by_role("button", name="保存权限").click()
        await expect(page.get_by_role("status")).to_contain_text("已保存")
        await page.get_by_role("button", name="取消授权").click()
        await page.get_by_role("button", name="确认取消授权？").click()
        await expect(page.get_by_text("没有授权给任何第三方平台。")).to_be_visible()
        await until(lambda: stage.notices()[-2:] == ["updateauthorized", "unauthorized"])


async def test_platform_pushes_a_ticket_saves_settings_and_runs_the_check(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        page = stage.page
        await page.goto(f"{stage.url}/platform?component={COMPONENT}&lang=en")
        await until(lambda: len(stage.notices()) == 1)
        await page.get_by_role("button", name="Push ticket now").click()
        await until(lambda: len(stage.notices()) == 2)
        await page.get_by_label("Message and event URL").fill("http://127.0.0.1:9/all")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Not saved: message_url must contain $APPID$")).to_be_visible()
        await page.get_by_label("Message and event URL").fill(f"{stage.receiver.url}/wx2/$APPID$")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Saved", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Run check").click()
        await expect(page.get_by_role("region", name="Release check").get_by_role("status")).to_contain_text(
            "15 failed", timeout=20_000
        )
        await no_wider_than_the_screen(page)
        next_ticket = page.get_by_text(re.compile(r"^Next\b"))  # the logs below hold any letters
        await expect(next_ticket).to_have_count(1)
        await page.get_by_label("Pushing tickets").select_option("off")
        await expect(next_ticket).to_have_count(0)
        shown = (await stage.http.get(f"/sandbox/api/components/{COMPONENT}")).json()
        assert shown["message_url"] == f"{stage.receiver.url}/wx2/$APPID$"
        assert shown["ticket_state"] == "off"
