"""A real PostgreSQL for the tests: an engine in a folder of its own, gone when the tests end."""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from moorage.infra.embedded import DATABASE, Engine, Login, running_engine
from moorage.infra.migrate import migrate

# Nothing of a test outlives it: durability is given up for speed.
SERVER_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "autovacuum_naptime": "1h",
    "deadlock_timeout": "100ms",
    "jit": "off",
}


BINARIES = "MOORAGE_TEST_POSTGRES_BIN"
"""Names another PostgreSQL's `bin` folder, to run the tests on an older major version than the bundled one."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server whose database `moorage` is the migrated template of all others."""

    engine: Engine

    @property
    def socket_folder(self) -> Path:
        """Where its Unix socket lies."""
        return self.engine.sockets

    def url(self, *, database: str, login: Login) -> str:
        """Return the URL of `database` for `login`."""
        return self.engine.url(login=login, database=database)

    def create_database(self, *, name: str, template: str = DATABASE) -> None:
        """Create `name` as a copy of `template`, owned by moorage_owner."""
        self._administer(
            sql.SQL("CREATE DATABASE {} OWNER moorage_owner TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )

    def drop_database(self, *, name: str) -> None:
        """Drop `name`, ending whatever is connected to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(database="postgres", login="postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running_server() -> Generator[Server]:
    """Start a server with the migrated template; end it and remove its data afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="moorage-tests-"))
    folder.chmod(0o755)  # the server runs as another user when the tests run as root
    chosen = os.environ.get(BINARIES)
    try:
        with running_engine(folder=folder, binaries=Path(chosen) if chosen else None, options=SERVER_OPTIONS) as engine:
            migrate(url=engine.url(login="moorage_owner"))
            yield Server(engine=engine)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
