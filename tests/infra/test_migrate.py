"""Migrating: again without effect, by an administrator or the owner, and with clear words otherwise."""

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from psycopg import sql

from moorage.infra.migrate import migrate
from moorage.infra.roles import NotTheOwner
from tests.postgres import Server

_numbers = count()


@pytest.fixture
def empty_database(postgres: Server) -> Iterator[str]:
    name = f"empty_{next(_numbers)}"
    postgres.create_database(name=name, template="template1")
    yield name
    postgres.drop_database(name=name)


def test_migrating_twice_changes_nothing(postgres: Server, empty_database: str) -> None:
    url = postgres.url(database=empty_database, login="moorage_owner")
    assert migrate(url=url) == migrate(url=url) == "0001"


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


def test_job_tables_are_analysed_and_vacuumed_often(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        row = connection.execute(
            "SELECT reltuples >= 0, reloptions::text FROM pg_class WHERE relname = 'procrastinate_jobs'"
        ).fetchone()
    assert row is not None
    assert row[0] is True
    assert "autovacuum_analyze_scale_factor=0.02" in row[1]
