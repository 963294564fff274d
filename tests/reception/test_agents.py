"""What agents do: reply, end, take. And who gets a seat that falls free."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from moorage.channels.states import mark_deauthorized
from moorage.conversations.budgets import BudgetClosed
from moorage.conversations.charging import ChannelMute, CustomerUnfollowed
from moorage.conversations.views import ConversationView
from moorage.core.errors import DomainError, Malformed, Missing
from moorage.core.ids import ConversationId, new_id
from moorage.reception.applying import ConversationClosed, NotYours
from moorage.reception.operations import TextTooLong, pick_up_queue
from moorage.reception.sweeper import Sweeper
from moorage.staff.events import AgentAvailable
from moorage.staff.model import Actor
from moorage.staff.rights import Forbidden
from tests.conftest import Heard, MovableClock
from tests.conversations.desk import Desk, an_openid


async def a_conversation(desk: Desk, *, by: str | None = None) -> ConversationView:
    customer = by or an_openid()
    await desk.hears(by=customer)
    return await desk.conversation_of(customer)


def id_of(conversation: ConversationView) -> ConversationId:
    return ConversationId(conversation.id)


async def now_of(desk: Desk, conversation: ConversationView) -> ConversationView:
    external = await desk.value("SELECT external_customer_id FROM threads WHERE id = %s", conversation.thread_id)
    return await desk.conversation_of(str(external))


async def picked_up(desk: Desk, actor: Actor) -> int:
    return await pick_up_queue(
        desk.database, connectors=desk.connectors, workspace_id=desk.workspace_id, agent_id=actor.agent_id
    )


# ---------------------------------------------------------------- replying


async def test_reply_is_queued_charged_and_answers_the_waiting_customer(desk: Desk) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk)
    message = await desk.replies(anna, id_of(conversation), "您好")
    assert message.delivery is not None
    assert (message.delivery.state, message.author.name) == ("queued", "Anna")
    after = await now_of(desk, conversation)
    assert (after.budget.left, after.budget.most) == (19, 20)
    assert (after.waiting_since, after.unread) == (None, 0)
    assert after.last_message is not None
    assert after.last_message.preview == "您好"


async def test_only_the_agent_who_owns_the_conversation_replies(desk: Desk) -> None:
    await desk.an_agent()
    conversation = await a_conversation(desk)
    chief = await desk.an_agent(name="Chief", role="supervisor")
    with pytest.raises(NotYours):
        await desk.replies(chief, id_of(conversation))


async def test_conversation_of_somebody_else_is_not_even_known_to_an_agent(desk: Desk) -> None:
    await desk.an_agent()
    conversation = await a_conversation(desk)
    ben = await desk.an_agent(name="Ben")
    for attempt in (desk.replies, desk.ends, desk.takes):
        with pytest.raises(Missing):
            await attempt(ben, id_of(conversation))


async def test_closed_conversation_takes_no_reply_of_who_did_not_have_it(desk: Desk) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk)
    await desk.ends(anna, id_of(conversation))
    chief = await desk.an_agent(name="Chief", role="supervisor")
    with pytest.raises(ConversationClosed):
        await desk.replies(chief, id_of(conversation))


async def test_reply_needs_a_customer_who_follows(desk: Desk) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk, by=(customer := an_openid()))
    await desk.push(desk.happened("unsubscribe", by=customer))
    with pytest.raises(CustomerUnfollowed):
        await desk.replies(anna, id_of(conversation))


async def test_reply_needs_a_channel_that_may_send(desk: Desk) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await mark_deauthorized(tx, channel_id=desk.channel.id, reason="authorization_gone")
    with pytest.raises(ChannelMute):
        await desk.replies(anna, id_of(conversation))


async def test_reply_after_the_window_is_not_accepted(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk)
    clock.forward(timedelta(hours=48))
    with pytest.raises(BudgetClosed) as refusal:
        await desk.replies(anna, id_of(conversation))
    assert refusal.value.reason == "no_window"


async def test_twenty_replies_spend_the_budget_and_the_next_message_opens_it_again(desk: Desk) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk, by=(customer := an_openid()))
    for _ in range(20):
        await desk.replies(anna, id_of(conversation))
    with pytest.raises(BudgetClosed) as refusal:
        await desk.replies(anna, id_of(conversation))
    assert refusal.value.reason == "spent"
    assert len([m for m in await desk.messages_of(customer) if m.delivery and m.delivery.state == "queued"]) == 20
    await desk.hears(by=customer)
    await desk.replies(anna, id_of(conversation))


@pytest.mark.parametrize(("text", "refusal"), [(" \n", Malformed), ("一" * 683, TextTooLong), ("a\x00b", Malformed)])
async def test_text_that_no_message_can_be_made_of_is_refused(
    desk: Desk, text: str, refusal: type[DomainError]
) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk)
    with pytest.raises(refusal):
        await desk.replies(anna, id_of(conversation), text)


# ---------------------------------------------------------------- ending


async def test_ending_keeps_the_agent_who_served_and_frees_the_seat(desk: Desk, heard: Heard) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk)
    heard.events.clear()
    await desk.ends(anna, id_of(conversation))
    after = await now_of(desk, conversation)
    assert (after.state, after.end_reason, after.owner.agent_id) == ("closed", "agent_ended", anna.agent_id)
    assert await desk.value("SELECT open_conversations FROM agents") == 0
    assert await desk.value("SELECT count(*) FROM assignments WHERE ended_at IS NULL") == 0
    assert heard.events == [AgentAvailable(anna.agent_id)]


async def test_supervisor_ends_anybodys_and_an_agent_not_what_waits(desk: Desk) -> None:
    conversation = await a_conversation(desk)
    ben = await desk.an_agent(name="Ben", status="busy")
    with pytest.raises(Forbidden):
        await desk.ends(ben, id_of(conversation))
    chief = await desk.an_agent(name="Chief", role="supervisor", status="busy")
    await desk.ends(chief, id_of(conversation))
    assert (await now_of(desk, conversation)).end_reason == "supervisor_ended"


async def test_customer_who_writes_after_the_end_opens_a_new_conversation(desk: Desk) -> None:
    anna = await desk.an_agent()
    first = await a_conversation(desk, by=(customer := an_openid()))
    await desk.ends(anna, id_of(first))
    second = await a_conversation(desk, by=customer)
    assert second.id != first.id
    assert second.thread_id == first.thread_id


async def test_unknown_conversation_is_missing(desk: Desk) -> None:
    anna = await desk.an_agent()
    with pytest.raises(Missing):
        await desk.ends(anna, ConversationId(new_id()))


# ---------------------------------------------------------------- taking


async def test_busy_agent_takes_from_the_queue_and_the_customer_is_greeted(desk: Desk) -> None:
    conversation = await a_conversation(desk, by=(customer := an_openid()))
    anna = await desk.an_agent(status="busy")
    await desk.takes(anna, id_of(conversation))
    after = await now_of(desk, conversation)
    assert (after.owner.kind, after.owner.agent_name) == ("agent", "Anna")
    greeting = (await desk.messages_of(customer))[-1]
    assert (greeting.author.why, greeting.author.name) == ("greeting", "Anna")
    assert await desk.value("SELECT open_conversations FROM agents") == 1


async def test_supervisor_takes_over_and_the_seats_follow(desk: Desk) -> None:
    anna = await desk.an_agent()
    conversation = await a_conversation(desk)
    chief = await desk.an_agent(name="Chief", role="supervisor", status="busy")
    await desk.takes(chief, id_of(conversation))
    seats = "SELECT open_conversations FROM agents WHERE id = %s"
    assert [await desk.value(seats, agent.agent_id) for agent in (anna, chief)] == [0, 1]
    spans = await desk.value("SELECT array_agg(agent_id ORDER BY started_at, id) FROM assignments")
    assert spans == [anna.agent_id, chief.agent_id]


async def test_two_who_take_the_same_customer_leave_one_owner_and_right_seats(desk: Desk) -> None:
    conversation = await a_conversation(desk)
    takers = [await desk.an_agent(name=name, role="supervisor", status="busy") for name in ("Anna", "Ben")]
    await asyncio.gather(*(desk.takes(taker, id_of(conversation)) for taker in takers))
    assert await desk.value("SELECT sum(open_conversations) FROM agents") == 1
    assert await desk.value("SELECT count(*) FROM assignments WHERE ended_at IS NULL") == 1


# ---------------------------------------------------------------- the queue


async def in_order(desk: Desk, customers: Sequence[str]) -> list[str]:
    """Return who owns each customer's conversation."""
    return [(await desk.conversation_of(customer)).owner.kind for customer in customers]


async def test_free_seat_goes_to_who_waits_longest(desk: Desk) -> None:
    anna = await desk.an_agent(most_conversations=1)
    first = await a_conversation(desk)
    waiting = [an_openid() for _ in range(3)]
    for customer in waiting:
        await desk.hears(by=customer)
    await desk.ends(anna, id_of(first))
    assert await picked_up(desk, anna) == 1
    assert await in_order(desk, waiting) == ["agent", "queue", "queue"]


async def test_new_customer_does_not_pass_who_waits(desk: Desk) -> None:
    early, late = an_openid(), an_openid()
    await desk.hears(by=early)
    anna = await desk.an_agent(most_conversations=1)
    await desk.hears(by=late)
    assert await in_order(desk, [early, late]) == ["queue", "queue"]
    await picked_up(desk, anna)
    assert await in_order(desk, [early, late]) == ["agent", "queue"]


async def test_pick_ups_at_once_skip_nobody_and_respect_every_cap(desk: Desk) -> None:
    customers = [an_openid() for _ in range(9)]
    for customer in customers:
        await desk.hears(by=customer)
    agents = [await desk.an_agent(name=name, most_conversations=2) for name in ("Anna", "Ben", "Cleo")]
    await asyncio.gather(*(picked_up(desk, agent) for agent in agents for _ in range(3)))
    assert await in_order(desk, customers) == ["agent"] * 6 + ["queue"] * 3
    assert await desk.value("SELECT array_agg(open_conversations) FROM agents") == [2, 2, 2]


async def test_customer_who_is_picked_up_is_greeted_through_the_api(desk: Desk) -> None:
    customer = an_openid()
    await desk.hears(by=customer)
    anna = await desk.an_agent()
    await picked_up(desk, anna)
    greeting = (await desk.messages_of(customer))[-1]
    assert greeting.delivery is not None
    assert (greeting.author.why, greeting.delivery.state) == ("greeting", "queued")


async def test_greeting_that_cannot_be_sent_leaves_a_line(desk: Desk, clock: MovableClock) -> None:
    customer = an_openid()
    await desk.hears(by=customer)
    clock.forward(timedelta(days=3))
    anna = await desk.an_agent()
    await picked_up(desk, anna)
    line = (await desk.messages_of(customer))[-1].content.model_dump()
    assert (line["key"], line["values"]["reason"]) == ("not_said", "conversations.budget_closed")


async def test_sweeper_gives_seats_that_no_job_gave(desk: Desk) -> None:
    customer = an_openid()
    await desk.hears(by=customer)
    await desk.an_agent()
    await Sweeper(database=desk.database, connectors=desk.connectors).sweep_queues()
    assert await in_order(desk, [customer]) == ["agent"]


async def test_seat_is_found_however_arrivals_and_ends_meet(desk: Desk) -> None:
    anna = await desk.an_agent(most_conversations=1)
    held = await a_conversation(desk)
    customer = an_openid()

    async def end_and_pick_up() -> None:
        await desk.ends(anna, id_of(held))
        await picked_up(desk, anna)

    await asyncio.gather(end_and_pick_up(), desk.hears(by=customer))
    assert await in_order(desk, [customer]) == ["agent"]
