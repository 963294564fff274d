"""The one pool of a process, and the check that its login cannot see more than it should."""

import selectors
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import set_json_dumps
from psycopg_pool import AsyncConnectionPool
from pydantic_core import to_json

from moorage.core.errors import DomainError
from moorage.infra.roles import APP_ROLE, SYSTEM_ROLE

STATEMENT_LIMIT_MS = 30_000
IDLE_TRANSACTION_LIMIT_MS = 60_000
CONNECT_LIMIT_S = 10
WAIT_LIMIT_S = 10.0
LISTENING_CONNECTIONS = 3  # event log, deliveries and jobs are listened to outside the pool
OLDEST_MAJOR = 15


@dataclass(eq=False)
class UnsafeLogin(DomainError):
    """The database login could step around the policies, or could not work at all. `remedy` says how to mend it."""

    code: ClassVar[str] = "infra.unsafe_login"
    login: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"The database login {self.login!r} {self.reason}. {self.remedy}"


@dataclass(eq=False)
class DatabaseUnreachable(DomainError):
    """The database did not answer while the process started."""

    code: ClassVar[str] = "infra.database_unreachable"
    kind: ClassVar[str] = "unavailable"
    detail: str


@dataclass(eq=False)
class TooFewConnections(DomainError):
    """This process alone wants more connections than the database offers to all."""

    code: ClassVar[str] = "infra.too_few_connections"
    wanted: int
    offered: int

    def __str__(self) -> str:
        return (
            f"This process wants up to {self.wanted} database connections and the database offers {self.offered}:"
            " lower MOORAGE_POOL_SIZE or raise max_connections."
        )


@dataclass(frozen=True, slots=True)
class _Login:
    name: str
    major: int
    superuser: bool
    bypasses: bool
    inherits: bool
    may_become_system: bool
    is_system_already: bool
    owned_table: str | None


def dump_json(value: object) -> str:
    """Return `value` as JSON with Chinese left readable, ids as strings and instants in ISO form."""
    return to_json(value).decode()


async def open_pool(
    url: str,
    *,
    size: int,
    application_name: str = "moorage",
    cursor_factory: type[AsyncCursor[tuple[object, ...]]] | None = None,
    configure: Callable[[AsyncConnection], Awaitable[None]] | None = None,
) -> AsyncConnectionPool:
    """Return an open pool of at most `size` connections whose login has been found safe.

    The caller closes it. Raises UnsafeLogin, or DatabaseUnreachable when no connection came about in 10 s, or
    TooFewConnections.
    `cursor_factory` and `configure` (called with each new connection) are for tests that count statements or begin
    on a used connection.
    """
    kwargs: dict[str, object] = {
        "application_name": application_name,
        "connect_timeout": CONNECT_LIMIT_S,
        "options": (
            f"-c TimeZone=UTC -c statement_timeout={STATEMENT_LIMIT_MS}"
            f" -c idle_in_transaction_session_timeout={IDLE_TRANSACTION_LIMIT_MS}"
        ),
    }
    if cursor_factory is not None:
        kwargs["cursor_factory"] = cursor_factory
    await _check(url, kwargs, wanted=size + LISTENING_CONNECTIONS)

    async def prepare(connection: AsyncConnection) -> None:
        set_json_dumps(dump_json, context=connection)
        if configure is not None:
            await configure(connection)

    pool: AsyncConnectionPool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=WAIT_LIMIT_S,
        open=False,
        kwargs=kwargs,
        configure=prepare,
        check=_check_alive,
        name=application_name,
    )
    await pool.open(wait=True, timeout=CONNECT_LIMIT_S)
    return pool


async def _check(url: str, kwargs: Mapping[str, object], *, wanted: int) -> None:
    try:
        connection = await AsyncConnection.connect(url, autocommit=True, **kwargs)  # pyright: ignore[reportArgumentType] -- libpq's parameters
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(detail=str(error).strip()) from error
    async with connection:
        await check_login(connection)
        await _check_room(connection, wanted=wanted)


async def _check_room(connection: AsyncConnection, *, wanted: int) -> None:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        )
        offered: object = await cursor.fetchone()
    if not isinstance(offered, int) or wanted > offered:
        raise TooFewConnections(wanted=wanted, offered=offered if isinstance(offered, int) else 0)


async def _check_alive(connection: AsyncConnection) -> None:
    """Raise if the server has closed `connection` meanwhile, without asking it each time.

    A connection at rest has nothing to read. Where there is something, it is the server's farewell or a notice: only
    then is a round trip spent to find out.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        if selector.select(timeout=0):
            await AsyncConnectionPool.check_connection(connection)


async def check_login(connection: AsyncConnection) -> None:
    """Return if the login of `connection` is bound by every policy. Raises UnsafeLogin, which says how to mend it."""
    async with connection.cursor(row_factory=class_row(_Login)) as cursor:
        await cursor.execute(
            """
            SELECT session_user::text AS name, current_setting('server_version_num')::int / 10000 AS major,
                   rolsuper AS superuser, rolbypassrls AS bypasses, rolinherit AS inherits,
                   EXISTS (SELECT FROM pg_roles WHERE rolname = %(system)s
                           AND pg_has_role(session_user, oid, 'MEMBER')) AS may_become_system,
                   EXISTS (SELECT FROM pg_roles WHERE rolname = %(system)s
                           AND pg_has_role(session_user, oid, 'USAGE')) AS is_system_already,
                   (SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema()
                      AND pg_has_role(session_user, c.relowner, 'MEMBER')
                    ORDER BY 1 LIMIT 1) AS owned_table
            FROM pg_roles WHERE rolname = session_user
            """,
            {"system": SYSTEM_ROLE},
        )
        login = await cursor.fetchone()
    if login is None:
        raise LookupError("the session's role is not in the catalogue")
    fault = _fault(login)
    if fault is not None:
        raise UnsafeLogin(login=login.name, reason=fault[0], remedy=fault[1])


def _fault(login: _Login) -> tuple[str, str] | None:
    """Return the first thing wrong with `login` and the sentence that mends it, or None."""
    other = (
        f"Put the login {APP_ROLE} into MOORAGE_DATABASE_URL;"
        " the one that may change tables belongs into MOORAGE_MIGRATION_DATABASE_URL."
    )
    again = "Run `moorage migrate` with the owner's login in MOORAGE_MIGRATION_DATABASE_URL."
    faults = (
        (login.major < OLDEST_MAJOR, f"reaches PostgreSQL {login.major}", f"Moorage needs {OLDEST_MAJOR} or newer."),
        (login.superuser, "is a superuser, whom no policy binds", other),
        (login.bypasses, "has BYPASSRLS, so that no policy binds it", f"{other} Or: ALTER ROLE … NOBYPASSRLS."),
        (login.owned_table is not None, f"owns the table {login.owned_table} or may act as its owner", other),
        (login.name != APP_ROLE, f"is not {APP_ROLE}, which the policies are written for", other),
        (
            login.inherits or login.is_system_already,
            f"inherits the rights of {SYSTEM_ROLE} without asking for them",
            f"Run: ALTER ROLE {APP_ROLE} NOINHERIT; REVOKE {SYSTEM_ROLE} FROM {APP_ROLE};"
            f" GRANT {SYSTEM_ROLE} TO {APP_ROLE};",
        ),
        (not login.may_become_system, f"may not act as {SYSTEM_ROLE}", again),
    )
    return next(((reason, remedy) for wrong, reason, remedy in faults if wrong), None)
