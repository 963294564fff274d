"""Each answer of WeChat's, and each way to give none: what becomes of message, budget and channel. At the wire."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from moorage.channels.queries import read_channel
from moorage.infra.database import Database
from tests.conftest import MovableClock
from tests.connectors.provider import WITHOUT_ANSWER, ThenCut, answered, running_provider
from tests.conversations.delivery.chats import SENT, Chat, Wechat, a_chat, a_sender, at_work, code, token
from tests.conversations.desk import NOWHERE, Desk, a_desk


@dataclass(frozen=True, slots=True)
class Case:
    """What WeChat answers, in turn, and what is to be seen after one try."""

    named: str
    answers: Sequence[bytes]
    state: str
    reason: str | None
    used: int
    """Of the budget: the message is kept charged, or was given back."""
    left: int
    """What may still be sent, as the composer shows it."""
    channel: tuple[str, str | None] = ("active", None)
    details: dict[str, object] = field(default_factory=dict[str, object])


def unknown(named: str, answer: bytes) -> Case:
    return Case(named, [answer], "unconfirmed", "no_answer", 1, 19)


def again(errcode: int) -> Case:
    return Case(str(errcode), [code(errcode)], "queued", "provider_busy", 1, 19, details={"external_code": errcode})


def refused(errcode: int, reason: str, *, channel: tuple[str, str | None] = ("active", None)) -> Case:
    return Case(str(errcode), [code(errcode)], "failed", reason, 0, 20, channel, details={"external_code": errcode})


CASES = [
    Case("ok", [SENT], "sent", None, 1, 19),
    unknown("a page", answered(b"<html>busy</html>", content_type="text/html")),
    unknown("no JSON", answered(b"ok")),
    unknown("no object", answered([0])),
    unknown("a word for a code", answered({"errcode": "0"})),
    unknown("nothing", answered(b"")),
    unknown("half a body", ThenCut(b'HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"errcode": 0, "er')),
    unknown("half a head", ThenCut(b"HTTP/1.1 200 OK\r\nContent-Le")),
    unknown("no HTTP", ThenCut(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")),
    unknown("cut", WITHOUT_ANSWER),
    *(unknown(status, answered({"errcode": 0}, status=status)) for status in ("500 Oh", "502 Bad Gateway", "504 Slow")),
    unknown("moved", answered(b"", status="302 Found")),
    again(-1),
    again(45011),
    refused(45009, "daily_limit", channel=("failing", "daily_limit")),
    Case("45015", [code(45015)], "failed", "window_closed", 1, 0, details={"external_code": 45015}),
    Case("45047", [code(45047)], "failed", "budget_spent", 20, 0, details={"external_code": 45047}),
    refused(40003, "unknown_customer"),
    refused(43004, "not_following"),
    refused(48002, "customer_blocks"),
    refused(43019, "customer_blacklisted"),
    refused(48001, "api_not_allowed", channel=("restricted", "api_not_allowed")),
    refused(61007, "permission_missing", channel=("restricted", "set_missing_messages")),
    refused(48004, "sending_forbidden", channel=("restricted", "sending_forbidden")),
    refused(42007, "authorization_gone", channel=("deauthorized", "authorization_gone")),
    refused(61003, "authorization_gone", channel=("deauthorized", "authorization_gone")),
    refused(61023, "authorization_gone", channel=("deauthorized", "authorization_gone")),
    refused(45002, "too_long"),
    refused(40007, "media_gone"),
    refused(99999, "other"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.named)
async def test_every_answer_has_its_outcome(desk: Desk, wechat: Wechat, case: Case) -> None:
    wechat.answers = list(case.answers)
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    assert len(wechat.sent) == 1
    assert await seen(chat) == (case.state, case.reason, 1)
    (message,) = await chat.said()
    assert message.delivery is not None
    assert message.delivery.may_resend == (case.state in {"failed", "unconfirmed"})
    assert (message.delivery.details or {}).items() >= case.details.items()
    assert await chat.used() == case.used
    if case.channel[0] != "deauthorized":  # there nothing may be sent, whatever is left
        assert await chat.left() == case.left
    assert await channel_of(desk) == case.channel
    assert [one["outcome"] for one in await history(chat)] == [case.state]


async def test_slow_answer_is_not_waited_for_and_nobody_knows(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await chat.reply()
    wechat.gate.clear()
    await a_sender(desk, within_s=1).send_waiting()
    assert await seen(chat) == ("unconfirmed", "no_answer", 1)
    assert await chat.used() == 1
    wechat.gate.set()
    await a_sender(desk).send_waiting()
    assert len(wechat.sent) == 1


@pytest.mark.parametrize(
    ("named", "url"),
    [("refused", NOWHERE), ("no such name", "http://wechat.invalid"), ("no TLS", "https://{provider}")],
)
async def test_what_surely_did_not_leave_is_tried_three_times_more(
    fresh_database: Database, wechat: Wechat, clock: MovableClock, named: str, url: str
) -> None:
    async with running_provider(wechat.answer) as provider:
        address = provider.url.removeprefix("http://")
        async with a_desk(fresh_database, provider_url=url.format(provider=address)) as desk:
            chat = await a_chat(desk)
            await chat.reply()
            await a_sender(desk).send_waiting()
            assert (await seen(chat), named) == (("queued", "unreachable", 1), named)
            assert await chat.used() == 1
            for _ in range(4):
                clock.forward(timedelta(seconds=4))
                await a_sender(desk).send_waiting()
            state, reason, attempts = await seen(chat)
            # Where no token can be had, the circuit opens at the third failure and ends it a try earlier.
            assert (state, attempts) == ("failed", 4)
            assert reason in {"unreachable", "provider_busy"}
            assert await chat.used() == 0
            assert wechat.sent == []


async def test_provider_that_goes_away_after_its_token_gets_the_message_when_it_is_back(
    fresh_database: Database, wechat: Wechat, clock: MovableClock
) -> None:
    """The token is there already: so it is the message's own call that finds nobody."""
    async with running_provider(wechat.answer) as provider:
        port = int(provider.url.rpartition(":")[2])
    async with a_desk(fresh_database, provider_url=provider.url) as desk:
        chat = await a_chat(desk)
        async with running_provider(wechat.answer, port=port):
            await chat.reply("一")
            await a_sender(desk).send_waiting()
        await chat.reply("二")
        await a_sender(desk).send_waiting()
        assert await chat.states() == [("sent", None), ("queued", "unreachable")]
        clock.forward(timedelta(seconds=4))
        async with running_provider(wechat.answer, port=port):
            await a_sender(desk).send_waiting()
        assert [text for _, text in wechat.sent] == ["一", "二"]
        assert await chat.states() == [("sent", None)] * 2


async def test_window_of_a_customer_who_left_meanwhile_is_told_as_that(desk: Desk, wechat: Wechat, url: str) -> None:
    wechat.answers = [code(45015)]
    chat = await a_chat(desk)
    wechat.gate.clear()
    async with at_work(a_sender(desk), url=url):
        await chat.reply()
        await wechat.got(1)
        await desk.push(desk.happened("unsubscribe", by=chat.customer))
        wechat.gate.set()
    assert await seen(chat) == ("failed", "not_following", 1)
    assert await chat.used() == 0


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
async def test_refused_token_is_renewed_once_and_the_message_sent_once(
    desk: Desk, wechat: Wechat, errcode: int
) -> None:
    wechat.tokens = [token("T1"), token("T2")]
    wechat.answers = [code(errcode), SENT]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    assert await seen(chat) == ("sent", None, 1)
    assert await chat.used() == 1


async def test_token_that_stays_refused_fails_the_message_and_the_channel(desk: Desk, wechat: Wechat) -> None:
    wechat.tokens = [token("T1"), token("T2")]
    wechat.answers = [code(40001)]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    assert await seen(chat) == ("failed", "token_refused", 1)
    assert await chat.used() == 0
    assert await channel_of(desk) == ("failing", "token_refused")


@pytest.mark.parametrize(
    "answer",
    [WITHOUT_ANSWER, answered(b"<html>"), answered({}, status="500 Oh"), answered({"access_token": ""})],
    ids=["cut", "a page", "500", "no token"],
)
async def test_trouble_with_the_token_leaves_no_doubt_about_the_message(
    desk: Desk, wechat: Wechat, clock: MovableClock, answer: bytes
) -> None:
    wechat.tokens = [answer, token("T1")]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    assert await seen(chat) == ("queued", "unreachable", 1)
    clock.forward(timedelta(seconds=4))
    await a_sender(desk).send_waiting()
    assert await seen(chat) == ("sent", None, 2)
    assert len(wechat.sent) == 1


async def test_wait_for_the_minute_limit_ends_with_the_minute(desk: Desk, wechat: Wechat, clock: MovableClock) -> None:
    wechat.answers = [code(45011)]
    chat = await a_chat(desk)
    await chat.reply()
    for _ in range(6):
        await a_sender(desk).send_waiting()
        clock.forward(timedelta(seconds=21))
    assert await seen(chat) == ("failed", "provider_busy", 4)
    assert [one["outcome"] for one in await history(chat)] == ["queued", "queued", "queued", "failed"]
    assert len(wechat.sent) == 4
    assert await chat.used() == 0


async def test_slow_provider_of_one_account_blocks_no_message_for_ever(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await chat.reply("一")
    await chat.reply("二")
    wechat.gate.clear()
    sender = a_sender(desk, within_s=0.5)
    async with asyncio.timeout(10):
        await sender.send_waiting()
        wechat.gate.set()
        await sender.send_waiting()
    assert await chat.states() == [("unconfirmed", "no_answer"), ("sent", None)]


async def seen(chat: Chat) -> tuple[str, str | None, int]:
    """Return state, reason and attempts of the only message."""
    (message,) = [message for message in await chat.said() if message.delivery is not None]
    assert message.delivery is not None
    return message.delivery.state.value, message.delivery.reason, message.delivery.attempts


async def history(chat: Chat) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", await chat.desk.value("SELECT history FROM deliveries"))


async def channel_of(desk: Desk) -> tuple[str, str | None]:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=desk.channel.id)
    return channel.state, channel.state_reason


async def test_spent_budget_is_not_opened_by_what_comes_back_of_earlier_messages(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45047), code(40003), SENT]
    chat = await a_chat(desk)
    await chat.reply("一")
    await chat.reply("二")
    for _ in range(2):
        await a_sender(desk).send_waiting()
    assert await chat.states() == [("failed", "budget_spent"), ("failed", "unknown_customer")]
    budget = (await desk.conversation_of(chat.customer)).budget
    assert (budget.open, budget.left, budget.reason) == (False, 0, "spent")
    await desk.hears("在吗", by=chat.customer)
    assert await chat.left() == 20
