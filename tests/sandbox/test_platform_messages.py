"""What a platform hears of followers, what it may do for an account, and the release check."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.platform import COMPONENT, TOKEN, Platform, running_platform
from tests.sandbox.receiver import Received, Reply, running_receiver
from tests.sandbox.world import AES_KEY as OWN_KEY
from tests.sandbox.world import APPID, USERNAME, Json
from tests.sandbox.world import TOKEN as OWN_TOKEN
from wechat_sandbox.components.permissions import sets_that_hear
from wechat_sandbox.components.release_check import TEST_ACCOUNTS, TEXT
from wechat_sandbox.crypto import Seal, signature_of
from wechat_sandbox.wire import child_text, compose, parse

OWN_SEAL = Seal(token=OWN_TOKEN, aes_key=OWN_KEY, appid=APPID)


@pytest_asyncio.fixture
async def platform(tmp_path: Path) -> AsyncGenerator[Platform]:
    async with running_platform(tmp_path) as platform:
        yield platform


async def test_message_reaches_the_platform_under_its_own_keys(platform: Platform) -> None:
    await platform.dock()
    openid = await platform.world.follower()
    sent = await platform.world.write(openid, "在吗")
    push = await platform.world.settled(sent["push_id"])
    assert push.outcome == "success"
    request, document = platform.messages()[-1]
    assert request.path == f"/callback/wx/{APPID}/messages"
    assert request.query["openid"] == openid
    assert request.query["encrypt_type"] == "aes"
    assert request.query["signature"] == signature_of(TOKEN, request.query["timestamp"], request.query["nonce"])
    assert [child.tag for child in parse(request.body)] == ["ToUserName", "Encrypt"]
    assert child_text(document, "ToUserName") == USERNAME
    assert child_text(document, "Content") == "在吗"
    assert child_text(document, "MsgId") == str(sent["msg_id"])


async def test_account_with_its_own_server_hears_everything_too(platform: Platform) -> None:
    async with running_receiver() as own:
        form = {"url": own.url, "token": OWN_TOKEN, "aes_key": OWN_KEY, "mode": "secure"}
        assert (await platform.world.control(f"/accounts/{APPID}/server", form))["verified"]
        await platform.dock()
        openid = await platform.world.follower()
        sent = await platform.world.write(openid, "你好")
        for push_id in sent["push_ids"]:
            assert (await platform.world.settled(push_id)).outcome == "success"
        query = own.pushes[-1].query
        message = OWN_SEAL.open(
            encrypt=child_text(parse(own.pushes[-1].body), "Encrypt") or "",
            timestamp=query["timestamp"],
            nonce=query["nonce"],
            signature=query["msg_signature"],
        )
    ids = {child_text(parse(message), "MsgId"), child_text(platform.messages()[-1][1], "MsgId")}
    assert ids == {str(sent["msg_id"])}


async def test_passive_reply_of_the_platform_is_shown(platform: Platform) -> None:
    await platform.dock()
    openid = await platform.world.follower()
    platform.receiver.usual = lambda request: Reply(body=sealed_reply(platform, request, "您好"))
    await platform.world.settled((await platform.world.write(openid))["push_id"])
    last = (await platform.world.chat(openid))[-1]
    assert (last["text"], last["via"]) == ("您好", "passive")


def sealed_reply(platform: Platform, request: Received, content: str) -> bytes:
    document = platform.opened(request)
    inner = compose(
        {
            "ToUserName": child_text(document, "FromUserName") or "",
            "FromUserName": child_text(document, "ToUserName") or "",
            "CreateTime": 1767225900,
            "MsgType": "text",
            "Content": content,
        }
    )
    nonce, timestamp = request.query["nonce"], "1767225900"
    encrypt = platform.seal.close(message=inner.encode(), random16=b"0123456789abcdef")
    signature = platform.seal.signature(timestamp=timestamp, nonce=nonce, encrypt=encrypt)
    outer = {"Encrypt": encrypt, "MsgSignature": signature, "TimeStamp": int(timestamp), "Nonce": nonce}
    return compose({**outer}).encode()


async def test_platform_hears_what_its_sets_let_it_hear(platform: Platform) -> None:
    await platform.dock(sets=[2, 15])
    openid = await platform.world.follower()
    await platform.world.write(openid)
    for event in ("CLICK", "SCAN", "LOCATION"):
        sent = await platform.world.act(openid, "message", {"type": "event", "event": event, "event_key": "k"})
        await platform.world.settled(sent["push_id"])
    heard = [child_text(document, "Event") for _, document in platform.messages()]
    assert heard == ["subscribe", "CLICK", "LOCATION"]


async def test_platform_hears_nothing_after_the_grant_was_taken_back(platform: Platform) -> None:
    await platform.dock()
    openid = await platform.world.follower()
    await platform.world.control(f"/accounts/{APPID}/authorizations/{COMPONENT}/revoke", {})
    push = await platform.world.settled((await platform.world.write(openid))["push_id"])
    assert push.outcome == "not_configured"
    assert len(platform.messages()) == 1


@pytest.mark.parametrize(
    ("fields", "sets"),
    [
        ({"MsgType": "text"}, {1}),
        ({"Event": "unsubscribe"}, {1, 2}),
        ({"Event": "scancode_push"}, {15}),
        ({"Event": "pic_weixin"}, {15}),
        ({"Event": "TEMPLATESENDJOBFINISH"}, {7}),
        ({"Event": "card_pass_check"}, {8}),
        ({"Event": "kf_create_session"}, {6}),
        ({"Event": "something_new"}, {1}),
    ],
)
def test_each_push_follows_its_sets(fields: dict[str, str], sets: set[int]) -> None:
    assert sets_that_hear({**fields}) == sets


async def test_platform_sends_for_the_account_with_the_fitting_set(platform: Platform) -> None:
    token = (await platform.dock(sets=[1]))["authorizer_access_token"]
    openid = await platform.world.follower()
    assert await platform.world.send(openid, token=token) == 0
    assert await platform.world.typing(openid, token=token) == 0
    info = f"/cgi-bin/user/info?openid={openid}"
    assert (await platform.world.call(f"{info}&access_token={token}"))["errcode"] == 61007
    await platform.world.control(f"/accounts/{APPID}/authorizations/{COMPONENT}/sets", {"sets": [2]})
    assert await platform.world.send(openid, token=token) == 61007
    assert (await platform.world.call(f"{info}&access_token={token}"))["subscribe"] == 1


async def test_set_is_no_use_where_the_account_lacks_the_right(platform: Platform) -> None:
    await platform.world.account(appid="wxsmall", username="gh_small", type="subscription", verified=False)
    token = (await platform.dock(account="wxsmall"))["authorizer_access_token"]
    openid = await platform.world.follower(appid="wxsmall")
    assert await platform.world.send(openid, token=token) == 48001


async def test_account_that_becomes_verified_may_send(platform: Platform) -> None:
    await platform.world.account(appid="wxgrows", username="gh_grows", verified=False)
    token = (await platform.dock(account="wxgrows"))["authorizer_access_token"]
    openid = await platform.world.follower(appid="wxgrows")
    assert await platform.world.send(openid, token=token) == 48001
    shown = await platform.world.control("/accounts/wxgrows/traits", {"verified": True, "permission_sets": [3]})
    assert (shown["verified"], shown["permission_sets"]) == (True, [3])
    assert await platform.world.send(openid, token=token) == 0


async def test_calls_for_an_account_are_logged_with_both_names(platform: Platform) -> None:
    token = (await platform.dock())["authorizer_access_token"]
    await platform.world.token_works(token)
    calls = await platform.world.control(f"/calls?component={COMPONENT}")
    assert [(one["path"].rsplit("/", 1)[1], one["appid"]) for one in calls] == [
        ("api_component_token", COMPONENT),
        ("api_create_preauthcode", COMPONENT),
        ("api_query_auth", COMPONENT),
        ("getcallbackip", APPID),
    ]


class Ready:
    """A platform's server that does all that the release check demands."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.sending: list[asyncio.Task[None]] = []

    def answer(self, request: Received) -> Reply:
        if request.path == "/callback/events":
            return Reply()
        document = self.platform.opened(request)
        event, content = child_text(document, "Event"), child_text(document, "Content") or ""
        if event:
            return Reply(body=sealed_reply(self.platform, request, f"{event}from_callback"))
        if content.startswith("QUERY_AUTH_CODE:"):
            code, openid = content.removeprefix("QUERY_AUTH_CODE:"), child_text(document, "FromUserName") or ""
            self.sending.append(asyncio.create_task(self.send(code, openid)))
            return Reply(body=b"")
        return Reply(body=sealed_reply(self.platform, request, f"{content}_callback"))

    async def send(self, code: str, openid: str) -> None:
        info = (await self.platform.exchange(code))["authorization_info"]
        sent = await self.platform.world.send(openid, f"{code}_from_api", token=info["authorizer_access_token"])
        assert sent == 0


async def test_release_check_passes_for_a_platform_that_is_ready(platform: Platform) -> None:
    ready = Ready(platform)
    platform.receiver.usual = ready.answer
    results: list[Json] = await platform.control("/release-check", {})
    await asyncio.gather(*ready.sending)
    assert [one for one in results if not one["passed"]] == []
    assert {one["appid"] for one in results} == {appid for appid, _ in TEST_ACCOUNTS}
    cases = ["ticket", "authorized", "text", "event", "api_text", "unauthorized"]
    assert [one["case"] for one in results if one["group"] == 3] == cases
    assert {child_text(document, "ToUserName") for _, document in platform.messages()} == {
        username for _, username in TEST_ACCOUNTS
    }
    await leaves_nothing_behind(platform)


async def leaves_nothing_behind(platform: Platform) -> None:
    assert [one["appid"] for one in await platform.world.control("/accounts")] == [APPID]
    assert (await platform.control(""))["authorizations"] == []
    appid, _ = TEST_ACCOUNTS[0]
    assert (await platform.call("api_get_authorizer_info", {"authorizer_appid": appid}))["errcode"] == 61003


async def test_release_check_tells_what_came_instead(tmp_path: Path) -> None:
    async with running_platform(tmp_path, deadline_s=0.3) as platform:
        results = await platform.control("/release-check", {})
    told = {one["case"]: (one["expected"], one["came"], one["passed"]) for one in results if one["group"] == 1}
    assert told["ticket"] == ("success", "success", True)
    assert told["text"] == (f"{TEXT}_callback", "success", False)
    assert told["event"] == ("LOCATIONfrom_callback", "success", False)
    assert told["api_text"][1:] == ("", False)


async def test_release_check_runs_one_at_a_time(platform: Platform) -> None:
    platform.receiver.usual = Ready(platform).answer
    path = f"/sandbox/api/components/{COMPONENT}/release-check"
    both = await asyncio.gather(platform.world.http.post(path), platform.world.http.post(path))
    assert sorted(answer.status_code for answer in both) == [200, 409]


async def test_release_check_leaves_messages_out_without_their_set(tmp_path: Path) -> None:
    async with running_platform(tmp_path, permission_sets=[15]) as platform:
        results = await platform.control("/release-check", {})
    assert {one["case"] for one in results} == {"ticket", "authorized", "unauthorized"}
    assert all(one["passed"] for one in results)


async def test_release_check_runs_again_with_the_same_outcome(platform: Platform) -> None:
    ready = Ready(platform)
    platform.receiver.usual = ready.answer
    for _ in range(2):
        results = await platform.control("/release-check", {})
        await asyncio.gather(*ready.sending)
        assert all(one["passed"] for one in results)
    shown = await platform.control("")
    assert len(shown["release_check"]) == 30
    assert shown["release_checked_at"] is not None
