"""Web authorization: the page, its code, and what the code is exchanged for."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from tests.sandbox.world import APPID, SECRET, Json, World, running_world

USUAL = {
    "appid": APPID,
    "redirect_uri": "https://h5.example.com/me?a=1#top",
    "response_type": "code",
    "scope": "snsapi_userinfo",
    "state": "s1",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A world with an account and somebody who follows."""

    world: World
    openid: str

    async def page(self, **changes: str) -> str:
        response = await self.world.http.get("/connect/oauth2/authorize", params=USUAL | changes)
        return response.headers.get("location", response.text)

    async def code(self, **changes: str) -> str:
        address = await self.page(**({"person": "小林", "answer": "allow"} | changes))
        return parse_qs(urlsplit(address).query)["code"][0]

    async def exchange(self, code: str, **changes: str) -> Json:
        query = {"appid": APPID, "secret": SECRET, "code": code, "grant_type": "authorization_code"} | changes
        return (await self.world.http.get("/sns/oauth2/access_token", params=query)).json()

    async def get(self, path: str, **query: str) -> Json:
        return (await self.world.http.get(path, params=query)).json()


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_world(tmp_path) as world:
        await world.account(web_domains=["h5.example.com"])
        yield Stage(world=world, openid=await world.follower())


async def test_page_returns_with_a_code_before_the_fragment(stage: Stage) -> None:
    assert "小林" in await stage.page()
    address = await stage.page(person="小林", answer="allow")
    assert address.startswith("https://h5.example.com/me?a=1&code=")
    assert address.endswith("&state=s1#top")
    assert await stage.page(answer="refuse") == "https://h5.example.com/me?a=1&state=s1#top"


async def test_silent_scope_asks_nobody_whose_phone_is_known(stage: Stage) -> None:
    assert "code=" in await stage.page(scope="snsapi_base", person=stage.openid)


async def test_code_is_exchanged_once_within_five_minutes(stage: Stage) -> None:
    code = await stage.code()
    got = await stage.exchange(code)
    assert (got["openid"], got["scope"], got["expires_in"]) == (stage.openid, "snsapi_userinfo", 7200)
    assert (await stage.exchange(code))["errcode"] == 40163
    late = await stage.code()
    stage.world.move_clock(301)
    assert (await stage.exchange(late))["errcode"] == 42003
    assert (await stage.exchange("made-up"))["errcode"] == 40029
    assert (await stage.exchange("x", secret="wrong"))["errcode"] == 40125


async def test_userinfo_needs_its_scope_and_a_living_token(stage: Stage) -> None:
    await stage.world.act(stage.openid, "switches", {"unionid": "oUnion"})
    got = await stage.exchange(await stage.code())
    user = await stage.get("/sns/userinfo", access_token=got["access_token"], openid=stage.openid)
    assert (user["nickname"], user["unionid"]) == ("小林", "oUnion")
    assert (await stage.world.http.get(user["headimgurl"])).headers["content-type"] == "image/png"
    base = await stage.exchange(await stage.code(scope="snsapi_base"))
    refused = await stage.get("/sns/userinfo", access_token=base["access_token"], openid=stage.openid)
    assert refused["errcode"] == 48001
    assert (await stage.get("/sns/auth", access_token=base["access_token"], openid="x"))["errcode"] == 40003
    stage.world.move_clock(7201)
    old = await stage.get("/sns/userinfo", access_token=got["access_token"], openid=stage.openid)
    assert old["errcode"] == 42001
    query = {"appid": APPID, "grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    renewed = await stage.get("/sns/oauth2/refresh_token", **query)
    assert (await stage.get("/sns/auth", access_token=renewed["access_token"], openid=stage.openid))["errcode"] == 0


async def test_snapshot_user_is_marked(stage: Stage) -> None:
    got = await stage.exchange(await stage.code(answer="snapshot"))
    assert (got["is_snapshotuser"], got["openid"] != stage.openid) == (1, True)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"appid": ""}, 10012),
        ({"redirect_uri": ""}, 10011),
        ({"redirect_uri": "https://evil.example/"}, 10003),
        ({"redirect_uri": "javascript:alert(1)"}, 10003),
        ({"scope": ""}, 10010),
        ({"scope": "snsapi_login"}, 10005),
        ({"state": "a-b"}, 10013),
        ({"component_appid": "wxnone"}, 10015),
    ],
)
async def test_page_shows_wechats_error_numbers(stage: Stage, changes: dict[str, str], number: int) -> None:
    assert f"({number})" in await stage.page(**changes)
