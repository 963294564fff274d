"""The web chat: what a visitor's page may hand in, how everything else is refused, and how messages reach visitors."""

import asyncio
import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.content import CONTENT, Text, Unsupported
from moorage.connectors.contract import CustomerMessage, Endpoint, Inbound, Outbound, RawRequest, Sent
from moorage.connectors.failures import MalformedInput, Unreachable
from moorage.connectors.web.connector import WebChat
from moorage.connectors.web.tokens import PURPOSE, read_visitor_token, sign_visitor_token
from moorage.connectors.web.visitors import MOST_WAITING, InProcessVisitors, Visit
from moorage.connectors.web.wire import kept_body, read_kept
from moorage.core.ids import new_id
from tests.connectors.tokens import ListedTokens
from tests.connectors.web_requests import (
    CREDENTIALS,
    NOW,
    VISITOR,
    a_message,
    a_message_id,
    a_push,
    a_text,
    in_envelope,
)

SITE, KEY = CREDENTIALS["site_id"], CREDENTIALS["key"]
CHAT = WebChat(visitors=InProcessVisitors())
TOKEN = sign_visitor_token(key=KEY, site_id=SITE, visitor_id=VISITOR, until=NOW + timedelta(hours=1))


def take(request: RawRequest) -> Inbound:
    return CHAT.receive(credentials=CREDENTIALS, request=request, now=NOW)


def reason_of(request: RawRequest) -> str:
    with pytest.raises(MalformedInput) as refused:
        take(request)
    return refused.value.reason


# ---------------------------------------------------------------- receiving


def test_visitors_words_come_with_who_wrote_them_and_when() -> None:
    at = NOW - timedelta(minutes=90)
    inbound = take(a_push(message := a_text("你好 👋", at=at)))
    assert (inbound.external_customer_id, inbound.external_account_id) == (VISITOR, SITE)
    assert inbound.happened_at == at
    assert inbound.external_message_id == message["id"]
    assert inbound.what == CustomerMessage(content=Text(text="你好 👋"))


def test_what_cannot_be_shown_yet_is_kept_whole() -> None:
    inbound = take(a_push(a_message("image", upload="u1", size={"width": 640})))
    assert inbound.what == CustomerMessage(
        content=Unsupported(kind="image", fields={"upload": "u1", "size": {"width": 640}})
    )


def test_stored_body_holds_no_token() -> None:
    request = a_push(a_text())
    token = str(json.loads(request.body)["token"])
    assert token.encode() not in take(request).body
    assert token.rpartition(".")[2].encode() not in take(request).body


def test_messages_of_two_visitors_are_two_even_with_one_id() -> None:
    message = a_text()
    keys = {take(a_push(message, visitor_id=visitor)).once_key for visitor in (VISITOR, "another-visitor")}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"key": "x" * 43}, "invalid_signature"),
        ({"site_id": "othersite"}, "foreign_account"),
        ({"until": NOW}, "expired_token"),
        ({"visitor_id": "short"}, "invalid_token"),
        ({"visitor_id": "a b c d e f"}, "invalid_token"),
    ],
)
def test_token_of_somebody_else_another_site_or_another_time_is_refused(
    changed: Mapping[str, str], reason: str
) -> None:
    assert reason_of(a_push(a_text(), **changed)) == reason  # pyright: ignore[reportArgumentType] -- until is no text


@pytest.mark.parametrize("off", [timedelta(minutes=10), -timedelta(hours=24)])
def test_page_may_be_slow_and_its_clock_a_little_wrong(off: timedelta) -> None:
    take(a_push(a_text(at=NOW + off)))


@pytest.mark.parametrize("off", [timedelta(minutes=10, seconds=1), -timedelta(hours=24, seconds=1)])
def test_message_of_another_time_is_refused(off: timedelta) -> None:
    assert reason_of(a_push(a_text(at=NOW + off))) == "stale_timestamp"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({}, "missing_field"),
        ({"id": a_message_id()}, "missing_field"),
        ({"id": "1", "type": "text", "text": "x"}, "invalid_field"),
        ({"id": str(uuid4()), "type": "text", "text": "x"}, "invalid_field"),
        ({"id": 7, "type": "text", "text": "x"}, "invalid_field"),
        ({"id": a_message_id(), "type": "x" * 41}, "invalid_field"),
        ({"id": a_message_id(), "type": "text", "text": "a\x00b"}, "invalid_encoding"),
        ({"id": a_message_id(), "type": "text", "text": "\ud83d"}, "invalid_encoding"),
        ({"id": a_message_id(), "type": "dance", "steps": {"\x00": 1}}, "invalid_encoding"),
        ({"id": a_message_id(), "type": "dance", "steps": float("nan")}, "invalid_json"),
        ({"id": "ffffffff-ffff-7fff-bfff-ffffffffffff", "type": "text", "text": "x"}, "invalid_field"),
    ],
)
def test_message_that_no_page_of_ours_makes_is_refused_by_name(message: dict[str, object], reason: str) -> None:
    assert reason_of(in_envelope({"token": TOKEN, "message": message})) == reason


@pytest.mark.parametrize(
    "envelope", [None, [], {}, {"token": TOKEN}, {"token": 7, "message": {}}, {"token": TOKEN, "message": []}]
)
def test_body_without_token_and_message_is_refused(envelope: object) -> None:
    assert reason_of(in_envelope(envelope)) in {"missing_field", "invalid_json"}


def test_deep_and_huge_numbers_are_refused() -> None:
    deep = f'{{"token":"{TOKEN}","message":{"[" * 1000}{"]" * 1000}}}'.encode()
    assert reason_of(replace(in_envelope({}), body=deep)) == "too_deep"
    endless = b'{"token":"","message":{"id":1e999}}'
    assert reason_of(replace(in_envelope({}), body=endless)) == "invalid_json"


def test_other_methods_and_types_are_refused() -> None:
    request = a_push(a_text())
    assert reason_of(replace(request, method="GET")) == "wrong_method"
    assert reason_of(replace(request, content_type="text/plain")) == "wrong_content_type"
    take(replace(request, content_type="application/json; charset=utf-8"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(fields=st.dictionaries(st.sampled_from(["id", "type", "text", "choice_id", "x"]), JSON), known=st.booleans())
def test_any_message_gives_content_that_can_be_stored_or_a_named_error(
    fields: dict[str, object], *, known: bool
) -> None:
    message = {**fields, "id": a_message_id(), "type": "text"} if known else fields
    try:
        inbound = take(in_envelope({"token": TOKEN, "message": message}))
    except MalformedInput:
        return
    assert CHAT.replay(body=inbound.body) == inbound
    assert isinstance(inbound.what, CustomerMessage)
    stored = CONTENT.dump_json(inbound.what.content)
    assert b"\\u0000" not in stored
    assert CONTENT.validate_json(stored) == inbound.what.content


@given(text=st.text(min_size=1, max_size=200).filter(lambda text: text.strip() and "\x00" not in text))
def test_words_survive_the_way_into_the_store_and_back(text: str) -> None:
    body = kept_body(site_id=SITE, visitor_id=VISITOR, message=a_text(text))
    assert read_kept(body).what == CustomerMessage(content=Text(text=text))


@given(token=st.text(max_size=200) | st.binary(max_size=60).map(lambda noise: f"{TOKEN}{noise!r}"))
def test_any_text_is_no_token(token: str) -> None:
    with pytest.raises(MalformedInput, match="invalid_signature"):
        read_visitor_token(token, key=KEY, site_id=SITE, now=NOW)


def signed(payload: object) -> str:
    """Return a token that the key's holder might make by mistake."""
    encoded = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode()
    return f"{encoded}.{hmac.new(KEY.encode(), PURPOSE + encoded.encode(), 'sha256').hexdigest()}"


@pytest.mark.parametrize("until", [10**40, -(10**20), 253402300800])
def test_token_that_ends_at_no_instant_is_refused(until: int) -> None:
    with pytest.raises(MalformedInput, match="invalid_token"):
        read_visitor_token(signed({"site": SITE, "visitor": VISITOR, "until": until}), key=KEY, site_id=SITE, now=NOW)


# ---------------------------------------------------------------- sending


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


def endpoint() -> Endpoint:
    return Endpoint(external_account_id=SITE, credentials=CREDENTIALS, tokens=ListedTokens())


async def send(visitors: InProcessVisitors, outbound: Outbound, *, within_s: float = 5.0) -> Sent:
    return await WebChat(visitors=visitors).send(endpoint(), outbound, deadline=soon(within_s))


def a_reply(text: str = "您好") -> Outbound:
    return Outbound(external_customer_id=VISITOR, content=Text(text=text), message_id=new_id())


async def shown(visit: Visit) -> str:
    """Return the next words that the page shows, acknowledged."""
    handed = await visit.next()
    handed.acknowledge()
    assert isinstance(handed.message.content, Text)
    return handed.message.content.text


async def test_message_is_sent_when_the_visitor_has_acknowledged_it() -> None:
    visitors = InProcessVisitors()
    async with visitors.visiting(site_id=SITE, visitor_id=VISITOR) as visit, asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(send(visitors, a_reply("您好")))
        handed = await visit.next()
        assert not sending.done()
        handed.acknowledge()
        assert await sending == Sent()


async def test_message_for_who_is_not_there_stays_in_their_thread() -> None:
    visitors = InProcessVisitors()
    async with visitors.visiting(site_id=SITE, visitor_id="another-visitor"):
        assert await send(visitors, a_reply()) == Sent()


async def test_silent_page_leaves_open_whether_it_has_shown_the_message() -> None:
    visitors = InProcessVisitors()
    async with visitors.visiting(site_id=SITE, visitor_id=VISITOR):
        with pytest.raises(Unreachable) as failed:
            await send(visitors, a_reply(), within_s=0.01)
    assert failed.value.written is True


async def test_page_that_is_closed_before_it_has_answered_leaves_the_message_in_the_thread() -> None:
    visitors = InProcessVisitors()
    async with asyncio.TaskGroup() as tasks:
        async with visitors.visiting(site_id=SITE, visitor_id=VISITOR) as visit:
            sending = tasks.create_task(send(visitors, a_reply()))
            await visit.next()
        assert await sending == Sent()


async def test_message_handed_over_again_is_shown_once_and_acknowledged_twice() -> None:
    visitors = InProcessVisitors()
    reply = a_reply("once")
    async with visitors.visiting(site_id=SITE, visitor_id=VISITOR) as visit, asyncio.TaskGroup() as tasks:
        page = tasks.create_task(_read(visit, until="the next"))
        for outbound in (reply, reply, a_reply("the next")):
            await send(visitors, outbound)
        assert await page == ["once", "the next"]


async def test_every_open_page_shows_the_message() -> None:
    visitors = InProcessVisitors()
    async with (
        visitors.visiting(site_id=SITE, visitor_id=VISITOR) as phone,
        visitors.visiting(site_id=SITE, visitor_id=VISITOR) as desktop,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(send(visitors, a_reply("您好")))
        assert [await shown(phone), await shown(desktop)] == ["您好", "您好"]


async def test_page_that_reads_nothing_counts_as_gone() -> None:
    visitors = InProcessVisitors()
    async with visitors.visiting(site_id=SITE, visitor_id=VISITOR) as visit:
        for _ in range(MOST_WAITING):
            with pytest.raises(Unreachable):
                await send(visitors, a_reply(), within_s=0)
        assert await send(visitors, a_reply()) == Sent()
        assert visit.has_left
        assert await send(visitors, a_reply()) == Sent()


async def _read(visit: Visit, *, until: str) -> list[str]:
    words = [await shown(visit)]
    while words[-1] != until:
        words.append(await shown(visit))
    return words
