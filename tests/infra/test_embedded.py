"""The embedded PostgreSQL: started, joined, killed, mended."""

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from moorage.infra.embedded import Engine, running_engine, start_engine
from moorage.infra.postgres_cluster import EngineUnavailable, OtherMajorVersion
from moorage.infra.postgres_process import start_process, unprivileged

pytestmark = pytest.mark.server

FAST = {"fsync": "off"}
PARENT = """
import sys, threading
from pathlib import Path
from moorage.infra.embedded import start_engine
engine = start_engine(folder=Path(sys.argv[1]), options={"fsync": "off"})
print(engine.process.pid, flush=True)
threading.Event().wait()
"""


def _eventually(true: Callable[[], bool], *, within_s: float = 20.0) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _ask(engine: Engine, question: str) -> object:
    with psycopg.connect(engine.url(login="postgres")) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def _write_down(engine: Engine, word: str) -> None:
    with psycopg.connect(engine.url(login="moorage_owner")) as connection:
        connection.execute("CREATE TABLE words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "postgres"


def test_first_start_makes_logins_without_special_rights(folder: Path) -> None:
    with running_engine(folder=folder, options=FAST) as engine:
        question = "SELECT count(*) FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND rolname LIKE 'moorage%'"
        assert _ask(engine, question) == 0
        assert _ask(engine, "SELECT rolinherit FROM pg_roles WHERE rolname = 'moorage_app'") is False
        owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'moorage'"
        assert _ask(engine, owner) == "moorage_owner"
        with psycopg.connect(engine.url()) as connection:
            assert connection.info.user == "moorage_app"


def test_server_listens_on_its_socket_alone_and_sorts_by_code_point(folder: Path) -> None:
    with running_engine(folder=folder, options=FAST) as engine:
        assert _ask(engine, "SHOW listen_addresses") == ""
        assert _ask(engine, "SELECT datlocale FROM pg_database WHERE datname = 'moorage'") == "C.UTF-8"
        assert stat.S_IMODE(engine.sockets.stat().st_mode) == 0o700


def test_every_login_needs_its_password_and_the_file_of_them_is_private(folder: Path) -> None:
    with running_engine(folder=folder, options=FAST) as engine:
        assert stat.S_IMODE((folder / "logins.json").stat().st_mode) == 0o600
        assert not (folder / "password.new").exists()
        for login in ("postgres", "moorage_owner", "moorage_app"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"postgresql://{login}:wrong@/moorage?host={engine.sockets}")


def test_data_and_passwords_are_kept_between_runs(folder: Path) -> None:
    with running_engine(folder=folder, options=FAST) as engine:
        _write_down(engine, "kept")
    with running_engine(folder=folder, options=FAST) as again:
        assert _ask(again, "SELECT word FROM words") == "kept"
        assert again.passwords == engine.passwords


def test_second_starter_joins_the_running_server_and_leaves_it_running(folder: Path) -> None:
    with running_engine(folder=folder, options=FAST) as first:
        second = start_engine(folder=folder)
        assert second.process is None
        second.stop()
        assert _ask(first, "SELECT 1") == 1


def test_server_ends_when_its_parent_is_killed_and_starts_again_with_its_data(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        _write_down(start_engine(folder=folder), "survived")
        parent.send_signal(signal.SIGKILL)
    assert _eventually(lambda: not _lives(server))
    with running_engine(folder=folder, options=FAST) as again:
        assert again.process is not None
        assert _ask(again, "SELECT word FROM words") == "survived"


def test_server_that_was_killed_itself_starts_again_with_its_data(folder: Path) -> None:
    engine = start_engine(folder=folder)
    assert engine.process is not None
    _write_down(engine, "survived")
    engine.process.kill()  # and left as a zombie: its lock file names a process that still seems to be there
    with running_engine(folder=folder, options=FAST) as again:
        assert _ask(again, "SELECT word FROM words") == "survived"
    engine.process.wait()


def test_server_that_refuses_our_password_is_ended_and_taken_over(folder: Path) -> None:
    first = start_engine(folder=folder, options=FAST)
    assert first.process is not None
    _ask(first, "SELECT count(*) FROM pg_roles")
    with psycopg.connect(first.url(login="postgres")) as connection:
        connection.execute("ALTER ROLE moorage_app PASSWORD 'another'")
    with running_engine(folder=folder, options=FAST) as second:
        assert first.process.wait(timeout=20) == 0
        assert second.process is not None
        psycopg.connect(second.url()).close()


def test_stale_lock_file_that_names_a_stranger_harms_nobody(folder: Path) -> None:
    start_engine(folder=folder, options=FAST).stop()
    prefix = unprivileged(must_reach=(folder,))
    assert prefix is not None
    stranger = start_process((*prefix, "sleep", "600"), log=folder / "stranger.log")  # the server's own user
    try:
        (folder / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n{folder / 'data'}\n")
        with running_engine(folder=folder, options=FAST) as engine:
            assert _ask(engine, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("name", ["x" * 200, "a folder, with 'odd' letters 码头"])
def test_folder_whose_path_no_socket_could_have_serves_all_the_same(tmp_path: Path, name: str) -> None:
    with running_engine(folder=tmp_path / name, options=FAST) as engine:
        assert _ask(engine, "SELECT 1") == 1
        assert stat.S_IMODE(engine.sockets.stat().st_mode) == 0o700
    engine.sockets.rmdir()


def test_data_of_another_major_version_names_the_command_that_mends_it(folder: Path) -> None:
    start_engine(folder=folder, options=FAST).stop()
    (folder / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(OtherMajorVersion, match="run `moorage admin upgrade-database`"):
        start_engine(folder=folder)


def test_exchanged_cluster_is_noticed(folder: Path, tmp_path: Path) -> None:
    start_engine(folder=folder, options=FAST).stop()
    start_engine(folder=tmp_path / "other", options=FAST).stop()
    (folder / "data").rename(tmp_path / "away")
    (tmp_path / "other" / "data").rename(folder / "data")
    with pytest.raises(EngineUnavailable, match="is not the database"):
        start_engine(folder=folder)
    record = json.loads((folder / "record.json").read_text())
    assert record["major"] == int((folder / "data" / "PG_VERSION").read_text())


def test_half_made_cluster_of_an_interrupted_first_start_is_made_anew(folder: Path) -> None:
    (folder / "data.new" / "base").mkdir(parents=True)
    (folder / "password.new").write_text("left behind")
    with running_engine(folder=folder, options=FAST) as engine:
        assert _ask(engine, "SELECT 1") == 1
    assert not (folder / "data.new").exists()


def test_data_without_its_passwords_is_refused_in_one_sentence(folder: Path) -> None:
    start_engine(folder=folder, options=FAST).stop()
    (folder / "logins.json").unlink()
    with pytest.raises(EngineUnavailable, match="restore it"):
        start_engine(folder=folder)


def test_server_that_cannot_start_is_quoted(folder: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no_such_setting"):
        start_engine(folder=folder, options={"no_such_setting": "1"})


def test_server_never_has_the_rights_of_root(folder: Path) -> None:
    with running_engine(folder=folder, options=FAST) as engine:
        assert engine.process is not None
        assert Path(f"/proc/{engine.process.pid}").stat().st_uid != 0
