"""What a channel's change means for its customers: conversations end or are locked, and come back."""

import asyncio

import pytest

from moorage.channels.events import AccountUndocked, ChannelStateChanged
from moorage.channels.states import mark_active, mark_deauthorized, mark_docked, mark_failing
from moorage.channels.undocking import undock_channel
from moorage.conversations.charging import ChannelMute
from moorage.conversations.sender import Sender
from moorage.core.ids import ChannelId, ConversationId, new_id
from moorage.infra.database import Database
from moorage.reception.settling import count_open_conversations, end_undocked, settle_channel, show_channel_again
from moorage.reception.sweeper import Sweeper
from moorage.staff.model import Actor
from tests.blobs import in_memory
from tests.channels.docking import BOX, a_channel
from tests.conftest import Heard, StatementCounter
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.links import OUTGOING


async def undocked(desk: Desk) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await undock_channel(tx, channel_id=desk.channel.id, version=None, by=None, remote_address="127.0.0.1")


async def deauthorized(desk: Desk) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await mark_deauthorized(tx, channel_id=desk.channel.id, reason="authorization_gone")


async def authorized_again(desk: Desk) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await mark_docked(tx, channel_id=desk.channel.id, limits=())


async def settled(desk: Desk) -> int:
    """Run what the job runs that follows a change of a channel's state."""
    return await settle_channel(
        desk.database, connectors=desk.connectors, workspace_id=desk.workspace_id, channel_id=desk.channel.id
    )


async def one_waiting_and_one_served(desk: Desk) -> tuple[str, str, Actor]:
    waiting, served = an_openid(), an_openid()
    await desk.hears(by=waiting)
    anna = await desk.an_agent(status="busy")
    await desk.hears(by=served)
    await desk.takes(anna, ConversationId((await desk.conversation_of(served)).id))
    return waiting, served, anna


async def lines_of(desk: Desk, customer: str) -> list[str]:
    contents = [message.content.model_dump() for message in await desk.messages_of(customer)]
    return [content["key"] for content in contents if content["type"] == "notice"]


# ---------------------------------------------------------------- undocking


async def test_numbers_tell_what_undocking_would_end(desk: Desk) -> None:
    await one_waiting_and_one_served(desk)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        standing = await count_open_conversations(tx, channel_id=desk.channel.id)
        other = await count_open_conversations(tx, channel_id=ChannelId(new_id()))
    assert (standing.open_conversations, standing.waiting, standing.with_agents) == (2, 1, 1)
    assert other.open_conversations == 0


async def test_undocking_ends_every_conversation_and_frees_every_seat(desk: Desk) -> None:
    waiting, served, _ = await one_waiting_and_one_served(desk)
    await undocked(desk)
    assert await settled(desk) == 2
    for customer in (waiting, served):
        conversation = await desk.conversation_of(customer)
        assert (conversation.state, conversation.end_reason) == ("closed", "channel_undocked")
    assert await desk.value("SELECT sum(open_conversations) FROM agents") == 0
    assert await desk.value("SELECT count(*) FROM assignments WHERE ended_at IS NULL") == 0
    rules = await desk.value("SELECT array_agg(DISTINCT rule) FROM decisions WHERE starts_with(rule, 'mute.')")
    assert rules == ["mute.ends"]
    assert len(await desk.messages_of(served)) >= 2  # the history stays
    assert await settled(desk) == 0


async def test_undocking_ends_hundreds_of_conversations_in_short_transactions(
    database: Database, statements: StatementCounter
) -> None:
    async with a_desk(database) as desk:
        for _ in range(5):
            await asyncio.gather(*(desk.hears(by=an_openid()) for _ in range(24)))
        await undocked(desk)
        statements.reset()
        assert await settled(desk) == 120
        assert len(statements) <= 120 * 9
        assert await desk.value("SELECT count(*) FROM conversations WHERE state = 'open'") == 0


async def test_what_is_queued_fails_with_the_reason_and_spends_nothing(desk: Desk) -> None:
    _, served, anna = await one_waiting_and_one_served(desk)
    await desk.replies(anna, ConversationId((await desk.conversation_of(served)).id), "马上")
    await undocked(desk)
    sender = Sender(database=desk.database, connectors=desk.connectors, box=BOX, blobs=in_memory(), links=OUTGOING)
    while await sender.send_waiting():
        pass
    said = [message for message in await desk.messages_of(served) if message.delivery is not None]
    assert {(m.delivery.state.value, m.delivery.reason) for m in said if m.delivery} == {("failed", "undocked")}
    assert await desk.value("SELECT sum(used) FROM budgets") == 0


async def test_what_waits_for_the_customer_fails_when_the_account_is_undocked(database: Database) -> None:
    async with a_desk(database, verified=False) as desk:
        _, served, anna = await one_waiting_and_one_served(desk)
        await desk.replies(anna, ConversationId((await desk.conversation_of(served)).id), "马上")
        await undocked(desk)
        await settled(desk)
        assert await desk.value("SELECT count(*) FROM messages WHERE delivery_state = 'waiting'") == 0
        assert (await desk.messages_of(served))[-1].content.model_dump()["key"] == "channel_muted"


async def test_push_that_was_on_its_way_is_kept_and_opens_nothing(desk: Desk) -> None:
    customer = an_openid()
    await undocked(desk)
    await desk.hears("还在吗", by=customer)
    (message,) = await desk.messages_of(customer)
    assert (message.author.kind, message.conversation_id) == ("customer", None)
    assert await desk.value("SELECT count(*) FROM conversations") == 0


async def test_sweeper_ends_what_no_job_has_ended(fresh_database: Database) -> None:
    async with a_desk(fresh_database) as desk:
        waiting, served, _ = await one_waiting_and_one_served(desk)
        sweeper = Sweeper(database=desk.database, connectors=desk.connectors)
        await deauthorized(desk)
        assert await sweeper.sweep_channels() == 2
        assert [(await desk.conversation_of(customer)).state for customer in (waiting, served)] == ["closed", "open"]
        assert await sweeper.sweep_channels() == 0
        await undocked(desk)
        assert await sweeper.sweep_channels() == 1


async def test_docking_again_gives_the_customer_the_same_thread(desk: Desk) -> None:
    _, served, _ = await one_waiting_and_one_served(desk)
    before = await desk.conversation_of(served)
    await undocked(desk)
    await settled(desk)
    revived = await a_channel(desk.database, desk.workspace_id, credentials=desk.credentials)
    assert revived.id == desk.channel.id
    await settled(desk)
    await desk.hears(by=served)
    after = await desk.conversation_of(served)
    assert (after.thread_id, after.state) == (before.thread_id, "open")
    assert after.id != before.id


async def test_what_was_open_ends_also_where_the_account_is_docked_again_at_once(desk: Desk, heard: Heard) -> None:
    waiting, served, _ = await one_waiting_and_one_served(desk)
    await undocked(desk)
    (event,) = [event for event in heard.events if isinstance(event, AccountUndocked)]
    await a_channel(desk.database, desk.workspace_id, credentials=desk.credentials)
    later = an_openid()
    await desk.hears(by=later)
    await end_undocked(
        desk.database,
        connectors=desk.connectors,
        workspace_id=desk.workspace_id,
        channel_id=event.channel_id,
        at=event.at,
    )
    assert [(await desk.conversation_of(customer)).end_reason for customer in (waiting, served, later)] == [
        "channel_undocked",
        "channel_undocked",
        None,
    ]


# ---------------------------------------------------------------- a withdrawn authorization


async def test_deauthorization_ends_what_waits_and_locks_what_an_agent_has(desk: Desk, heard: Heard) -> None:
    waiting, served, anna = await one_waiting_and_one_served(desk)
    await deauthorized(desk)
    assert ChannelStateChanged(desk.channel.id, "deauthorized", "authorization_gone") in heard.events
    await settled(desk)
    assert (await desk.conversation_of(waiting)).end_reason == "channel_deauthorized"
    conversation = await desk.conversation_of(served)
    assert (conversation.state, conversation.owner.agent_id) == ("open", anna.agent_id)
    assert (conversation.budget.open, conversation.budget.reason) == (False, "channel_state")
    assert (await lines_of(desk, served))[-1] == "channel_muted"
    with pytest.raises(ChannelMute):
        await desk.replies(anna, ConversationId(conversation.id))
    await desk.ends(anna, ConversationId(conversation.id))


async def test_agents_are_told_at_once_that_they_cannot_send_and_that_they_can_again(desk: Desk) -> None:
    _, served, anna = await one_waiting_and_one_served(desk)
    conversation = await desk.conversation_of(served)
    reasons = """
        SELECT payload -> 'budget' ->> 'reason' FROM event_log
        WHERE topic = 'conversation.changed' AND object_id = %s ORDER BY seq DESC LIMIT 1
    """
    await deauthorized(desk)
    await settled(desk)
    assert await desk.value(reasons, conversation.id) == "channel_state"
    await authorized_again(desk)
    await settled(desk)
    assert await desk.value(reasons, conversation.id) is None
    assert await lines_of(desk, served) == ["channel_muted", "channel_restored"]
    message = await desk.replies(anna, ConversationId(conversation.id))
    assert message.delivery is not None
    assert message.delivery.state == "queued"


async def test_queued_message_of_a_deauthorized_account_fails_without_being_tried(desk: Desk) -> None:
    _, served, anna = await one_waiting_and_one_served(desk)
    await desk.replies(anna, ConversationId((await desk.conversation_of(served)).id), "马上")
    await deauthorized(desk)
    sender = Sender(database=desk.database, connectors=desk.connectors, box=BOX, blobs=in_memory(), links=OUTGOING)
    while await sender.send_waiting():
        pass
    last = (await desk.messages_of(served))[-1]
    assert last.delivery is not None
    assert (last.delivery.state, last.delivery.reason) == ("failed", "authorization_gone")


async def test_channel_that_fails_and_recovers_touches_no_conversation(desk: Desk) -> None:
    await one_waiting_and_one_served(desk)

    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await mark_failing(tx, channel_id=desk.channel.id, reason="daily_limit")
    assert await settled(desk) == 0
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await mark_active(tx, channel_id=desk.channel.id)
    assert await settled(desk) == 0


async def test_every_open_conversation_is_shown_again_where_what_may_be_sent_has_changed(desk: Desk) -> None:
    await one_waiting_and_one_served(desk)
    before = await desk.value("SELECT max(seq) FROM event_log")
    shown = await show_channel_again(
        desk.database, connectors=desk.connectors, workspace_id=desk.workspace_id, channel_id=desk.channel.id
    )
    assert shown == 2
    topics = await desk.value("SELECT array_agg(topic) FROM event_log WHERE seq > %s", before)
    assert topics == ["conversation.changed"] * 2


async def test_customer_who_writes_while_the_channel_is_undocked_leaves_nothing_open(desk: Desk) -> None:
    await desk.an_agent()
    customers = [an_openid() for _ in range(12)]
    await asyncio.gather(undocked(desk), *(desk.hears(by=customer) for customer in customers))
    await settled(desk)
    assert await desk.value("SELECT count(*) FROM conversations WHERE state = 'open'") == 0
    assert await desk.value("SELECT sum(open_conversations) FROM agents") == 0
    assert await desk.value("SELECT count(*) FROM messages WHERE author_kind = 'customer'") == len(customers)
