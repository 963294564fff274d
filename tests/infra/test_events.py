"""The event log: numbered in commit order without gaps, and read once, in order, whatever happens."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.database import Database, Fact, Tx
from moorage.infra.events import EventReader, LoggedFact, Position
from tests.conftest import a_workspace

LIMIT_S = 10


class Collected:
    """A listener that keeps what it was told."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.resets: list[Position] = []
        self.changed = asyncio.Event()

    def facts(self, workspace_id: WorkspaceId, facts: Sequence[LoggedFact]) -> None:
        self.seen.extend(fact.seq for fact in facts)
        self.changed.set()

    def reset(self, workspace_id: WorkspaceId, position: Position) -> None:
        self.resets.append(position)
        self.changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(LIMIT_S):
            while len(self.seen) + len(self.resets) < count:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def _reading(reader: EventReader) -> AsyncGenerator[None]:
    running = asyncio.create_task(reader.run())
    try:
        yield
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def _record(database: Database, workspace: WorkspaceId, *, facts: int = 1) -> None:
    async with database.in_workspace(workspace) as tx:
        for n in range(facts):
            tx.record(Fact(topic="t", object_id=new_id(), version=n, audience=("all",), payload={"名": "值", "n": n}))


async def test_concurrent_writers_leave_no_gap_and_no_double(database: Database, workspace: WorkspaceId) -> None:
    async with asyncio.TaskGroup() as writers:
        for size in (1, 2, 3) * 10:
            writers.create_task(_record(database, workspace, facts=size))
    reader = EventReader(database=database, url="", listener=Collected())
    facts = await reader.read_since(workspace, seq=0, limit=1000)
    assert [fact.seq for fact in facts] == list(range(1, 61))
    assert await reader.position(workspace) == Position(epoch=(await reader.position(workspace)).epoch, seq=60)


async def test_a_transaction_rolled_back_uses_no_number(database: Database, workspace: WorkspaceId) -> None:
    async def record_and_fail(tx: Tx) -> None:
        tx.record(Fact(topic="t", object_id=new_id(), version=1, audience=("all",), payload={}))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(workspace, record_and_fail)
    await _record(database, workspace)
    reader = EventReader(database=database, url="", listener=Collected())
    assert [fact.seq for fact in await reader.read_since(workspace, seq=0, limit=10)] == [1]


async def test_a_fact_comes_back_as_it_was_recorded(database: Database, workspace: WorkspaceId) -> None:
    await _record(database, workspace)
    (fact,) = await EventReader(database=database, url="", listener=Collected()).read_since(workspace, seq=0, limit=2)
    assert (fact.topic, fact.object_version, list(fact.audience)) == ("t", 0, ["all"])
    assert fact.payload == {"名": "值", "n": 0}


async def test_a_follower_is_told_of_what_comes_after_its_position(
    database: Database, database_url: str, workspace: WorkspaceId
) -> None:
    await _record(database, workspace, facts=3)
    collected = Collected()
    reader = EventReader(database=database, url=database_url, listener=collected)
    assert (await reader.follow(workspace)).seq == 3
    async with _reading(reader):
        await _record(database, workspace, facts=2)
        await collected.until(2)
    assert collected.seen == [4, 5]


async def test_nothing_is_told_of_a_workspace_nobody_follows(
    database: Database, database_url: str, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    collected = Collected()
    reader = EventReader(database=database, url=database_url, listener=collected)
    await reader.follow(workspace)
    await reader.follow(other_workspace)
    reader.forget(other_workspace)
    async with _reading(reader):
        await _record(database, other_workspace)
        await _record(database, workspace)
        await collected.until(1)
    assert collected.seen == [1]


async def test_facts_written_while_connections_were_cut_arrive_once(
    fresh_database: Database, postgres_admin_url: str
) -> None:
    workspace = await a_workspace(fresh_database)
    collected = Collected()
    reader = EventReader(database=fresh_database, url=fresh_database.pool.conninfo, listener=collected)  # pyright: ignore[reportArgumentType] -- a string here
    await reader.follow(workspace)
    async with _reading(reader):
        await _record(fresh_database, workspace)
        await collected.until(1)
        with psycopg.connect(postgres_admin_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'moorage moorage_%'"
            )
        await _record(fresh_database, workspace)
        await collected.until(2)
        await _record(fresh_database, workspace)
        await collected.until(3)
    assert collected.seen == [1, 2, 3]


async def test_a_new_epoch_starts_the_follower_anew(
    database: Database, database_url: str, workspace: WorkspaceId
) -> None:
    collected = Collected()
    reader = EventReader(database=database, url=database_url, listener=collected)
    await reader.follow(workspace)
    async with database.in_workspace(workspace) as tx:
        await tx.execute("UPDATE event_counters SET epoch = %s, seq = 40", [new_id()])
    async with _reading(reader):
        await collected.until(1)
        assert [position.seq for position in collected.resets] == [40]
        await _record(database, workspace)
        await collected.until(2)
    assert collected.seen == [41]


async def test_a_day_that_was_dropped_starts_the_follower_anew(
    database: Database, database_url: str, workspace: WorkspaceId
) -> None:
    collected = Collected()
    reader = EventReader(database=database, url=database_url, listener=collected)
    await reader.follow(workspace)
    async with database.in_workspace(workspace) as tx:
        await tx.execute("UPDATE event_counters SET seq = 7")
    async with _reading(reader):
        await collected.until(1)
    assert [position.seq for position in collected.resets] == [7]
