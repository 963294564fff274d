"""Files at WeChat: fetched, uploaded, sent by id. A local server answers at the wire."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from moorage.connectors.content import Media
from moorage.connectors.contract import Endpoint, MediaFile, Outbound, Sent
from moorage.connectors.failures import CredentialsInvalid, ProviderFailure, Refused, TryLater, Unreachable
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.connector import WechatOfficialAccount
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.infra.http_client import open_provider_client
from tests.connectors.provider import WITHOUT_ANSWER, Call, Provider, answered, running_provider
from tests.connectors.tokens import ListedTokens
from tests.connectors.wechat_requests import CREDENTIALS, CUSTOMER
from tests.pictures import a_picture

GET, UPLOAD, SEND = "/cgi-bin/media/get", "/cgi-bin/media/upload", "/cgi-bin/message/custom/send"
PICTURE = a_picture()
HALF = f"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(PICTURE)}\r\n\r\n".encode() + PICTURE[:99]
PAGE = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"


def code(errcode: int) -> bytes:
    return answered({"errcode": errcode, "errmsg": "as the test wants it"})


@dataclass
class Wechat:
    """Answers each path with the next of its answers, at last always with the last one."""

    answers: dict[str, list[bytes]] = field(
        default_factory=lambda: {
            GET: [answered(PICTURE, content_type="image/jpeg")],
            UPLOAD: [answered({"type": "image", "media_id": "UP1", "created_at": 1767225600})],
            SEND: [code(0)],
        }
    )

    async def answer(self, call: Call) -> bytes:
        waiting = self.answers[call.path]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@dataclass
class Shelf:
    """A file to send, and what WeChat calls it."""

    given: MediaFile = field(default_factory=lambda: MediaFile(PICTURE, "image/jpeg", "茶单.jpg"))
    known: str | None = None
    kept: list[str] = field(default_factory=list[str])

    async def file(self) -> MediaFile:
        return self.given

    async def external_id(self) -> str | None:
        return self.known

    async def keep_external_id(self, external_media_id: str) -> None:
        self.kept.append(external_media_id)


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
async def provider(wechat: Wechat) -> AsyncIterator[Provider]:
    async with running_provider(wechat.answer) as running:
        yield running


@pytest.fixture
async def account(provider: Provider) -> AsyncIterator[WechatOfficialAccount]:
    async with open_provider_client() as http:
        yield WechatOfficialAccount(api=WechatApi(http=http, api_url=provider.url))


def endpoint() -> Endpoint:
    return Endpoint(external_account_id="x", credentials=CREDENTIALS, tokens=ListedTokens("T1", "T2"))


def soon() -> float:
    return asyncio.get_running_loop().time() + 2


async def fetch(account: WechatOfficialAccount, *, most_bytes: int = 1_000_000) -> bytes:
    media = Media(type="image", external_media_id="M1")
    return await account.fetch_media(endpoint(), media, most_bytes=most_bytes, deadline=soon())


async def send(account: WechatOfficialAccount, shelf: Shelf) -> Sent:
    message = Outbound(external_customer_id=CUSTOMER, content=Media(type="image", state="kept"), media=shelf)
    return await account.send(endpoint(), message, deadline=soon())


# ---------------------------------------------------------------- in


async def test_file_of_a_customer_is_fetched_by_its_id(account: WechatOfficialAccount, provider: Provider) -> None:
    assert await fetch(account) == PICTURE
    (call,) = provider.calls
    assert (call.method, call.path, call.query) == ("GET", GET, {"access_token": "T1", "media_id": "M1"})


async def test_refused_token_is_renewed_once_for_a_file(
    account: WechatOfficialAccount, provider: Provider, wechat: Wechat
) -> None:
    wechat.answers[GET].insert(0, code(40001))
    assert await fetch(account) == PICTURE
    assert [call.query["access_token"] for call in provider.calls] == ["T1", "T2"]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/jpeg"])
@pytest.mark.parametrize("errcode", [40007, 46001, 40121])
async def test_error_that_stands_where_a_file_is_due_is_no_file(
    account: WechatOfficialAccount, wechat: Wechat, errcode: int, content_type: str
) -> None:
    wechat.answers[GET] = [answered({"errcode": errcode, "errmsg": "invalid media_id"}, content_type=content_type)]
    with pytest.raises(Refused, match="media_gone"):
        await fetch(account)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (answered(PAGE, content_type="text/html"), Unreachable),
        (answered(PAGE, content_type="image/jpeg"), Unreachable),
        (answered(PAGE, status="502 Bad Gateway"), Unreachable),
        (answered(b"", content_type="image/jpeg"), Unreachable),
        (answered(b"{half", content_type="image/jpeg"), Unreachable),
        (answered({"ok": True}), Unreachable),
        (HALF, Unreachable),
        (WITHOUT_ANSWER, Unreachable),
        (code(-1), TryLater),
        (code(45011), TryLater),
        (code(48001), Refused),
        (code(61007), Refused),
        (code(42007), CredentialsInvalid),
    ],
)
async def test_what_is_no_file_of_wechats_fails_by_name(
    account: WechatOfficialAccount, wechat: Wechat, answer: bytes, failure: type[ProviderFailure]
) -> None:
    wechat.answers[GET] = [answer]
    with pytest.raises(failure):
        await fetch(account)


async def test_file_over_the_limit_is_not_taken(account: WechatOfficialAccount) -> None:
    assert len(await fetch(account, most_bytes=len(PICTURE))) == len(PICTURE)
    with pytest.raises(Refused, match="too_large"):
        await fetch(account, most_bytes=len(PICTURE) - 1)


async def test_file_may_be_larger_than_other_answers(account: WechatOfficialAccount, wechat: Wechat) -> None:
    large = b"\xff\xd8\xff" + bytes(6_000_000)
    wechat.answers[GET] = [answered(large, content_type="image/jpeg")]
    assert await fetch(account, most_bytes=10_000_000) == large


async def test_video_lies_where_the_answer_says(
    account: WechatOfficialAccount, provider: Provider, wechat: Wechat
) -> None:
    wechat.answers[GET] = [answered({"video_url": f"{provider.url}/video/1"})]
    wechat.answers["/video/1"] = [answered(b"\x00\x00\x00\x18ftypmp42", content_type="video/mp4")]
    assert (await fetch(account)).endswith(b"ftypmp42")


async def test_video_inside_our_own_network_is_not_asked_for(account: WechatOfficialAccount, wechat: Wechat) -> None:
    wechat.answers[GET] = [answered({"video_url": "http://127.0.0.1:1/video"})]
    with pytest.raises(Unreachable, match="address_not_public"):
        await fetch(account)


# ---------------------------------------------------------------- out


async def test_picture_is_uploaded_and_sent_by_the_id_it_got(
    account: WechatOfficialAccount, provider: Provider
) -> None:
    shelf = Shelf()
    await send(account, shelf)
    upload, sending = provider.calls
    assert (upload.method, upload.path, upload.query) == ("POST", UPLOAD, {"access_token": "T1", "type": "image"})
    assert upload.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="media"; filename=' in upload.body
    assert b"Content-Type: image/jpeg\r\n\r\n" + PICTURE in upload.body
    assert sending.asked == {"touser": CUSTOMER, "msgtype": "image", "image": {"media_id": "UP1"}}
    assert shelf.kept == ["UP1"]


async def test_picture_that_is_at_wechat_already_is_not_uploaded_again(
    account: WechatOfficialAccount, provider: Provider
) -> None:
    await send(account, Shelf(known="UP0"))
    assert [call.path for call in provider.calls] == [SEND]
    assert provider.calls[0].asked["image"] == {"media_id": "UP0"}


async def test_picture_that_wechat_has_forgotten_is_uploaded_again(
    account: WechatOfficialAccount, provider: Provider, wechat: Wechat
) -> None:
    wechat.answers[SEND].insert(0, code(40007))
    await send(account, Shelf(known="UP0"))
    assert [call.path for call in provider.calls] == [SEND, UPLOAD, SEND]


async def test_refused_token_is_renewed_for_upload_and_sending(
    account: WechatOfficialAccount, provider: Provider, wechat: Wechat
) -> None:
    wechat.answers[UPLOAD].insert(0, code(42001))
    wechat.answers[SEND].insert(0, code(40014))
    await send(account, Shelf())
    assert [call.path for call in provider.calls] == [UPLOAD, UPLOAD, SEND, SEND]


@pytest.mark.parametrize(
    "answer",
    [WITHOUT_ANSWER, answered(PAGE, content_type="text/html"), answered(PAGE, status="500 Oops"), answered({})],
)
async def test_upload_that_fails_has_sent_nothing(
    account: WechatOfficialAccount, provider: Provider, wechat: Wechat, answer: bytes
) -> None:
    wechat.answers[UPLOAD] = [answer]
    shelf = Shelf()
    with pytest.raises(Unreachable) as caught:
        await send(account, shelf)
    assert not caught.value.written
    assert [call.path for call in provider.calls] == [UPLOAD]
    assert shelf.kept == []


async def test_sending_without_an_answer_stays_in_doubt(account: WechatOfficialAccount, wechat: Wechat) -> None:
    wechat.answers[SEND] = [WITHOUT_ANSWER]
    with pytest.raises(Unreachable) as caught:
        await send(account, Shelf())
    assert caught.value.written


@pytest.mark.parametrize(
    ("errcode", "reason"),
    [
        (40004, "format_refused"),
        (40005, "format_refused"),
        (40006, "too_large"),
        (40009, "too_large"),
        (40137, "format_refused"),
        (44001, "empty"),
        (45001, "too_large"),
        (45009, "daily_limit"),
        (48001, "api_not_allowed"),
    ],
)
async def test_wechats_word_about_an_upload_has_a_reason(
    account: WechatOfficialAccount, wechat: Wechat, errcode: int, reason: str
) -> None:
    wechat.answers[UPLOAD] = [code(errcode)]
    with pytest.raises(Refused, match=reason):
        await send(account, Shelf())


async def test_what_wechat_would_not_take_is_refused_before_it_is_asked(
    account: WechatOfficialAccount, provider: Provider
) -> None:
    too_large = bytes(MANIFEST.sendable_media["image"].most_bytes + 1)
    with pytest.raises(Refused, match="too_large"):
        await send(account, Shelf(given=MediaFile(too_large, "image/jpeg", "a.jpg")))
    with pytest.raises(Refused, match="format_refused"):
        await send(account, Shelf(given=MediaFile(b"RIFF", "image/webp", "a.webp")))
    assert provider.calls == []
