"""The two doors: what a transaction sees, and what it refuses."""

import psycopg
import pytest

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.database import Database


async def _add_group(database: Database, workspace: WorkspaceId, name: str) -> None:
    async with database.in_workspace(workspace) as tx:
        await tx.execute(
            "INSERT INTO skill_groups (workspace_id, id, name, created_at) VALUES (%s, %s, %s, %s)",
            [workspace, new_id(), name, tx.now],
        )


async def test_a_workspace_sees_its_own_rows_only(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    await _add_group(database, workspace, "Ours")
    await _add_group(database, other_workspace, "Theirs")
    async with database.in_workspace(workspace) as tx:
        assert await tx.value("SELECT array_agg(name) FROM skill_groups") == ["Ours"]


async def test_a_row_for_a_foreign_workspace_is_refused(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.in_workspace(workspace) as tx:
            await tx.execute(
                "INSERT INTO skill_groups (workspace_id, id, name, created_at) VALUES (%s, %s, 'x', now())",
                [other_workspace, new_id()],
            )


async def test_a_transaction_that_names_no_workspace_fails_aloud(database: Database, workspace: WorkspaceId) -> None:
    await _add_group(database, workspace, "Ours")
    with pytest.raises((psycopg.errors.UndefinedObject, psycopg.errors.InvalidTextRepresentation)):
        async with database.in_platform() as tx:
            await tx.value("SELECT count(*) FROM skill_groups")
