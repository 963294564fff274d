"""Migrating: again without effect, by an administrator or the owner, and with clear words otherwise."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from moorage.infra.embedded import Engine, running_engine
from moorage.infra.migrate import migrate
from moorage.infra.pool import open_pool
from moorage.infra.roles import NotTheOwner, RolesMissing
from moorage.infra.schema_version import newest_revision
from tests.postgres import SERVER_OPTIONS, Server

_numbers = count()
BARE = (
    "DROP DATABASE moorage",
    "DROP OWNED BY moorage_owner",
    "DROP ROLE moorage_app, moorage_system, moorage_owner",
    "CREATE ROLE dba LOGIN CREATEROLE CREATEDB PASSWORD 'x'",
    "CREATE ROLE weak LOGIN PASSWORD 'x'",
    "CREATE DATABASE help OWNER dba",
)


@pytest.fixture
def empty_database(postgres: Server) -> Iterator[str]:
    name = f"empty_{next(_numbers)}"
    postgres.create_database(name=name, template="template1")
    yield name
    postgres.drop_database(name=name)


def test_migrating_twice_changes_nothing(postgres: Server, empty_database: str) -> None:
    url = postgres.url(database=empty_database, login="moorage_owner")
    assert migrate(url=url) == migrate(url=url) == newest_revision()


def test_tables_belong_to_the_owner_whoever_migrated(postgres: Server, empty_database: str) -> None:
    migrate(url=postgres.url(database=empty_database, login="postgres"))
    with psycopg.connect(postgres.url(database=empty_database, login="postgres")) as connection:
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert owners == [("moorage_owner",)]


def test_a_login_without_the_right_is_told_what_to_do(postgres: Server, empty_database: str) -> None:
    with psycopg.connect(postgres.url(database="postgres", login="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS stranger"))
        connection.execute(sql.SQL("CREATE ROLE stranger LOGIN PASSWORD 'x'"))
    with pytest.raises(NotTheOwner, match="GRANT moorage_owner TO stranger"):
        migrate(url=f"postgresql://stranger:x@/{empty_database}?host={postgres.socket_folder}")


@pytest.fixture
def bare_server() -> Iterator[Engine]:
    """A server of one's own without our roles, but with `dba`, who owns the database `help`, and `weak`."""
    folder = Path(tempfile.mkdtemp(prefix="moorage-tests-"))
    folder.chmod(0o755)
    try:
        with running_engine(folder=folder, options=SERVER_OPTIONS) as engine:
            with psycopg.connect(engine.url(login="postgres", database="postgres"), autocommit=True) as connection:
                for statement in BARE:
                    connection.execute(statement)
            yield engine
    finally:
        shutil.rmtree(folder)


async def test_an_administrator_who_is_no_superuser_can_set_up_everything(bare_server: Engine) -> None:
    url = f"postgresql://dba:x@/help?host={bare_server.sockets}"
    assert await asyncio.to_thread(migrate, url=url, app_password="secret") == newest_revision()
    app_url = f"postgresql://moorage_app:secret@/help?host={bare_server.sockets}"
    async with await open_pool(app_url, size=2) as pool, pool.connection() as connection:
        await connection.execute("SET LOCAL ROLE moorage_system")


def test_missing_roles_are_named_with_the_statements_that_make_them(bare_server: Engine) -> None:
    with pytest.raises(RolesMissing, match=r"CREATE ROLE moorage_app LOGIN .* NOINHERIT;.*GRANT moorage_owner TO weak"):
        migrate(url=f"postgresql://weak:x@/help?host={bare_server.sockets}")


def test_job_tables_are_analysed_and_vacuumed_often(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        row = connection.execute(
            "SELECT reltuples >= 0, reloptions::text FROM pg_class WHERE relname = 'procrastinate_jobs'"
        ).fetchone()
    assert row is not None
    assert row[0] is True
    assert "autovacuum_analyze_scale_factor=0.02" in row[1]
