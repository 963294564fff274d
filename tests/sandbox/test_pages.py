"""The phone and the back office, as people use them."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.sandbox.process import running_process
from tests.sandbox.receiver import Reply, running_receiver
from tests.sandbox.world import AES_KEY, TOKEN

pytestmark = pytest.mark.browser

SEED = '{"appid": "wxdemo", "secret": "s3cret", "name": "晨光文具"}'
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def open_page() -> AsyncGenerator[Page]:
    chromium = shutil.which("chromium")
    assert chromium is not None, "Chromium is missing: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        yield page
        await browser.close()
        assert problems == []


async def answer_everybody(url: str, content: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        query = {"grant_type": "client_credential", "appid": "wxdemo", "secret": "s3cret"}
        token = (await http.get("/cgi-bin/token", params=query)).json()["access_token"]
        for follower in (await http.get("/sandbox/api/accounts/wxdemo/followers")).json():
            body = f'{{"touser":"{follower["openid"]}","msgtype":"text","text":{{"content":"{content}"}}}}'
            path = f"/cgi-bin/message/custom/send?access_token={token}"
            answer = await http.post(path, content=body.encode())
            assert answer.json()["errcode"] == 0


async def test_follower_follows_writes_reads_the_answer_and_leaves(tmp_path: Path) -> None:
    async with running_process(tmp_path, "--account", SEED) as ready, open_page() as page:
        await page.goto(f"{ready['phone_url']}?account=wxdemo&follower=小林")
        await page.get_by_role("button", name="关注").click()
        await page.get_by_role("textbox", name="消息").fill("你好<b>")
        await page.get_by_role("button", name="发送").click()
        await expect(page.get_by_role("log").get_by_text("你好<b>", exact=True)).to_be_visible()
        await answer_everybody(ready["url"], "您好，请讲")
        await expect(page.get_by_text("您好，请讲")).to_be_visible()
        await page.get_by_role("button", name="取消关注").click()
        await expect(page.get_by_role("button", name="关注")).to_be_visible()


async def test_back_office_saves_only_a_server_that_echoes(tmp_path: Path) -> None:
    async with (
        running_receiver() as receiver,
        running_process(tmp_path, "--account", SEED) as ready,
        open_page() as page,
    ):
        await page.goto(f"{ready['backoffice_url']}?account=wxdemo&lang=en")
        await page.get_by_role("textbox", name="Server address (URL)").fill("http://127.0.0.1:9/")
        await page.get_by_role("textbox", name="Token").fill(TOKEN)
        await page.get_by_role("textbox", name="EncodingAESKey").fill(AES_KEY)
        await page.get_by_role("button", name="Submit").click()
        await expect(page.get_by_role("status")).to_contain_text("Not saved")
        await page.get_by_role("textbox", name="Server address (URL)").fill(receiver.url)
        await page.get_by_role("button", name="Submit").click()
        await expect(page.get_by_role("status")).to_contain_text("Saved")
        receiver.usual = Reply(body=b"nonsense")
        await page.goto(f"{ready['phone_url']}?account=wxdemo&follower=Mei&lang=en")
        await page.get_by_role("button", name="Follow", exact=True).click()
        await expect(page.get_by_text("该公众号提供的服务出现故障，请稍后再试")).to_be_visible()
        await page.goto(f"{ready['backoffice_url']}?account=wxdemo&lang=en")
        await expect(page.get_by_role("region", name="Pushes").get_by_text("Bad answer")).to_be_visible()
