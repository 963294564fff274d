"""Accounts that can answer and send nothing else: what an agent says waits for the customer's next message."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from moorage.channels.account_statements import state_account
from moorage.channels.model import Channel
from moorage.channels.states import mark_deauthorized
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.conversations.charging import CustomerUnfollowed
from moorage.conversations.queries import read_budget
from moorage.conversations.speaking import TooManyWaiting
from moorage.conversations.views import ConversationView
from moorage.core.ids import ConversationId, PersonId, ThreadId, new_id
from moorage.infra.database import Database
from moorage.reception.settling import show_channel_again
from moorage.reception.sweeper import Sweeper
from moorage.staff.model import Actor
from tests.conftest import Heard, MovableClock
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.reception.answers import SUCCESS, words_of


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    """A company whose account is not certified."""
    async with a_desk(database, verified=False) as opened:
        yield opened


async def served(desk: Desk) -> tuple[Actor, str, ConversationId]:
    """Return an agent, and their customer who has been greeted."""
    anna = await desk.an_agent()
    customer = an_openid()
    await desk.hears(by=customer)
    return anna, customer, ConversationId((await desk.conversation_of(customer)).id)


async def states_of(desk: Desk, customer: str) -> list[str | None]:
    """Return how far each message to the customer has come, the greeting left out."""
    return [
        None if message.delivery is None else message.delivery.state.value
        for message in await desk.messages_of(customer)
        if message.author.kind == "agent" and message.author.why is None
    ]


async def verified(desk: Desk, *, verified: bool) -> None:
    """Let the admin state whether the account is certified, and let the job follow."""
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await state_account(
            tx,
            channel_id=desk.channel.id,
            manifest=MANIFEST,
            stated={"verified": verified},
            by=PersonId(new_id()),
            remote_address="127.0.0.1",
        )
    await show_channel_again(
        desk.database, connectors=desk.connectors, workspace_id=desk.workspace_id, channel_id=desk.channel.id
    )


async def test_account_that_is_not_certified_is_restricted_and_says_so(desk: Desk) -> None:
    channel: Channel = desk.channel
    assert (channel.state, channel.state_reason) == ("restricted", "not_certified")


async def test_reply_waits_and_goes_out_with_the_answer_to_the_next_message(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    message = await desk.replies(anna, conversation_id, "请稍等")
    assert message.delivery is not None
    assert message.delivery.state == "waiting"
    assert await desk.value("SELECT count(*) FROM deliveries") == 0
    answer = await desk.hears("好的", by=customer)
    assert words_of(desk, answer) == "请稍等"
    assert await states_of(desk, customer) == ["answered"]
    assert words_of(desk, await desk.hears("还在吗", by=customer)) is None


async def test_composer_is_told_how_many_wait_and_that_nothing_else_can_be_sent(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    await desk.replies(anna, conversation_id)
    await desk.replies(anna, conversation_id)
    view: ConversationView = await desk.conversation_of(customer)
    assert (view.sending, view.waiting) == ("passive_only", 2)
    assert (view.budget.open, view.budget.left, view.budget.most) == (True, 3, 5)
    facts = await desk.value("SELECT payload FROM event_log WHERE topic = 'conversation.changed' ORDER BY seq DESC")
    assert isinstance(facts, dict)
    assert (facts["sending"], facts["waiting"]) == ("passive_only", 2)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        budget = await read_budget(tx, thread_id=ThreadId(view.thread_id), connectors=desk.connectors)
    assert (budget.sending, budget.waiting, budget.left) == ("passive_only", 2, 3)


async def test_reply_can_wait_also_when_the_window_has_closed(desk: Desk, clock: MovableClock) -> None:
    anna, customer, conversation_id = await served(desk)
    clock.forward(timedelta(days=30))
    await desk.replies(anna, conversation_id, "还需要吗？")
    assert words_of(desk, await desk.hears(by=customer)) == "还需要吗？"


async def test_sixth_reply_is_refused_until_the_customer_writes(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    for number in range(5):
        await desk.replies(anna, conversation_id, f"第{number}句")
    with pytest.raises(TooManyWaiting):
        await desk.replies(anna, conversation_id, "第六句")
    view = await desk.conversation_of(customer)
    assert (view.budget.open, view.budget.reason) == (False, "too_many_waiting")
    answer = await desk.hears(by=customer)
    assert words_of(desk, answer) == "第0句\n第1句\n第2句\n第3句\n第4句"
    await desk.replies(anna, conversation_id, "第六句")


async def test_replies_at_once_leave_no_more_than_may_wait(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    attempts = [desk.replies(anna, conversation_id, f"{number}") for number in range(9)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(outcome, TooManyWaiting) for outcome in outcomes) == 4
    assert await states_of(desk, customer) == ["waiting"] * 5


async def test_what_does_not_fit_into_one_answer_waits_for_the_next(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    long = "一" * 300  # 900 bytes
    for ending in ("甲", "乙", "丙"):
        await desk.replies(anna, conversation_id, long + ending)
    assert words_of(desk, await desk.hears(by=customer)) == f"{long}甲\n{long}乙"
    assert await states_of(desk, customer) == ["answered", "answered", "waiting"]
    assert (await desk.conversation_of(customer)).waiting == 1
    assert words_of(desk, await desk.hears(by=customer)) == f"{long}丙"


async def test_redelivery_gets_the_same_answer_and_takes_nothing_more(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    await desk.replies(anna, conversation_id, "请稍等")
    body = desk.said(by=customer)
    first = await desk.push(body)
    await desk.replies(anna, conversation_id, "来了")
    assert [words_of(desk, answer) for answer in (first, await desk.push(body))] == ["请稍等", "请稍等"]
    assert await states_of(desk, customer) == ["answered", "waiting"]
    assert words_of(desk, await desk.hears(by=customer)) == "来了"


async def test_copies_of_a_push_at_once_get_one_answer_together(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    await desk.replies(anna, conversation_id, "请稍等")
    body = desk.said(by=customer)
    answers = await asyncio.gather(*(desk.push(body) for _ in range(8)))
    assert {words_of(desk, answer) for answer in answers} == {"请稍等"}


async def test_what_waited_comes_before_the_greeting_of_the_next_conversation(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    await desk.replies(anna, conversation_id, "祝您愉快")
    await desk.ends(anna, conversation_id)
    words = words_of(desk, await desk.hears(by=customer))
    assert words == "祝您愉快\n您好，我是Anna，请问有什么可以帮您？"


async def test_greeting_of_who_is_picked_up_waits_too(desk: Desk) -> None:
    customer = an_openid()
    await desk.hears(by=customer)
    anna = await desk.an_agent()
    await Sweeper(database=desk.database, connectors=desk.connectors).sweep_queues()
    await desk.replies(anna, ConversationId((await desk.conversation_of(customer)).id), "来了")
    assert words_of(desk, await desk.hears(by=customer)) == "您好，我是Anna，请问有什么可以帮您？\n来了"


async def test_events_of_the_customer_take_nothing_of_what_waits(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    await desk.replies(anna, conversation_id, "请稍等")
    answer = await desk.push(desk.happened("CLICK", by=customer, EventKey="PRICES"))
    assert answer.body == SUCCESS
    assert await states_of(desk, customer) == ["waiting"]


async def test_reply_to_a_customer_who_left_is_refused(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    await desk.push(desk.happened("unsubscribe", by=customer))
    with pytest.raises(CustomerUnfollowed):
        await desk.replies(anna, conversation_id)


# ---------------------------------------------------------------- becoming certified


async def test_what_waits_is_sent_when_the_admin_states_that_the_account_is_certified(desk: Desk, heard: Heard) -> None:
    anna, customer, conversation_id = await served(desk)
    for text in ("一", "二"):
        await desk.replies(anna, conversation_id, text)
    await verified(desk, verified=True)
    assert await states_of(desk, customer) == ["queued", "queued"]
    view = await desk.conversation_of(customer)
    assert (view.sending, view.waiting, view.budget.left) == ("api", 0, 18)
    assert await desk.value("SELECT state FROM channels WHERE id = %s", desk.channel.id) == "active"
    assert "ChannelVerificationChanged" in [type(event).__name__ for event in heard.events]


async def test_what_no_budget_allows_waits_on_and_is_sent_when_the_customer_writes(
    desk: Desk, clock: MovableClock
) -> None:
    anna, customer, conversation_id = await served(desk)
    await desk.replies(anna, conversation_id, "还需要吗？")
    clock.forward(timedelta(days=3))
    await verified(desk, verified=True)
    assert await states_of(desk, customer) == ["waiting"]
    assert (await desk.conversation_of(customer)).sending == "api"
    assert (await desk.hears(by=customer)).body == SUCCESS
    assert await states_of(desk, customer) == ["queued"]


async def test_account_that_loses_its_certificate_lets_replies_wait(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    await verified(desk, verified=True)
    await verified(desk, verified=False)
    await desk.replies(anna, conversation_id, "请稍等")
    assert await states_of(desk, customer) == ["waiting"]
    assert (await desk.conversation_of(customer)).sending == "passive_only"


async def test_deauthorized_account_keeps_what_waits(desk: Desk) -> None:
    anna, customer, conversation_id = await served(desk)
    await desk.replies(anna, conversation_id, "请稍等")
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await mark_deauthorized(tx, channel_id=desk.channel.id, reason="authorization_gone")
    view = await desk.conversation_of(customer)
    assert (view.budget.open, view.budget.reason, view.waiting) == (False, "channel_state", 1)
