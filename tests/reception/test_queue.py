"""The queue's lock: a crowd comes in at once, and nobody is passed over by who comes a moment later."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from moorage.core.ids import AgentId, ConversationId
from moorage.infra.database import Tx
from moorage.reception.model import AgentFound, NobodyFree
from moorage.reception.operations import pick_up_group
from moorage.reception.queue import find_agent
from moorage.staff.model import Actor
from moorage.staff.seats import release_seat
from tests.conversations.desk import Desk, an_openid

AT_ONCE = timedelta(milliseconds=50)
"""How long a test waits for a lock that nobody should hold, or that somebody surely does."""


async def looks(desk: Desk, tx: Tx) -> AgentId | None:
    """Look for an agent as a customer does who is new in the group."""
    found = await find_agent(tx, group_id=desk.group_id)
    return found.agent_id if isinstance(found, AgentFound) else None


async def give_up_seat(desk: Desk, actor: Actor) -> None:
    await desk.database.run(desk.workspace_id, lambda tx: release_seat(tx, agent_id=actor.agent_id))


async def test_two_customers_get_seats_of_two_agents_without_waiting_for_each_other(desk: Desk) -> None:
    agents = {(await desk.an_agent(name=name)).agent_id for name in ("Anna", "Ben")}
    async with desk.database.in_workspace(desk.workspace_id) as one:
        first = await looks(desk, one)
        async with desk.database.in_workspace(desk.workspace_id, lock_timeout=AT_ONCE) as other:
            second = await looks(desk, other)
    assert {first, second} == agents


async def test_customer_waits_for_the_only_agents_row_rather_than_in_vain(desk: Desk) -> None:
    anna = await desk.an_agent(most_conversations=2)
    async with desk.database.in_workspace(desk.workspace_id) as one:
        assert await looks(desk, one) == anna.agent_id
        waiting = asyncio.create_task(desk.database.run(desk.workspace_id, lambda tx: looks(desk, tx)))
        await a_lock_is_waited_for(desk)
        assert not waiting.done()
    assert await waiting == anna.agent_id


async def test_who_stands_behind_others_waits_for_nobody(desk: Desk) -> None:
    await desk.hears(by=an_openid())
    async with desk.database.in_workspace(desk.workspace_id) as one:
        assert await looks(desk, one) is None
        async with desk.database.in_workspace(desk.workspace_id, lock_timeout=AT_ONCE) as other:
            assert await looks(desk, other) is None


async def test_seat_that_falls_free_is_not_for_who_comes_after_somebody_about_to_wait(desk: Desk) -> None:
    anna = await desk.an_agent(most_conversations=1)
    await desk.hears(by=an_openid())
    async with desk.database.in_workspace(desk.workspace_id) as one:
        assert await looks(desk, one) is None
        await give_up_seat(desk, anna)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            async with desk.database.in_workspace(desk.workspace_id, lock_timeout=AT_ONCE) as other:
                await looks(desk, other)


async def test_nobody_leaves_the_queue_while_somebody_steps_behind_them(desk: Desk) -> None:
    first = an_openid()
    await desk.hears(by=first)
    conversation = await desk.conversation_of(first)
    anna = await desk.an_agent()
    async with desk.database.in_workspace(desk.workspace_id) as one:
        assert await looks(desk, one) is None
        taking = asyncio.create_task(desk.takes(anna, ConversationId(conversation.id)))
        leaving = asyncio.create_task(desk.push(desk.happened("unsubscribe", by=first)))
        await a_lock_is_waited_for(desk)
        assert (await desk.conversation_of(first)).owner.kind == "queue"
    outcomes = await asyncio.gather(taking, leaving, return_exceptions=True)
    assert not [outcome for outcome in outcomes if isinstance(outcome, psycopg.Error)]
    assert (await desk.conversation_of(first)).owner.kind != "queue"


async def test_undone_search_leaves_no_trace(desk: Desk) -> None:
    anna = await desk.an_agent(most_conversations=1)
    await desk.hears(by=an_openid())
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        assert await find_agent(tx, group_id=desk.group_id) == NobodyFree()
        assert tx.facts == []
    assert await desk.value("SELECT open_conversations FROM agents WHERE id = %s", anna.agent_id) == 1


async def test_crowd_in_front_of_few_seats_is_served_in_order_as_they_fall_free(desk: Desk) -> None:
    customers = [an_openid() for _ in range(12)]
    await asyncio.gather(*(desk.hears(by=customer) for customer in customers))
    order = await threads_in_order(desk, owner="queue")
    for _ in range(3):
        await desk.an_agent(most_conversations=2)
    assert (
        await pick_up_group(
            desk.database, connectors=desk.connectors, workspace_id=desk.workspace_id, group_id=desk.group_id
        )
        == 6
    )
    served = await threads_in_order(desk, owner="agent")
    assert len(order) == len(customers)
    assert served == order[:6]


async def threads_in_order(desk: Desk, *, owner: str) -> list[str]:
    """Return the threads of conversations with this kind of owner, by arrival in the queue."""
    query = "SELECT string_agg(thread_id::text, ' ' ORDER BY queued_at, id) FROM conversations WHERE owner_kind = %s"
    return str(await desk.value(query, owner)).split()


async def a_lock_is_waited_for(desk: Desk) -> None:
    """Return once some transaction of this database waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while await desk.value(query) == 0:
            await asyncio.sleep(0.01)
