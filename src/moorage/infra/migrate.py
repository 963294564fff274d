"""Bring a database to the newest schema, in one transaction, inside this process."""

from importlib.resources import as_file, files
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import Connection

from moorage.infra.roles import ensure_roles

MIGRATION_LOCK = 0x6D6F6F7261676500  # any fixed number: migrations of one database run one after the other
LOCK_LIMIT = "10s"
NEWEST = "head"


def migrate(
    *, url: str, app_password: str | None = None, owner_password: str | None = None, up_to: str = NEWEST
) -> str:
    """Create the roles where they are missing, apply every migration, and return the revision reached.

    `up_to` names an earlier revision to stop at, so that a test can begin where an old installation stands.

    `url` names the owner's login or an administrator's. The passwords are given to roles created here. Everything
    happens in one transaction: a failure leaves the database as it was. A table that others hold locked for longer
    than 10 s ends the attempt. Raises RolesMissing or NotTheOwner. Blocks; call it from a thread in async code.
    """
    with psycopg.connect(url, autocommit=True, application_name="moorage migrate") as connection:
        ensure_roles(connection, app_password=app_password, owner_password=owner_password)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            _prepare(connection)
            _upgrade(connection, up_to=up_to)
            return MigrationContext.configure(connection).get_current_revision() or "none"
    finally:
        engine.dispose()


def _prepare(connection: Connection) -> None:
    for statement in (
        f"SET LOCAL lock_timeout = '{LOCK_LIMIT}'",
        "SET LOCAL ROLE moorage_owner",
        f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})",
    ):
        connection.exec_driver_sql(statement)


def _upgrade(connection: Connection, *, up_to: str) -> None:
    with as_file(files("moorage") / "migrations") as folder:
        config = _config(folder)
        config.attributes["connection"] = connection
        command.upgrade(config, up_to)


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
