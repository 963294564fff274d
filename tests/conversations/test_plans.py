"""Lists and histories stay on their indexes when a company has grown, also under the policies."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

import psycopg
import pytest

from moorage.conversations.queries import Scope, State, list_cards, list_messages
from moorage.core.ids import ThreadId
from moorage.infra.database import Database
from moorage.staff.model import Actor, Role
from tests.conftest import StatementCounter
from tests.conversations.desk import Desk, a_desk

CONVERSATIONS = 15_000
MESSAGES = 6_000
GROWN_TABLES = ("conversations", "messages", "threads", "customers", "deliveries", "budgets")


@dataclass
class Grown:
    """A company with many conversations, and one of its agents."""

    desk: Desk
    anna: Actor


@pytest.fixture
async def grown(database: Database, owner_url: str) -> AsyncIterator[Grown]:
    """Thousands of conversations, one in ten open, a few of them waiting; and one long history."""
    async with a_desk(database) as desk:
        anna = await desk.an_agent()
        await _grow(desk, anna)
        async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as owner:
            await owner.execute("ANALYZE")
        yield Grown(desk=desk, anna=anna)


async def _grow(desk: Desk, anna: Actor) -> None:
    values = {
        "workspace": desk.workspace_id,
        "channel": desk.channel.id,
        "agent": anna.agent_id,
        "group": desk.group_id,
        "count": CONVERSATIONS,
        "messages": MESSAGES,
    }
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute(
            """
            INSERT INTO customers (workspace_id, id, name, created_at)
            SELECT %(workspace)s, gen_random_uuid(), 'Customer ' || n, now() FROM generate_series(1, %(count)s) AS n
            """,
            values,
        )
        await tx.execute(
            """
            INSERT INTO threads (workspace_id, id, channel_id, customer_id, external_customer_id, created_at)
            SELECT workspace_id, gen_random_uuid(), %(channel)s, id, name, now() FROM customers
            """,
            values,
        )
        await tx.execute(
            """
            INSERT INTO conversations
                   (workspace_id, id, thread_id, channel_id, customer_id, state, owner_kind, owner_agent_id, group_id,
                    engine_state, opened_at, queued_at, closed_at, last_message_at)
            SELECT workspace_id, gen_random_uuid(), id, channel_id, customer_id,
                   CASE WHEN n %% 10 = 0 THEN 'open' ELSE 'closed' END,
                   CASE WHEN n %% 200 = 0 THEN 'queue' WHEN n %% 10 = 0 AND n %% 20 <> 0 THEN 'agent' ELSE 'nobody' END,
                   CASE WHEN n %% 200 <> 0 AND n %% 10 = 0 AND n %% 20 <> 0 THEN %(agent)s::uuid END, %(group)s, '{}',
                   now() - n * interval '1 minute', now() - n * interval '1 minute',
                   CASE WHEN n %% 10 <> 0 THEN now() END, now() - n * interval '1 minute'
            FROM (SELECT *, row_number() OVER () AS n FROM threads) AS t
            """,
            values,
        )
        await tx.execute(
            """
            INSERT INTO messages
                   (workspace_id, id, thread_id, seq, author_kind, content, sent_at, created_at)
            SELECT %(workspace)s, gen_random_uuid(), t.id, n, 'customer',
                   '{"type": "text", "version": 1, "text": "hello"}', now(), now()
            FROM (SELECT id FROM threads ORDER BY id LIMIT 1) AS t, generate_series(1, %(messages)s) AS n
            """,
            values,
        )
        await tx.execute(
            """
            INSERT INTO deliveries
                   (workspace_id, id, thread_id, channel_id, message_id, seq, state, not_before, created_at)
            SELECT workspace_id, gen_random_uuid(), thread_id, %(channel)s, id, seq, 'sent', now(), now() FROM messages
            """,
            values,
        )
        await tx.execute(
            """
            INSERT INTO budgets (workspace_id, id, thread_id, trigger, most, opened_at, ends_at)
            SELECT workspace_id, gen_random_uuid(), id, 'message', 20, now(), now() FROM threads
            """,
            values,
        )


async def plan_of(desk: Desk, query: str, parameters: object) -> str:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        cursor = await tx.connection.execute(f"EXPLAIN {query}", parameters)  # pyright: ignore[reportArgumentType] -- the statement as it ran
        return "\n".join(str(row[0]) for row in await cursor.fetchall())


async def test_lists_and_histories_use_their_indexes(grown: Grown, statements: StatementCounter) -> None:
    desk, anna = grown.desk, grown.anna
    roles: tuple[Role, ...] = ("agent", "supervisor")
    scopes: tuple[Scope, ...] = ("mine", "queue", "all")
    states: tuple[State, ...] = ("open", "closed")
    for role in roles:
        actor = Actor(
            person_id=anna.person_id,
            agent_id=anna.agent_id,
            workspace_id=anna.workspace_id,
            role=role,
            group_ids=anna.group_ids,
            name=anna.name,
        )
        for scope in scopes:
            for state in states:
                query = await _last_statement_of_list(desk, actor, scope, state, statements)
                plan = await plan_of(desk, query, _parameters(desk, actor, state))
                assert not [table for table in GROWN_TABLES if f"Seq Scan on {table}" in plan], f"{scope}\n{plan}"
    thread_id = cast("ThreadId", await desk.value("SELECT thread_id FROM messages LIMIT 1"))
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        views, has_older = await list_messages(tx, thread_id=thread_id, before=None, limit=50)
    assert (len(views), has_older) == (50, True)
    plan = await plan_of(desk, statements.statements[-1], [desk.workspace_id, thread_id, 2**62, 51])
    assert not [table for table in GROWN_TABLES if f"Seq Scan on {table}" in plan], plan


async def _last_statement_of_list(
    desk: Desk, actor: Actor, scope: Scope, state: State, statements: StatementCounter
) -> str:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await list_cards(tx, actor=actor, scope=scope, state=state, cursor=None, limit=20, connectors=desk.connectors)
    return statements.statements[-1]


def _parameters(desk: Desk, actor: Actor, state: State) -> dict[str, object]:
    return {
        "workspace_id": desk.workspace_id,
        "agent_id": actor.agent_id,
        "group_ids": list(actor.group_ids),
        "state": state,
        "priority": -1,
        "at": "infinity",
        "id": actor.agent_id,
        "limit": 21,
    }
