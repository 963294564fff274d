"""Pushes on the wire: what an account's server gets, how often, in which order, and what its answer does."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
import pytest_asyncio
from pydantic import JsonValue

from tests.sandbox.receiver import Received, Receiver, Reply, running_receiver
from tests.sandbox.world import AES_KEY, APPID, TOKEN, USERNAME, World, running_world, until
from wechat_sandbox.chats import FAILURE_NOTICE
from wechat_sandbox.crypto import Seal, signature_of
from wechat_sandbox.model import Mode
from wechat_sandbox.wire import child_text, compose, parse

SEAL = Seal(token=TOKEN, aes_key=AES_KEY, appid=APPID)


@pytest_asyncio.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with running_world(tmp_path) as world:
        yield world


def opened(push: Received) -> Element:
    """Return the inner document of a sealed push, every check passed."""
    encrypt = child_text(parse(push.body), "Encrypt") or ""
    query = push.query
    message = SEAL.open(
        encrypt=encrypt, timestamp=query["timestamp"], nonce=query["nonce"], signature=query["msg_signature"]
    )
    return parse(message)


def encrypted(document: str, *, nonce: str) -> bytes:
    encrypt = SEAL.close(message=document.encode(), random16=b"0123456789abcdef")
    signature = SEAL.signature(timestamp="1767225900", nonce=nonce, encrypt=encrypt)
    envelope: dict[str, JsonValue] = {"Encrypt": encrypt, "MsgSignature": signature, "TimeStamp": 1767225900}
    return compose(envelope | {"Nonce": nonce}).encode()


def text_reply(openid: str, content: str) -> str:
    return compose(
        {
            "ToUserName": openid,
            "FromUserName": USERNAME,
            "CreateTime": 1767225900,
            "MsgType": "text",
            "Content": content,
        }
    )


async def test_secure_push_is_sealed_and_signed(world: World, receiver: Receiver) -> None:
    await world.docked_account(receiver)
    openid = await world.follower()
    sent = await world.write(openid, "好的👌 /::) a<b ]]> c")
    push = await world.settled(sent["push_id"])
    request = receiver.pushes[-1]
    query = request.query
    assert query["encrypt_type"] == "aes"
    assert query["openid"] == openid
    assert query["signature"] == signature_of(TOKEN, query["timestamp"], query["nonce"])
    assert [child.tag for child in parse(request.body)] == ["ToUserName", "Encrypt"]
    inner = opened(request)
    assert child_text(inner, "Content") == "好的👌 /::) a<b ]]> c"
    assert child_text(inner, "MsgId") == str(sent["msg_id"])
    assert child_text(inner, "FromUserName") == openid
    assert push.outcome == "success"


async def test_plaintext_push_carries_no_seal(world: World, receiver: Receiver) -> None:
    await world.docked_account(receiver, mode="plaintext")
    openid = await world.follower()
    request = receiver.pushes[-1]
    assert "msg_signature" not in request.query
    assert "encrypt_type" not in request.query
    root = parse(request.body)
    assert child_text(root, "Event") == "subscribe"
    assert child_text(root, "EventKey") == ""
    assert child_text(root, "FromUserName") == openid


async def test_compatible_push_carries_both(world: World, receiver: Receiver) -> None:
    await world.docked_account(receiver, mode="compatible")
    await world.follower()
    request = receiver.pushes[-1]
    assert child_text(parse(request.body), "Event") == "subscribe"
    assert child_text(opened(request), "Event") == "subscribe"


async def test_failed_delivery_is_repeated_with_the_same_message_signed_afresh(
    world: World, receiver: Receiver
) -> None:
    await world.docked_account(receiver)
    openid = await world.follower()
    receiver.requests.clear()
    receiver.replies.extend([Reply(status=500), Reply(status=503)])
    push = await world.settled((await world.write(openid))["push_id"])
    assert [delivery.status for delivery in push.deliveries] == [500, 503, 200]
    assert push.outcome == "success"
    inner = [opened(request) for request in receiver.pushes]
    assert len({child_text(document, "MsgId") for document in inner}) == 1
    assert len({child_text(document, "CreateTime") for document in inner}) == 1
    assert len({request.query["nonce"] for request in receiver.pushes}) == 3


async def test_repeats_keep_their_distance(tmp_path: Path, receiver: Receiver) -> None:
    async with running_world(tmp_path, retry_interval_s=0.2) as world:
        await world.docked_account(receiver)
        openid = await world.follower()
        receiver.requests.clear()
        receiver.replies.append(Reply(status=500))
        await world.settled((await world.write(openid))["push_id"])
    first, second = receiver.pushes
    assert second.at - first.at >= 0.19


async def test_silent_server_gets_three_deliveries_and_the_follower_the_notice(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with running_world(tmp_path, deadline_s=0.1) as world:
        await world.docked_account(receiver)
        openid = await world.follower()
        receiver.requests.clear()
        never = asyncio.Event()
        receiver.usual = Reply(after=never.wait)
        started = time.monotonic()
        push = await world.settled((await world.write(openid))["push_id"])
        never.set()
        assert 0.3 <= time.monotonic() - started < 2
        assert (push.outcome, push.reason) == ("gave_up", "timeout")
        assert len(receiver.pushes) == 3
        notice = (await world.chat(openid))[-1]
    assert (notice["via"], notice["text"]) == ("notice", FAILURE_NOTICE)


async def test_next_push_of_a_follower_waits_for_the_answer_to_the_last(world: World, receiver: Receiver) -> None:
    await world.docked_account(receiver)
    openid = await world.follower()
    receiver.requests.clear()
    answered = asyncio.Event()
    receiver.replies.append(Reply(after=answered.wait))
    await world.write(openid, "一")
    second = await world.write(openid, "二")
    await until(lambda: len(receiver.pushes) == 1)
    assert world.sandbox.state.pushes[second["push_id"]].deliveries == []
    answered.set()
    await world.settled(second["push_id"])
    assert [child_text(opened(request), "Content") for request in receiver.pushes] == ["一", "二"]


async def test_pushes_of_other_followers_do_not_wait(world: World, receiver: Receiver) -> None:
    await world.docked_account(receiver)
    slow, quick = await world.follower(nickname="慢"), await world.follower(nickname="快")
    answered = asyncio.Event()
    receiver.replies.append(Reply(after=answered.wait))
    held = await world.write(slow)
    await until(lambda: not receiver.replies)
    assert (await world.settled((await world.write(quick))["push_id"])).outcome == "success"
    answered.set()
    await world.settled(held["push_id"])


async def test_passive_reply_shows_in_the_chat_and_spends_nothing(world: World, receiver: Receiver) -> None:
    await world.docked_account(receiver)
    openid = await world.follower()
    receiver.usual = lambda push: Reply(body=encrypted(text_reply(openid, "稍等"), nonce=push.query["nonce"]))
    push = await world.settled((await world.write(openid))["push_id"])
    assert push.outcome == "reply"
    entry = (await world.chat(openid))[-1]
    assert (entry["via"], entry["text"], entry["push_id"]) == ("passive", "稍等", push.push_id)
    assert world.sandbox.state.accounts[APPID].followers[openid].buckets["message"].left == 20


@pytest.mark.parametrize("mode", ["plaintext", "secure"])
async def test_answer_that_is_no_reply_earns_the_notice_at_once(world: World, receiver: Receiver, mode: Mode) -> None:
    await world.docked_account(receiver, mode=mode)
    openid = await world.follower()
    receiver.requests.clear()
    receiver.usual = Reply(body=b'{"errcode":0}')
    push = await world.settled((await world.write(openid))["push_id"])
    assert (push.outcome, push.reason, len(receiver.pushes)) == ("malformed", "not_xml", 1)
    assert (await world.chat(openid))[-1]["via"] == "notice"


async def test_unfollowing_pushes_an_event_and_shows_no_notice(world: World, receiver: Receiver) -> None:
    await world.docked_account(receiver)
    openid = await world.follower()
    receiver.usual = Reply(body=b"nonsense")
    push = await world.settled((await world.act(openid, "unfollow", {}))["push_id"])
    assert child_text(opened(receiver.pushes[-1]), "Event") == "unsubscribe"
    assert push.outcome == "malformed"
    assert all(entry["via"] != "notice" for entry in await world.chat(openid))


async def test_scene_of_a_code_arrives_with_its_prefix(world: World, receiver: Receiver) -> None:
    await world.docked_account(receiver)
    openid = (await world.control(f"/accounts/{APPID}/followers", {"nickname": "扫码"}))["openid"]
    await world.settled((await world.act(openid, "follow", {"scene": "shop-042"}))["push_id"])
    event = opened(receiver.pushes[-1])
    assert child_text(event, "EventKey") == "qrscene_shop-042"
    assert child_text(event, "Ticket")


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ({"type": "image"}, {"MsgType", "PicUrl", "MediaId", "MsgId"}),
        ({"type": "voice"}, {"MsgType", "MediaId", "Format", "MediaId16K", "MsgId"}),
        ({"type": "video"}, {"MsgType", "MediaId", "ThumbMediaId", "MsgId"}),
        ({"type": "location"}, {"Location_X", "Location_Y", "Scale", "Label", "MsgId"}),
        ({"type": "link", "title": "说明"}, {"Title", "Description", "Url", "MsgId"}),
        ({"type": "file"}, {"Title", "FileKey", "FileMd5", "FileTotalLen", "MsgId"}),
        ({"type": "sticker", "fields": {"Anything": {"Deep": ["a", "b"]}}}, {"Anything", "MsgId"}),
        ({"type": "event", "event": "CLICK", "event_key": "TALK"}, {"Event", "EventKey"}),
        ({"type": "event", "event": "SCAN", "event_key": "shop-042"}, {"Event", "EventKey", "Ticket"}),
        ({"type": "event", "event": "LOCATION"}, {"Latitude", "Longitude", "Precision"}),
    ],
)
async def test_every_kind_can_be_sent(
    world: World, receiver: Receiver, description: dict[str, object], expected: set[str]
) -> None:
    await world.docked_account(receiver)
    openid = await world.follower()
    sent = await world.act(openid, "message", description)
    await world.settled(sent["push_id"])
    document = opened(receiver.pushes[-1])
    tags = {child.tag for child in document}
    assert expected <= tags
    assert ("MsgId" in tags) is (sent["msg_id"] is not None)


async def test_message_ids_are_unique_and_too_large_for_floating_point(world: World) -> None:
    await world.account()
    openid = await world.follower()
    ids = [(await world.write(openid))["msg_id"] for _ in range(50)]
    assert len(set(ids)) == 50
    assert min(ids) > 2**53
    assert max(ids) < 2**63


async def test_nothing_is_pushed_before_a_server_is_configured(world: World) -> None:
    await world.account()
    openid = await world.follower()
    push = await world.settled((await world.write(openid))["push_id"])
    assert (push.outcome, push.deliveries) == ("not_configured", [])


async def test_restart_delivers_what_was_still_queued(tmp_path: Path, receiver: Receiver) -> None:
    never = asyncio.Event()
    async with running_world(tmp_path) as world:
        await world.docked_account(receiver)
        openid = await world.follower()
        receiver.requests.clear()
        receiver.replies.append(Reply(after=never.wait))
        sent = [await world.write(openid, content) for content in ("一", "二", "三")]
        await until(lambda: len(receiver.pushes) == 1)
    never.set()
    receiver.requests.clear()
    async with running_world(tmp_path) as world:
        for one in sent:
            assert (await world.settled(one["push_id"])).outcome == "success"
        texts = [entry["text"] for entry in await world.chat(openid) if entry["kind"] == "text"]
    assert [child_text(opened(request), "Content") for request in receiver.pushes] == ["一", "二", "三"]
    assert texts == ["一", "二", "三"]
