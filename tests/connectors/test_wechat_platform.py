"""The third-party platform at the wire: notices, calls, and the release check."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.authorization import (
    AccountAuthorized,
    AuthorizationWithdrawn,
    Notice,
    OtherNotice,
    TicketIssued,
)
from moorage.connectors.content import Text
from moorage.connectors.contract import AddressVerified, Endpoint, Inbound, IssuedToken
from moorage.connectors.failures import (
    AddressNotAllowed,
    CredentialsInvalid,
    MalformedInput,
    ProviderFailure,
    Refused,
    TryLater,
    Unreachable,
)
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.grants import read_grant, read_profile
from moorage.connectors.wechat_oa.notices import parse_notice
from moorage.connectors.wechat_oa.platform import WechatPlatform
from moorage.connectors.wechat_oa.release_check import PROBES
from moorage.connectors.wechat_oa.wire import read_push
from moorage.infra.http_client import open_provider_client
from tests.connectors.platform_requests import (
    PLATFORM,
    a_notice,
    a_ticket,
    authorized,
    sealed_notice,
    unauthorized,
)
from tests.connectors.provider import Call, Provider, answered, running_provider
from tests.connectors.tokens import ListedTokens
from tests.connectors.wechat_requests import NOW, sealed_push, verification
from tests.connectors.wechat_vectors import sample

ACCOUNT = "wx7c1e5a90b2d4f683"
BUILT = WechatPlatform(
    api=WechatApi(http=open_provider_client(), api_url="http://127.0.0.1:9"),
    mp_url="https://mp.weixin.qq.com",
    configured=None,
)


def read(request: object) -> Notice:
    notice = BUILT.read_notice(credentials=PLATFORM, request=request, now=NOW)  # pyright: ignore[reportArgumentType] -- a RawRequest
    assert isinstance(notice, Notice)
    return notice


# ---------------------------------------------------------------- notices


def test_each_notice_is_read() -> None:
    assert read(a_ticket("ticket@@@1")).what == TicketIssued(ticket="ticket@@@1")
    told = AccountAuthorized(external_id=ACCOUNT, code="c", attempt_code="p", change=False)
    assert read(authorized(ACCOUNT, "c", "p")).what == told
    assert read(authorized(ACCOUNT, "c", "p", kind="updateauthorized")).what == replace(told, change=True)
    assert read(unauthorized(ACCOUNT)).what == AuthorizationWithdrawn(external_id=ACCOUNT)
    assert read(sealed_notice(a_notice("notify_third_fasteregister"))).what == OtherNotice("notify_third_fasteregister")


@pytest.mark.parametrize("name", ["authorized", "unauthorized", "updateauthorized", "verify_ticket"])
def test_the_documented_samples_are_read(name: str) -> None:
    body = sample(f"component_{name}")
    assert not isinstance(parse_notice(body, platform_id="wxc0ffee1234567890").what, OtherNotice)


def test_a_forged_notice_is_refused() -> None:
    request = authorized(ACCOUNT, "c", "p")
    for name in ("signature", "msg_signature"):
        with pytest.raises(MalformedInput, match="invalid_signature"):
            read(replace(request, query={**request.query, name: "0" * 40}))
    with pytest.raises(MalformedInput, match="invalid_signature"):
        read(replace(request, query={**request.query, "msg_signature": request.query["signature"]}))


def test_a_notice_in_plaintext_is_refused() -> None:
    request = authorized(ACCOUNT, "c", "p")
    query = {name: value for name, value in request.query.items() if name not in {"msg_signature", "encrypt_type"}}
    with pytest.raises(MalformedInput, match="invalid_signature"):
        read(replace(request, query=query, body=a_notice("unauthorized", AuthorizerAppid=ACCOUNT)))


def test_a_notice_to_another_platform_is_refused() -> None:
    body = a_notice("unauthorized", AuthorizerAppid=ACCOUNT)
    with pytest.raises(MalformedInput, match="invalid_appid"):
        read(sealed_notice(body, tail="wx0000000000000bad"))
    foreign = a_notice("unauthorized", AuthorizerAppid=ACCOUNT, platform_id="wx0000000000000bad")
    with pytest.raises(MalformedInput, match="foreign_account"):
        read(sealed_notice(foreign))
    elsewhere = sealed_notice(body)
    other = elsewhere.body.replace(PLATFORM["appid"].encode(), b"wx0000000000000bad")
    with pytest.raises(MalformedInput, match="foreign_account"):
        read(replace(elsewhere, body=other))


def test_an_old_notice_is_refused() -> None:
    with pytest.raises(MalformedInput, match="stale_timestamp"):
        BUILT.read_notice(credentials=PLATFORM, request=a_ticket(), now=NOW + timedelta(hours=1))


def test_the_key_before_still_opens_notices() -> None:
    changed = {**PLATFORM, "aes_key": "B" * 43, "previous_aes_key": PLATFORM["aes_key"]}
    notice = BUILT.read_notice(credentials=changed, request=a_ticket(), now=NOW)
    assert isinstance(notice, Notice)


def test_the_question_whether_an_address_is_ours_is_answered() -> None:
    question = verification(echostr="42")
    signed = {**PLATFORM, "token": "Kf7tokenXq2LmZ"}
    verified = BUILT.read_notice(credentials=signed, request=question, now=NOW)
    assert verified == AddressVerified(body=b"42")
    with pytest.raises(MalformedInput, match="invalid_signature"):
        BUILT.read_notice(credentials=PLATFORM, request=question, now=NOW)


@given(st.binary(max_size=400))
def test_any_body_is_read_or_refused_by_name(body: bytes) -> None:
    with suppress(MalformedInput):
        parse_notice(body, platform_id=PLATFORM["appid"])


TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=60)


@given(ticket=TEXTS, code=TEXTS, attempt_code=TEXTS)
def test_what_a_notice_carries_arrives_as_it_was(ticket: str, code: str, attempt_code: str) -> None:
    told = read(sealed_notice(a_notice("component_verify_ticket", ComponentVerifyTicket=ticket))).what
    assert told == TicketIssued(ticket=ticket)
    told = read(authorized(ACCOUNT, code, attempt_code)).what
    assert told == AccountAuthorized(external_id=ACCOUNT, code=code, attempt_code=attempt_code, change=False)


@given(st.dictionaries(st.sampled_from(["AppId", "InfoType", "CreateTime", "AuthorizerAppid"]), TEXTS))
def test_notices_that_lack_something_are_refused_by_name(fields: dict[str, str]) -> None:
    body = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items() if "]]>" not in value)
    with pytest.raises(MalformedInput):
        parse_notice(f"<xml>{body}</xml>".encode(), platform_id=PLATFORM["appid"])


def test_secrets_of_notices_do_not_show_when_they_are_printed() -> None:
    shown = f"{read(a_ticket('ticket@@@hush'))} {read(authorized(ACCOUNT, 'code-hush', 'attempt-hush'))}"
    assert "hush" not in shown


# ---------------------------------------------------------------- the page, and what is read from answers


def test_the_return_address_survives_in_the_page_address() -> None:
    back = "https://desk.example.org/channels/authorized?state=a%2Bb&more=1"
    url = BUILT.authorization_url(platform_id="wxc0", attempt_code="pre@@@1", return_url=back, external_id=ACCOUNT)
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith("https://mp.weixin.qq.com/cgi-bin/componentloginpage?")
    assert asked["redirect_uri"] == [back]
    assert (asked["pre_auth_code"], asked["auth_type"], asked["biz_appid"]) == (["pre@@@1"], ["1"], [ACCOUNT])


def an_info(**changed: object) -> dict[str, object]:
    info: dict[str, object] = {
        "authorizer_appid": ACCOUNT,
        "authorizer_access_token": "A1",
        "expires_in": 7200,
        "authorizer_refresh_token": "R1",
        "func_info": [{"funcscope_category": {"id": one}} for one in (1, 15, 2)],
    }
    return {"authorization_info": {**info, **changed}}


def test_a_grant_is_read() -> None:
    grant = read_grant(an_info())
    assert (grant.external_id, grant.refresh_token, grant.permission_sets) == (ACCOUNT, "R1", {1, 2, 15})
    assert grant.token == IssuedToken(token="A1", lasts=timedelta(hours=2))


@pytest.mark.parametrize("nothing", [None, "", "  ", 0, []])
def test_every_way_to_give_no_refresh_token_is_none(nothing: object) -> None:
    grant = read_grant(an_info(authorizer_refresh_token=nothing, authorizer_access_token=None))
    assert (grant.refresh_token, grant.token) == (None, None)


@pytest.mark.parametrize("answer", [{}, {"authorization_info": []}, {"authorization_info": {"authorizer_appid": ""}}])
def test_an_answer_without_an_account_is_none_of_wechats(answer: dict[str, object]) -> None:
    with pytest.raises(Unreachable):
        read_grant(answer)


@pytest.mark.parametrize(
    ("service", "verify", "account_type", "verified"),
    [
        (0, -1, "subscription", False),
        (1, 0, "subscription", True),
        (2, 0, "service", True),
        (2, 3, "service", True),
        (2, 1, "service", False),
        (None, None, None, None),
    ],
)
def test_an_account_is_described(
    service: int | None, verify: int | None, account_type: str | None, verified: bool | None
) -> None:
    about = {"nick_name": " 码头茶馆\n", "user_name": "gh_1", "head_img": "javascript:alert(1)", "principal_name": ""}
    kinds = {"service_type_info": {"id": service}, "verify_type_info": {"id": verify}}
    profile = read_profile({"authorizer_info": {**about, **kinds}, **an_info()}, external_id=ACCOUNT)
    assert (profile.name, profile.account_type, profile.verified) == ("码头茶馆", account_type, verified)
    assert (profile.avatar_url, profile.principal_name, profile.refresh_token) == (None, None, "R1")


# ---------------------------------------------------------------- calls


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async def busy(_call: Call) -> bytes:
        return answered({"errcode": -1, "errmsg": "system error"})

    async with running_provider(busy) as running:
        yield running


@pytest.fixture
async def platform(provider: Provider) -> AsyncIterator[WechatPlatform]:
    async with open_provider_client() as http:
        api = WechatApi(http=http, api_url=provider.url)
        yield WechatPlatform(api=api, mp_url=provider.url, configured=None)


def endpoint(*tokens: str) -> Endpoint:
    return Endpoint(external_account_id=PLATFORM["appid"], credentials=PLATFORM, tokens=ListedTokens(*tokens))


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


def answering(provider: Provider, answer: object) -> None:
    async def give(_call: Call) -> bytes:
        return answered(answer)

    provider.answer = give


async def test_a_platform_token_is_asked_for_with_the_ticket(provider: Provider, platform: WechatPlatform) -> None:
    answering(provider, {"component_access_token": "C1", "expires_in": 7200})
    issued = await platform.issue_platform_token(credentials=PLATFORM, ticket="ticket@@@1", deadline=soon())
    assert issued.token == "C1"
    (call,) = provider.calls
    assert call.asked == {
        "component_appid": PLATFORM["appid"],
        "component_appsecret": PLATFORM["secret"],
        "component_verify_ticket": "ticket@@@1",
    }


@pytest.mark.parametrize("code", [40001, 40014, 42001, 42006, 61014])
async def test_a_refused_platform_token_is_renewed_once(
    code: int, provider: Provider, platform: WechatPlatform
) -> None:
    async def answer(call: Call) -> bytes:
        good = call.query["access_token"] == "C2"
        return answered({"pre_auth_code": "p", "expires_in": 600} if good else {"errcode": code, "errmsg": "x"})

    provider.answer = answer
    begun = await platform.begin_authorization(endpoint("C1", "C2"), deadline=soon())
    assert (begun.attempt_code, begun.lasts) == ("p", timedelta(minutes=10))
    assert len(provider.calls) == 2


@pytest.mark.parametrize(
    ("answer", "failure", "reason"),
    [
        ({"errcode": 61003, "errmsg": "x"}, CredentialsInvalid, "authorization_gone"),
        ({"errcode": 42007, "errmsg": "x"}, CredentialsInvalid, "authorization_gone"),
        ({"errcode": 61005, "errmsg": "x"}, CredentialsInvalid, "ticket_refused"),
        ({"errcode": 61006, "errmsg": "x"}, CredentialsInvalid, "ticket_refused"),
        ({"errcode": 40125, "errmsg": "x"}, CredentialsInvalid, "platform_secret_invalid"),
        ({"errcode": 40013, "errmsg": "x"}, CredentialsInvalid, "platform_appid_invalid"),
        ({"errcode": 61007, "errmsg": "x"}, Refused, "permission_missing"),
        ({"errcode": 61009, "errmsg": "x"}, Refused, "code_invalid"),
        ({"errcode": 61010, "errmsg": "x"}, Refused, "code_expired"),
        ({"errcode": 45009, "errmsg": "x"}, Refused, "platform_daily_limit"),
        ({"errcode": 99999, "errmsg": "x"}, Refused, "other"),
        ({"errcode": -1, "errmsg": "x"}, TryLater, None),
        (b"<html><body>502</body></html>", Unreachable, None),
        (b"[]", Unreachable, None),
    ],
)
async def test_each_way_to_fail_has_its_word(
    answer: object, failure: type[ProviderFailure], reason: str | None, provider: Provider, platform: WechatPlatform
) -> None:
    answering(provider, answer)
    with pytest.raises(failure) as caught:
        await platform.exchange_code(endpoint("C1"), code="c", deadline=soon())
    assert caught.value.details().get("reason") == reason


@pytest.mark.parametrize(
    ("code", "text", "address"),
    [
        (40164, "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 1-2-3", "203.0.113.9"),
        (61004, "access clientip is not registered requestIP: 203.0.113.9 rid: 1-2-3", "203.0.113.9"),
        (61004, "access clientip is not registered rid: 1-2-3", ""),
    ],
)
async def test_an_address_that_is_not_listed_is_named(
    code: int, text: str, address: str, provider: Provider, platform: WechatPlatform
) -> None:
    answering(provider, {"errcode": code, "errmsg": text})
    with pytest.raises(AddressNotAllowed) as caught:
        await platform.begin_authorization(endpoint("C1"), deadline=soon())
    assert (caught.value.reason, caught.value.address) == ("platform_address_not_allowed", address)


async def test_a_renewal_keeps_what_came_with_it(provider: Provider, platform: WechatPlatform) -> None:
    answering(provider, {"authorizer_access_token": "A2", "expires_in": 7200, "authorizer_refresh_token": None})
    renewed = await platform.renew_authorization(
        endpoint("C1"), external_id=ACCOUNT, refresh_token="R1", deadline=soon()
    )
    assert (renewed.token.token, renewed.refresh_token) == ("A2", None)
    assert provider.calls[0].asked["authorizer_refresh_token"] == "R1"


async def test_a_refresh_token_that_went_astray_is_asked_for(provider: Provider, platform: WechatPlatform) -> None:
    async def answer(call: Call) -> bytes:
        if call.path.endswith("api_get_authorizer_info"):
            return answered({"authorizer_info": {"nick_name": "x"}, **an_info(authorizer_refresh_token="R2")})
        if call.asked["authorizer_refresh_token"] == "R1":
            return answered({"errcode": 61023, "errmsg": "refresh_token is invalid"})
        return answered({"authorizer_access_token": "A2", "expires_in": 7200})

    provider.answer = answer
    renewed = await platform.renew_authorization(
        endpoint("C1"), external_id=ACCOUNT, refresh_token="R1", deadline=soon()
    )
    assert (renewed.token.token, renewed.refresh_token) == ("A2", "R2")


async def test_a_refresh_token_that_is_the_only_one_is_not_tried_again(
    provider: Provider, platform: WechatPlatform
) -> None:
    async def answer(call: Call) -> bytes:
        if call.path.endswith("api_get_authorizer_info"):
            return answered({"authorizer_info": {"nick_name": "x"}, **an_info()})
        return answered({"errcode": 61023, "errmsg": "refresh_token is invalid"})

    provider.answer = answer
    with pytest.raises(CredentialsInvalid, match="authorization_gone"):
        await platform.renew_authorization(endpoint("C1"), external_id=ACCOUNT, refresh_token="R1", deadline=soon())
    assert len(provider.calls) == 2


async def test_a_picture_is_fetched_only_from_public_or_known_hosts(
    provider: Provider, platform: WechatPlatform
) -> None:
    answering(provider, b"\x89PNG")
    assert await platform.fetch_picture(url=f"{provider.url}/a.png", deadline=soon()) == b"\x89PNG"
    for inside in ("http://127.0.0.1:9/a.png", "http://localhost/a.png", "http://10.0.0.1/a.png", "file:///etc/passwd"):
        with pytest.raises(Unreachable, match="address_not_public"):
            await platform.fetch_picture(url=inside, deadline=soon())


# ---------------------------------------------------------------- the release check


def probing(body: bytes) -> Inbound:
    return read_push(body)


def test_the_plain_text_is_answered_as_the_check_wants() -> None:
    answer = BUILT.answer_probe(probing(sample("msg_text_release_check")), now=NOW)
    assert answer.reply is not None
    assert b"<![CDATA[TESTCOMPONENT_MSG_TYPE_TEXT_callback]]>" in answer.reply
    assert answer.send is None


def test_the_text_with_a_code_is_answered_by_nothing_and_then_by_the_api() -> None:
    answer = BUILT.answer_probe(probing(sample("msg_text_release_check_api")), now=NOW)
    assert (answer.reply, answer.code) == (None, "queryauthcode@@@c0mP0nentTestC0de")
    assert answer.send is not None
    assert answer.send.content == Text(text="queryauthcode@@@c0mP0nentTestC0de_from_api")


def test_an_event_is_answered_with_its_name() -> None:
    event = sample("event_LOCATION").replace(b"gh_5b8e21a7c4d9", b"gh_3c884a361561")
    answer = BUILT.answer_probe(probing(event), now=NOW)
    assert answer.reply is not None
    assert b"<![CDATA[LOCATIONfrom_callback]]>" in answer.reply


def test_only_the_test_accounts_belong_to_the_check() -> None:
    assert len(PROBES) == 10
    assert all(BUILT.is_probe(external_id=appid) for appid in PROBES)
    assert not BUILT.is_probe(external_id=ACCOUNT)
    with pytest.raises(MalformedInput, match="foreign_account"):
        BUILT.answer_probe(probing(sample("msg_text")), now=NOW)


def test_a_push_of_an_account_is_opened_with_the_platforms_keys() -> None:
    credentials = BUILT.push_credentials(credentials=PLATFORM, external_account_id="gh_5b8e21a7c4d9")
    assert "secret" not in credentials
    assert credentials["mode"] == "secure"
    assert json.dumps(dict(credentials)).count(PLATFORM["aes_key"]) == 1
    assert sealed_push(b"<xml/>").body
