"""Whatever bytes reach the stand-in: an answer with a code, or a refusal with a name, and never a crash."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.connectors import hostile
from tests.sandbox.world import APPID, World, running_world
from wechat_sandbox.crypto import Seal
from wechat_sandbox.endpoints.registry import ENDPOINTS
from wechat_sandbox.media.formats import format_of
from wechat_sandbox.replies import Asked, Malformed, judge_answer
from wechat_sandbox.wire import NotXml, parse

SOON_S = 6.0
BODIES = [*hostile.XML.values(), *hostile.JSON.values()]
NAMES = [*(f"xml_{name}" for name in hostile.XML), *(f"json_{name}" for name in hostile.JSON)]
ASKED = Asked(openid="o", username="gh", most_articles=1, find_media=lambda _: None)
SEAL = Seal(token="Kf7tokenXq2LmZ", aes_key="hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA", appid="wx7c1e5a90b2d4f683")
REUSED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

POSTS = sorted(path for path, endpoint in ENDPOINTS.items() if endpoint.method == "POST")
ACCOUNT_POSTS = [path for path in POSTS if ENDPOINTS[path].auth != "component"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([
    "touser", "msgtype", "text", "content", "image", "media_id", "news", "articles", "msgmenu", "list", "voice",
    "video", "thumb_media_id", "title", "command", "appid", "appsecret", "secret", "grant_type", "force_refresh",
    "component_appid", "component_access_token", "authorizer_appid", "authorization_code", "option_name",
    "option_value", "cgi_path", "rid", "action", "tag", "name", "id", "tagid", "openid_list", "openid", "remark",
    "user_list", "next_openid", "begin_openid", "button", "matchrule", "menuid", "user_id", "action_name",
    "action_info", "scene", "scene_id", "expire_seconds", "type", "offset", "count", "customservice",
])  # fmt: skip
OBJECTS = st.dictionaries(FIELDS, ANYTHING, max_size=5)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with running_world(tmp_path) as running:
        await running.account()
        yield running


async def posted(world: World, path: str, body: bytes, *, token: str) -> object:
    """Return WeChat's answer, which is JSON with status 200 whatever was asked."""
    answer = await world.http.post(path, params={"access_token": token}, content=body)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("path", ["/cgi-bin/message/custom/send", "/cgi-bin/menu/create", "/cgi-bin/stable_token"])
async def test_hostile_body_is_refused_with_a_code(world: World, path: str) -> None:
    token = (await world.stable_token())["access_token"]
    for body in BODIES:
        began = time.process_time()
        answer = await posted(world, path, body, token=token)
        assert isinstance(answer, dict)
        assert answer["errcode"] != 0
        assert time.process_time() - began < SOON_S


@REUSED
@given(path=st.sampled_from(ACCOUNT_POSTS), asked=OBJECTS)
@example(path="/cgi-bin/tags/getidlist", asked={"openid": [[]]})
async def test_any_object_is_answered_by_every_call(world: World, path: str, asked: dict[str, object]) -> None:
    token = (await world.stable_token())["access_token"]
    await posted(world, path, json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace"), token=token)


@REUSED
@given(path=st.sampled_from(POSTS), body=st.binary(max_size=200))
async def test_any_bytes_are_answered_by_every_call(world: World, path: str, body: bytes) -> None:
    await posted(world, path, body, token="none")


@REUSED
@given(asked=st.dictionaries(
    st.sampled_from(["type", "content", "event", "event_key", "media_id", "format", "title", "latitude", "fields"]),
    ANYTHING | st.sampled_from(["text", "image", "voice", "video", "location", "link", "file", "event", "CLICK"]),
))  # fmt: skip
async def test_any_description_becomes_a_push_or_a_named_refusal(world: World, asked: dict[str, object]) -> None:
    openid = await world.follower(nickname="小林") if not world.sandbox.state.accounts[APPID].followers else next(
        iter(world.sandbox.state.accounts[APPID].followers)
    )  # fmt: skip
    path = f"/sandbox/api/accounts/{APPID}/followers/{openid}/message"
    answer = await world.http.post(path, content=json.dumps(asked).encode())
    assert answer.status_code in {200, 422}
    assert answer.json()


@pytest.mark.parametrize("body", BODIES, ids=NAMES)
def test_hostile_document_is_read_or_refused_soon(body: bytes) -> None:
    began = time.process_time()
    with suppress(NotXml):
        parse(body)
    for mode in ("plaintext", "secure"):
        judge_answer(body, mode=mode, seal=SEAL, asked=ASKED)
    assert time.process_time() - began < SOON_S


@given(body=st.binary(min_size=1, max_size=300).filter(lambda body: body.strip() not in {b"", b"success"}))
def test_any_answer_of_a_server_is_judged(body: bytes) -> None:
    assert isinstance(judge_answer(body, mode="plaintext", seal=SEAL, asked=ASKED), Malformed)


@given(content=st.binary(max_size=400), beginning=st.sampled_from([
    b"", b"#!AMR\n", b"#!AMR-WB\n", b"ID3", b"\xff\xfb", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a",
    b"\x00\x00\x00\x20ftypisom", b"BM", b"RIFF\xff\xff\xff\xffWAVEfmt ",
]))  # fmt: skip
def test_any_file_has_a_format_or_none(content: bytes, beginning: bytes) -> None:
    format_of(beginning + content)
