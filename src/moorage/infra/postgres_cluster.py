"""The folder of an embedded PostgreSQL: its cluster, passwords, record and sockets."""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from moorage.core.errors import DomainError
from moorage.infra.postgres_process import POLL_S, run_tool, server_uid

Login = Literal["postgres", "moorage_owner", "moorage_app"]
LOGINS: tuple[Login, ...] = ("postgres", "moorage_owner", "moorage_app")

LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")  # sun_path holds 108 bytes with its final zero
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")
BUILTIN_LOCALE_SINCE = 17


@dataclass(eq=False)
class EngineUnavailable(DomainError):
    """The embedded PostgreSQL cannot run here; `reason` says why and what to do."""

    code: ClassVar[str] = "infra.engine_unavailable"
    kind: ClassVar[str] = "unavailable"
    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class OtherMajorVersion(DomainError):
    """The data was written by another major version of PostgreSQL than the one at hand."""

    code: ClassVar[str] = "infra.other_major_version"
    kind: ClassVar[str] = "unavailable"
    folder: str
    stored: int
    present: int

    def __str__(self) -> str:
        return (
            f"The data in {self.folder} was written by PostgreSQL {self.stored}, and this is {self.present}:"
            " run `moorage admin upgrade-database`."
        )


@contextmanager
def only_starter(folder: Path, *, limit_s: float) -> Generator[None]:
    """Make `folder` and keep others from starting a server in it meanwhile. Raises EngineUnavailable."""
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(folder / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EngineUnavailable(reason=f"The data folder {folder} cannot be used by this user: {error}") from error
    try:
        deadline = time.monotonic() + limit_s
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise EngineUnavailable(reason=f"Another process has been starting PostgreSQL in {folder} for long.")
            time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep_logins(folder: Path) -> Mapping[Login, str]:
    """Return the passwords of the cluster's logins, made at the first call and kept with mode 600."""
    file = folder / "logins.json"
    if file.exists():
        stored: dict[str, str] = json.loads(file.read_text())
        return {login: stored[login] for login in LOGINS}
    if (folder / "data").exists():
        raise EngineUnavailable(reason=f"{file} is gone, and with it the passwords of the data beside it: restore it.")
    made: dict[Login, str] = {login: secrets.token_hex(24) for login in LOGINS}
    _write_private(file, json.dumps(made))
    return made


def make_cluster(*, folder: Path, binaries: Path, prefix: Sequence[str], password: str) -> None:
    """Create the cluster unless it is there. A half-made one of an interrupted run is thrown away first."""
    data, half_made = folder / "data", folder / "data.new"
    if data.exists():
        return
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir(mode=0o700)
    password_file = folder / "password.new"
    _write_private(password_file, password)
    try:
        _give_to_server(half_made, password_file)
        tool = (str(binaries / "initdb"), "-D", str(half_made), "-U", "postgres", f"--pwfile={password_file}")
        made = run_tool((*prefix, *tool, "--auth=scram-sha-256", "--encoding=UTF8", *_locale(binaries)))
    finally:
        password_file.unlink()
    if made.returncode != 0:
        raise EngineUnavailable(reason=f"PostgreSQL could not make its data folder:\n{made.stdout[-2000:]}")
    half_made.rename(data)


def check_record(*, folder: Path, binaries: Path) -> None:
    """Return if the cluster is the one recorded here and `binaries` can run it; record a new one.

    Raises OtherMajorVersion, or EngineUnavailable where the folder now holds another cluster.
    """
    data, file = folder / "data", folder / "record.json"
    stored = int((data / "PG_VERSION").read_text())
    record = {"major": stored, "system_identifier": _system_identifier(data)}
    if not file.exists():
        _write_private(file, json.dumps(record))
    known: dict[str, object] = json.loads(file.read_text())
    if known["system_identifier"] != record["system_identifier"]:
        raise EngineUnavailable(
            reason=f"{data} is not the database that {file} describes. If it was exchanged on purpose, remove {file}."
        )
    present = major_of(binaries)
    if stored != present:
        raise OtherMajorVersion(folder=str(folder), stored=stored, present=present)


def major_of(binaries: Path) -> int:
    """Return the major version of the server in `binaries`."""
    said = run_tool((str(binaries / "postgres"), "--version")).stdout  # postgres (PostgreSQL) 18.6
    return int(said.split()[2].split(".")[0].removesuffix("devel"))


def socket_folder(folder: Path) -> Path:
    """Return the private folder of the server's socket, elsewhere if the path here is too long or odd for a URL."""
    sockets = folder / "socket"
    if len(os.fsencode(sockets)) > LONGEST_SOCKET_FOLDER or PLAIN_PATH.fullmatch(str(sockets)) is None:
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"moorage-{name}"
    if not sockets.is_symlink() and not sockets.exists():
        sockets.mkdir(mode=0o700)
        _give_to_server(sockets)
    found = sockets.lstat()
    owner = server_uid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != (os.geteuid() if owner is None else owner):
        raise EngineUnavailable(reason=f"{sockets} should be a folder of the server's own: remove it.")
    return sockets


def _locale(binaries: Path) -> tuple[str, ...]:
    if major_of(binaries) >= BUILTIN_LOCALE_SINCE:
        return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    return ("--locale=C.UTF-8",)


def _system_identifier(data: Path) -> str:
    """Return what PostgreSQL calls the cluster for ever: the first field of pg_control, in the machine's byte order."""
    with (data / "global" / "pg_control").open("rb") as control:
        return str(int.from_bytes(control.read(8), sys.byteorder))


def _give_to_server(*paths: Path) -> None:
    owner = server_uid()
    for path in paths if owner is not None else ():
        os.chown(path, owner if owner is not None else -1, -1)


def _write_private(file: Path, text: str) -> None:
    aside = file.with_name(f"{file.name}.aside")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as words:
        words.write(text)
    aside.rename(file)
