"""The three roles of the database: who owns the tables, who works with them, and who may look across companies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from moorage.core.errors import DomainError

OWNER_ROLE = "moorage_owner"
APP_ROLE = "moorage_app"
SYSTEM_ROLE = "moorage_system"

# NOINHERIT: a policy written for a role applies to whoever inherits that role, so the app must ask for it by SET ROLE.
_ATTRIBUTES = {
    OWNER_ROLE: "NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE",
    APP_ROLE: "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT",
    SYSTEM_ROLE: "NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE",
}


@dataclass(eq=False)
class RolesMissing(DomainError):
    """The database lacks roles, and this login may not create them."""

    code: ClassVar[str] = "infra.roles_missing"
    login: str
    roles: Sequence[str]

    def __str__(self) -> str:
        wanted = " ".join(f"CREATE ROLE {role} {_ATTRIBUTES[role]};" for role in self.roles)
        return (
            f"The roles {', '.join(self.roles)} are missing and {self.login!r} may not create them."
            f" Let an administrator of the database run: {wanted} GRANT {SYSTEM_ROLE} TO {APP_ROLE};"
            f" GRANT {OWNER_ROLE} TO {self.login}; GRANT CREATE ON SCHEMA public TO {OWNER_ROLE};"
        )


@dataclass(eq=False)
class NotTheOwner(DomainError):
    """The login that should change tables may not act as their owner."""

    code: ClassVar[str] = "infra.not_the_owner"
    login: str

    def __str__(self) -> str:
        return (
            f"The login {self.login!r} may not act as {OWNER_ROLE}. Name the owner's login in"
            f" MOORAGE_MIGRATION_DATABASE_URL, or run as an administrator: GRANT {OWNER_ROLE} TO {self.login};"
        )


def ensure_roles(
    connection: psycopg.Connection, *, app_password: str | None = None, owner_password: str | None = None
) -> None:
    """See to it that the three roles exist and that the login of `connection` (autocommit) may act as the owner.

    A password is set only on a role that is created here, and gives the owner the right to log in. Raises RolesMissing
    or NotTheOwner, which say what an administrator should do.
    """
    login = str(_value(connection, sql.SQL("SELECT session_user::text")))
    missing = [role for role in _ATTRIBUTES if not _exists(connection, role)]
    passwords = {APP_ROLE: app_password, OWNER_ROLE: owner_password}
    if missing:
        if not _value(
            connection, sql.SQL("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = session_user")
        ):
            raise RolesMissing(login=login, roles=missing)
        for role in missing:
            _create(connection, role, passwords.get(role))
    if missing or not _is_member(connection, APP_ROLE, SYSTEM_ROLE):
        _grant(connection, SYSTEM_ROLE, to=APP_ROLE)
    if not _may_become_owner(connection):
        _grant_owner(connection, login)
    _open_schema(connection)


def _create(connection: psycopg.Connection, role: str, password: str | None) -> None:
    attributes = sql.SQL(_ATTRIBUTES[role])  # pyright: ignore[reportArgumentType] -- one of our constants
    statement = sql.SQL("CREATE ROLE {} ").format(sql.Identifier(role)) + attributes
    if password is not None:
        statement += sql.SQL(" LOGIN PASSWORD {}" if role != APP_ROLE else " PASSWORD {}").format(sql.Literal(password))
    try:
        connection.execute(statement)
    except psycopg.errors.DuplicateObject:  # another migration of the same cluster was quicker
        return


def _may_become_owner(connection: psycopg.Connection) -> bool:
    # Tried, not asked: since PostgreSQL 16 the creator of a role is its member without the right to SET ROLE.
    try:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER_ROLE)))
    except psycopg.errors.InsufficientPrivilege:
        return False
    connection.execute("RESET ROLE")
    return True


def _grant_owner(connection: psycopg.Connection, login: str) -> None:
    try:
        _grant(connection, OWNER_ROLE, to=login)
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotTheOwner(login=login) from error


def _open_schema(connection: psycopg.Connection) -> None:
    may_create = sql.SQL("SELECT has_schema_privilege({}, current_schema(), 'CREATE')").format(sql.Literal(OWNER_ROLE))
    if not _value(connection, may_create):
        schema = str(_value(connection, sql.SQL("SELECT current_schema()")))
        connection.execute(
            sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(sql.Identifier(schema), sql.Identifier(OWNER_ROLE))
        )


def _grant(connection: psycopg.Connection, role: str, *, to: str) -> None:
    connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(to)))


def _exists(connection: psycopg.Connection, role: str) -> bool:
    found = sql.SQL("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = {})").format(sql.Literal(role))
    return bool(_value(connection, found))


def _is_member(connection: psycopg.Connection, member: str, role: str) -> bool:
    asked = sql.SQL("SELECT pg_has_role({}, {}, 'MEMBER')").format(sql.Literal(member), sql.Literal(role))
    return bool(_value(connection, asked))


def _value(connection: psycopg.Connection, query: sql.SQL | sql.Composed) -> object | None:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query).fetchone()
