"""An installation that has worked for a while is upgraded: nothing of it is lost, and it goes on working."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import cast

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from moorage.channels.addresses import find_address
from moorage.conversations.views import ConversationView, MessageView
from moorage.infra.database import Database
from moorage.infra.migrate import migrate
from moorage.infra.pool import open_pool
from moorage.infra.schema_version import newest_revision
from moorage.staff.model import Actor
from tests.conftest import Heard, MovableClock
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.postgres import Server

_numbers = count()
COPIED_BY_MIGRATIONS = {"alembic_version"}
Shown = tuple[ConversationView, list[MessageView]]


@pytest.fixture
def old_database(postgres: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database as an earlier version left it, with nothing in it."""
    name = f"old_{next(_numbers)}"
    postgres.create_database(name=name, template="template1")
    migrate(url=postgres.url(database=name, login="moorage_owner"), up_to=request.param)
    yield name
    postgres.drop_database(name=name)


@pytest.fixture
async def desk(fresh_database: Database) -> AsyncIterator[Desk]:
    """A company at work, in a database of the newest schema."""
    async with a_desk(fresh_database) as opened:
        yield opened


def copy_into(postgres: Server, *, source: str, target: str) -> dict[str, int]:
    """Copy the rows of each table that both have, as far as the older one has the columns; return how many."""
    copied: dict[str, int] = {}
    with (
        psycopg.connect(postgres.url(database=source, login="postgres")) as newer,
        psycopg.connect(postgres.url(database=target, login="postgres")) as older,
    ):
        older.execute("SET session_replication_role = replica")  # in any order
        for table in tables_of(older) - COPIED_BY_MIGRATIONS:
            name = sql.Identifier(table)
            row = newer.execute(sql.SQL("SELECT jsonb_agg(to_jsonb(t)) FROM {} t").format(name)).fetchone()
            rows = cast("list[object] | None", row[0] if row else None)
            if rows:
                insert = sql.SQL("INSERT INTO {name} SELECT * FROM jsonb_populate_recordset(NULL::{name}, %s)")
                older.execute(insert.format(name=name), [Jsonb(rows)])
                copied[table] = len(rows)
    return copied


def tables_of(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition AND relname NOT LIKE 'procrastinate%'"
    ).fetchall()
    return {cast("str", name) for (name,) in rows}


def counted(postgres: Server, *, database: str, tables: set[str]) -> dict[str, int]:
    with psycopg.connect(postgres.url(database=database, login="postgres")) as connection:
        found: dict[str, int] = {}
        for table in tables:
            query = sql.SQL("SELECT count(*)::int FROM {}").format(sql.Identifier(table))
            row = connection.execute(query).fetchone()
            found[table] = cast("int", row[0]) if row else 0
    return found


async def shown(desk: Desk, customer: str) -> Shown:
    return await desk.conversation_of(customer), list(await desk.messages_of(customer))


async def a_day_of_work(desk: Desk) -> tuple[Actor, list[str]]:
    """Let customers be served, wait and leave; return the agent, and the customers."""
    anna = await desk.an_agent(most_conversations=2)
    served, ended, waiting = (an_openid() for _ in range(3))
    await desk.hears("要发票", by=served)
    await desk.replies(anna, (await desk.conversation_of(served)).id, "好的")  # pyright: ignore[reportArgumentType] -- an id
    await desk.push(desk.sent("image", by=served, MediaId="M1"))
    await desk.hears("你好", by=ended)
    await desk.ends(anna, (await desk.conversation_of(ended)).id)  # pyright: ignore[reportArgumentType] -- an id
    await desk.push(desk.happened("unsubscribe", by=ended))
    await desk.hears("一", by=an_openid())
    await desk.hears("在吗", by=waiting)
    return anna, [served, ended, waiting]


@pytest.mark.parametrize("old_database", ["0006", "0010"], indirect=True)
async def test_what_an_old_version_left_is_all_there_and_goes_on(
    postgres: Server, old_database: str, desk: Desk, clock: MovableClock, heard: Heard
) -> None:
    anna, customers = await a_day_of_work(desk)
    before = [await shown(desk, customer) for customer in customers]
    with psycopg.connect(str(desk.database.pool.conninfo)) as connection:
        source = connection.info.dbname
    copied = copy_into(postgres, source=source, target=old_database)
    assert {"messages", "conversations", "threads", "channels", "deliveries", "pushes", "event_log"} <= copied.keys()

    reached = migrate(url=postgres.url(database=old_database, login="moorage_owner"))

    assert reached == newest_revision()
    assert counted(postgres, database=old_database, tables=set(copied)) == copied
    url = postgres.url(database=old_database, login="moorage_app")
    async with await open_pool(url, size=4) as pool:
        database = Database(pool=pool, clock=clock, subscriptions=heard)
        async with database.in_platform() as tx:
            address = await find_address(tx, kind=desk.channel.kind, external_id=desk.channel.external_id)
        upgraded = Desk(
            database=database,
            connectors=desk.connectors,
            workspace_id=desk.workspace_id,
            group_id=desk.group_id,
            channel=desk.channel,
            address=address,
            credentials=desk.credentials,
        )
        assert [await shown(upgraded, customer) for customer in customers] == before
        await goes_on(upgraded, anna, served=customers[0])


async def goes_on(desk: Desk, anna: Actor, *, served: str) -> None:
    """Let the conversation go on where it stood."""
    conversation = await desk.conversation_of(served)
    messages = len(await desk.messages_of(served))
    await desk.hears("还在吗", by=served)
    reply = await desk.replies(anna, conversation.id, "在的")  # pyright: ignore[reportArgumentType] -- an id
    assert reply.seq == messages + 2
    newest = await desk.conversation_of(served)
    assert (newest.id, newest.version > conversation.version) == (conversation.id, True)
    assert newest.budget.left == (conversation.budget.most or 0) - 1
    seqs = await desk.value("SELECT count(*) = max(seq) FROM event_log")
    assert seqs is True
