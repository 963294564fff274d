"""Pushes of several customers in one transaction: none waits for another's trouble, none is taken in twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from moorage.infra.database import Database
from moorage.reception.sweeper import Sweeper
from tests.conftest import StatementCounter
from tests.conversations.desk import Desk, a_desk, an_openid

MANY = 40
SUCCESS = b"success"


async def known(desk: Desk, count: int) -> list[str]:
    """Return customers who each have an open conversation."""
    await desk.an_agent(most_conversations=100)
    customers = [an_openid() for _ in range(count)]
    for customer in customers:
        await desk.hears(by=customer)
    return customers


@pytest.fixture
async def held(desk: Desk) -> AsyncIterator[str]:
    """A known customer at whose thread somebody works during the whole test."""
    customer = an_openid()
    await desk.push(desk.happened("subscribe", by=customer))
    async with AsyncExitStack() as stack:
        tx = await stack.enter_async_context(desk.database.in_workspace(desk.workspace_id))
        await tx.execute("SELECT FROM threads WHERE external_customer_id = %s FOR UPDATE", [customer])
        yield customer


async def test_many_pushes_at_once_share_their_statements(desk: Desk, statements: StatementCounter) -> None:
    customers = await known(desk, MANY)
    for customer in customers:
        await desk.hears("一", by=customer)
    statements.reset()
    await asyncio.gather(*(desk.hears("二", by=customer) for customer in customers))
    assert len(statements) <= 2 * MANY, "alone each costs nine"
    for customer in customers:
        heard = [one.content.model_dump()["text"] for one in await desk.messages_of(customer)][-2:]
        assert heard == ["一", "二"]


async def test_held_thread_delays_nobody_else(desk: Desk, held: str) -> None:
    customers = await known(desk, MANY)
    stuck = asyncio.create_task(desk.hears("我在等", by=held))
    async with asyncio.timeout(1.5):  # intake itself waits two seconds for the held one
        await asyncio.gather(*(desk.hears("你好吗", by=customer) for customer in customers))
    assert not stuck.done()
    for customer in customers:
        assert (await desk.messages_of(customer))[-1].content.model_dump()["text"] == "你好吗"
    assert (await stuck).body == SUCCESS  # it waits for the sweeper


async def test_push_that_fails_takes_none_with_it(desk: Desk) -> None:
    customers = await known(desk, MANY)
    broken = customers[7]
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute(
            """
            UPDATE conversations SET engine_state = '{"version": 99}' WHERE thread_id =
              (SELECT id FROM threads WHERE external_customer_id = %s)
            """,
            [broken],
        )
    await asyncio.gather(*(desk.hears("你好吗", by=customer) for customer in customers))
    waiting = "SELECT array_agg(external_customer_id) FROM pushes WHERE taken_in_at IS NULL"
    assert await desk.value(waiting) == [broken]


async def test_request_that_is_cut_off_takes_none_with_it(desk: Desk) -> None:
    customers = await known(desk, MANY)
    requests = [asyncio.create_task(desk.hears("你好吗", by=customer)) for customer in customers]
    first, *others = requests
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(*others)
    await Sweeper(database=desk.database, connectors=desk.connectors).sweep_pushes()
    for customer in customers[1:]:
        heard = [one.content.model_dump()["text"] for one in await desk.messages_of(customer)]
        assert heard.count("你好吗") == 1


async def test_companies_do_not_wait_for_each_other(desk: Desk, held: str, database: Database) -> None:
    async with a_desk(database) as other:
        stuck = asyncio.create_task(desk.hears(by=held))
        async with asyncio.timeout(1.5):
            await asyncio.gather(*(other.hears(by=an_openid()) for _ in range(MANY)))
        assert await other.value("SELECT count(*) FROM pushes WHERE taken_in_at IS NOT NULL") == MANY
        await stuck
