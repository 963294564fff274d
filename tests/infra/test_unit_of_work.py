"""The unit of work: what it costs, what it repeats, and what happens on the way out."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.audit import write_audit
from moorage.infra.database import Database, DomainEvent, Fact, Tx
from tests.conftest import Heard, StatementCounter


@dataclass(frozen=True)
class Rang(DomainEvent):
    times: int


def _fact() -> Fact:
    return Fact(topic="t", object_id=new_id(), version=1, audience=("all",), payload={"id": new_id()})


async def test_any_number_of_facts_costs_one_statement(
    database: Database, workspace: WorkspaceId, statements: StatementCounter
) -> None:
    statements.reset()
    async with database.in_workspace(workspace) as tx:
        for _ in range(5):
            tx.record(_fact())
    assert len(statements) == 2, "one names the workspace, one numbers, writes and notifies"


async def test_published_events_are_heard_before_the_commit(
    database: Database, workspace: WorkspaceId, heard: Heard
) -> None:
    async with database.in_workspace(workspace) as tx:
        tx.publish(Rang(times=1))
        tx.publish(Rang(times=2))
        assert heard.events == []
    assert heard.events == [Rang(times=1), Rang(times=2)]


async def test_nothing_is_heard_of_a_transaction_that_failed(
    database: Database, workspace: WorkspaceId, heard: Heard
) -> None:
    async def publish_and_fail(tx: Tx) -> None:
        tx.publish(Rang(times=1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(workspace, publish_and_fail)
    assert heard.events == []


async def test_two_that_lock_crosswise_both_come_through(database: Database, workspace: WorkspaceId) -> None:
    first, second = await _group(database, workspace), await _group(database, workspace)
    meeting = asyncio.Barrier(2)
    tries: list[UUID] = []

    def crosswise(one: UUID, other: UUID) -> asyncio.Task[None]:
        async def operation(tx: Tx) -> None:
            tries.append(one)
            await _rename(tx, one)
            if len(tries) <= 2:
                await meeting.wait()
            await _rename(tx, other)

        return tasks.create_task(database.run(workspace, operation))

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        crosswise(first, second)
        crosswise(second, first)
    assert len(tries) == 3, "one of them was undone by PostgreSQL and repeated"


async def test_a_failure_of_another_kind_is_not_repeated(database: Database, workspace: WorkspaceId) -> None:
    tries: list[None] = []

    async def violate(tx: Tx) -> None:
        tries.append(None)
        await tx.execute("INSERT INTO customers (workspace_id, id) VALUES (%s, %s)", [tx.workspace_id, new_id()])

    with pytest.raises(psycopg.errors.NotNullViolation):
        await database.run(workspace, violate)
    assert len(tries) == 1


async def test_an_audit_line_keeps_what_changed(database: Database, workspace: WorkspaceId) -> None:
    async with database.in_workspace(workspace) as tx:
        await write_audit(
            tx,
            by=None,
            remote_address="127.0.0.1",
            act="channel.docked",
            object_kind="channel",
            object_id=new_id(),
            after={"name": "港口茶"},
        )
    async with database.in_workspace(workspace) as tx:
        assert await tx.value("SELECT after ->> 'name' FROM audit_log WHERE act = 'channel.docked'") == "港口茶"


async def _group(database: Database, workspace: WorkspaceId) -> UUID:
    group_id = new_id()
    async with database.in_workspace(workspace) as tx:
        await tx.execute(
            "INSERT INTO skill_groups (workspace_id, id, name, created_at) VALUES (%s, %s, 'g', %s)",
            [workspace, group_id, tx.now],
        )
    return group_id


async def _rename(tx: Tx, group_id: UUID) -> None:
    await tx.execute("UPDATE skill_groups SET name = name || '.' WHERE id = %s", [group_id])
