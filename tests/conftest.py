"""What the tests of every room stand on: a real database, workspaces in it, a clock that can be moved."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from psycopg import AsyncConnection, AsyncCursor
from psycopg.abc import Params, Query
from psycopg_pool import AsyncConnectionPool

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.database import Database, DomainEvent, Tx
from moorage.infra.pool import open_pool
from tests.postgres import Server, running_server

POOL_SIZE = 8
_database_numbers = count()


class MovableClock:
    """The host's clock plus an offset that the test sets."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def forward(self, by: timedelta) -> None:
        self.offset += by


@dataclass
class Heard:
    """Subscriptions that keep what was published and start nothing."""

    events: list[DomainEvent] = field(default_factory=list[DomainEvent])

    async def dispatch(self, tx: Tx, event: DomainEvent) -> None:
        self.events.append(event)


class StatementCounter:
    """The statements sent since `reset`, BEGIN and COMMIT not counted."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __len__(self) -> int:
        return len(self.statements)

    def reset(self) -> None:
        self.statements.clear()


_counter = StatementCounter()


class CountedCursor(AsyncCursor[tuple[object, ...]]):
    """A cursor that tells the counter of each statement."""

    async def execute(
        self,
        query: Query,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> "CountedCursor":
        _counter.statements.append(str(query))
        await super().execute(query, params, prepare=prepare, binary=binary)  # pyright: ignore[reportArgumentType, reportCallIssue] -- the overloads split Query
        return self


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs PostgreSQL, so that `make check` can leave it out."""
    for item in items:
        if isinstance(item, pytest.Function) and "postgres" in item.fixturenames:
            item.add_marker("server")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this test process, with roles and a migrated template."""
    with running_server() as server:
        yield server


@contextmanager
def _new_database(server: Server) -> Generator[str]:
    name = f"test_{next(_database_numbers)}"
    server.create_database(name=name)
    try:
        yield name
    finally:
        server.drop_database(name=name)


@asynccontextmanager
async def _served_pool(server: Server, name: str) -> AsyncGenerator[AsyncConnectionPool]:
    """Open a pool as moorage_app in which every connection has served another workspace before."""
    url = server.url(database=name, login="moorage_app")
    async with await open_pool(url, size=POOL_SIZE, cursor_factory=CountedCursor, configure=_serve_another) as pool:
        yield pool


async def _serve_another(connection: AsyncConnection) -> None:
    await connection.execute("SELECT set_config('moorage.workspace_id', %s, true)", [str(new_id())])
    await connection.execute("SELECT count(*) FROM agents")
    await connection.commit()


@pytest.fixture(scope="module")
def database_name(postgres: Server) -> Iterator[str]:
    """The name of a fresh, migrated database that the tests of one module share."""
    with _new_database(postgres) as name:
        yield name


@pytest.fixture(scope="module")
def database_url(postgres: Server, database_name: str) -> str:
    """The URL of the module's database for the login moorage_app."""
    return postgres.url(database=database_name, login="moorage_app")


@pytest.fixture(scope="module")
def owner_url(postgres: Server, database_name: str) -> str:
    """The URL of the module's database for the login moorage_owner."""
    return postgres.url(database=database_name, login="moorage_owner")


@pytest.fixture(scope="module")
async def pool(postgres: Server, database_name: str) -> AsyncIterator[AsyncConnectionPool]:
    """The module's pool, as moorage_app; each connection served another workspace before."""
    async with _served_pool(postgres, database_name) as opened:
        yield opened


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands at the host's time until the test moves it."""
    return MovableClock()


@pytest.fixture
def heard() -> Heard:
    """What `database` published, in order."""
    return Heard()


@pytest.fixture
def database(pool: AsyncConnectionPool, clock: MovableClock, heard: Heard) -> Database:
    """The module's database. Its doors use `clock`; published events end in `heard`."""
    return Database(pool=pool, clock=clock, subscriptions=heard)


@pytest.fixture
async def fresh_database(postgres: Server, clock: MovableClock, heard: Heard) -> AsyncIterator[Database]:
    """A database of this test alone, for what looks across workspaces or kills connections."""
    with _new_database(postgres) as name:
        async with _served_pool(postgres, name) as opened:
            yield Database(pool=opened, clock=clock, subscriptions=heard)


async def a_workspace(database: Database, *, name: str = "Harbour Tea", locale: str = "zh-CN") -> WorkspaceId:
    """Return a new workspace with its event counter and nothing else."""
    workspace_id = WorkspaceId(new_id())
    async with database.in_workspace(workspace_id) as tx:
        await tx.execute(
            "INSERT INTO workspaces (id, name, locale, created_at) VALUES (%s, %s, %s, %s)",
            [workspace_id, name, locale, tx.now],
        )
        await tx.execute("INSERT INTO event_counters (workspace_id, epoch) VALUES (%s, %s)", [workspace_id, new_id()])
    return workspace_id


@pytest.fixture
async def workspace(database: Database) -> WorkspaceId:
    """A workspace of this test alone, in the module's database."""
    return await a_workspace(database)


@pytest.fixture
async def other_workspace(database: Database) -> WorkspaceId:
    """A second workspace, whose rows nobody else may see."""
    return await a_workspace(database, name="Other Tea")


@pytest.fixture
def statements() -> StatementCounter:
    """Counts the statements of the pool's connections from here on; `reset()` starts again."""
    _counter.reset()
    return _counter


@pytest.fixture(scope="session")
def postgres_admin_url(postgres: Server) -> str:
    """The administrator's URL, to cut connections and look into the catalogue."""
    return postgres.url(database="postgres", login="postgres")
