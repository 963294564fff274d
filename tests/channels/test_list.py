"""The list of channels: found by name and state, page by page, quick also with hundreds of them."""

from dataclasses import dataclass

import psycopg
import pytest

from moorage.channels.model import Channel
from moorage.channels.queries import count_channels, list_channels
from moorage.core.errors import Malformed
from moorage.core.ids import WorkspaceId
from moorage.core.paging import encode_cursor
from moorage.infra.database import Database
from tests.channels.docking import a_channel
from tests.conftest import StatementCounter, a_workspace

CHANNELS = 200
OTHERS = 3000
THREADS = 20


@dataclass
class Fleet:
    """A company with two hundred accounts among many companies' accounts."""

    database: Database
    workspace_id: WorkspaceId

    async def page(self, *, cursor: str | None = None, limit: int = 50) -> tuple[list[Channel], str | None]:
        async with self.database.in_workspace(self.workspace_id) as tx:
            page = await list_channels(tx, cursor=cursor, limit=limit)
        return list(page.items), page.next_cursor


async def add_many(database: Database, workspace_id: WorkspaceId, *, count: int, threads: int = 0) -> None:
    """Add channels quickly: every tenth is undocked, every fourth belongs to the tea house, with customers each."""
    async with database.in_workspace(workspace_id) as tx:
        await tx.execute(
            """
            WITH docked AS (
              INSERT INTO channels (workspace_id, id, kind, external_id, name, state, credentials, docked_at)
              SELECT %(workspace)s, gen_random_uuid(), 'wechat_oa', md5(%(workspace)s::text || n),
                     'Account ' || n || CASE WHEN n %% 4 = 0 THEN ' tea_100%%' ELSE '' END,
                     CASE WHEN n %% 10 = 0 THEN 'undocked' ELSE 'active' END, '',
                     now() + n / 7 * interval '1 second'
              FROM generate_series(1, %(count)s) AS n RETURNING id
            ), addressed AS (
              INSERT INTO channel_addresses (kind, external_id, workspace_id, channel_id, verification)
              SELECT 'wechat_oa', id, %(workspace)s, id, '' FROM docked
            ), known AS (
              INSERT INTO customers (workspace_id, id, name, created_at)
              SELECT %(workspace)s, gen_random_uuid(), 'Customer', now() FROM generate_series(1, %(threads)s)
              RETURNING id
            )
            INSERT INTO threads (workspace_id, id, channel_id, customer_id, external_customer_id,
                                 last_customer_message_at, created_at)
            SELECT %(workspace)s, gen_random_uuid(), docked.id, known.id, gen_random_uuid(), now(), now()
            FROM docked, known
            """,
            {"workspace": workspace_id, "count": count, "threads": threads},
        )


@pytest.fixture
async def fleet(database: Database, workspace: WorkspaceId, owner_url: str) -> Fleet:
    await add_many(database, workspace, count=CHANNELS, threads=THREADS)
    await add_many(database, await a_workspace(database), count=OTHERS)
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as owner:
        await owner.execute("ANALYZE")
    return Fleet(database=database, workspace_id=workspace)


async def test_pages_hold_every_channel_once_in_the_order_they_were_docked(fleet: Fleet) -> None:
    seen: list[Channel] = []
    cursor = None
    for _ in range(5):
        items, cursor = await fleet.page(cursor=cursor)
        seen += items
        if cursor is None:
            break
    assert len(seen) == len({channel.id for channel in seen}) == CHANNELS
    assert seen == sorted(seen, key=lambda channel: (channel.docked_at, channel.id))
    assert all(channel.last_message_at for channel in seen)


async def test_channel_is_found_by_part_of_its_name_or_id(database: Database, workspace: WorkspaceId) -> None:
    tea = await a_channel(database, workspace, name="港口茶馆 100%")
    await a_channel(database, workspace, name="Harbour")
    async with database.in_workspace(workspace) as tx:
        for query in ("茶馆", " 100% ", tea.external_id[:9], tea.external_id.upper()):
            assert [channel.id for channel in (await list_channels(tx, query=query)).items] == [tea.id], query
        for query in ("%_%", "港_茶", "\\", "coffee"):
            assert (await list_channels(tx, query=query)).items == [], query


async def test_counts_by_state_heed_the_query_and_the_list_the_state(fleet: Fleet) -> None:
    async with fleet.database.in_workspace(fleet.workspace_id) as tx:
        counts = await count_channels(tx)
        assert (counts["active"], counts["undocked"], counts["failing"]) == (180, 20, 0)
        tea = await count_channels(tx, query="tea_100%")
        assert (tea["active"], tea["undocked"]) == (40, 10)
        page = await list_channels(tx, query="tea_100%", state="undocked")
    assert [channel.state for channel in page.items] == ["undocked"] * 10


@pytest.mark.parametrize("cursor", ["", "x", encode_cursor("yesterday", "x"), encode_cursor("one part")])
async def test_cursor_of_something_else_is_refused(database: Database, workspace: WorkspaceId, cursor: str) -> None:
    async with database.in_workspace(workspace) as tx:
        with pytest.raises(Malformed):
            await list_channels(tx, cursor=cursor)


async def test_page_of_a_large_fleet_costs_one_statement_and_uses_indexes(
    fleet: Fleet, statements: StatementCounter
) -> None:
    _, cursor = await fleet.page(limit=50)
    statements.reset()
    items, _ = await fleet.page(cursor=cursor, limit=50)
    set_workspace = 1
    assert (len(items), len(statements)) == (50, set_workspace + 1)
    plan = await _plan(fleet, statements.statements[-1])
    for table in ("channels", "threads", "channel_addresses"):
        assert f"Seq Scan on {table}" not in plan, plan
    assert "channels_order" in plan, plan
    assert "threads_channel_recent" in plan, plan


async def test_counts_of_a_large_fleet_read_no_other_companys_channels(
    fleet: Fleet, statements: StatementCounter
) -> None:
    async with fleet.database.in_workspace(fleet.workspace_id) as tx:
        await count_channels(tx, query="tea")
    plan = await _plan(fleet, statements.statements[-1])
    assert "Seq Scan on channels" not in plan, plan


async def _plan(fleet: Fleet, query: str) -> str:
    values = {
        "workspace_id": fleet.workspace_id,
        "pattern": "%%",
        "at": "-infinity",
        "id": fleet.workspace_id,
        "limit": 51,
    }
    async with fleet.database.in_workspace(fleet.workspace_id) as tx, tx.connection.cursor() as cursor:
        await cursor.execute(f"EXPLAIN {query}", values)  # pyright: ignore[reportArgumentType] -- the list's own words
        return "\n".join(str(row[0]) for row in await cursor.fetchall())
