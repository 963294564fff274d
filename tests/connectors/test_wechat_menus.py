"""Menus at WeChat: what goes over the wire, what comes back, and what each refusal means."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.contract import Endpoint, MenuUsed
from moorage.connectors.failures import (
    CredentialsInvalid,
    MalformedInput,
    Refused,
    TryLater,
    Unreachable,
    UnsupportedInput,
)
from moorage.connectors.menus import Button, ButtonKind, LiveMenu, MatchRule, MenuRefused, ProviderMenu, PublishesMenus
from moorage.connectors.registry import ProviderUrls, menu_power, open_connectors
from moorage.connectors.wechat_oa.menu_wire import read_live_menu, write_menu
from moorage.connectors.wechat_oa.wire import read_push
from moorage.infra.http_client import open_provider_client
from tests.connectors.provider import WITHOUT_ANSWER, Call, Provider, answered, running_provider
from tests.connectors.tokens import ListedTokens
from tests.connectors.wechat_requests import CREDENTIALS
from tests.connectors.wechat_vectors import sample

OK: Mapping[str, object] = {"errcode": 0, "errmsg": "ok"}
NO_MENU: Mapping[str, object] = {"errcode": 46003, "errmsg": "menu no exist rid: 64a774ce-020c072d-6c820ec0"}
CREATE = "/cgi-bin/menu/create"

MENU = ProviderMenu(
    buttons=(
        Button(name="最新活动", kind=ButtonKind.LINK, url="https://x.example/?a=1&b=2"),
        Button(
            name="服务",
            buttons=(
                Button(name="转人工", kind=ButtonKind.TAP, key="mo:1:a1"),
                Button(name="扫码", kind=ButtonKind.SCAN_AND_WAIT, key="mo:1:a2"),
                Button(
                    name="商城",
                    kind=ButtonKind.MINI_PROGRAM,
                    app_id="wx0123456789abcdef",
                    path="pages/index",
                    url="https://x.example/shop",
                ),
                Button(name="图文", kind=ButtonKind.OTHER, external_kind="media_id", fields={"media_id": "M1"}),
            ),
        ),
    )
)


class Wechat:
    """WeChat's answers by path; what has none is a success."""

    def __init__(self) -> None:
        self.by_path: dict[str, object] = {}

    async def answer(self, call: Call) -> bytes:
        said = self.by_path.get(call.path, OK)
        return said if isinstance(said, bytes) else answered(said)


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
async def provider(wechat: Wechat) -> AsyncIterator[Provider]:
    async with running_provider(wechat.answer) as running:
        yield running


@pytest.fixture
async def menus(provider: Provider) -> AsyncIterator[PublishesMenus]:
    async with open_provider_client() as http:
        power = menu_power(open_connectors(http=http, urls=ProviderUrls(wechat_api=provider.url))["wechat_oa"])
        assert power is not None
        yield power


def soon() -> float:
    return asyncio.get_running_loop().time() + 5.0


def an_endpoint(*tokens: str) -> Endpoint:
    return Endpoint(external_account_id="x", credentials=CREDENTIALS, tokens=ListedTokens(*(tokens or ("T1", "T2"))))


async def publish(menus: PublishesMenus, menu: ProviderMenu = MENU) -> None:
    await menus.publish_menu(an_endpoint(), menu=menu, deadline=soon())


async def read(menus: PublishesMenus) -> LiveMenu:
    return await menus.read_menus(an_endpoint(), deadline=soon())


# ---------------------------------------------------------------- what goes out


async def test_a_menu_goes_out_in_wechats_words_and_raw_utf8(provider: Provider, menus: PublishesMenus) -> None:
    await publish(menus)
    (call,) = provider.calls
    assert (call.method, call.path, call.query) == ("POST", CREATE, {"access_token": "T1"})
    assert "最新活动".encode() in call.body
    assert b"\\u" not in call.body
    assert call.asked == {
        "button": [
            {"type": "view", "name": "最新活动", "url": "https://x.example/?a=1&b=2"},
            {
                "name": "服务",
                "sub_button": [
                    {"type": "click", "name": "转人工", "key": "mo:1:a1"},
                    {"type": "scancode_waitmsg", "name": "扫码", "key": "mo:1:a2"},
                    {
                        "type": "miniprogram",
                        "name": "商城",
                        "url": "https://x.example/shop",
                        "appid": "wx0123456789abcdef",
                        "pagepath": "pages/index",
                    },
                    {"type": "media_id", "name": "图文", "media_id": "M1"},
                ],
            },
        ]
    }


async def test_a_conditional_menu_names_whom_it_is_for(
    wechat: Wechat, provider: Provider, menus: PublishesMenus
) -> None:
    wechat.by_path["/cgi-bin/menu/addconditional"] = {"menuid": "208396993"}
    rule = MatchRule(tag_id="2", platform="ios", language="en")
    added = await menus.add_conditional_menu(an_endpoint(), menu=MENU, rule=rule, deadline=soon())
    assert added == "208396993"
    assert provider.calls[0].asked["matchrule"] == {"tag_id": "2", "client_platform_type": "1", "language": "en"}
    await menus.delete_conditional_menu(an_endpoint(), external_menu_id=added, deadline=soon())
    assert provider.calls[1].asked == {"menuid": "208396993"}


async def test_what_one_customer_sees_can_be_asked(wechat: Wechat, provider: Provider, menus: PublishesMenus) -> None:
    wechat.by_path["/cgi-bin/menu/trymatch"] = write_menu(MENU)
    assert await menus.try_match(an_endpoint(), customer="oABC", deadline=soon()) == MENU
    assert provider.calls[0].asked == {"user_id": "oABC"}


async def test_a_refused_token_is_renewed_and_the_menu_published_once_more(
    provider: Provider, menus: PublishesMenus
) -> None:
    async def answer(call: Call) -> bytes:
        return answered({"errcode": 40001} if call.query["access_token"] == "T1" else OK)

    provider.answer = answer
    await publish(menus)
    assert [call.query["access_token"] for call in provider.calls] == ["T1", "T2"]


# ---------------------------------------------------------------- what comes back


def current(menu: ProviderMenu) -> dict[str, Any]:
    """Return the answer of get_current_selfmenu_info, which nests the sub-menus once more."""
    told = write_menu(menu)
    buttons: Any = told["button"]
    for button in buttons:
        if "sub_button" in button:
            button["sub_button"] = {"list": button["sub_button"]}
    return {"is_menu_open": 1, "selfmenu_info": {"button": buttons}}


async def test_what_was_published_is_read_back_the_same(wechat: Wechat, menus: PublishesMenus) -> None:
    wechat.by_path["/cgi-bin/get_current_selfmenu_info"] = current(MENU)
    wechat.by_path["/cgi-bin/menu/get"] = {
        "menu": {**write_menu(MENU), "menuid": 208396938},
        "conditionalmenu": [
            {**write_menu(MENU), "matchrule": {"group_id": "2", "client_platform_type": 2}, "menuid": 208396993}
        ],
    }
    live = await read(menus)
    assert live.shown is True
    assert live.menu is not None
    assert live.menu.digest == MENU.digest
    (conditional,) = live.conditional
    assert conditional.external_menu_id == "208396993"
    assert conditional.rule == MatchRule(tag_id="2", platform="android")
    assert conditional.menu == MENU


async def test_an_account_without_a_menu_is_no_failure(wechat: Wechat, menus: PublishesMenus) -> None:
    wechat.by_path["/cgi-bin/get_current_selfmenu_info"] = {"is_menu_open": 0}
    wechat.by_path["/cgi-bin/menu/get"] = NO_MENU
    wechat.by_path["/cgi-bin/menu/delete"] = NO_MENU
    assert await read(menus) == LiveMenu.nothing()
    await menus.delete_menus(an_endpoint(), deadline=soon())


async def test_a_menu_of_the_back_office_is_read_with_kinds_of_its_own(wechat: Wechat, menus: PublishesMenus) -> None:
    news = {"list": [{"title": "T", "content_url": "http://mp.weixin.qq.com/s?x"}]}
    wechat.by_path["/cgi-bin/get_current_selfmenu_info"] = {
        "is_menu_open": 1,
        "selfmenu_info": {
            "button": [
                {"name": "文字", "type": "text", "value": "你好"},
                {"name": "多图文", "sub_button": {"list": [{"name": "N", "type": "news", "news_info": news}]}},
            ]
        },
    }
    wechat.by_path["/cgi-bin/menu/get"] = NO_MENU
    live = await read(menus)
    assert live.menu is not None
    text, parent = live.menu.buttons
    assert (text.kind, text.external_kind, text.fields) == (ButtonKind.OTHER, "text", {"value": "你好"})
    assert parent.kind is None
    assert parent.buttons[0].fields == {"news_info": news}


async def test_the_back_offices_menu_counts_where_it_replaced_ours(wechat: Wechat, menus: PublishesMenus) -> None:
    other = ProviderMenu(buttons=(Button(name="别人", kind=ButtonKind.LINK, url="https://other.example"),))
    wechat.by_path["/cgi-bin/get_current_selfmenu_info"] = current(other)
    wechat.by_path["/cgi-bin/menu/get"] = {"menu": write_menu(MENU)}
    assert (await read(menus)).menu == other


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("errcode", "reason", "at", "level"),
    [
        (40018, "menu_name_refused", "name", "top"),
        (40025, "menu_name_refused", "name", "sub"),
        (40027, "menu_url_refused", "url", "sub"),
        (40055, "menu_domain_refused", "url", "sub"),
        (40016, "menu_too_many_items", "items", "top"),
        (40023, "menu_too_many_items", "items", "sub"),
        (40119, "menu_kind_not_allowed", "kind", "top"),
        (45064, "menu_app_not_linked", "app_id", None),
        (48001, "menu_api_not_allowed", None, None),
        (61007, "set_missing_menu", None, None),
        (45009, "daily_limit", None, None),
        (65303, "menu_default_missing", None, None),
        (99999, "other", None, None),
    ],
)
async def test_a_refusal_names_the_place_that_it_is_about(
    *, wechat: Wechat, menus: PublishesMenus, errcode: int, reason: str, at: str | None, level: str | None
) -> None:
    wechat.by_path[CREATE] = {"errcode": errcode, "errmsg": "no"}
    with pytest.raises(MenuRefused) as refused:
        await publish(menus)
    assert (refused.value.reason, refused.value.at, refused.value.level) == (reason, at, level)
    assert refused.value.external_code == errcode


async def test_a_withdrawn_authorization_is_told_as_such(wechat: Wechat, menus: PublishesMenus) -> None:
    wechat.by_path[CREATE] = {"errcode": 61003, "errmsg": "component is not authorized by this account"}
    with pytest.raises(CredentialsInvalid, match="authorization_gone"):
        await publish(menus)


async def test_a_busy_wechat_may_be_asked_again(wechat: Wechat, menus: PublishesMenus) -> None:
    wechat.by_path[CREATE] = {"errcode": -1, "errmsg": "system error"}
    with pytest.raises(TryLater):
        await publish(menus)


@pytest.mark.parametrize(
    "answer",
    [
        WITHOUT_ANSWER,
        answered(b"<html>Bad gateway</html>", content_type="text/html"),
        answered(b"[]"),
        answered({}, status="502 Bad Gateway"),
    ],
    ids=["cut", "html", "list", "502"],
)
async def test_no_usable_answer_leaves_open_whether_it_was_done(
    wechat: Wechat, menus: PublishesMenus, answer: bytes
) -> None:
    wechat.by_path[CREATE] = answer
    with pytest.raises(Unreachable) as failed:
        await publish(menus)
    assert failed.value.written is True


async def test_an_unknown_conditional_menu_is_told_as_gone(wechat: Wechat, menus: PublishesMenus) -> None:
    wechat.by_path["/cgi-bin/menu/delconditional"] = {"errcode": 65301, "errmsg": "not exist"}
    with pytest.raises(Refused, match="menu_gone"):
        await menus.delete_conditional_menu(an_endpoint(), external_menu_id="1", deadline=soon())


# ---------------------------------------------------------------- events


@pytest.mark.parametrize(
    ("name", "use", "key", "result"),
    [
        ("event_CLICK", "tap", "MENU_TALK_TO_AGENT", {}),
        ("event_VIEW", "link", "https://shop.example.com/orders?from=menu&v=2", {}),
        ("event_view_miniprogram", "mini_program", "pages/index/index", {}),
        ("event_scancode_waitmsg", "scan", "MENU_SCAN_WAIT", {"scanned": "6901234567892", "code": "barcode"}),
        ("event_location_select", "location", "MENU_LOC", {"label": "上海市黄浦区人民大道200号", "name": "人民广场"}),
        ("event_pic_weixin", "photos", "MENU_PIC_WX", {"count": "2"}),
    ],
)
def test_what_customers_do_with_the_menu_is_told_in_our_words(
    name: str, use: str, key: str, result: dict[str, str]
) -> None:
    what = read_push(sample(name)).what
    assert isinstance(what, MenuUsed)
    assert (what.use, what.key, what.result) == (use, key, result)


# ---------------------------------------------------------------- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["button", "sub_button", "list", "name", "type", "menu", "selfmenu_info", "matchrule"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(
    st.sampled_from(["menu", "selfmenu_info", "conditionalmenu", "is_menu_open", "button"]), JSON, max_size=5
)


@given(OBJECTS, OBJECTS | st.none())
def test_any_answer_gives_a_live_menu(one: dict[str, object], other: dict[str, object] | None) -> None:
    live = read_live_menu(current=one, created=other)
    assert LiveMenu.model_validate_json(live.model_dump_json()) == live


@given(st.sampled_from(["scancode_push", "location_select", "pic_weixin", "CLICK"]), st.text(max_size=40))
def test_any_event_of_the_menu_is_a_value_or_a_named_error(name: str, inside: str) -> None:
    body = sample(f"event_{name}").decode().replace("]]></EventKey>", f"{inside}]]></EventKey>")
    try:
        assert isinstance(read_push(body.encode("utf-8", "replace")).what, MenuUsed)
    except (MalformedInput, UnsupportedInput):
        return
