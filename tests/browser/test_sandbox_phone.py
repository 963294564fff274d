"""The sandbox's phone alone: real files, voices recorded and played, two phones at once, a server that fails."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, Page, Route, expect

from tests.browser.conftest import OpenPage, serious_findings
from tests.sandbox.process import running_process
from tests.sandbox.receiver import Receiver, Reply, running_receiver
from tests.sandbox.world import AES_KEY, TOKEN, until

pytestmark = pytest.mark.browser

APPID = "wxdemo"
SAMPLES = Path(__file__).parents[2] / "src" / "wechat_sandbox" / "samples"


@dataclass(frozen=True, slots=True)
class Stage:
    """A sandbox of its own, and the server that its account pushes to."""

    url: str
    receiver: Receiver

    async def phone(self, open_page: OpenPage, name: str, *, scheme: str = "light") -> Page:
        """Return the phone of somebody who follows the account."""
        page = await open_page(width=390, height=844, scheme=scheme)
        await page.goto(f"{self.url}/phone?account={APPID}&follower={name}&lang=en")
        await page.get_by_role("button", name="Follow", exact=True).click()
        await expect(page.get_by_role("textbox", name="Message")).to_be_visible()
        return page

    async def answers(self, body: dict[str, object]) -> None:
        """Let the account send a customer-service message."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            content = json.dumps(body, ensure_ascii=False).encode()
            sent = await http.post(
                "/cgi-bin/message/custom/send", params={"access_token": await _token(http)}, content=content
            )
            assert sent.json()["errcode"] == 0, sent.text

    async def uploads(self, kind: str, name: str) -> str:
        """Upload a sample as the account and return its media id."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            query = {"access_token": await _token(http), "type": kind}
            files = {"media": (name, (SAMPLES / name).read_bytes())}
            return str((await http.post("/cgi-bin/media/upload", params=query, files=files)).json()["media_id"])


async def _token(http: httpx.AsyncClient) -> str:
    query = {"grant_type": "client_credential", "appid": APPID, "secret": "s3cret"}
    return str((await http.get("/cgi-bin/token", params=query)).json()["access_token"])


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_receiver() as receiver:
        account = {"appid": APPID, "secret": "s3cret", "name": "晨光文具", "callback_url": receiver.url}
        seed = json.dumps(account | {"token": TOKEN, "aes_key": AES_KEY, "mode": "plaintext"})
        async with running_process(tmp_path, "--account", seed) as ready:
            yield Stage(url=ready["url"], receiver=receiver)


async def pushed(stage: Stage, kind: str) -> str:
    """Return the body of the push of this kind, once it has come."""
    wanted = f"<MsgType><![CDATA[{kind}]]>".encode()
    await until(lambda: any(wanted in push.body for push in stage.receiver.pushes))
    return next(push.body.decode() for push in stage.receiver.pushes if wanted in push.body)


async def choose(page: Page, label: str, file: Path | FilePayload) -> None:
    await page.get_by_role("button", name="More", exact=True).click()
    await page.get_by_label(label, exact=True).set_input_files(file)


async def test_follower_sends_a_film_and_a_file_of_their_own(stage: Stage, open_page: OpenPage) -> None:
    page = await stage.phone(open_page, "Lei")
    log = page.get_by_role("log")
    await choose(page, "Video file", SAMPLES / "video.mp4")
    film = log.get_by_label("Video")
    await expect(film).to_be_visible()
    assert await film.evaluate("async (it) => { await it.play(); return it.videoWidth > 0 }")
    assert "<MediaId>" in await pushed(stage, "video")
    await choose(page, "Any file", {"name": "报价单.xlsx", "mimeType": "application/x", "buffer": b"x" * 2048})
    await expect(log.get_by_text("报价单.xlsx")).to_be_visible()
    await expect(log.get_by_text("2 KB")).to_be_visible()
    assert "<FileTotalLen>2048</FileTotalLen>" in await pushed(stage, "file")
    await choose(page, "Video file", SAMPLES / "video.mp4")
    await expect(film).to_have_count(2)
    shown = asyncio.Event()

    async def late(route: Route) -> None:
        if route.request.resource_type == "media":
            await shown.wait()
        await route.continue_()

    await page.route("**/*", late)
    await page.set_viewport_size({"width": 390, "height": 560})
    await page.reload()
    await expect(film).to_have_count(2)
    shown.set()
    ready = "() => [...document.querySelectorAll('.log video')].filter((film) => film.videoHeight > 0).length === 2"
    await page.wait_for_function(ready)
    below = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight"
    assert await log.evaluate(below) < 2, "whoever opens the chat reads its end, however late the films come"


async def test_voice_is_recorded_sent_as_amr_and_played(stage: Stage, open_page: OpenPage) -> None:
    page = await stage.phone(open_page, "Lei")
    await page.get_by_role("button", name="Record a voice").click()
    recorder = page.get_by_role("group", name="Recording")
    await expect(recorder.get_by_role("timer")).to_have_text("Recording 1″")
    assert await serious_findings(page) == []
    await recorder.get_by_role("button", name="Send recording").click()
    voice = page.get_by_role("log").get_by_role("button", name="Play the voice")
    await voice.click()
    await expect(voice).to_have_attribute("aria-pressed", "true")
    assert "<Format><![CDATA[amr]]></Format>" in await pushed(stage, "voice")
    async with httpx.AsyncClient(base_url=stage.url, trust_env=False) as http:
        kept = (await http.get(f"/sandbox/api/accounts/{APPID}/media")).json()
        recorded = next(one for one in kept if one["duration_s"] and one["media_type"] == "audio/amr")
        assert 0.8 < recorded["duration_s"] < 10
        assert (await http.get(recorded["url"])).content.startswith(b"#!AMR\n")


async def test_faces_are_pictures_whatever_the_phone_has_of_emoji(stage: Stage, open_page: OpenPage) -> None:
    page = await stage.phone(open_page, "Lei")
    log = page.get_by_role("log")
    await page.get_by_role("textbox", name="Message").fill("好的/::)[捂脸]<b>")
    await page.get_by_role("button", name="Send").click()
    for name in ("微笑", "捂脸"):
        await expect(log.get_by_role("img", name=name)).to_be_visible()
    await expect(log.get_by_text("好的")).to_contain_text("<b>")
    assert "好的/::)[捂脸]&lt;b&gt;" in await pushed(stage, "text") or "好的/::)[捂脸]<b>" in await pushed(
        stage, "text"
    )
    has_all = """async () => {
      const { FACES } = await import('/sandbox/static/faces.js')
      const face = (await document.fonts.load("20px 'Phone Faces'", FACES[0][2]))[0]
      const widths = (font) => {
        const pen = document.createElement('canvas').getContext('2d')
        pen.font = `20px ${font}`
        return FACES.map(([, , emoji]) => pen.measureText(emoji).width)
      }
      const missing = widths("'Phone Faces', monospace").filter((width) => width < 20)
      return [face.status, missing.length]
    }"""
    assert await page.evaluate(has_all) == ["loaded", 0]


async def test_recording_can_be_given_up(stage: Stage, open_page: OpenPage) -> None:
    page = await stage.phone(open_page, "Lei")
    await page.get_by_role("button", name="Record a voice").click()
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    await expect(page.get_by_role("log").get_by_role("button", name="Play the voice")).to_have_count(0)


async def test_voice_of_the_account_is_played_whatever_its_format(stage: Stage, open_page: OpenPage) -> None:
    page = await stage.phone(open_page, "Lei")
    openid = await _openid(page, stage)
    for name in ("voice.amr", "voice.mp3"):
        media_id = await stage.uploads("voice", name)
        await stage.answers({"touser": openid, "msgtype": "voice", "voice": {"media_id": media_id}})
    voices = page.get_by_role("log").get_by_role("button", name="Play the voice")
    await expect(voices).to_have_count(2)
    for number in range(2):
        await voices.nth(number).click()
        await expect(voices.nth(number)).to_have_attribute("aria-pressed", "true")


async def _openid(page: Page, stage: Stage) -> str:
    name = parse_qs(urlsplit(page.url).query)["follower"][0]
    async with httpx.AsyncClient(base_url=stage.url, trust_env=False) as http:
        people = (await http.get(f"/sandbox/api/accounts/{APPID}/followers")).json()
    return next(str(one["openid"]) for one in people if one["nickname"] == name)


async def test_two_phones_show_their_own_chats(stage: Stage, open_page: OpenPage) -> None:
    lei, mei = await stage.phone(open_page, "Lei"), await stage.phone(open_page, "Mei", scheme="dark")
    for page, words in ((lei, "我是雷"), (mei, "我是梅")):
        await page.get_by_role("textbox", name="Message").fill(words)
        await page.get_by_role("button", name="Send", exact=True).click()
    text = {"msgtype": "text", "text": {"content": "只给雷"}}
    await stage.answers({"touser": await _openid(lei, stage), **text})
    await expect(lei.get_by_role("log").get_by_text("只给雷")).to_be_visible()
    await expect(mei.get_by_role("log").get_by_text("我是梅")).to_be_visible()
    await expect(mei.get_by_role("log").get_by_text("只给雷")).to_have_count(0)
    await expect(mei.get_by_role("log").get_by_text("我是雷")).to_have_count(0)


async def test_server_that_answers_nonsense_earns_the_failure_notice(stage: Stage, open_page: OpenPage) -> None:
    page = await stage.phone(open_page, "Lei")
    stage.receiver.usual = Reply(body=b'{"text": "hello"}')
    await page.get_by_role("textbox", name="Message").fill("在吗")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("该公众号提供的服务出现故障，请稍后再试")).to_be_visible()


async def test_what_went_over_the_wire_is_exported(stage: Stage, open_page: OpenPage) -> None:
    page = await stage.phone(open_page, "Lei")
    await page.get_by_role("button", name="Sandbox options").click()
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Export traffic").click()
    download = await started.value
    assert download.suggested_filename == "wechat-sandbox-recording.json"
    recording = json.loads(Path(await download.path()).read_text("utf-8"))
    assert recording["pushes"][0]["kind"] == "subscribe"
