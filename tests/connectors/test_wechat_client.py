"""Calls to WeChat, answered by a local server at the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from moorage.connectors.content import Choice, Choices, Content, News, Text, Unsupported
from moorage.connectors.contract import Endpoint, Outbound, Sent
from moorage.connectors.failures import (
    AddressNotAllowed,
    CredentialsInvalid,
    Refused,
    TokenRefused,
    TryLater,
    Unreachable,
)
from moorage.connectors.strings import LOCALES, read_strings
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.connector import WechatOfficialAccount
from moorage.connectors.wechat_oa.menu_refusals import MENU_REASONS
from moorage.connectors.wechat_oa.refusals import REASONS
from moorage.infra.http_client import open_provider_client
from tests.connectors.provider import WITHOUT_ANSWER, Call, Provider, answered, running_provider
from tests.connectors.tokens import ListedTokens
from tests.connectors.wechat_requests import CREDENTIALS, CUSTOMER

OK = {"errcode": 0, "errmsg": "ok"}
SEND = "/cgi-bin/message/custom/send"
STABLE_TOKEN = "/cgi-bin/stable_token"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async def refuse(_call: Call) -> bytes:
        return answered(OK)

    async with running_provider(refuse) as running:
        yield running


@pytest.fixture
async def account(provider: Provider) -> AsyncIterator[WechatOfficialAccount]:
    async with open_provider_client() as http:
        yield WechatOfficialAccount(api=WechatApi(http=http, api_url=provider.url))


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


def always(value: object, **kind: str) -> Callable[[Call], Awaitable[bytes]]:
    async def answer(_call: Call) -> bytes:
        return answered(value, **kind)

    return answer


def refused_with(errcode: int, errmsg: str = "no rid: 64a774ce-020c072d-6c820ec0") -> dict[str, object]:
    return {"errcode": errcode, "errmsg": errmsg}


async def send(account: WechatOfficialAccount, text: str = "你好", tokens: ListedTokens | None = None) -> Sent:
    endpoint = Endpoint(external_account_id="x", credentials=CREDENTIALS, tokens=tokens or ListedTokens("T1", "T2"))
    message = Outbound(external_customer_id=CUSTOMER, content=Text(text=text))
    return await account.send(endpoint, message, deadline=soon())


async def issue(account: WechatOfficialAccount, *, force: bool = False) -> str:
    return (await account.issue_token(credentials=CREDENTIALS, force=force, deadline=soon())).token


# ---------------------------------------------------------------- what goes over the wire


async def test_a_text_goes_out_in_raw_utf8(provider: Provider, account: WechatOfficialAccount) -> None:
    await send(account, '好👌 <a href="https://x.example/?a=1&b=2">链接</a> \\ "')
    (call,) = provider.calls
    assert (call.method, call.path, call.query) == ("POST", SEND, {"access_token": "T1"})
    assert call.asked == {
        "touser": CUSTOMER,
        "msgtype": "text",
        "text": {"content": '好👌 <a href="https://x.example/?a=1&b=2">链接</a> \\ "'},
    }
    assert "好👌 <a href=".encode() in call.body
    assert b"\\u" not in call.body


async def test_invisible_characters_of_pasted_text_are_left_out(
    provider: Provider, account: WechatOfficialAccount
) -> None:
    await send(account, "a\x0bb\x00c\x1f\r\nd\te")
    assert provider.calls[0].asked["text"] == {"content": "abc\nd\te"}
    assert b"\\u" not in provider.calls[0].body


async def say(account: WechatOfficialAccount, content: Content) -> Sent:
    endpoint = Endpoint(external_account_id="x", credentials=CREDENTIALS, tokens=ListedTokens("T1", "T2"))
    return await account.send(endpoint, Outbound(external_customer_id=CUSTOMER, content=content), deadline=soon())


async def test_choices_go_out_as_a_menu_that_can_be_tapped(provider: Provider, account: WechatOfficialAccount) -> None:
    items = (Choice(id="p1-1", text="退款\x0b"), Choice(id="p1-2", text="换货"))
    await say(account, Choices(text="您需要什么？", items=items, tail="点选即可"))
    assert provider.calls[0].path == SEND
    assert provider.calls[0].asked == {
        "touser": CUSTOMER,
        "msgtype": "msgmenu",
        "msgmenu": {
            "head_content": "您需要什么？",
            "list": [{"id": "p1-1", "content": "退款"}, {"id": "p1-2", "content": "换货"}],
            "tail_content": "点选即可",
        },
    }


async def test_a_card_goes_out_as_news_of_one_article(provider: Provider, account: WechatOfficialAccount) -> None:
    await say(account, News(title="春茶", description="今日上新", url="https://tea.example/spring"))
    assert provider.calls[0].asked == {
        "touser": CUSTOMER,
        "msgtype": "news",
        "news": {
            "articles": [
                {"title": "春茶", "description": "今日上新", "url": "https://tea.example/spring", "picurl": ""},
            ]
        },
    }


async def test_a_token_is_asked_for_without_forcing(provider: Provider, account: WechatOfficialAccount) -> None:
    provider.answer = always({"access_token": "36_abc", "expires_in": 7200})
    issued = await account.issue_token(credentials=CREDENTIALS, force=False, deadline=soon())
    assert (issued.token, issued.lasts) == ("36_abc", timedelta(hours=2))
    (call,) = provider.calls_of(STABLE_TOKEN)
    assert call.asked == {
        "grant_type": "client_credential",
        "appid": CREDENTIALS["appid"],
        "secret": CREDENTIALS["secret"],
    }
    await issue(account, force=True)
    assert provider.calls[-1].asked["force_refresh"] is True


async def test_typing_is_shown_and_hidden(provider: Provider, account: WechatOfficialAccount) -> None:
    endpoint = Endpoint(external_account_id="x", credentials=CREDENTIALS, tokens=ListedTokens("T1", "T2"))
    await account.show_typing(endpoint, external_customer_id=CUSTOMER, deadline=soon())
    assert provider.calls[-1].asked == {"touser": CUSTOMER, "command": "Typing"}
    await account.hide_typing(endpoint, external_customer_id=CUSTOMER, deadline=soon())
    assert provider.calls[-1].asked == {"touser": CUSTOMER, "command": "CancelTyping"}


async def test_an_answer_is_read_whatever_it_says_about_itself(
    provider: Provider, account: WechatOfficialAccount
) -> None:
    provider.answer = always(b'{"errcode":0,"errmsg":"o\tk"}', content_type="text/plain; charset=gbk")
    assert await send(account) == Sent()


# ---------------------------------------------------------------- what WeChat says

REFUSALS = {
    40003: "unknown_customer",
    40007: "media_gone",
    43004: "not_following",
    43019: "customer_blacklisted",
    44004: "empty",
    45002: "too_long",
    45009: "daily_limit",
    45015: "window_closed",
    45047: "budget_spent",
    45087: "sending_forbidden",
    45094: "sending_forbidden",
    48001: "api_not_allowed",
    48002: "customer_blocks",
    48004: "sending_forbidden",
    48008: "kind_not_sendable",
    61007: "permission_missing",
    99999: "other",
}
LOST = {42007: "authorization_gone", 61003: "authorization_gone", 61023: "authorization_gone", 40013: "invalid_appid"}


@pytest.mark.parametrize("errcode", REFUSALS)
async def test_a_refusal_has_its_reason(errcode: int, provider: Provider, account: WechatOfficialAccount) -> None:
    provider.answer = always(refused_with(errcode))
    with pytest.raises(Refused) as caught:
        await send(account)
    assert (caught.value.reason, caught.value.external_code) == (REFUSALS[errcode], errcode)
    assert "rid" in caught.value.detail
    assert len(provider.calls) == 1


@pytest.mark.parametrize("errcode", LOST)
async def test_lost_credentials_have_their_reason(
    errcode: int, provider: Provider, account: WechatOfficialAccount
) -> None:
    provider.answer = always(refused_with(errcode))
    with pytest.raises(CredentialsInvalid, match=LOST[errcode]):
        await send(account)


@pytest.mark.parametrize(("errcode", "seconds"), [(-1, 2), (45011, 20)])
async def test_a_busy_provider_is_asked_later(
    errcode: int, seconds: int, provider: Provider, account: WechatOfficialAccount
) -> None:
    provider.answer = always(refused_with(errcode))
    with pytest.raises(TryLater) as caught:
        await send(account)
    assert caught.value.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
async def test_a_refused_token_is_replaced_once(
    errcode: int, provider: Provider, account: WechatOfficialAccount
) -> None:
    async def refuse_first(call: Call) -> bytes:
        return answered(refused_with(errcode) if call.query["access_token"] == "T1" else OK)

    provider.answer = refuse_first
    tokens = ListedTokens("T1", "T2")
    await send(account, tokens=tokens)
    assert tokens.refused == ["T1"]
    assert [call.query["access_token"] for call in provider.calls] == ["T1", "T2"]


async def test_a_second_refused_token_ends_the_attempt(provider: Provider, account: WechatOfficialAccount) -> None:
    provider.answer = always(refused_with(40001))
    with pytest.raises(TokenRefused, match="token_refused"):
        await send(account)
    assert len(provider.calls) == 2


@pytest.mark.parametrize(
    ("errcode", "reason"),
    [
        (40001, "invalid_secret"),
        (40125, "invalid_secret"),
        (40013, "invalid_appid"),
        (40243, "secret_frozen"),
        (50004, "account_frozen"),
        (50007, "account_frozen"),
        (61024, "belongs_to_platform"),
        (89501, "address_awaits_confirmation"),
        (89503, "address_awaits_confirmation"),
        (89506, "address_refused_by_admin"),
        (89507, "address_refused_by_admin"),
    ],
)
async def test_a_token_that_is_not_given_has_its_reason(
    errcode: int, reason: str, provider: Provider, account: WechatOfficialAccount
) -> None:
    provider.answer = always(refused_with(errcode))
    with pytest.raises(CredentialsInvalid) as caught:
        await issue(account)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("errmsg", "address"),
    [
        ("invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 64a774ce-1-2", "203.0.113.9"),
        ("invalid ip 2001:db8::7, not in whitelist", "2001:db8::7"),
        ("something new", ""),
    ],
)
async def test_the_address_to_allow_is_named(
    errmsg: str, address: str, provider: Provider, account: WechatOfficialAccount
) -> None:
    provider.answer = always(refused_with(40164, errmsg))
    with pytest.raises(AddressNotAllowed) as caught:
        await issue(account)
    assert caught.value.address == address


# ---------------------------------------------------------------- what is not WeChat's

NOT_WECHAT: dict[str, bytes] = {
    "a page": answered(b"<html>bad gateway</html>", content_type="text/html"),
    "a server error": answered(b"", status="500 Internal Server Error"),
    "a proxy's refusal": answered(b"", status="403 Forbidden"),
    "a redirect": answered(b"", status="302 Found"),
    "a list": answered([]),
    "a code in words": answered({"errcode": "none"}),
    "nothing": answered(b""),
    "a cut": WITHOUT_ANSWER,
    "half an answer": b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"errcode":0',
}


@pytest.mark.parametrize("case", NOT_WECHAT)
async def test_an_answer_that_is_not_wechats_leaves_it_open(
    case: str, provider: Provider, account: WechatOfficialAccount
) -> None:
    async def answer(_call: Call) -> bytes:
        return NOT_WECHAT[case]

    provider.answer = answer
    endpoint = Endpoint(external_account_id="x", credentials=CREDENTIALS, tokens=ListedTokens("T1", "T2"))
    message = Outbound(external_customer_id=CUSTOMER, content=Text(text="x"))
    with pytest.raises(Unreachable) as caught:
        await account.send(endpoint, message, deadline=soon(0.5))
    assert caught.value.written
    assert len(provider.calls) == 1


async def test_a_server_that_does_not_answer_in_time_leaves_it_open(
    provider: Provider, account: WechatOfficialAccount
) -> None:
    never = asyncio.Event()

    async def hang(_call: Call) -> bytes:
        await never.wait()
        return WITHOUT_ANSWER

    provider.answer = hang
    endpoint = Endpoint(external_account_id="x", credentials=CREDENTIALS, tokens=ListedTokens("T1", "T2"))
    message = Outbound(external_customer_id=CUSTOMER, content=Text(text="x"))
    with pytest.raises(Unreachable) as caught:
        await account.send(endpoint, message, deadline=soon(0.1))
    never.set()
    assert caught.value.written


async def test_a_server_that_is_not_there_was_surely_not_reached() -> None:
    async with open_provider_client() as http:
        nowhere = WechatOfficialAccount(api=WechatApi(http=http, api_url="http://127.0.0.1:9"))
        with pytest.raises(Unreachable) as caught:
            await send(nowhere)
    assert not caught.value.written


async def test_failures_never_carry_tokens_or_secrets(provider: Provider, account: WechatOfficialAccount) -> None:
    provider.answer = always(b"", status="500 Internal Server Error")
    with pytest.raises(Unreachable) as caught:
        await send(account, tokens=ListedTokens("T0KEN-SECRET", "x"))
    told = f"{caught.value} {caught.value.details()}"
    assert "T0KEN-SECRET" not in told
    assert CUSTOMER not in told


async def test_what_wechat_cannot_carry_is_refused_before_it_is_asked(
    provider: Provider, account: WechatOfficialAccount
) -> None:
    endpoint = Endpoint(external_account_id="x", credentials=CREDENTIALS, tokens=ListedTokens("T1", "T2"))
    for content, reason in (
        (Text(text="字" * 683), "too_long"),
        (Text(text=" \n"), "empty"),
        (Unsupported(kind="x"), "kind_not_sendable"),
    ):
        message = Outbound(external_customer_id=CUSTOMER, content=content)
        with pytest.raises(Refused, match=reason):
            await account.send(endpoint, message, deadline=soon())
    assert provider.calls == []


async def test_exactly_2048_bytes_are_sent(provider: Provider, account: WechatOfficialAccount) -> None:
    await send(account, "字" * 682 + "ab")
    assert len(json.loads(provider.calls[0].body)["text"]["content"].encode()) == 2048


def test_every_reason_has_its_sentence_in_each_language() -> None:
    words = read_strings("wechat_oa")
    for locale in LOCALES:
        reasons = REASONS | MENU_REASONS
        assert {f"reason.{reason}" for reason in reasons} == {key for key in words[locale] if key.startswith("reason.")}
