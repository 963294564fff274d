"""Messages after the session: who may send them, what they spend, who hears of them, and whom they designate."""

from datetime import datetime, timedelta
from typing import cast

import pytest
from psycopg.types.json import Jsonb

from moorage.channels.states import mark_deauthorized
from moorage.conversations.budgets import BudgetClosed
from moorage.conversations.charging import ChannelMute, CustomerUnfollowed
from moorage.conversations.views import ConversationView
from moorage.core.errors import Missing
from moorage.core.ids import AgentId, ConversationId
from moorage.reception.applying import ConversationClosed, NewerConversation
from moorage.staff.model import Actor
from moorage.staff.presence import set_status
from tests.conftest import MovableClock
from tests.conversations.desk import Desk, an_openid


async def an_ended_conversation(desk: Desk, anna: Actor, customer: str) -> ConversationId:
    await desk.hears(by=customer)
    conversation_id = ConversationId((await desk.conversation_of(customer)).id)
    await desk.ends(anna, conversation_id)
    return conversation_id


async def facts_of(desk: Desk, topic: str) -> list[tuple[dict[str, object], list[str]]]:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        found = await tx.value(
            """
            SELECT jsonb_agg(jsonb_build_array(payload, to_jsonb(audience)) ORDER BY seq)
            FROM event_log WHERE topic = %s
            """,
            [topic],
        )
    return cast("list[tuple[dict[str, object], list[str]]]", found)


async def designated(desk: Desk) -> tuple[AgentId | None, datetime | None]:
    agent_id = await desk.value("SELECT designated_agent_id FROM threads")
    until = await desk.value("SELECT designated_until FROM threads")
    return cast("tuple[AgentId | None, datetime | None]", (agent_id, until))


async def test_who_had_it_last_still_writes_within_the_budget(desk: Desk) -> None:
    anna, customer = await desk.an_agent(), an_openid()
    conversation_id = await an_ended_conversation(desk, anna, customer)
    said = await desk.replies(anna, conversation_id, "还有一件事")
    assert (said.conversation_id, said.after_session, said.author.why) == (None, True, None)
    assert said.delivery is not None
    assert said.delivery.state == "queued"
    shown = await desk.conversation_of(customer)
    assert (shown.state, shown.after_session, shown.budget.left) == ("closed", True, 19)
    assert (await desk.messages_of(customer))[-1] == said


async def test_browser_of_who_had_it_hears_of_it(desk: Desk) -> None:
    anna, customer = await desk.an_agent(), an_openid()
    conversation_id = await an_ended_conversation(desk, anna, customer)
    said = await desk.replies(anna, conversation_id)
    payload, audience = (await facts_of(desk, "message.added"))[-1]
    assert payload["id"] == str(said.id)
    assert f"agent:{anna.agent_id}" in audience
    view, audience = (await facts_of(desk, "conversation.changed"))[-1]
    assert (view["id"], cast("dict[str, object]", view["budget"])["left"]) == (str(conversation_id), 19)
    assert f"agent:{anna.agent_id}" in audience


async def test_next_message_goes_first_to_who_wrote_after_the_session(desk: Desk, clock: MovableClock) -> None:
    anna, customer = await desk.an_agent(), an_openid()
    conversation_id = await an_ended_conversation(desk, anna, customer)
    await desk.replies(anna, conversation_id)
    agent_id, until = await designated(desk)
    assert agent_id == anna.agent_id
    assert until is not None
    assert abs(until - (clock.now() + timedelta(hours=24))) < timedelta(minutes=1)
    await desk.an_agent(name="Ben")  # would be asked first: he has been idle for ever
    await desk.hears("在吗", by=customer)
    conversation = await desk.conversation_of(customer)
    assert conversation.owner.agent_id == anna.agent_id
    assert await designated(desk) == (None, None)  # one message, one time


async def test_who_wrote_after_the_session_goes_before_who_served_last(desk: Desk) -> None:
    """Nobody had the conversation; so whoever supervises may write, and is asked first when the customer is back."""
    customer = an_openid()
    chief = await desk.an_agent(name="Chief", role="supervisor", status="busy")
    conversation_id = await an_ended_conversation(desk, chief, customer)
    assert (await desk.conversation_of(customer)).owner.kind == "nobody"
    await desk.replies(chief, conversation_id)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await set_status(tx, agent_id=chief.agent_id, status="online")
    await desk.an_agent(name="Ben")
    await desk.hears(by=customer)
    assert (await desk.conversation_of(customer)).owner.agent_id == chief.agent_id


async def test_nobody_is_designated_where_that_is_switched_off(desk: Desk) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE channels SET settings = settings || %s", [Jsonb({"after_session_hours": 0})])
    anna, customer = await desk.an_agent(), an_openid()
    await desk.replies(anna, await an_ended_conversation(desk, anna, customer))
    assert await designated(desk) == (None, None)


async def test_only_who_had_it_writes(desk: Desk) -> None:
    anna, customer = await desk.an_agent(), an_openid()
    conversation_id = await an_ended_conversation(desk, anna, customer)
    ben = await desk.an_agent(name="Ben")
    chief = await desk.an_agent(name="Chief", role="supervisor")
    with pytest.raises(Missing):
        await desk.replies(ben, conversation_id)
    with pytest.raises(ConversationClosed):
        await desk.replies(chief, conversation_id)


async def test_customer_who_opened_a_new_conversation_is_written_to_there(desk: Desk) -> None:
    anna, customer = await desk.an_agent(), an_openid()
    conversation_id = await an_ended_conversation(desk, anna, customer)
    await desk.hears("在吗", by=customer)
    before = [view for view, _ in await facts_of(desk, "conversation.changed") if view["id"] == str(conversation_id)]
    assert before[-1]["after_session"] is False  # browsers learn that nothing is said there any more
    with pytest.raises(NewerConversation):
        await desk.replies(anna, conversation_id)
    assert not (await card_of(desk, anna, conversation_id)).after_session


async def test_nothing_is_accepted_that_would_not_arrive(desk: Desk, clock: MovableClock) -> None:
    anna, customer = await desk.an_agent(), an_openid()
    conversation_id = await an_ended_conversation(desk, anna, customer)
    clock.forward(timedelta(hours=48))
    with pytest.raises(BudgetClosed):
        await desk.replies(anna, conversation_id)
    await desk.push(desk.happened("unsubscribe", by=customer))
    with pytest.raises(CustomerUnfollowed):
        await desk.replies(anna, conversation_id)
    shown = await desk.conversation_of(customer)
    assert (shown.after_session, shown.budget.open, shown.budget.reason) == (False, False, "unfollowed")
    await desk.push(desk.happened("subscribe", by=customer))
    assert (await desk.conversation_of(customer)).after_session
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await mark_deauthorized(tx, channel_id=desk.channel.id, reason="authorization_gone")
    with pytest.raises(ChannelMute):
        await desk.replies(anna, conversation_id)
    assert [message.author.kind for message in await desk.messages_of(customer)].count("agent") == 1  # the greeting


async def test_leaving_after_the_end_is_shown_at_once(desk: Desk) -> None:
    anna, customer = await desk.an_agent(), an_openid()
    conversation_id = await an_ended_conversation(desk, anna, customer)
    await desk.push(desk.happened("unsubscribe", by=customer))
    view, audience = (await facts_of(desk, "conversation.changed"))[-1]
    assert (view["id"], view["follow_state"], view["after_session"]) == (str(conversation_id), "unfollowed", False)
    assert f"agent:{anna.agent_id}" in audience


async def card_of(desk: Desk, actor: Actor, conversation_id: ConversationId) -> ConversationView:
    for card in await desk.cards(actor, state="closed"):
        if card.conversation.id == conversation_id:
            return card.view()
    raise LookupError("not among the closed ones")
