"""Messages on their way, with WeChat's API as a local server at the wire: in order, and once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from moorage.channels.queries import read_channel
from moorage.conversations.deliveries import claim_deliveries, find_lost_deliveries, record_outcome
from moorage.conversations.model import DeliveryState
from moorage.conversations.outcomes import Outcome
from moorage.core.ids import new_id
from moorage.staff.presence import set_status
from tests.conftest import MovableClock
from tests.connectors.provider import WITHOUT_ANSWER
from tests.conversations.delivery.chats import SENT, Wechat, a_chat, a_sender, at_work, code
from tests.conversations.desk import Desk

# ---------------------------------------------------------------- in order, and once


async def test_reply_arrives_and_is_shown_as_sent(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await chat.reply("您好")
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "您好")]
    assert await chat.states() == [("sent", None)]
    assert await chat.left() == 19


async def test_two_senders_send_each_message_once_and_in_order(desk: Desk, wechat: Wechat, url: str) -> None:
    first = await a_chat(desk)
    chats = [first, *[await a_chat(desk, agent=first.anna) for _ in range(5)]]
    async with at_work(a_sender(desk), a_sender(desk), url=url):
        for n in range(8):
            await asyncio.gather(*(chat.reply(f"第{n}句") for chat in chats))
        await wechat.got(48)
    assert len(wechat.sent) == 48
    for chat in chats:
        assert [text for to, text in wechat.sent if to == chat.customer] == [f"第{n}句" for n in range(8)]
        assert await chat.states() == [("sent", None)] * 8


async def test_slow_answer_for_one_customer_holds_up_no_other(desk: Desk, wechat: Wechat, url: str) -> None:
    slow = await a_chat(desk)
    quick = await a_chat(desk, agent=slow.anna)
    wechat.gate.clear()
    async with at_work(a_sender(desk), url=url):
        await slow.reply("一")
        await slow.reply("二")
        await wechat.got(1)
        await quick.reply("三")
        await wechat.got(2)
        assert wechat.sent[-1] == (quick.customer, "三")
        wechat.gate.set()
        await wechat.got(3)


async def test_sender_that_is_told_to_stop_records_what_it_is_sending(desk: Desk, wechat: Wechat, url: str) -> None:
    chat = await a_chat(desk)
    wechat.gate.clear()
    async with at_work(a_sender(desk), url=url) as stop:
        await chat.reply()
        await wechat.got(1)
        stop.set()
        wechat.gate.set()
    assert await chat.states() == [("sent", None)]


async def test_sender_is_woken_at_once(desk: Desk, wechat: Wechat, url: str) -> None:
    chat = await a_chat(desk)
    async with at_work(a_sender(desk), url=url):
        await chat.reply("一")
        await wechat.got(1)
        async with asyncio.timeout(0.7):  # sooner than its own look would be
            await chat.reply("二")
            await wechat.got(2)


# ---------------------------------------------------------------- what the provider answers


async def test_busy_provider_gets_the_message_again_and_the_next_one_waits(
    desk: Desk, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.answers = [code(-1), SENT]
    chat = await a_chat(desk)
    await chat.reply("一")
    await chat.reply("二")
    sender = a_sender(desk)
    await sender.send_waiting()
    assert await chat.states() == [("queued", "provider_busy"), ("queued", None)]
    assert await sender.send_waiting() == 0
    clock.forward(timedelta(seconds=3))
    await sender.send_waiting()
    await sender.send_waiting()
    assert [text for _, text in wechat.sent] == ["一", "一", "二"]
    assert await chat.states() == [("sent", None), ("sent", None)]
    assert await chat.left() == 18


async def test_provider_that_stays_busy_fails_the_message_and_the_next_goes_on(
    desk: Desk, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.answers = [code(-1)] * 4 + [SENT]
    chat = await a_chat(desk)
    await chat.reply("一")
    await chat.reply("二")
    for _ in range(5):
        await a_sender(desk).send_waiting()
        clock.forward(timedelta(seconds=3))
    assert await chat.states() == [("failed", "provider_busy"), ("sent", None)]
    assert await chat.left() == 19
    failed = (await chat.said())[0]
    assert failed.delivery is not None
    assert failed.delivery.attempts == 4
    assert failed.delivery.details is not None
    assert failed.delivery.details["external_code"] == -1


async def test_cut_after_the_request_is_unconfirmed_and_never_sent_again(
    desk: Desk, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.answers = [WITHOUT_ANSWER, SENT]
    chat = await a_chat(desk)
    await chat.reply()
    for _ in range(3):
        await a_sender(desk).send_waiting()
        clock.forward(timedelta(minutes=1))
    assert len(wechat.sent) == 1
    assert await chat.states() == [("unconfirmed", "no_answer")]
    assert await chat.left() == 19


async def test_spent_budget_at_the_provider_ends_ours(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45047)]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    budget = (await desk.conversation_of(chat.customer)).budget
    assert (budget.open, budget.reason) == (False, "spent")


async def test_closed_window_at_the_provider_closes_ours(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45015)]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    assert await chat.states() == [("failed", "window_closed")]
    assert (await desk.conversation_of(chat.customer)).budget.reason == "no_window"


@pytest.mark.parametrize(
    ("errcode", "stands", "told"),
    [
        (45009, ("failing", "daily_limit"), "daily_limit"),
        (48001, ("restricted", "api_not_allowed"), "api_not_allowed"),
        (61007, ("restricted", "set_missing_messages"), "permission_missing"),
        (61003, ("deauthorized", "authorization_gone"), "authorization_gone"),
    ],
)
async def test_refusal_of_the_account_changes_the_channel_and_gives_back(
    desk: Desk, wechat: Wechat, errcode: int, stands: tuple[str, str], told: str
) -> None:
    wechat.answers = [code(errcode)]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=desk.channel.id)
    assert (channel.state, channel.state_reason) == stands
    assert await chat.states() == [("failed", told)]
    assert await desk.value("SELECT sum(used) FROM budgets") == 0


async def test_message_that_goes_out_heals_a_failing_channel(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45009), SENT]
    chat = await a_chat(desk)
    for text in ("一", "二"):
        await chat.reply(text)
        await a_sender(desk).send_waiting()
    assert await desk.value("SELECT state FROM channels") == "active"


# ---------------------------------------------------------------- leases


async def lease_ends(desk: Desk) -> None:
    """Let the leases end; they go by the database's clock, which no test can move."""
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE deliveries SET lease_until = now() - interval '1 second' WHERE state = 'sending'")


async def test_message_of_a_dead_sender_is_unconfirmed_and_the_next_goes_on(
    desk: Desk, wechat: Wechat, url: str
) -> None:
    chat = await a_chat(desk)
    await chat.reply("一")
    await chat.reply("二")
    async with desk.database.as_system() as tx:
        assert len(await claim_deliveries(tx, lease_id=new_id(), most=10)) == 1
    await lease_ends(desk)
    async with at_work(a_sender(desk), url=url):
        await wechat.got(1)
    assert wechat.sent == [(chat.customer, "二")]
    assert await chat.states() == [("unconfirmed", "sender_lost"), ("sent", None)]


async def test_word_of_a_slow_sender_still_counts_after_its_lease(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await chat.reply()
    async with desk.database.as_system() as tx:
        (claimed,) = await claim_deliveries(tx, lease_id=new_id(), most=1)
    await lease_ends(desk)
    await a_sender(desk).let_go_of_lost()
    assert await chat.states() == [("unconfirmed", "sender_lost")]
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        recorded = await record_outcome(
            tx,
            delivery=claimed,
            outcome=Outcome(DeliveryState.SENT),
            connectors=desk.connectors,
        )
    assert recorded
    assert await chat.states() == [("sent", None)]


async def test_stranger_cannot_tell_the_outcome_of_somebody_elses_try(desk: Desk) -> None:
    chat = await a_chat(desk)
    await chat.reply()
    async with desk.database.as_system() as tx:
        (claimed,) = await claim_deliveries(tx, lease_id=new_id(), most=1)
        assert await find_lost_deliveries(tx, most=1) == []
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        assert not await record_outcome(
            tx,
            delivery=replace(claimed, lease_id=new_id()),
            outcome=Outcome(DeliveryState.FAILED, budget="given_back"),
            connectors=desk.connectors,
        )
    assert await chat.states() == [("queued", None)]


async def test_what_becomes_of_a_message_after_the_session_is_told_to_who_wrote_it(desk: Desk) -> None:
    chat = await a_chat(desk)
    await chat.ends()
    after = await chat.reply("还有一件事")
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await set_status(tx, agent_id=chat.anna.agent_id, status="busy")
    ben = await desk.an_agent(name="Ben")
    await desk.hears("在吗", by=chat.customer)  # by now somebody else has the customer
    assert (await desk.conversation_of(chat.customer)).owner.agent_id == ben.agent_id
    await a_sender(desk).send_waiting()
    audience = await desk.value(
        """
        SELECT audience FROM event_log
        WHERE topic = 'message.changed' AND object_id = %s AND payload -> 'delivery' ->> 'state' = 'sent'
        """,
        after.id,
    )
    told = {f"agent:{chat.anna.agent_id}", f"agent:{ben.agent_id}", "role:supervisor"}
    assert set(cast("list[str]", audience)) == told


async def test_budget_of_an_ended_conversation_follows_the_providers_word(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45047)]
    chat = await a_chat(desk)
    await chat.ends()
    before = await desk.conversation_of(chat.customer)
    await chat.reply("还有一件事")
    await a_sender(desk).send_waiting()
    after = await desk.conversation_of(chat.customer)
    assert (after.after_session, after.budget.open, after.budget.reason) == (True, False, "spent")
    assert after.version > before.version  # so browsers were told
