"""Pushes that come twice, at once, late or in the wrong order, and answers that come late or in half."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.sandbox.process import running_process
from tests.sandbox.receiver import Receiver, Reply, running_receiver
from tests.sandbox.world import APPID, USERNAME, World, running_world, until


@dataclass(frozen=True, slots=True)
class Stage:
    """A world with an account whose server is the receiver, and somebody who follows."""

    world: World
    receiver: Receiver
    openid: str

    async def order(self, kind: str, **more: object) -> None:
        await self.world.control("/disorder", {"kind": kind, "appid": APPID} | more)

    async def texts(self, count: int) -> list[str]:
        """Return the contents of the pushes after the first, once there are so many."""
        await until(lambda: len(self.receiver.pushes) == count + 1)
        bodies = [push.body.decode() for push in self.receiver.pushes[1:]]
        return [body.split("<Content><![CDATA[")[1].split("]]>")[0] for body in bodies]

    def message_ids(self) -> list[str]:
        return [push.body.decode().split("<MsgId>")[1].split("<")[0] for push in self.receiver.pushes[1:]]


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_receiver() as receiver, running_world(tmp_path) as world:
        await world.docked_account(receiver, mode="plaintext")
        yield Stage(world=world, receiver=receiver, openid=await world.follower())


@pytest.mark.parametrize("kind", ["duplicate", "parallel"])
async def test_message_may_come_twice(stage: Stage, kind: str) -> None:
    await stage.order(kind)
    await stage.world.write(stage.openid, "一")
    await stage.world.write(stage.openid, "二")
    assert sorted(await stage.texts(3)) == sorted(["一", "一", "二"])
    assert len(set(stage.message_ids())) == 2


async def test_message_may_be_overtaken_by_the_next(stage: Stage) -> None:
    await stage.order("out_of_order", delay_s=30)
    await stage.world.write(stage.openid, "一")
    await stage.world.write(stage.openid, "二")
    assert await stage.texts(2) == ["二", "一"]


async def test_delayed_message_comes_after_later_ones(stage: Stage) -> None:
    await stage.order("delayed", delay_s=0.2)
    for content in ("一", "二", "三"):
        await stage.world.write(stage.openid, content)
    assert await stage.texts(3) == ["二", "三", "一"]


async def test_disorder_hits_only_what_is_meant(stage: Stage) -> None:
    await stage.order("duplicate", message_kind="image")
    await stage.world.write(stage.openid, "一")
    assert await stage.texts(1) == ["一"]
    assert len(await stage.world.control("/disorder")) == 1
    await stage.world.http.delete("/sandbox/api/disorder")
    assert await stage.world.control("/disorder") == []


@pytest.mark.parametrize("kind", ["duplicate", "parallel"])
async def test_of_two_replies_to_a_push_that_came_twice_one_is_shown(stage: Stage, kind: str) -> None:
    stage.receiver.usual = Reply(
        body=f"<xml><ToUserName>{stage.openid}</ToUserName><FromUserName>{USERNAME}</FromUserName>"
        "<CreateTime>1767225600</CreateTime><MsgType>text</MsgType><Content>您好</Content></xml>".encode()
    )
    await stage.order(kind)
    await stage.world.write(stage.openid)
    await stage.texts(2)
    for push_id in stage.world.sandbox.state.pushes:
        assert (await stage.world.settled(push_id)).outcome in {"success", "reply"}
    assert [entry["text"] for entry in await stage.world.chat(stage.openid) if entry["direction"] == "out"] == ["您好"]


async def test_a_fault_may_hit_each_third_call_only(stage: Stage) -> None:
    await stage.world.control("/faults", {"endpoint": "/cgi-bin/token", "kind": "errcode", "times": 2, "every": 3})
    codes = [(await stage.world.plain_token()).get("errcode", 0) for _ in range(7)]
    assert codes == [0, 0, -1, 0, 0, -1, 0]


async def test_answers_may_be_slow_or_half_or_of_another_status(tmp_path: Path) -> None:
    seed = '{"appid": "wxdemo", "secret": "s3cret"}'
    query = {"grant_type": "client_credential", "appid": "wxdemo", "secret": "s3cret"}
    async with (
        running_process(tmp_path, "--account", seed) as ready,
        httpx.AsyncClient(base_url=ready["url"], trust_env=False) as http,
    ):
        for fault in ({"kind": "slow", "delay_s": 0.01}, {"kind": "http500", "status": 503}, {"kind": "half_body"}):
            await http.post("/sandbox/api/faults", json={"endpoint": "/cgi-bin/token"} | fault)
        assert "access_token" in (await http.get("/cgi-bin/token", params=query)).json()
        assert (await http.get("/cgi-bin/token", params=query)).status_code == 503
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/cgi-bin/token", params=query)
