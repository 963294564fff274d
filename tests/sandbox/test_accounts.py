"""Accounts, their server configuration and their followers through the control API."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.receiver import Receiver, Reply, running_receiver
from tests.sandbox.world import AES_KEY, APPID, TOKEN, World, running_world
from wechat_sandbox.crypto import signature_of
from wechat_sandbox.identifiers import is_openid


@pytest_asyncio.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with running_world(tmp_path) as world:
        await world.account()
        yield world


async def submit(world: World, url: str, **changes: str) -> dict[str, object]:
    form = {"url": url, "token": TOKEN, "aes_key": AES_KEY, "mode": "secure"} | changes
    return await world.control(f"/accounts/{APPID}/server", form)


async def test_configuration_is_saved_once_the_server_echoes(world: World, receiver: Receiver) -> None:
    assert await submit(world, receiver.url) == {"verified": True, "reason": ""}
    query = receiver.requests[0].query
    assert query["signature"] == signature_of(TOKEN, query["timestamp"], query["nonce"])
    account = await world.control(f"/accounts/{APPID}")
    assert account["callback_url"] == receiver.url
    assert account["server_verified_at"] is not None


async def test_address_may_bring_its_own_query(world: World, receiver: Receiver) -> None:
    await submit(world, f"{receiver.url}?channel=7")
    assert receiver.requests[0].query["channel"] == "7"
    assert "echostr" in receiver.requests[0].query


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(body=b'"1"'), "echo_differs"),
        (Reply(body=b"success"), "echo_differs"),
        (Reply(status=403), "status_403"),
    ],
)
async def test_server_that_does_not_echo_leaves_the_old_configuration(
    world: World, receiver: Receiver, reply: Reply, reason: str
) -> None:
    await submit(world, receiver.url)
    receiver.echoes = False
    receiver.usual = reply
    assert await submit(world, f"{receiver.url}/new") == {"verified": False, "reason": reason}
    assert (await world.control(f"/accounts/{APPID}"))["callback_url"] == receiver.url


async def test_unreachable_server_is_not_saved(world: World) -> None:
    assert await submit(world, "http://127.0.0.1:9/x") == {"verified": False, "reason": "unreachable"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"url": "ftp://example.com"}, "url_invalid"),
        ({"url": "nonsense"}, "url_invalid"),
        ({"token": "ab"}, "token_invalid"),
        ({"token": "with-dash"}, "token_invalid"),
        ({"aes_key": "short"}, "aes_key_invalid"),
        ({"aes_key": AES_KEY[:-1] + "="}, "aes_key_invalid"),
    ],
)
async def test_impossible_values_are_refused_before_asking(
    world: World, receiver: Receiver, changes: dict[str, str], reason: str
) -> None:
    assert (await submit(world, changes.pop("url", receiver.url), **changes))["reason"] == reason
    assert receiver.requests == []


async def test_openids_have_the_usual_shape_and_differ_between_accounts(world: World) -> None:
    await world.account(appid="wxother")
    here = await world.follower()
    there = await world.follower(appid="wxother")
    assert is_openid(here)
    assert is_openid(there)
    assert here != there


async def test_person_is_found_again_by_nickname_or_openid(world: World) -> None:
    openid = "oK3x7wV9Qb2LmN5sT8uYcE1rZ4aI"
    form = {"openid": openid, "nickname": "小林"}
    assert (await world.control(f"/accounts/{APPID}/followers", form))["openid"] == openid
    again = await world.control(f"/accounts/{APPID}/followers", {"nickname": "小林"})
    assert again["openid"] == openid


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/accounts", {"appid": APPID}, 409, "account_exists"),
        (f"/accounts/{APPID}/followers", {"openid": "x", "nickname": "新"}, 422, "openid_invalid"),
        ("/clock", {"offset_s": 5}, 409, "offset_fixed_by_clock_file"),
    ],
)
async def test_refusals_name_their_reason(
    world: World, path: str, body: dict[str, object], status: int, error: str
) -> None:
    response = await world.http.post(f"/sandbox/api{path}", json=body)
    assert (response.status_code, response.json()["error"]) == (status, error)


async def test_following_twice_and_writing_unfollowed_are_refused(world: World) -> None:
    openid = await world.follower()
    base = f"/sandbox/api/accounts/{APPID}/followers/{openid}"
    assert (await world.http.post(f"{base}/follow")).json()["error"] == "already_following"
    await world.act(openid, "unfollow", {})
    assert (await world.http.post(f"{base}/unfollow")).json()["error"] == "not_following"
    assert (await world.http.post(f"{base}/message", json={"type": "text", "content": "在吗"})).status_code == 409


async def test_message_without_content_is_refused(world: World) -> None:
    openid = await world.follower()
    base = f"/sandbox/api/accounts/{APPID}/followers/{openid}"
    for description in ({}, {"type": "text"}, {"type": "event"}, {"type": "event", "event": "subscribe"}):
        assert (await world.http.post(f"{base}/message", json=description)).status_code == 422


async def test_phone_sends_the_chat_only_when_it_changed(world: World) -> None:
    openid = await world.follower()
    path = f"/accounts/{APPID}/followers/{openid}/phone"
    first = await world.control(path)
    assert len(first["chat"]) == 1
    assert (await world.control(f"{path}?since={first['revision']}"))["chat"] is None
    await world.write(openid)
    assert len((await world.control(f"{path}?since={first['revision']}"))["chat"]) == 2


async def test_restart_forgets_nothing(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        await world.account(name="晨光文具")
        openid = await world.follower()
        await world.write(openid, "还在吗")
        token = (await world.stable_token())["access_token"]
    async with running_world(tmp_path) as world:
        assert (await world.control(f"/accounts/{APPID}"))["name"] == "晨光文具"
        assert (await world.chat(openid))[-1]["text"] == "还在吗"
        assert await world.send(openid, token=token) == 0
