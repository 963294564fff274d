"""Whatever bytes come from WeChat's side, or in its name: a value or a named failure, soon, and within bounds."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager, suppress

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.connectors.content import Text
from moorage.connectors.contract import Endpoint, MediaFile, Outbound
from moorage.connectors.failures import MalformedInput, ProviderFailure, UnsupportedInput
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.connector import WechatOfficialAccount
from moorage.connectors.wechat_oa.fields import read_fields, sealed_part
from moorage.connectors.wechat_oa.grants import read_grant, read_profile, read_renewal
from moorage.connectors.wechat_oa.menu_wire import read_live_menu, read_matched
from moorage.connectors.wechat_oa.people import WechatPeople
from moorage.connectors.wechat_oa.wire import read_push
from tests.connectors import hostile
from tests.connectors.tokens import ListedTokens
from tests.connectors.wechat_requests import CREDENTIALS, CUSTOMER, NOW, plain_push, sealed_push
from tests.connectors.wechat_vectors import sample, sample_names

SOON_S = 6.0
"""Of processor time, on a slow machine; what is bounded takes some hundredths."""
MOST_MEMORY_BYTES = 160 * hostile.MEBIBYTE
BODIES = [*hostile.XML.values(), *hostile.JSON.values()]
NAMES = [*(f"xml_{name}" for name in hostile.XML), *(f"json_{name}" for name in hostile.JSON)]
API = "http://127.0.0.1:9"
READS: Mapping[str, Callable[[bytes], object]] = {"push": read_push, "fields": read_fields, "sealed": sealed_part}


@contextmanager
def bounded() -> Generator[None]:
    """Raise unless the block takes little of the processor and of memory."""
    tracemalloc.start()
    began = time.process_time()
    try:
        yield
        took, most = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert took < SOON_S
    assert most < MOST_MEMORY_BYTES


# ---------------------------------------------------------------- pushes


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("body", BODIES, ids=NAMES)
def test_hostile_body_is_read_or_refused_within_bounds(body: bytes, read: Callable[[bytes], object]) -> None:
    with bounded(), suppress(MalformedInput, UnsupportedInput):
        read(body)


@pytest.mark.parametrize("body", BODIES, ids=NAMES)
def test_hostile_body_is_read_or_refused_when_it_is_well_sealed(body: bytes) -> None:
    account = WechatOfficialAccount(api=WechatApi(http=httpx.AsyncClient(), api_url=API))
    for request, mode in ((sealed_push(body), "secure"), (plain_push(body), "plaintext")):
        with suppress(MalformedInput, UnsupportedInput):
            account.receive(credentials={**CREDENTIALS, "mode": mode}, request=request, now=NOW)


@pytest.mark.parametrize(
    "name", [name for name in hostile.XML if "entity" in name or name in {"laughs", "external_dtd"}]
)
def test_no_entity_is_ever_opened(name: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        read_fields(hostile.XML[name])
    assert refused.value.reason == "invalid_xml"


SAMPLES = st.sampled_from([sample(name) for name in sample_names("msg_", "event_")])
POSITION = st.floats(0, 1)


def at(body: bytes, position: float) -> int:
    return int(position * len(body))


@given(body=SAMPLES, cut=POSITION)
def test_sample_that_is_cut_off_is_a_push_or_a_named_error(body: bytes, cut: float) -> None:
    with suppress(MalformedInput, UnsupportedInput):
        read_push(body[: at(body, cut)])


@given(body=SAMPLES, position=POSITION, noise=st.binary(min_size=1, max_size=8), covers=st.integers(0, 40))
def test_sample_with_anything_in_its_place_is_a_push_or_a_named_error(
    body: bytes, position: float, noise: bytes, covers: int
) -> None:
    place = at(body, position)
    with suppress(MalformedInput, UnsupportedInput):
        read_push(body[:place] + noise + body[place + covers :])


NUMBERS = ["CreateTime", "MsgId", "Scale", "Location_X", "Count", "FileTotalLen"]
NO_NUMBERS = ["-1", "0", "9" * 400, "1e400", "NaN", "0x10", "１２", "", " 5 ", "-0", "5.5", "\u202e1"]


@given(body=SAMPLES, name=st.sampled_from(NUMBERS), value=st.sampled_from(NO_NUMBERS))
def test_sample_with_any_number_is_a_push_or_a_named_error(body: bytes, name: str, value: str) -> None:
    start, end = body.find(f"<{name}>".encode()), body.find(f"</{name}>".encode())
    if start < 0:
        return
    changed = body[: start + len(name) + 2] + value.encode() + body[end:]
    with suppress(MalformedInput, UnsupportedInput):
        json.dumps(read_push(changed).what, default=str).encode()


# ---------------------------------------------------------------- answers of the API

Ask = Callable[[WechatOfficialAccount, WechatApi], Awaitable[object]]


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


def endpoint() -> Endpoint:
    return Endpoint(external_account_id="wx1", credentials=CREDENTIALS, tokens=ListedTokens("T1", "T2"))


def said() -> Outbound:
    return Outbound(external_customer_id=CUSTOMER, content=Text(text="好"))


PICTURE = MediaFile(name="a.jpg", content=b"\xff\xd8\xff", media_type="image/jpeg")
CALLS: Mapping[str, Ask] = {
    "token": lambda _, api: api.stable_token(appid="wx1", secret="s", force=False, deadline=soon()),
    "send": lambda account, _: account.send(endpoint(), said(), deadline=soon()),
    "typing": lambda _, api: api.show_typing(token="T", openid=CUSTOMER, deadline=soon()),
    "upload": lambda _, api: api.upload_media(token="T", kind="image", file=PICTURE, deadline=soon()),
    "download": lambda _, api: api.download_media(token="T", media_id="m", most_bytes=1 << 21, deadline=soon()),
    "menus": lambda account, _: account.menus.read_menus(endpoint(), deadline=soon()),
    "person": lambda _, api: WechatPeople(api=api).read_profile(
        endpoint(), external_customer_id=CUSTOMER, deadline=soon()
    ),
}


async def answered(ask: Ask, answer: bytes, *, status: int = 200, content_type: str = "application/json") -> object:
    """Return what a call makes of an answer, or the failure that it names."""

    def answer_it(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=answer, headers={"content-type": content_type})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer_it)) as http:
        api = WechatApi(http=http, api_url=API)
        try:
            return await ask(WechatOfficialAccount(api=api), api)
        except ProviderFailure as failure:
            return failure


def storable(value: object) -> None:
    """Raise unless every text of `value` can be stored by PostgreSQL and sent as UTF-8."""
    text = str(vars(value) if isinstance(value, ProviderFailure) else value)
    assert "\x00" not in text
    assert "\\x00" not in text
    text.encode()
    assert "\\ud8" not in text
    assert "\\udc" not in text


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("answer", BODIES, ids=NAMES)
async def test_hostile_answer_is_a_value_or_a_named_failure(answer: bytes, ask: Ask) -> None:
    outcome = await answered(ask, answer)
    if not isinstance(outcome, bytes):
        storable(outcome)


@pytest.mark.parametrize("answer", BODIES, ids=NAMES)
async def test_hostile_answer_is_read_within_bounds(answer: bytes) -> None:
    with bounded():
        await answered(CALLS["send"], answer)


@given(answer=st.binary(max_size=200), status=st.integers(200, 599), call=st.sampled_from(sorted(CALLS)))
async def test_any_answer_is_a_value_or_a_named_failure(answer: bytes, status: int, call: str) -> None:
    await answered(CALLS[call], answer, status=status)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([
    "errcode", "errmsg", "access_token", "expires_in", "msgid", "media_id", "video_url", "menu", "button",
    "selfmenu_info", "is_menu_open", "conditionalmenu", "subscribe", "subscribe_time", "unionid", "tagid_list", "tags",
    "nickname", "headimgurl", "qr_scene", "remark", "authorization_info", "authorizer_info",
    "authorizer_access_token", "authorizer_refresh_token",
])  # fmt: skip
OBJECTS = st.dictionaries(FIELDS, ANYTHING, max_size=6)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(answer=OBJECTS, call=st.sampled_from(sorted(CALLS)))
async def test_known_fields_with_anything_in_them_are_a_value_or_a_named_failure(
    answer: dict[str, object], call: str
) -> None:
    outcome = await answered(CALLS[call], json.dumps(answer).encode())
    if not isinstance(outcome, bytes):
        storable(outcome)


HOSTS = st.sampled_from(
    [f"http://{name}/a.mp4" for name in ("a" * 64 + ".example", "..", "a..b", "[::1", "a:99999", "@")]
)


@given(url=st.text(max_size=80) | st.text(max_size=60).map(lambda path: f"{API}/{path}") | HOSTS)
async def test_any_address_of_a_video_is_fetched_or_a_named_failure(url: str) -> None:
    await answered(CALLS["download"], json.dumps({"video_url": url}).encode())


@given(answer=OBJECTS)
def test_any_answer_about_an_authorization_is_a_value_or_a_named_failure(answer: dict[str, object]) -> None:
    with suppress(ProviderFailure):
        read_grant(answer)
    with suppress(ProviderFailure):
        read_renewal(answer)
    with suppress(ProviderFailure):
        read_profile(answer, external_id="wx1")


def nested_menu(depth: int) -> dict[str, object]:
    inner: dict[str, object] = {"name": "n", "type": "click", "key": "k"}
    for _ in range(depth):
        inner = {"name": "n", "sub_button": {"list": [inner]}}
    return inner


@pytest.mark.parametrize("depth", [1, 2, 3, 50, 300])
def test_menu_of_any_depth_is_read(depth: int) -> None:
    live = {"button": [nested_menu(depth)]}
    with suppress(ProviderFailure):
        read_live_menu(current={"is_menu_open": 1, "selfmenu_info": live}, created={"menu": live})
    with suppress(ProviderFailure):
        read_matched(live)


def test_menu_with_very_many_buttons_is_read_within_bounds() -> None:
    live = {"button": [nested_menu(1) for _ in range(100_000)]}
    with bounded():
        read_live_menu(current={"is_menu_open": 1, "selfmenu_info": live}, created={"menu": live})
