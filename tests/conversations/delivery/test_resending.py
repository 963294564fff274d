"""Sending again, or leaving, what did not arrive for sure; with WeChat's API as a local server at the wire."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from moorage.conversations.budgets import BudgetClosed
from moorage.conversations.charging import CustomerUnfollowed
from moorage.conversations.deliveries import claim_deliveries, record_outcome
from moorage.conversations.model import ClaimedDelivery, DeliveryState
from moorage.conversations.outcomes import Outcome
from moorage.conversations.resending import NothingToResend
from moorage.conversations.views import MessageView
from moorage.core.errors import Missing
from moorage.core.ids import new_id
from moorage.reception.applying import ConversationClosed, NotYours
from tests.conftest import MovableClock
from tests.connectors.provider import WITHOUT_ANSWER
from tests.conversations.delivery.chats import SENT, Chat, Wechat, a_chat, a_sender, at_work, code
from tests.conversations.desk import Desk

FAILS = code(40003)


async def a_failed_message(desk: Desk, wechat: Wechat) -> tuple[Chat, MessageView]:
    wechat.answers = [FAILS, SENT]
    chat = await a_chat(desk)
    await chat.reply("一")
    await a_sender(desk).send_waiting()
    (message,) = await chat.said()
    return chat, message


async def an_unconfirmed_message(desk: Desk, wechat: Wechat) -> tuple[Chat, MessageView]:
    wechat.answers = [WITHOUT_ANSWER, SENT]
    chat = await a_chat(desk)
    await chat.reply("一")
    await a_sender(desk).send_waiting()
    (message,) = await chat.said()
    return chat, message


# ---------------------------------------------------------------- again


async def test_failed_message_is_sent_again_with_its_history_and_charged_once(desk: Desk, wechat: Wechat) -> None:
    chat, failed = await a_failed_message(desk, wechat)
    assert await chat.used() == 0
    again = await chat.resends(failed)
    assert again.delivery is not None
    assert (again.id, again.seq, again.delivery.state, again.delivery.reason) == (failed.id, failed.seq, "queued", None)
    assert (again.delivery.attempts, again.delivery.may_resend) == (0, False)
    assert await chat.used() == 1
    await a_sender(desk).send_waiting()
    assert await chat.states() == [("sent", None)]
    assert len(wechat.sent) == 2
    tries = cast("list[dict[str, object]]", await desk.value("SELECT history FROM deliveries"))
    assert [one["outcome"] for one in tries] == ["failed", "sent"]
    assert await chat.used() == 1


async def test_message_that_was_cut_off_arrives_once_until_a_person_decides(
    desk: Desk, wechat: Wechat, clock: MovableClock
) -> None:
    chat, unconfirmed = await an_unconfirmed_message(desk, wechat)
    for _ in range(3):
        clock.forward(timedelta(minutes=5))
        await a_sender(desk).let_go_of_lost()
        assert await a_sender(desk).send_waiting() == 0
    assert len(wechat.sent) == 1
    await chat.resends(unconfirmed)
    await a_sender(desk).send_waiting()
    assert len(wechat.sent) == 2
    assert await chat.states() == [("sent", None)]
    assert await chat.used() == 2  # the first one may have arrived


async def test_resent_message_takes_its_turn_and_blocks_nobody(desk: Desk, wechat: Wechat, url: str) -> None:
    chat, failed = await a_failed_message(desk, wechat)
    wechat.gate.clear()
    async with at_work(a_sender(desk), a_sender(desk), url=url):
        await chat.reply("二")
        await wechat.got(2)
        await chat.reply("三")
        await chat.resends(failed)
        await chat.reply("四")
        wechat.gate.set()
        await wechat.got(5)
    assert [text for _, text in wechat.sent] == ["一", "二", "三", "一", "四"]
    assert [message.seq for message in await chat.said()] == sorted(message.seq for message in await chat.said())
    assert await chat.states() == [("sent", None)] * 4


async def test_tries_and_waits_begin_anew(desk: Desk, wechat: Wechat, clock: MovableClock) -> None:
    wechat.answers = [code(45011)] * 7 + [SENT]
    chat = await a_chat(desk)
    await chat.reply()
    for _ in range(4):
        await a_sender(desk).send_waiting()
        clock.forward(timedelta(seconds=21))
    (failed,) = await chat.said()
    assert await chat.states() == [("failed", "provider_busy")]
    await chat.resends(failed)
    for _ in range(4):
        await a_sender(desk).send_waiting()
        clock.forward(timedelta(seconds=21))
    assert await chat.states() == [("sent", None)]
    assert len(wechat.sent) == 8


async def test_two_who_send_it_again_at_once_send_it_once(desk: Desk, wechat: Wechat) -> None:
    chat, failed = await a_failed_message(desk, wechat)
    outcomes = await asyncio.gather(*(chat.resends(failed) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, NothingToResend) for outcome in outcomes) == 4
    for _ in range(3):
        await a_sender(desk).send_waiting()
    assert len(wechat.sent) == 2
    assert await chat.used() == 1


async def test_what_is_on_its_way_or_has_arrived_is_not_sent_again(desk: Desk, wechat: Wechat, url: str) -> None:
    chat = await a_chat(desk)
    queued = await chat.reply()
    with pytest.raises(NothingToResend) as refusal:
        await chat.resends(queued)
    assert refusal.value.state == "queued"
    wechat.gate.clear()
    async with at_work(a_sender(desk), url=url):
        await wechat.got(1)
        for decide in (chat.resends, chat.leaves):
            with pytest.raises(NothingToResend):
                await decide(queued)
        wechat.gate.set()
    with pytest.raises(NothingToResend) as refusal:
        await chat.resends(queued)
    assert refusal.value.state == "sent"
    heard = (await desk.messages_of(chat.customer))[0]
    with pytest.raises(NothingToResend) as refusal:
        await chat.resends(heard)
    assert refusal.value.state == "none"


# ---------------------------------------------------------------- a late word of the try before


async def a_lost_try(desk: Desk, chat: Chat) -> tuple[ClaimedDelivery, MessageView]:
    """Return a try whose sender says nothing until its lease is over, and the message, unconfirmed."""
    async with desk.database.as_system() as tx:
        (claimed,) = await claim_deliveries(tx, lease_id=new_id(), most=1)
    await lease_ends(desk)
    await a_sender(desk).let_go_of_lost()
    (message,) = await chat.said()
    assert await chat.states() == [("unconfirmed", "sender_lost")]
    return claimed, message


async def lease_ends(desk: Desk) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE deliveries SET lease_until = now() - interval '1 second' WHERE state = 'sending'")


async def tell(desk: Desk, claimed: ClaimedDelivery, outcome: Outcome) -> bool:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        return await record_outcome(tx, delivery=claimed, outcome=outcome, connectors=desk.connectors)


async def test_late_word_that_it_arrived_takes_the_resending_back(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await chat.reply()
    claimed, unconfirmed = await a_lost_try(desk, chat)
    await chat.resends(unconfirmed)
    assert await chat.used() == 2
    assert await tell(desk, claimed, Outcome(DeliveryState.SENT))
    assert await chat.states() == [("sent", None)]
    assert await chat.used() == 1
    assert await a_sender(desk).send_waiting() == 0
    assert wechat.sent == []


@pytest.mark.parametrize("late", [Outcome(DeliveryState.SENT), Outcome(DeliveryState.FAILED, budget="given_back")])
async def test_late_word_is_not_taken_for_the_new_try(desk: Desk, wechat: Wechat, url: str, late: Outcome) -> None:
    chat = await a_chat(desk)
    await chat.reply()
    claimed, unconfirmed = await a_lost_try(desk, chat)
    await chat.resends(unconfirmed)
    wechat.gate.clear()
    wechat.answers = [code(40003)]
    async with at_work(a_sender(desk), url=url):
        await wechat.got(1)
        assert not await tell(desk, claimed, late)
        wechat.gate.set()
    assert await chat.states() == [("failed", "unknown_customer")]
    assert await chat.used() == 1  # the first try's; the second one's was given back


async def test_late_word_that_it_failed_leaves_the_resent_one_in_its_place(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await chat.reply()
    claimed, unconfirmed = await a_lost_try(desk, chat)
    await chat.resends(unconfirmed)
    assert not await tell(desk, claimed, Outcome(DeliveryState.FAILED, budget="given_back"))
    await a_sender(desk).send_waiting()
    assert await chat.states() == [("sent", None)]
    assert len(wechat.sent) == 1


# ---------------------------------------------------------------- leaving


async def test_unconfirmed_message_can_be_left_as_it_is(desk: Desk, wechat: Wechat) -> None:
    chat, unconfirmed = await an_unconfirmed_message(desk, wechat)
    left = await chat.leaves(unconfirmed)
    assert left.delivery is not None
    assert (left.delivery.state, left.delivery.reason, left.delivery.may_resend) == ("unconfirmed", "left", False)
    assert left.delivery.attempts == 1
    assert await chat.said() == [left]
    for decide in (chat.leaves, chat.resends):
        with pytest.raises(NothingToResend):
            await decide(unconfirmed)
    assert await chat.used() == 1


async def test_failed_message_has_nothing_to_be_left(desk: Desk, wechat: Wechat) -> None:
    chat, failed = await a_failed_message(desk, wechat)
    with pytest.raises(NothingToResend):
        await chat.leaves(failed)


async def test_what_a_rule_said_is_let_go_where_nobody_knows(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [WITHOUT_ANSWER]
    anna = await desk.an_agent()
    ben = await desk.an_agent(name="Ben", role="supervisor")
    chat = await a_chat(desk, agent=anna)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("""UPDATE channels SET settings = settings || '{"greeting": {"mode": "every_connection"}}'""")
    await desk.takes(ben, chat.id)
    await a_sender(desk).send_waiting()
    greeting = (await desk.messages_of(chat.customer))[-1]
    assert greeting.delivery is not None
    assert (greeting.author.why, greeting.delivery.state) == ("greeting", "unconfirmed")
    assert not greeting.delivery.may_resend
    with pytest.raises(NothingToResend):
        await chat.resends(greeting, by=ben)


# ---------------------------------------------------------------- who may, and when


async def test_only_who_may_speak_to_the_customer_decides(desk: Desk, wechat: Wechat) -> None:
    chat, unconfirmed = await an_unconfirmed_message(desk, wechat)
    chief = await desk.an_agent(name="Chief", role="supervisor")
    ben = await desk.an_agent(name="Ben")
    for decide in (chat.resends, chat.leaves):
        with pytest.raises(NotYours):
            await decide(unconfirmed, by=chief)
        with pytest.raises(Missing):
            await decide(unconfirmed, by=ben)
    await desk.takes(chief, chat.id)
    await chat.resends(unconfirmed, by=chief)


async def test_after_the_end_who_had_it_decides(desk: Desk, wechat: Wechat) -> None:
    chat, failed = await a_failed_message(desk, wechat)
    await chat.ends()
    chief = await desk.an_agent(name="Chief", role="supervisor")
    with pytest.raises(ConversationClosed):
        await chat.resends(failed, by=chief)
    await chat.resends(failed)
    await a_sender(desk).send_waiting()
    assert await chat.states() == [("sent", None)]


async def test_without_budget_or_customer_nothing_is_changed(desk: Desk, wechat: Wechat, clock: MovableClock) -> None:
    chat, failed = await a_failed_message(desk, wechat)
    clock.forward(timedelta(hours=48))
    with pytest.raises(BudgetClosed):
        await chat.resends(failed)
    assert await chat.said() == [failed]
    await desk.hears(by=chat.customer)
    await desk.push(desk.happened("unsubscribe", by=chat.customer))
    with pytest.raises(CustomerUnfollowed):
        await chat.resends(failed)
    assert await a_sender(desk).send_waiting() == 0


async def test_account_that_only_answers_lets_it_wait(desk: Desk, wechat: Wechat) -> None:
    chat, failed = await a_failed_message(desk, wechat)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE channels SET verified = false")
    again = await chat.resends(failed)
    assert again.delivery is not None
    assert again.delivery.state == "waiting"
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE channels SET verified = true")
    await desk.hears("在吗", by=chat.customer)
    await a_sender(desk).send_waiting()
    assert [message.delivery.state for message in await chat.said() if message.delivery] == ["sent"]
    assert len(wechat.sent) == 2
