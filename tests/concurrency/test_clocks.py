"""Hosts whose clocks are wrong: the database's time is everybody's, so leases, budgets and presence agree."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from moorage.conversations.deliveries import LEASE, claim_deliveries, find_lost_deliveries
from moorage.core.ids import ConversationId, new_id
from moorage.infra.clock import DatabaseClock
from moorage.infra.database import Database
from moorage.infra.pool import open_pool
from moorage.staff.presence import GRACE, agent_seen, close_lost_connections
from moorage.staff.queries import read_agent
from moorage.staff.seats import eligible_agents
from tests.conftest import Heard
from tests.conversations.desk import Desk, a_desk, an_openid

WRONG_BY = timedelta(minutes=1)
AGREE_WITHIN = timedelta(seconds=0.5)
"""How exactly clocks are measured on a machine that is busy."""


def host_that_is_off(by: timedelta) -> DatabaseClock:
    """Return a process's clock on a host that shows another time than the database's."""
    return DatabaseClock(host=lambda: datetime.now(UTC) + by)


@pytest.fixture
async def desks(fresh_database: Database, heard: Heard) -> AsyncIterator[tuple[Desk, Desk, Desk]]:
    """The same company on three hosts: one a minute slow, one right, one a minute fast."""
    url = str(fresh_database.pool.conninfo)
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(a_desk(fresh_database))
        hosts: list[Desk] = []
        for off in (-WRONG_BY, timedelta(), WRONG_BY):
            pool = await stack.enter_async_context(await open_pool(url, size=3))
            clock = host_that_is_off(off)
            await clock.measure(pool)
            hosts.append(replace(base, database=Database(pool=pool, clock=clock, subscriptions=heard)))
        slow, right, fast = hosts
        yield slow, right, fast


Desks = tuple[Desk, Desk, Desk]


async def test_hosts_that_disagree_tell_the_same_time(desks: Desks) -> None:
    times = [desk.database.clock.now() for desk in desks]
    assert max(times) - min(times) < AGREE_WITHIN


async def test_customer_writes_to_any_host_and_nothing_is_late_or_early(desks: Desks) -> None:
    await desks[0].an_agent()
    customer = an_openid()
    for n, desk in enumerate([*desks, *reversed(desks)]):
        await desk.hears(f"{n}", by=customer)
    messages = [message for message in await desks[0].messages_of(customer) if message.author.kind == "customer"]
    assert [message.content.model_dump()["text"] for message in messages] == [f"{n}" for n in range(6)]
    assert not any(message.arrived_late for message in messages)
    created = [message.created_at for message in messages]
    assert all(later - earlier > -AGREE_WITHIN for earlier, later in pairwise(created))


async def test_agent_seen_by_one_host_is_connected_on_every_other(desks: Desks) -> None:
    slow, right, fast = desks
    anna = await slow.an_agent()
    for seen_by in desks:
        async with seen_by.database.in_workspace(seen_by.workspace_id) as tx:
            await agent_seen(tx, agent_id=anna.agent_id)
        for asked in (slow, right, fast):
            async with asked.database.in_workspace(asked.workspace_id) as tx:
                assert [one.agent_id for one in await eligible_agents(tx, group_id=asked.group_id)] == [anna.agent_id]
        assert await close_lost_connections(fast.database) == 0


async def test_connection_ends_at_the_same_instant_on_every_host(desks: Desks) -> None:
    slow, _, fast = desks
    anna = await fast.an_agent()
    nearly = GRACE - timedelta(seconds=5)
    await set_back(slow, "agents", "connected_until", by=nearly)
    assert await close_lost_connections(fast.database) == 0
    await set_back(slow, "agents", "connected_until", by=timedelta(seconds=6))
    assert await close_lost_connections(slow.database) == 1
    async with fast.database.in_workspace(fast.workspace_id) as tx:
        assert not (await read_agent(tx, agent_id=anna.agent_id)).connected


async def test_lease_taken_on_a_slow_host_is_respected_by_a_fast_one(desks: Desks) -> None:
    slow, _, fast = desks
    anna = await slow.an_agent()
    await slow.hears(by=(customer := an_openid()))
    await slow.replies(anna, ConversationId((await slow.conversation_of(customer)).id))
    async with fast.database.as_system() as tx:
        (first,) = await claim_deliveries(tx, lease_id=new_id(), most=10)
    assert first.attempts == 1
    for host in desks:
        async with host.database.as_system() as tx:
            assert await find_lost_deliveries(tx, most=10) == []
            assert await claim_deliveries(tx, lease_id=new_id(), most=10) == []
    await set_back(slow, "deliveries", "lease_until", by=LEASE)
    for host in desks:
        async with host.database.as_system() as tx:
            assert [lost.id for lost in await find_lost_deliveries(tx, most=10)] == [first.id]


async def test_message_written_on_a_fast_host_is_due_at_once_on_a_slow_one(desks: Desks) -> None:
    slow, _, fast = desks
    anna = await fast.an_agent()
    await fast.hears(by=(customer := an_openid()))
    await fast.replies(anna, ConversationId((await fast.conversation_of(customer)).id))
    async with asyncio.timeout(AGREE_WITHIN.total_seconds() * 4):
        while True:
            async with slow.database.as_system() as tx:
                if await claim_deliveries(tx, lease_id=new_id(), most=10):
                    break


async def test_budget_is_open_and_closed_on_all_hosts_alike(desks: Desks) -> None:
    slow, right, fast = desks
    anna = await right.an_agent()
    await right.hears(by=(customer := an_openid()))
    conversation = ConversationId((await right.conversation_of(customer)).id)
    await set_back(slow, "budgets", "ends_at", by=timedelta(hours=48) - timedelta(seconds=40))
    for host in desks:
        assert (await host.conversation_of(customer)).budget.open
    await fast.replies(anna, conversation)
    await set_back(slow, "budgets", "ends_at", by=timedelta(seconds=15))
    for host in desks:
        assert not (await host.conversation_of(customer)).budget.open


async def set_back(desk: Desk, table: str, column: str, *, by: timedelta) -> None:
    """Let time pass for one column: these instants go by the database's clock, which no test can move."""
    await desk.value(f"UPDATE {table} SET {column} = {column} - %s RETURNING 1", by)
