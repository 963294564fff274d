"""The stand-in against the worked examples and the tables of WeChat's documents.

Sealing has its own vectors (test_crypto.py), and each endpoint its own tests; here stands what holds for all of them.
"""

import json
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
import pytest_asyncio
from pydantic import JsonValue

from tests.sandbox.receiver import Receiver, running_receiver
from tests.sandbox.world import AES_KEY, APPID, SECRET, TOKEN, USERNAME, Json, World, running_world, until
from wechat_sandbox.crypto import Seal
from wechat_sandbox.endpoints.registry import ENDPOINTS
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.wire import parse

DATA = Path(__file__).parents[1] / "data" / "wechat"
SAMPLES = sorted((DATA / "samples").glob("msg_*.xml")) + sorted((DATA / "samples").glob("event_*.xml"))
RID = re.compile(r"^(?P<text>.+) rid: (?P<time>[0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$")
OF_THE_PUSH = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId"})

# Every code that section 12 lists with one text, and those of sections 6 to 9 that calls here answer with.
TEXTS: Mapping[int, str] = {
    -1: "system error", 40001: "invalid credential, access_token is invalid or not latest", 40002: "invalid grant_type",
    40003: "invalid openid", 40004: "invalid media type", 40005: "invalid file type", 40006: "invalid media size",
    40007: "invalid media_id", 40008: "invalid message type", 40009: "invalid image size", 40010: "invalid voice size",
    40011: "invalid video size", 40012: "invalid thumb size", 40013: "invalid appid", 40014: "invalid access_token",
    40015: "invalid menu type", 40016: "invalid button size", 40017: "invalid button type",
    40018: "invalid button name size", 40019: "invalid button key size", 40020: "invalid button url size",
    40021: "invalid menu version", 40022: "invalid sub_menu level", 40023: "invalid sub button size",
    40024: "invalid sub button type", 40025: "invalid sub button name size", 40026: "invalid sub button key size",
    40027: "invalid sub button url size", 40028: "invalid menu api user", 40029: "invalid code",
    40030: "invalid refresh_token", 40031: "invalid openid list", 40032: "invalid openid list size",
    40033: "invalid charset", 40035: "invalid parameter", 40037: "invalid template_id", 40038: "invalid request format",
    40039: "invalid url size", 40048: "invalid url domain", 40059: "invalid msg id", 40066: "invalid url",
    40097: "invalid args", 40113: "unsupported file type", 40118: "invalid media_id size",
    40121: "invalid media_id type", 40125: "invalid appsecret", 40137: "invalid image format", 40163: "code been used",
    40164: "invalid ip", 40170: "args count exceed count limit", 41001: "access_token missing", 41002: "appid missing",
    41003: "refresh_token missing", 41004: "appsecret missing", 41005: "media data missing",
    41006: "media_id missing", 41007: "sub_menu data missing", 41008: "missing code", 41009: "missing openid",
    41018: "missing component_appid", 41021: "missing component_access_token", 42001: "access_token expired",
    42002: "refresh_token expired", 42003: "code expired", 42006: "component_access_token expired",
    43001: "require GET method", 43002: "require POST method", 43003: "require https", 43004: "require subscribe",
    43005: "require friend relations", 43019: "require remove blacklist", 44001: "empty media data",
    44002: "empty post data", 44003: "empty news data", 44004: "empty content", 45001: "media size out of limit",
    45002: "content size out of limit", 45003: "title size out of limit", 45004: "description size out of limit",
    45005: "url size out of limit", 45006: "picurl size out of limit", 45007: "playtime out of limit",
    45008: "article size out of limit", 45009: "reach max api daily quota limit",
    45010: "create menu limit", 45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled", 45047: "out of response count limit",
    46001: "media data no exist", 46002: "menu version no exist", 46003: "menu no exist", 46004: "user no exist",
    47001: "data format error", 48001: "api unauthorized", 48002: "user block receive message",
    48003: "user not agree mass-send protocol", 48004: "api forbidden for irregularities", 48005: "material in use",
    48006: "forbid to clear quota because of reaching the limit", 48008: "no permission for this msgtype",
    49003: "openid does not match appid", 50001: "api unauthorized by user", 50002: "user limited",
    50005: "user not subscribed", 61000: "invalid component type",
    61001: "component type and component appid is not match", 61002: "the third appid is not open KF",
    61003: "component is not authorized by this account", 61004: "access clientip is not registered",
    61005: "component ticket is expired", 61006: "component ticket is invalid",
    61007: "api is unauthorized to component",
    61008: "component req key is duplicated", 61009: "code is invalid", 61010: "code is expired",
    61011: "invalid component", 61012: "invalid option name", 61013: "invalid option value",
    61014: "must use component token for component api", 61015: "must use biz account token for not component api",
    61016: "function category of API need be confirmed by component", 61017: "function category is not authorized",
    61023: "refresh_token is invalid", 61024: "must use api(api_component_token) to get token for component acct",
    61028: "component is unpublished", 61500: "date format error",
}  # fmt: skip

# Every path of sections 4 to 9 that is described there with its request and its answer.
PATHS = frozenset({
    "/cgi-bin/token", "/cgi-bin/stable_token", "/cgi-bin/message/custom/send", "/cgi-bin/message/custom/typing",
    "/cgi-bin/media/upload", "/cgi-bin/media/get", "/cgi-bin/media/get/jssdk", "/cgi-bin/media/uploadimg",
    "/cgi-bin/material/add_material", "/cgi-bin/material/get_material", "/cgi-bin/material/del_material",
    "/cgi-bin/material/get_materialcount", "/cgi-bin/material/batchget_material", "/cgi-bin/clear_quota",
    "/cgi-bin/clear_quota/v2", "/cgi-bin/openapi/quota/clear", "/cgi-bin/openapi/quota/get",
    "/cgi-bin/openapi/rid/get", "/cgi-bin/getcallbackip", "/cgi-bin/get_api_domain_ip", "/cgi-bin/callback/check",
    "/cgi-bin/user/info", "/cgi-bin/user/info/batchget", "/cgi-bin/user/info/updateremark", "/cgi-bin/user/get",
    "/cgi-bin/tags/create", "/cgi-bin/tags/get", "/cgi-bin/tags/update", "/cgi-bin/tags/delete",
    "/cgi-bin/user/tag/get", "/cgi-bin/tags/members/batchtagging", "/cgi-bin/tags/members/batchuntagging",
    "/cgi-bin/tags/getidlist", "/cgi-bin/tags/members/getblacklist", "/cgi-bin/tags/members/batchblacklist",
    "/cgi-bin/tags/members/batchunblacklist", "/sns/oauth2/access_token", "/sns/oauth2/refresh_token",
    "/sns/userinfo", "/sns/auth", "/sns/oauth2/component/access_token", "/sns/oauth2/component/refresh_token",
    "/cgi-bin/menu/create", "/cgi-bin/menu/get", "/cgi-bin/menu/delete", "/cgi-bin/get_current_selfmenu_info",
    "/cgi-bin/menu/addconditional", "/cgi-bin/menu/delconditional", "/cgi-bin/menu/trymatch",
    "/cgi-bin/qrcode/create", "/cgi-bin/component/api_start_push_ticket",
    "/cgi-bin/component/api_component_token", "/cgi-bin/component/api_create_preauthcode",
    "/cgi-bin/component/api_query_auth", "/cgi-bin/component/api_authorizer_token",
    "/cgi-bin/component/api_get_authorizer_info", "/cgi-bin/component/api_get_authorizer_list",
    "/cgi-bin/component/get_authorizer_option", "/cgi-bin/component/set_authorizer_option",
    "/cgi-bin/component/api_get_authorizer_option", "/cgi-bin/component/api_set_authorizer_option",
    "/cgi-bin/component/clear_quota/v2",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """A world with an account whose server is the receiver, and somebody who follows."""

    world: World
    receiver: Receiver
    openid: str

    async def token(self) -> str:
        return (await self.world.stable_token())["access_token"]


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_receiver() as receiver, running_world(tmp_path) as world:
        await world.docked_account(receiver, mode="plaintext")
        yield Stage(world=world, receiver=receiver, openid=await world.follower())


# ---------------------------------------------------------------- pushes


def tree_of(element: Element) -> tuple[str, str, list[tuple[str, str, list[Json]]]]:
    """Return names, texts and order of an element and all below it; a number is compared as one."""
    text = (element.text or "").strip() if not len(element) else ""
    if re.fullmatch(r"-?\d+\.\d+", text):
        text = str(float(text))
    return element.tag, text, [tree_of(child) for child in element]


def fields_of(element: Element) -> JsonValue:
    """Return what is below an element in the shape of the control API: repeated elements are a list."""
    if not len(element):
        return element.text or ""
    fields: dict[str, JsonValue] = {}
    for child in element:
        value, known = fields_of(child), fields.get(child.tag)
        if child.tag in fields:
            fields[child.tag] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            fields[child.tag] = value
    return fields


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
async def test_every_documented_push_can_be_sent_as_it_stands_there(stage: Stage, sample: Path) -> None:
    documented = parse(sample.read_bytes())
    own = [child for child in documented if child.tag not in OF_THE_PUSH]
    kind = documented.findtext("MsgType", "")
    await sent_as(stage, kind, {child.tag: fields_of(child) for child in own})
    await until(lambda: len(stage.receiver.pushes) == 2)
    pushed = parse(stage.receiver.pushes[1].body)
    head = [child.tag for child in pushed][:4]
    assert head == ["ToUserName", "FromUserName", "CreateTime", "MsgType"]
    assert (pushed.findtext("ToUserName"), pushed.findtext("MsgType")) == (USERNAME, kind)
    assert (pushed.find("MsgId") is None) is (kind == "event")
    said = {child.tag: tree_of(child) for child in pushed if child.tag not in OF_THE_PUSH}
    made_up = {"Ticket"} if documented.findtext("Event") == "subscribe" else set[str]()
    for child in own:
        assert child.tag in said
        assert child.tag in made_up or said[child.tag] == tree_of(child)


async def sent_as(stage: Stage, kind: str, fields: dict[str, JsonValue]) -> None:
    event = fields.get("Event")
    if event == "unsubscribe":
        await stage.world.act(stage.openid, "unfollow", {})
    elif event == "subscribe":
        scene = str(fields["EventKey"]).removeprefix("qrscene_") or None
        stranger = (await stage.world.control(f"/accounts/{APPID}/followers", {"nickname": "小周"}))["openid"]
        await stage.world.act(stranger, "follow", {"scene": scene})
    else:
        described: dict[str, JsonValue] = {"type": kind, "fields": fields, "content": "…"}
        if kind == "event":
            described["event"] = event
        await stage.world.act(stage.openid, "message", described)


async def test_sealed_push_opens_to_the_same_document_in_every_mode(tmp_path: Path) -> None:
    for mode in ("secure", "compatible"):
        async with running_receiver() as receiver, running_world(tmp_path / mode) as world:
            (tmp_path / mode).mkdir(exist_ok=True)
            await world.docked_account(receiver, mode=mode)
            openid = await world.follower()
            await world.write(openid, "订单 /::)")
            await until(lambda receiver=receiver: len(receiver.pushes) == 2)
            push = receiver.pushes[1]
            outer = parse(push.body)
            assert [child.tag for child in outer][-1] == "Encrypt"
            assert push.query["encrypt_type"] == "aes"
            assert push.query["openid"] == openid
            inner = Seal(token=TOKEN, aes_key=AES_KEY, appid=APPID).open(
                encrypt=outer.findtext("Encrypt", ""),
                timestamp=push.query["timestamp"],
                nonce=push.query["nonce"],
                signature=push.query["msg_signature"],
            )
            assert parse(inner).findtext("Content") == "订单 /::)"
            only = ["ToUserName", "Encrypt"]
            assert [child.tag for child in outer] == (
                only if mode == "secure" else [*(child.tag for child in parse(inner)), "Encrypt"]
            )


# ---------------------------------------------------------------- answers


def test_every_described_call_is_there() -> None:
    assert set(ENDPOINTS) >= PATHS


@pytest.mark.parametrize("errcode", TEXTS)
def test_every_code_has_wechats_text(errcode: int) -> None:
    assert ApiRefusal(errcode).errmsg.startswith(TEXTS[errcode])


async def test_success_and_failure_have_the_documented_bodies(stage: Stage) -> None:
    token = await stage.token()
    body = {"touser": stage.openid, "msgtype": "text", "text": {"content": "您好"}}
    await stage.world.write(stage.openid)
    url = f"/cgi-bin/message/custom/send?access_token={token}"
    good = await stage.world.http.post(url, content=json.dumps(body, ensure_ascii=False).encode())
    assert good.content == b'{"errcode":0,"errmsg":"ok"}'
    bad = await stage.world.http.post(url, content=b"{}")
    assert (bad.status_code, bad.headers["content-type"]) == (200, "application/json; encoding=utf-8")
    assert list(bad.json()) == ["errcode", "errmsg"]
    found = RID.fullmatch(bad.json()["errmsg"])
    assert found is not None
    assert abs(int(found["time"], 16) - stage.world.sandbox.clock.now_s()) < 5


async def test_web_authorization_calls_its_json_plain_text(stage: Stage) -> None:
    answer = await stage.world.http.get("/sns/auth?access_token=none&openid=none")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.json()["errcode"] == 40001


@pytest.mark.parametrize("path", sorted(path for path in PATHS if path.startswith("/cgi-bin")))
async def test_every_call_refuses_the_wrong_method_an_empty_body_and_no_token(stage: Stage, path: str) -> None:
    endpoint = ENDPOINTS[path]
    wrong = "POST" if endpoint.method == "GET" else "GET"
    answer = (await stage.world.http.request(wrong, path)).json()
    if endpoint.method != "ANY":
        assert answer["errcode"] == (43001 if endpoint.method == "GET" else 43002)
    if endpoint.auth != "none":
        missing = (await stage.world.http.request(endpoint.method, path)).json()
        assert missing["errcode"] == (41021 if endpoint.auth == "component" else 41001)


# ---------------------------------------------------------------- about one's own calls


async def test_refused_call_can_be_asked_about_by_its_account_alone(stage: Stage) -> None:
    token = await stage.token()
    refused = await stage.world.call("/cgi-bin/message/custom/send", {"touser": "nobody"}, token=token)
    rid = refused["errmsg"].rpartition("rid: ")[2]
    told = await stage.world.call("/cgi-bin/openapi/rid/get", {"rid": rid}, token=token)
    assert told["request"]["request_body"] == '{"touser": "nobody"}'
    assert json.loads(told["request"]["response_body"])["errcode"] == refused["errcode"]
    assert token not in told["request"]["request_url"]
    assert (await stage.world.call("/cgi-bin/openapi/rid/get", {"rid": "nothing"}, token=token))["errcode"] == 76002
    other = {"appid": "wx1111111111111111", "secret": SECRET}
    await stage.world.control("/accounts", other)
    asked = other | {"grant_type": "client_credential"}
    foreign = (await stage.world.call("/cgi-bin/stable_token", asked))["access_token"]
    assert (await stage.world.call("/cgi-bin/openapi/rid/get", {"rid": rid}, token=foreign))["errcode"] == 76001


async def test_account_asks_how_its_server_is_reached(stage: Stage) -> None:
    token = await stage.token()

    async def check(**asked: str) -> Json:
        return await stage.world.call("/cgi-bin/callback/check", asked, token=token)

    assert set(await check(action="all", check_operator="DEFAULT")) == {"dns", "ping"}
    found = await check(action="dns", check_operator="CAP")
    assert found["dns"] == [{"ip": "127.0.0.1", "real_operator": "CAP"}]
    assert (await check(action="dns"))["errcode"] == 40203
    assert (await check(action="dance", check_operator="CAP"))["errcode"] == 40202
    assert (await check(action="dns", check_operator="NOBODY"))["errcode"] == 40203


async def test_windows_follow_the_rules_of_their_year(tmp_path: Path) -> None:
    for policy, after_following in (("2020", 20), ("2021", 3), ("2023", 3)):
        async with running_world(tmp_path / policy) as world:
            await world.account(quota_policy=policy)
            openid = await world.follower()
            person = await world.control(f"/accounts/{APPID}/followers/{openid}")
            assert person["sends_left"] == after_following
