"""The catalogue itself: no table of a company's can be added without its policy, key and rights."""

import ast
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import class_row

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.database import Database

PLATFORM_TABLES = {
    "workspaces": "the list of companies itself, read before one is known",
    "persons": "a person may answer for several companies",
    "operators": "those who run the installation belong to no company",
    "memberships": "read to find out which companies a person works for",
    "sessions": "read to find out which workspace a request is for",
    "sign_ins": "counted before anybody is known",
    "idempotency_keys": "belong to a person, not to a company",
    "channel_addresses": "read to find out whose push has come",
    "platform_credentials": "our platform at a provider serves every company",
    "platform_tokens": "the ticket and token of that platform",
    "docking_attempts": "read to find out whose attempt a provider's push completes",
    "unclaimed_authorizations": "accounts that no company has docked",
    "platform_comparisons": "what a provider lists for the platform that serves every company",
    "use_counts": "counts uses by people who have not signed in",
    "alembic_version": "the state of the schema",
    "procrastinate_jobs": "a worker takes the next job of any workspace; arguments are ids only",
    "procrastinate_events": "the life of jobs",
    "procrastinate_periodic_defers": "the clock's jobs belong to no company",
    "procrastinate_workers": "which workers live",
}

AS_SYSTEM_CALLERS = {
    "infra/events.py": "asks which followed logs have grown",
    "conversations/media_upkeep.py": "finds files that are due to be fetched, and uploads that nobody sent",
    "conversations/sender.py": "claims what is to be sent, whoever it is for",
    "reception/sweeper.py": "finds stored pushes that nobody has taken in, of any channel",
    "staff/presence.py": "finds agents whose connection has lapsed, of any company",
}


@dataclass(frozen=True)
class Table:
    name: str
    enabled: bool
    forced: bool
    policies: list[str]
    key: list[str]


@dataclass(frozen=True)
class ForeignKey:
    name: str
    columns: list[str]
    target: str


@pytest.fixture(scope="module")
def tables(owner_url: str) -> list[Table]:
    with psycopg.connect(owner_url) as connection, connection.cursor(row_factory=class_row(Table)) as cursor:
        return cursor.execute(
            """
            SELECT c.relname::text AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
                   ARRAY(SELECT pg_get_expr(polqual, polrelid) FROM pg_policy
                         WHERE polrelid = c.oid AND 'moorage_app'::regrole = ANY(polroles)) AS policies,
                   ARRAY(SELECT a.attname::text FROM pg_index i
                         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
                         WHERE i.indrelid = c.oid AND i.indisprimary) AS key
            FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND NOT c.relispartition
            """
        ).fetchall()


def test_every_table_off_the_platform_list_has_a_forced_policy_and_a_composite_key(tables: list[Table]) -> None:
    company = [table for table in tables if table.name not in PLATFORM_TABLES]
    assert len(company) > 15
    for table in company:
        assert (table.enabled, table.forced) == (True, True), f"{table.name} has no forced row-level security"
        assert len(table.policies) == 1, f"{table.name} has no policy for moorage_app"
        assert "(workspace_id = ( SELECT (current_setting('moorage.workspace_id'" in table.policies[0]
        assert "workspace_id" in table.key, f"the key of {table.name} leaves workspace_id out"


def test_the_platform_list_names_only_tables_that_exist(tables: list[Table]) -> None:
    assert PLATFORM_TABLES.keys() <= {table.name for table in tables}


def test_every_foreign_key_between_company_tables_carries_the_workspace(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection, connection.cursor(row_factory=class_row(ForeignKey)) as cursor:
        keys = cursor.execute(
            """
            SELECT conrelid::regclass::text || '.' || conname AS name, confrelid::regclass::text AS target,
                   ARRAY(SELECT attname::text FROM pg_attribute
                         WHERE attrelid = conrelid AND attnum = ANY(conkey)) AS columns
            FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
            """
        ).fetchall()
    assert keys
    for key in keys:
        if key.target not in PLATFORM_TABLES:
            assert "workspace_id" in key.columns, f"{key.name} could point into a foreign workspace"


def test_nobody_reaches_a_partition_past_its_parent(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        open_partitions = connection.execute(
            """
            SELECT relname, role FROM pg_class, unnest(ARRAY['moorage_app', 'moorage_system']) AS role
            WHERE relispartition AND relkind = 'r'
              AND has_table_privilege(role, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
            """
        ).fetchall()
    assert open_partitions == []


def test_the_app_may_neither_truncate_nor_create(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        rights = connection.execute(
            """
            SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
              AND has_table_privilege('moorage_app', oid, 'TRUNCATE, REFERENCES, TRIGGER')
            UNION ALL SELECT 'public' WHERE has_schema_privilege('moorage_app', 'public', 'CREATE')
            """
        ).fetchall()
    assert rights == []


def test_what_the_audit_log_says_cannot_be_changed(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        answer = connection.execute("SELECT has_table_privilege('moorage_app', 'audit_log', 'UPDATE, DELETE')")
        assert answer.fetchone() == (False,)


async def test_no_table_shows_a_foreign_workspace_anything(
    database: Database, tables: list[Table], workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    async with database.in_workspace(other_workspace) as tx:
        await tx.execute(
            "INSERT INTO customers (workspace_id, id, name, created_at) VALUES (%s, %s, '林', now())",
            [other_workspace, new_id()],
        )
    async with database.in_workspace(workspace) as tx:
        for table in tables:
            if table.name not in PLATFORM_TABLES:
                count = sql.SQL("SELECT count(*) FROM {} WHERE workspace_id <> {}").format(
                    sql.Identifier(table.name), sql.Literal(workspace)
                )
                async with tx.connection.cursor() as cursor:
                    await cursor.execute(count)
                    assert await cursor.fetchone() == (0,), table.name


async def test_the_system_door_sees_the_few_tables_it_needs_of_all(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    async with database.as_system() as tx:
        seen = await tx.value("SELECT array_agg(workspace_id) FROM event_counters")
    assert isinstance(seen, list)
    assert {workspace, other_workspace} <= set(seen)  # pyright: ignore[reportUnknownArgumentType] -- from SQL


async def test_the_system_door_does_not_open_what_customers_said(database: Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.as_system() as tx:
            await tx.value("SELECT count(*) FROM messages")


def test_only_listed_modules_use_the_system_door() -> None:
    root = Path(str(files("moorage")))
    callers = {str(path.relative_to(root)) for path in root.rglob("*.py") if _calls_as_system(path)}
    assert callers == AS_SYSTEM_CALLERS.keys()


def _calls_as_system(path: Path) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Attribute) and called.attr == "as_system" for called in calls)
