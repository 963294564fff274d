"""Sending customer-service messages: what is refused, and with which code."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.world import APPID, Json, World, running_world

SEND = "/cgi-bin/message/custom/send"


@dataclass(frozen=True, slots=True)
class Stage:
    """A world with an account, somebody who just wrote, and a token."""

    world: World
    openid: str
    token: str

    async def send(self, content: str = "您好") -> int:
        return await self.world.send(self.openid, content, token=self.token)

    async def send_body(self, body: Json) -> int:
        return (await self.world.call(SEND, {"touser": self.openid} | body, token=self.token))["errcode"]

    async def send_raw(self, raw: bytes) -> int:
        response = await self.world.http.post(SEND, params={"access_token": self.token}, content=raw)
        return response.json()["errcode"]


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_world(tmp_path) as world:
        await world.account()
        openid = await world.follower()
        await world.write(openid)
        yield Stage(world=world, openid=openid, token=(await world.stable_token())["access_token"])


async def test_text_appears_on_the_phone(stage: Stage) -> None:
    assert await stage.send("您好，\n订单已发出") == 0
    entry = (await stage.world.chat(stage.openid))[-1]
    assert (entry["direction"], entry["via"], entry["text"]) == ("out", "custom", "您好，\n订单已发出")


async def test_text_is_measured_in_bytes(stage: Stage) -> None:
    assert await stage.send("好" * 682 + "ab") == 0
    assert await stage.send("好" * 682 + "abc") == 45002


async def test_unicode_escapes_are_refused_on_the_raw_bytes(stage: Stage) -> None:
    escaped = json.dumps({"touser": stage.openid, "msgtype": "text", "text": {"content": "您好"}}).encode()
    assert await stage.send_raw(escaped) == 40033
    assert await stage.send(r"a path like C:\u4e2d is only text") == 0


@pytest.mark.parametrize(
    ("raw", "errcode"),
    [(b"", 44002), (b"{", 47001), (b"[1]", 47001), (b'{"touser":"\xff"}', 40033), (b"{}", 40003)],
)
async def test_body_that_is_no_message_is_refused(stage: Stage, raw: bytes, errcode: int) -> None:
    assert await stage.send_raw(raw) == errcode


UNSENDABLE: list[tuple[Json, int]] = [
    ({"msgtype": "text", "text": {"content": ""}}, 44004),
    ({"msgtype": "poem", "poem": {}}, 40008),
    ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
    ({"msgtype": "news", "news": {"articles": []}}, 44003),
    ({"msgtype": "news", "news": {"articles": [{}, {}]}}, 45008),
    ({"msgtype": "wxcard", "wxcard": {"card_id": "x"}}, 48008),
    ({"msgtype": "text", "text": {"content": "a"}, "customservice": {"kf_account": "a@b"}}, 65400),
]


@pytest.mark.parametrize(("body", "errcode"), UNSENDABLE)
async def test_content_that_cannot_be_sent_is_refused(stage: Stage, body: Json, errcode: int) -> None:
    assert await stage.send_body(body) == errcode


async def test_menu_and_article_appear_on_the_phone(stage: Stage) -> None:
    items = [{"id": "1", "content": "满意"}]
    assert await stage.send_body({"msgtype": "msgmenu", "msgmenu": {"head_content": "评价", "list": items}}) == 0
    assert await stage.send_body({"msgtype": "news", "news": {"articles": [{"title": "说明"}]}}) == 0
    menu, article = (await stage.world.chat(stage.openid))[-2:]
    assert menu["data"]["list"] == items
    assert article["text"] == "说明"


async def test_openid_of_another_account_is_unknown(stage: Stage) -> None:
    await stage.world.account(appid="wxother")
    stranger = await stage.world.follower(appid="wxother")
    assert await stage.world.send(stranger, token=stage.token) == 40003


async def test_get_is_refused(stage: Stage) -> None:
    assert (await stage.world.call(SEND, token=stage.token))["errcode"] == 43002


async def test_count_and_window_end_with_different_codes(stage: Stage) -> None:
    # Twenty for the message and three for having begun to follow.
    for _ in range(23):
        assert await stage.send() == 0
    assert await stage.send() == 45047
    stage.world.move_clock(48 * 3600 + 1)
    token = (await stage.world.stable_token())["access_token"]
    assert await stage.world.send(stage.openid, token=token) == 45015


async def test_new_message_refills_its_bucket(stage: Stage) -> None:
    for _ in range(23):
        await stage.send()
    await stage.world.write(stage.openid)
    assert await stage.send() == 0


async def test_accounts_may_follow_the_present_rule_of_five(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        await world.account(quota_policy="2023")
        openid = await world.follower()
        world.move_clock(61)
        await world.write(openid)
        token = (await world.stable_token())["access_token"]
        answers = [await world.send(openid, token=token) for _ in range(6)]
    assert answers == [0, 0, 0, 0, 0, 45047]


async def test_menu_click_opens_three_for_a_minute(stage: Stage) -> None:
    stage.world.move_clock(49 * 3600)
    token = (await stage.world.stable_token())["access_token"]
    await stage.world.act(stage.openid, "message", {"type": "event", "event": "CLICK", "event_key": "TALK"})
    assert [await stage.world.send(stage.openid, token=token) for _ in range(4)] == [0, 0, 0, 45047]
    await stage.world.act(stage.openid, "message", {"type": "event", "event": "VIEW", "event_key": "https://x"})
    stage.world.move_clock(49 * 3600 + 61)
    assert await stage.world.send(stage.openid, token=token) == 45015


async def test_people_out_of_reach_have_codes_of_their_own(stage: Stage) -> None:
    world, token = stage.world, stage.token
    never = (await world.control(f"/accounts/{APPID}/followers", {"nickname": "路人"}))["openid"]
    assert await world.send(never, token=token) == 43004
    await world.act(stage.openid, "switches", {"blocked": True})
    assert await stage.send() == 48002
    await world.act(stage.openid, "switches", {"blacklisted": True})
    assert await stage.send() == 43019
    await world.act(stage.openid, "switches", {"blocked": False, "blacklisted": False})
    await world.act(stage.openid, "unfollow", {})
    assert await stage.send() == 45015


async def test_unverified_account_may_not_send(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        await world.account(verified=False, type="subscription")
        openid = await world.follower()
        await world.write(openid)
        assert await world.send(openid, token=(await world.stable_token())["access_token"]) == 48001


async def test_typing_lasts_fifteen_seconds_and_ends_with_a_message(stage: Stage) -> None:
    world, openid, token = stage.world, stage.openid, stage.token
    assert await world.typing(openid, token=token) == 0
    assert (await world.control(f"/accounts/{APPID}/followers/{openid}"))["typing"] is True
    assert await world.typing(openid, token=token) == 45081
    assert await stage.send() == 0
    assert (await world.control(f"/accounts/{APPID}/followers/{openid}"))["typing"] is False
    assert await world.typing(openid, token=token) == 0
    world.move_clock(16)
    assert (await world.control(f"/accounts/{APPID}/followers/{openid}"))["typing"] is False
    assert await world.typing(openid, token=token) == 0
    assert await world.typing(openid, token=token, command="CancelTyping") == 0
    assert await world.typing(openid, token=token, command="Dance") == 45072


async def test_typing_needs_a_recent_interaction_and_an_open_window(stage: Stage) -> None:
    stage.world.move_clock(31)
    assert await stage.world.typing(stage.openid, token=stage.token) == 45080
    stage.world.move_clock(49 * 3600)
    token = (await stage.world.stable_token())["access_token"]
    assert await stage.world.typing(stage.openid, token=token) == 45015


async def test_user_info_tells_the_fields_that_are_left_since_2021(stage: Stage) -> None:
    path = f"/cgi-bin/user/info?openid={stage.openid}&lang=zh_CN&access_token={stage.token}"
    known = await stage.world.call(path)
    assert (known["subscribe"], known["nickname"], known["headimgurl"]) == (1, "", "")
    assert known["subscribe_scene"] == "ADD_SCENE_SEARCH"
    await stage.world.act(stage.openid, "unfollow", {})
    assert await stage.world.call(path) == {"subscribe": 0, "openid": stage.openid}
    assert (await stage.world.call(f"/cgi-bin/user/info?openid=x&access_token={stage.token}"))["errcode"] == 40003


async def test_quota_may_be_cleared_ten_times_a_month(stage: Stage) -> None:
    answers = [
        (await stage.world.call("/cgi-bin/clear_quota", {"appid": APPID}, token=stage.token))["errcode"]
        for _ in range(11)
    ]
    assert answers == [0] * 10 + [48006]


async def test_unknown_path_answers_like_wechat(stage: Stage) -> None:
    response = await stage.world.http.get("/cgi-bin/no/such/thing")
    assert (response.status_code, response.json()["errcode"]) == (200, 40066)
    assert response.headers["content-type"] == "application/json; encoding=utf-8"


async def test_faults_hit_the_named_endpoint_as_often_as_ordered(stage: Stage) -> None:
    await stage.world.control("/faults", {"endpoint": SEND, "kind": "errcode", "errcode": 45009, "times": 2})
    assert await stage.world.typing(stage.openid, token=stage.token) == 0
    assert [await stage.send() for _ in range(3)] == [45009, 45009, 0]


async def test_fault_may_lose_the_answer_of_a_call_that_worked(stage: Stage) -> None:
    await stage.world.control("/faults", {"endpoint": SEND, "kind": "http500", "applied": True})
    body = {"touser": stage.openid, "msgtype": "text", "text": {"content": "到了"}}
    response = await stage.world.http.post(
        SEND, params={"access_token": stage.token}, content=json.dumps(body, ensure_ascii=False).encode()
    )
    assert response.status_code == 500
    assert (await stage.world.chat(stage.openid))[-1]["text"] == "到了"


async def test_calls_are_logged_with_their_answers(stage: Stage) -> None:
    await stage.send("")
    record = (await stage.world.control(f"/calls?appid={APPID}"))[-1]
    assert (record["method"], record["path"], record["errcode"]) == ("POST", SEND, 44004)
    assert "empty content" in record["answer"]
