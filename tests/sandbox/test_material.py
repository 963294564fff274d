"""Permanent material, limits of calls, and the recording."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from tests.sandbox.world import APPID, SECRET, Json, World, running_world
from wechat_sandbox.media.samples import SampleName, sample

SEND = "/cgi-bin/message/custom/send"


@dataclass(frozen=True, slots=True)
class Stage:
    """A world with an account of narrow limits and a token."""

    world: World
    token: str

    async def add(self, kind: str, name: SampleName, **texts: str) -> Json:
        response = await self.world.http.post(
            "/cgi-bin/material/add_material",
            params={"access_token": self.token, "type": kind},
            files={"media": (name, sample(name))},
            data=texts,
        )
        return response.json()

    async def call(self, name: str, body: Json = None) -> Json:
        return await self.world.call(f"/cgi-bin/{name}", body, token=self.token)


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_world(tmp_path) as world:
        await world.account(daily_limits={SEND: 2}, minute_limits={"/cgi-bin/user/get": 1})
        yield Stage(world=world, token=(await world.stable_token())["access_token"])


async def test_material_is_kept_listed_and_deleted(stage: Stage) -> None:
    picture = await stage.add("image", "photo.jpg")
    assert (await stage.world.http.get(picture["url"])).content == sample("photo.jpg")
    stage.world.move_clock(30 * 86400)
    again = Stage(stage.world, (await stage.world.stable_token())["access_token"])
    listed = await again.call("material/batchget_material", {"type": "image", "offset": 0, "count": 20})
    assert (listed["total_count"], listed["item"][0]["name"]) == (1, "photo.jpg")
    assert (await again.call("material/get_materialcount"))["image_count"] == 1
    button: Json = {"name": "图", "type": "media_id", "media_id": picture["media_id"]}
    assert (await again.call("menu/create", {"button": [button]}))["errcode"] == 0
    assert (await again.call("material/del_material", {"media_id": picture["media_id"]}))["errcode"] == 48005
    await again.call("menu/delete")
    assert (await again.call("material/del_material", {"media_id": picture["media_id"]}))["errcode"] == 0
    assert (await again.call("material/get_material", {"media_id": picture["media_id"]}))["errcode"] == 40007
    assert (await again.call("material/batchget_material", {"type": "image", "offset": 0, "count": 21}))[
        "errcode"
    ] == 40097


async def test_video_needs_a_description(stage: Stage) -> None:
    assert (await stage.add("video", "video.mp4"))["errcode"] == 47001
    kept = await stage.add("video", "video.mp4", description='{"title": "开箱", "introduction": "三分钟"}')
    got = await stage.call("material/get_material", {"media_id": kept["media_id"]})
    assert (got["title"], got["description"]) == ("开箱", "三分钟")
    assert (await stage.world.http.get(got["down_url"])).content == sample("video.mp4")


async def test_narrow_limits_end_calls_until_cleared_or_tomorrow(stage: Stage) -> None:
    openid = await stage.world.follower()
    await stage.world.write(openid)
    answers = [await stage.world.send(openid, token=stage.token) for _ in range(3)]
    assert answers == [0, 0, 45009]
    quota = await stage.call("openapi/quota/get", {"cgi_path": SEND})
    assert quota["quota"] == {"daily_limit": 2, "used": 2, "remain": 0}
    assert (await stage.call("openapi/quota/clear", {"cgi_path": SEND}))["errcode"] == 0
    assert await stage.world.send(openid, token=stage.token) == 0
    assert [(await stage.call("user/get")).get("errcode") for _ in range(2)] == [None, 45011]
    assert (await stage.call("openapi/quota/get", {"cgi_path": "send"}))["errcode"] == 76003
    assert (await stage.call("openapi/quota/get", {"cgi_path": "/no/such"}))["errcode"] == 76022
    cleared = await stage.world.call("/cgi-bin/clear_quota/v2", {"appid": APPID, "appsecret": SECRET})
    assert cleared["errcode"] == 0


async def test_recording_holds_calls_and_pushes(stage: Stage) -> None:
    openid = await stage.world.follower()
    await stage.world.write(openid, "记下来")
    recording = await stage.world.control("/recording")
    assert recording["calls"][0]["path"] == "/cgi-bin/stable_token"
    assert recording["pushes"][-1]["fields"]["Content"] == "记下来"
