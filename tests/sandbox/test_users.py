"""Followers as the API knows them: lists, tags, remarks, the blacklist, and codes that are scanned."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.world import APPID, Json, World, running_world


@dataclass(frozen=True, slots=True)
class Stage:
    """A world with an account, somebody who follows, and a token."""

    world: World
    openid: str
    token: str

    async def call(self, name: str, body: Json = None) -> Json:
        return await self.world.call(f"/cgi-bin/{name}", body, token=self.token)

    async def tag(self, name: str) -> int:
        return (await self.call("tags/create", {"tag": {"name": name}}))["tag"]["id"]

    async def fields(self, sent: Json) -> Json:
        return self.world.sandbox.state.pushes[sent["push_id"]].fields


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_world(tmp_path) as world:
        await world.account()
        openid = await world.follower()
        yield Stage(world=world, openid=openid, token=(await world.stable_token())["access_token"])


async def test_followers_are_listed_page_by_page(stage: Stage) -> None:
    other = await stage.world.follower(nickname="小陈")
    listed = await stage.call("user/get")
    assert (listed["total"], listed["data"]["openid"], listed["next_openid"]) == (2, [stage.openid, other], other)
    rest = await stage.world.call(f"/cgi-bin/user/get?next_openid={stage.openid}&access_token={stage.token}")
    assert (rest["count"], rest["data"]["openid"]) == (1, [other])


async def test_remark_and_tags_are_told(stage: Stage) -> None:
    tag = await stage.tag("老客户")
    assert (await stage.call("tags/members/batchtagging", {"openid_list": [stage.openid], "tagid": tag}))[
        "errcode"
    ] == 0
    await stage.call("user/info/updateremark", {"openid": stage.openid, "remark": "林女士"})
    users = await stage.call("user/info/batchget", {"user_list": [{"openid": stage.openid}]})
    [known] = users["user_info_list"]
    assert (known["remark"], known["tagid_list"]) == ("林女士", [tag])
    assert (await stage.call("tags/get"))["tags"] == [{"id": tag, "name": "老客户", "count": 1}]
    assert (await stage.call("user/tag/get", {"tagid": tag}))["data"]["openid"] == [stage.openid]
    await stage.call("tags/members/batchuntagging", {"openid_list": [stage.openid], "tagid": tag})
    assert (await stage.call("tags/getidlist", {"openid": stage.openid}))["tagid_list"] == []


TAG_REFUSALS: list[tuple[str, Json, int]] = [
    ("tags/create", {"tag": {"name": "老客户"}}, 45157),
    ("tags/create", {"tag": {"name": ""}}, 45157),
    ("tags/create", {"tag": {"name": "好" * 10 + "a"}}, 45158),
    ("tags/update", {"tag": {"id": 2, "name": "x"}}, 45058),
    ("tags/delete", {"tag": {"id": 7}}, 45159),
    ("tags/members/batchtagging", {"openid_list": ["o"] * 51, "tagid": 100}, 40032),
    ("tags/members/batchtagging", {"openid_list": ["o"], "tagid": 100}, 40003),
    ("tags/members/batchblacklist", {"openid_list": ["o"] * 21}, 40032),
    ("user/info/updateremark", {"openid": "?", "remark": "好" * 30}, 40003),
]


@pytest.mark.parametrize(("name", "body", "errcode"), TAG_REFUSALS)
async def test_call_that_wechat_does_not_take_is_refused(stage: Stage, name: str, body: Json, errcode: int) -> None:
    await stage.tag("老客户")
    assert (await stage.call(name, body))["errcode"] == errcode


async def test_blacklisted_follower_cannot_be_written_to(stage: Stage) -> None:
    await stage.world.write(stage.openid)
    await stage.call("tags/members/batchblacklist", {"openid_list": [stage.openid]})
    assert (await stage.call("tags/members/getblacklist", {"begin_openid": ""}))["data"]["openid"] == [stage.openid]
    assert await stage.world.send(stage.openid, token=stage.token) == 43019
    await stage.call("tags/members/batchunblacklist", {"openid_list": [stage.openid]})
    assert await stage.world.send(stage.openid, token=stage.token) == 0


async def test_scanned_code_makes_strangers_follow_and_tells_followers(stage: Stage) -> None:
    scene: Json = {"scene": {"scene_str": "store_12"}}
    code = await stage.call("qrcode/create", {"action_name": "QR_LIMIT_STR_SCENE", "action_info": scene})
    picture = await stage.world.http.get("/cgi-bin/showqrcode", params={"ticket": code["ticket"]})
    assert picture.headers["content-type"] == "image/jpeg"
    assert (await stage.world.http.get("/cgi-bin/showqrcode", params={"ticket": "x"})).status_code == 404
    seen = await stage.fields(await stage.world.act(stage.openid, "scan", {"ticket": code["ticket"]}))
    assert (seen["Event"], seen["EventKey"], seen["Ticket"]) == ("SCAN", "store_12", code["ticket"])
    stranger = (await stage.world.control(f"/accounts/{APPID}/followers", {"nickname": "路人"}))["openid"]
    came = await stage.fields(await stage.world.act(stranger, "scan", {"ticket": code["ticket"]}))
    assert (came["Event"], came["EventKey"], came["Ticket"]) == ("subscribe", "qrscene_store_12", code["ticket"])


async def test_temporary_code_ends_and_a_misplaced_scene_is_lost(stage: Stage) -> None:
    body: Json = {"action_name": "QR_SCENE", "action_info": {"scene_id": 7}, "expire_seconds": 120}
    code = await stage.call("qrcode/create", body)
    seen = await stage.fields(await stage.world.act(stage.openid, "scan", {"ticket": code["ticket"]}))
    assert (code["expire_seconds"], seen["EventKey"]) == (120, "")
    stage.world.move_clock(121)
    path = f"/sandbox/api/accounts/{APPID}/followers/{stage.openid}/scan"
    assert (await stage.world.http.post(path, json={"ticket": code["ticket"]})).json()["error"] == "code_unknown"
    assert (await stage.call("qrcode/create", body | {"expire_seconds": 2592001}))["errcode"] == 40035
    permanent: Json = {"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 100001}}}
    assert (await stage.call("qrcode/create", permanent))["errcode"] == 40035
