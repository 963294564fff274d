"""Granting accounts to a platform: the page's rules, the administrator's word and what the platform hears of it."""

from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import Element

import pytest
import pytest_asyncio

from tests.sandbox.platform import COMPONENT, START_DOMAIN, Platform, a_platform, running_platform
from tests.sandbox.receiver import Reply, running_receiver
from tests.sandbox.world import APPID, USERNAME, Json, until
from wechat_sandbox.crypto import SealBroken
from wechat_sandbox.wire import child_text

PAGE = "/cgi-bin/componentloginpage"
BACK = f"https://{START_DOMAIN}/back?state=a%20b"
ENTRY = {"referer": f"https://{START_DOMAIN}/start"}


@pytest_asyncio.fixture
async def platform(tmp_path: Path) -> AsyncGenerator[Platform]:
    async with running_platform(tmp_path) as platform:
        yield platform


async def open_page(
    platform: Platform, *, path: str = PAGE, headers: dict[str, str] | None = None, **changes: str
) -> str:
    """Return the page's text after a visit with these changes of its address."""
    code = changes.pop("pre_auth_code", None) or await platform.pre_auth_code()
    params = {"component_appid": COMPONENT, "pre_auth_code": code, "redirect_uri": BACK, "auth_type": "1"} | changes
    response = await platform.world.http.get(path, params=params, headers=ENTRY if headers is None else headers)
    assert response.status_code in {200, 302}
    return response.headers.get("location", response.text)


def request_in(page: str) -> str:
    return page.split('data-request="')[1].split('"', maxsplit=1)[0]


async def visit(platform: Platform, request_id: str, action: str = "", body: Json = None) -> Json:
    return await platform.world.control(f"/authorization-requests/{request_id}{action}", body)


def texts(document: Element, *names: str) -> tuple[str | None, ...]:
    return tuple(child_text(document, name) for name in names)


async def test_administrator_confirms_and_the_page_leads_back_with_the_code(platform: Platform) -> None:
    page = await open_page(platform)
    assert "云帆客服" in page
    assert "<svg" in page
    request_id = request_in(page)
    assert f"/admin/scan?request={request_id}" in page
    assert (await visit(platform, request_id, "/scanned", {}))["state"] == "scanned"
    answer = await visit(platform, request_id, "/confirm", {"account_appid": APPID, "sets": [15, 1]})
    seen = await visit(platform, request_id)
    assert (seen["state"], seen["redirect_url"]) == ("confirmed", answer["redirect_url"])
    url: str = seen["redirect_url"]
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"https://{START_DOMAIN}/back"
    assert parse_qsl(parts.query) == [("state", "a b"), ("auth_code", answer["auth_code"]), ("expires_in", "600")]
    await platform.world.settled(answer["push_id"])
    [notice] = platform.notices("authorized")
    assert texts(notice, "AppId", "AuthorizerAppid", "AuthorizationCode") == (COMPONENT, APPID, answer["auth_code"])
    assert (child_text(notice, "PreAuthCode") or "").startswith("preauthcode@@@")
    expires = int(child_text(notice, "AuthorizationCodeExpiredTime") or 0)
    assert expires == int(child_text(notice, "CreateTime") or 0) + 600


async def test_administrator_cancels_and_nothing_is_granted(platform: Platform) -> None:
    code = await platform.pre_auth_code()
    request_id = request_in(await open_page(platform, pre_auth_code=code))
    assert (await visit(platform, request_id, "/cancel", {}))["state"] == "cancelled"
    path = f"/sandbox/api/authorization-requests/{request_id}/confirm"
    late = await platform.world.http.post(path, json={"account_appid": APPID})
    assert (late.status_code, late.json()["error"]) == (409, "request_closed")
    assert platform.notices("authorized") == []
    assert "data-request" in await open_page(platform, pre_auth_code=code)


@pytest.mark.parametrize(
    ("headers", "changes", "complaint"),
    [
        ({}, {}, "授权入口页所在域名：空"),
        ({"referer": "https://elsewhere.example.com/"}, {}, "授权入口页所在域名：elsewhere.example.com"),
        (None, {"redirect_uri": "https://elsewhere.example.com/"}, "授权后回调页所在域名：elsewhere.example.com"),
        (None, {"redirect_uri": ""}, "授权后回调页所在域名：空"),
        (None, {"component_appid": "wxnobody"}, "第三方平台不存在"),
        (None, {"auth_type": ""}, "auth_type"),
        (None, {"auth_type": "2"}, "auth_type"),
        (None, {"pre_auth_code": "preauthcode@@@forged"}, "预授权码无效"),
        ({}, {"lang": "en"}, "Domain of the page that leads here: empty"),
    ],
)
async def test_page_refuses(
    platform: Platform, headers: dict[str, str] | None, changes: dict[str, str], complaint: str
) -> None:
    page = await open_page(platform, headers=headers, **changes)
    assert complaint in page
    assert "<svg" not in page


async def test_name_of_the_platform_is_no_markup(platform: Platform) -> None:
    await platform.control("/settings", {"name": "<b>$name"})
    assert "&lt;b&gt;$name" in await open_page(platform)


async def test_pre_auth_code_is_good_for_one_authorization_and_ten_minutes(platform: Platform) -> None:
    code = await platform.pre_auth_code()
    await platform.authorize(pre_auth_code=code)
    assert "预授权码已被使用" in await open_page(platform, pre_auth_code=code)
    path = f"/sandbox/api/components/{COMPONENT}/authorize"
    again = await platform.world.http.post(path, json={"pre_auth_code": code, "account_appid": APPID})
    assert again.json() == {"error": "pre_auth_code_refused", "detail": "used"}
    old = await platform.pre_auth_code()
    platform.world.move_clock(601)
    assert "预授权码已过期" in await open_page(platform, pre_auth_code=old)


@pytest.mark.parametrize("path", ["/wxaopen/safe/bindcomponent", "/safe/bindcomponent"])
async def test_page_on_the_phone_needs_no_code_to_scan(platform: Platform, path: str) -> None:
    place = await open_page(platform, path=path, action="bindcomponent", no_scan="1", biz_appid=APPID)
    assert place.startswith("/admin/scan?request=")
    assert "参数错误" in await open_page(platform, path=path)
    refused = await open_page(platform, path=path, action="bindcomponent", no_scan="1", headers={})
    assert "授权入口页所在域名：空" in refused


async def test_page_for_one_account_takes_no_other(platform: Platform) -> None:
    await platform.world.account(appid="wxother", username="gh_other")
    request_id = request_in(await open_page(platform, biz_appid="wxother"))
    assert [one["appid"] for one in (await visit(platform, request_id))["accounts"]] == ["wxother"]
    path = f"/sandbox/api/authorization-requests/{request_id}/confirm"
    assert (await platform.world.http.post(path, json={"account_appid": APPID})).json()["error"] == "account_refused"


async def test_unpublished_platform_gets_test_accounts_only(tmp_path: Path) -> None:
    async with running_platform(tmp_path, published=False, test_accounts=["wxtest"]) as platform:
        await platform.world.account(appid="wxtest", username="gh_test")
        await platform.authorize(account="wxtest")
        path = f"/sandbox/api/components/{COMPONENT}/authorize"
        form = {"pre_auth_code": await platform.pre_auth_code(), "account_appid": APPID}
        assert (await platform.world.http.post(path, json=form)).json()["error"] == "account_refused"


async def test_account_grants_only_what_it_can(platform: Platform) -> None:
    await platform.world.account(appid="wxpoor", username="gh_poor", permission_sets=[3, 4, 99])
    info = await platform.dock(account="wxpoor")
    assert [one["funcscope_category"]["id"] for one in info["func_info"]] == [3, 4]
    path = f"/sandbox/api/components/{COMPONENT}/authorize"
    for sets in ([1], []):
        form = {"pre_auth_code": await platform.pre_auth_code(), "account_appid": "wxpoor", "sets": sets}
        assert (await platform.world.http.post(path, json=form)).json()["error"] == "sets_refused"


async def test_same_grant_again_is_not_announced(platform: Platform) -> None:
    await platform.authorize()
    assert (await platform.authorize())["push_id"] is None
    await platform.authorize(sets=[1, 2])
    assert len(platform.notices("authorized")) == 1
    [changed] = platform.notices("updateauthorized")
    assert (await platform.exchange(child_text(changed, "AuthorizationCode") or ""))["authorization_info"]


async def test_news_can_come_before_the_redirect_after_it_or_alone(platform: Platform) -> None:
    form = {"account_appid": APPID, "redirect_uri": BACK}
    code = await platform.pre_auth_code()
    first = await platform.control("/authorize", form | {"pre_auth_code": code, "order": "push_first"})
    assert len(platform.notices("authorized")) == 1
    assert first["redirect_url"].startswith(BACK.split("?", maxsplit=1)[0])

    code = await platform.pre_auth_code()
    held = await platform.authorize(pre_auth_code=code, sets=[1], order="redirect_first", redirect_uri=BACK)
    assert platform.notices("updateauthorized") == []
    assert (await platform.world.control(f"/pushes/{held['push_id']}/release", {}))["released"]
    await platform.world.settled(held["push_id"])
    assert len(platform.notices("updateauthorized")) == 1

    silent = await platform.authorize(sets=[2], redirect_only=True, redirect_uri=BACK)
    assert silent["push_id"] is None
    alone = await platform.authorize(sets=[3], push_only=True, redirect_uri=BACK)
    assert alone["redirect_url"] == ""
    await platform.world.settled((await platform.world.control(f"/pushes/{alone['push_id']}/repeat", {}))["push_id"])
    codes = [child_text(one, "AuthorizationCode") for one in platform.notices("updateauthorized")]
    assert codes[-2:] == [alone["auth_code"]] * 2


async def test_deauthorized_account_is_out_of_reach(platform: Platform) -> None:
    info = await platform.dock()
    unused = (await platform.authorize(sets=[1]))["auth_code"]
    push = await platform.world.control(f"/accounts/{APPID}/authorizations/{COMPONENT}/revoke", {})
    await platform.world.settled(push["push_id"])
    [notice] = platform.notices("unauthorized")
    assert child_text(notice, "AuthorizerAppid") == APPID
    assert await platform.world.token_works(info["authorizer_access_token"]) == 61003
    body = {"authorizer_appid": APPID, "authorizer_refresh_token": info["authorizer_refresh_token"]}
    assert (await platform.call("api_authorizer_token", body))["errcode"] == 61003
    assert (await platform.call("api_get_authorizer_info", {"authorizer_appid": APPID}))["errcode"] == 61003
    assert (await platform.exchange(unused))["errcode"] == 61009
    assert (await platform.call("api_get_authorizer_list", {"offset": 0, "count": 10}))["total_count"] == 0


async def test_account_that_comes_back_is_announced_as_new(platform: Platform) -> None:
    old = await platform.dock()
    await platform.world.control(f"/accounts/{APPID}/authorizations/{COMPONENT}/revoke", {})
    new = await platform.dock()
    assert new["authorizer_refresh_token"] != old["authorizer_refresh_token"]
    assert len(platform.notices("authorized")) == 2
    assert await platform.world.token_works(new["authorizer_access_token"]) == 0
    assert await platform.world.token_works(old["authorizer_access_token"]) == 40001


async def test_administrator_changes_the_sets(platform: Platform) -> None:
    await platform.dock()
    path = f"/accounts/{APPID}/authorizations/{COMPONENT}/sets"
    same = [one["id"] for one in await platform.world.control(path)]
    assert (await platform.world.control(path, {"sets": same}))["push_id"] is None
    await platform.world.settled((await platform.world.control(path, {"sets": [1, 2]}))["push_id"])
    assert len(platform.notices("updateauthorized")) == 1
    [grant] = await platform.world.control(f"/accounts/{APPID}/authorizations")
    assert grant["sets"] == [1, 2]


async def test_exclusive_set_goes_to_the_newer_platform(platform: Platform) -> None:
    await platform.dock()
    async with running_receiver() as receiver:
        rival = await a_platform(platform.world, receiver, appid="wxrival", name="老牌客服")
        await rival.dock()
        await until(lambda: bool(platform.notices("updateauthorized")))
    sets = {
        grant["component_appid"]: grant["sets"]
        for grant in await platform.world.control(f"/accounts/{APPID}/authorizations")
    }
    assert 4 in sets["wxrival"]
    assert 4 not in sets[COMPONENT]
    assert 1 in sets[COMPONENT]


async def test_platform_reads_the_profile(platform: Platform) -> None:
    details = {"alias": "chenguang", "principal_name": "上海晨光文具", "signature": "好用的文具", "verified": False}
    await platform.world.account(appid="wxsub", username="gh_sub", name="晨光优选", type="subscription", **details)
    await platform.dock(account="wxsub", sets=[1, 2])
    answer = await platform.call("api_get_authorizer_info", {"authorizer_appid": "wxsub"})
    profile = answer["authorizer_info"]
    assert (profile["nick_name"], profile["user_name"], profile["alias"]) == ("晨光优选", "gh_sub", "chenguang")
    assert (profile["service_type_info"], profile["verify_type_info"]) == ({"id": 0}, {"id": -1})
    assert (profile["principal_name"], profile["account_status"]) == ("上海晨光文具", 1)
    assert answer["authorization_info"]["func_info"] == [{"funcscope_category": {"id": one}} for one in (1, 2)]
    for address in (profile["head_img"], profile["qrcode_url"]):
        picture = await platform.world.http.get(address)
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")


async def test_verified_service_account_says_so(platform: Platform) -> None:
    await platform.dock()
    profile = (await platform.call("api_get_authorizer_info", {"authorizer_appid": APPID}))["authorizer_info"]
    assert (profile["service_type_info"], profile["verify_type_info"]) == ({"id": 2}, {"id": 0})
    assert profile["user_name"] == USERNAME


async def test_list_has_exchanged_grants_page_by_page(platform: Platform) -> None:
    for number in range(3):
        await platform.world.account(appid=f"wxmany{number}", username=f"gh_many{number}")
        await platform.dock(account=f"wxmany{number}")
    await platform.authorize()
    page = await platform.call("api_get_authorizer_list", {"offset": 1, "count": 2})
    assert page["total_count"] == 3
    assert [one["authorizer_appid"] for one in page["list"]] == ["wxmany1", "wxmany2"]
    assert set(page["list"][0]) == {"authorizer_appid", "refresh_token", "auth_time"}
    assert (await platform.call("api_get_authorizer_list", {"offset": 0, "count": 501}))["errcode"] == 40170
    assert (await platform.call("api_get_authorizer_list", {"offset": 0}))["errcode"] == 40097


async def test_options_are_set_with_either_token(platform: Platform) -> None:
    granted = (await platform.dock())["authorizer_access_token"]
    option = {"option_name": "voice_recognize"}
    body = option | {"option_value": "1"}
    path = "/cgi-bin/component/set_authorizer_option"
    assert (await platform.world.call(path, body, token=granted))["errcode"] == 0
    old_form = {"authorizer_appid": APPID} | option
    answer = await platform.call("api_get_authorizer_option", old_form)
    assert answer == {"authorizer_appid": APPID, "option_name": "voice_recognize", "option_value": "1"}
    assert (await platform.call("api_set_authorizer_option", old_form | {"option_value": "7"}))["errcode"] == 61013
    assert (await platform.call("api_get_authorizer_option", old_form | {"option_name": "x"}))["errcode"] == 61012
    assert (await platform.call("get_authorizer_option", option))["errcode"] == 61015
    stranger = old_form | {"authorizer_appid": "wxnobody"}
    assert (await platform.call("api_get_authorizer_option", stranger))["errcode"] == 61003


@pytest.mark.parametrize(
    ("seal", "flaw"),
    [("wrong_token", "invalid_signature"), ("wrong_key", None), ("foreign_appid", "invalid_appid")],
)
async def test_forged_notification_does_not_open(platform: Platform, seal: str, flaw: str | None) -> None:
    fields = {"InfoType": "authorized", "AuthorizerAppid": "wxghost", "AuthorizationCode": "queryauthcode@@@x"}
    ordered = await platform.control("/notifications", {"fields": fields, "seal": seal})
    await platform.world.settled(ordered["push_id"])
    with pytest.raises(SealBroken) as broken:
        platform.opened(platform.receiver.pushes[-1])
    assert flaw in {None, broken.value.code}


@pytest.mark.parametrize(
    ("reply", "outcome"), [(Reply(body=b""), "malformed"), (Reply(body=b"ok"), "malformed"), (Reply(), "success")]
)
async def test_notification_must_be_answered_with_success(platform: Platform, reply: Reply, outcome: str) -> None:
    platform.receiver.usual = reply
    push = await platform.world.settled((await platform.control("/ticket", {}))["push_id"])
    assert push.outcome == outcome


async def test_failed_notification_is_repeated(platform: Platform) -> None:
    platform.receiver.replies.extend([Reply(status=500), Reply(status=502)])
    push = await platform.world.settled((await platform.control("/ticket", {}))["push_id"])
    assert [delivery.status for delivery in push.deliveries] == [500, 502, 200]
