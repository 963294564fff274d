"""A process refuses a database login that no policy binds, and says what to do."""

import psycopg
import pytest
from psycopg import AsyncConnection, sql

from moorage.infra.database import Database
from moorage.infra.pool import DatabaseUnreachable, TooFewConnections, UnsafeLogin, check_login, open_pool
from tests.conftest import a_workspace
from tests.postgres import Server


async def _refusal(url: str) -> UnsafeLogin:
    async with await AsyncConnection.connect(url) as connection:
        with pytest.raises(UnsafeLogin) as caught:
            await check_login(connection)
    return caught.value


def _url_of_new_role(server: Server, database: str, name: str, attributes: str) -> str:
    with psycopg.connect(server.url(database="postgres", login="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL(f"CREATE ROLE {name} LOGIN PASSWORD 'x' {attributes}"))  # pyright: ignore[reportArgumentType] -- constants of this file
    return f"postgresql://{name}:x@/{database}?host={server.socket_folder}"


async def test_a_superuser_is_refused(postgres: Server, database_name: str) -> None:
    refusal = await _refusal(postgres.url(database=database_name, login="postgres"))
    assert "superuser" in str(refusal)
    assert "MOORAGE_MIGRATION_DATABASE_URL" in refusal.remedy


async def test_the_owner_is_refused(owner_url: str) -> None:
    assert "owns the table" in str(await _refusal(owner_url))


async def test_a_member_of_the_owner_is_refused(postgres: Server, database_name: str) -> None:
    url = _url_of_new_role(postgres, database_name, "nearly_owner", "NOINHERIT IN ROLE moorage_owner")
    assert "may act as its owner" in str(await _refusal(url))


async def test_a_login_with_bypassrls_is_refused(postgres: Server, database_name: str) -> None:
    url = _url_of_new_role(postgres, database_name, "above_policies", "BYPASSRLS")
    assert "BYPASSRLS" in str(await _refusal(url))


async def test_a_login_that_the_policies_do_not_name_is_refused(postgres: Server, database_name: str) -> None:
    url = _url_of_new_role(postgres, database_name, "somebody", "IN ROLE moorage_app")
    assert "is not moorage_app" in str(await _refusal(url))


async def test_the_app_itself_is_welcome(database_url: str) -> None:
    async with await AsyncConnection.connect(database_url) as connection:
        await check_login(connection)


async def test_a_pool_with_an_unsafe_login_is_never_opened(owner_url: str) -> None:
    with pytest.raises(UnsafeLogin):
        await open_pool(owner_url, size=2)


async def test_a_database_that_is_away_is_named_as_such(postgres: Server) -> None:
    with pytest.raises(DatabaseUnreachable):
        await open_pool(f"postgresql://moorage_app:x@/nowhere?host={postgres.socket_folder}/missing", size=2)


async def test_a_pool_larger_than_the_database_allows_is_refused(database_url: str) -> None:
    with pytest.raises(TooFewConnections, match="MOORAGE_POOL_SIZE"):
        await open_pool(database_url, size=98)


async def test_connections_cut_while_at_rest_are_replaced_unnoticed(
    fresh_database: Database, postgres_admin_url: str
) -> None:
    workspace = await a_workspace(fresh_database)
    with psycopg.connect(postgres_admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'moorage'")
    async with fresh_database.in_workspace(workspace) as tx:
        assert await tx.value("SELECT count(*) FROM event_counters") == 1
