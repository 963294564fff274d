"""The command line: what it prints, and how it says what is wrong."""

import base64
import json
from pathlib import Path

import psycopg
import pytest

from tests.entry.commands import moorage
from tests.postgres import Server

pytestmark = pytest.mark.server

KEY = base64.b64encode(bytes(32)).decode()


async def test_serve_and_work_without_a_database_say_which_setting_is_missing() -> None:
    for command in ("serve", "work"):
        status, _, err = await moorage(command)
        assert status == 1
        assert err.startswith("moorage: MOORAGE_DATABASE_URL is not set.")
        assert err.count("\n") == 1


async def test_serve_and_work_refuse_to_move_the_clock(tmp_path: Path) -> None:
    for command in ("serve", "work"):
        status, _, err = await moorage(command, environment={"MOORAGE_CLOCK_FILE": str(tmp_path / "clock")})
        assert status == 1
        assert "moves the clock" in err


async def test_unusable_setting_ends_with_status_2_and_its_name() -> None:
    status, _, err = await moorage("serve", environment={"MOORAGE_PORT": "harbour"})
    assert status == 2
    assert "port" in err
    assert "Traceback" not in err


async def test_openapi_needs_no_settings_and_describes_the_api() -> None:
    status, out, _ = await moorage("openapi")
    assert status == 0
    assert "/api/session" in json.loads(out)["paths"]


async def test_made_key_has_the_right_length() -> None:
    assert len(base64.b64decode((await moorage("admin", "make-keys"))[1], validate=False)) == 32


async def test_sandbox_command_hands_its_options_on() -> None:
    status, out, _ = await moorage("sandbox", "--help")
    assert status == 0
    assert "--state-file" in out


async def test_first_owner_is_made_once_and_the_second_time_refused(
    postgres: Server, database_name: str, database_url: str, owner_url: str
) -> None:
    environment = {
        "MOORAGE_DATABASE_URL": database_url,
        "MOORAGE_MIGRATION_DATABASE_URL": owner_url,
        "MOORAGE_SECRET_KEYS": KEY,
        "MOORAGE_OWNER_PASSWORD": "a long enough one",
    }
    assert (await moorage("migrate", environment=environment))[1].startswith("The schema is at 00")
    command = ("admin", "create-owner", "--email", "Ann@harbour.test", "--name", "Ann", "--workspace", "Harbour Tea")
    status, out, err = await moorage(*command, environment=environment)
    assert (status, out) == (0, "Ann@harbour.test owns Harbour Tea.\n"), err
    with psycopg.connect(postgres.url(database=database_name, login="postgres")) as connection:
        roles = connection.execute("SELECT role FROM agents").fetchall()
        operators = connection.execute("SELECT count(*) FROM operators").fetchone()
    assert (roles, operators) == ([("owner",)], (1,))
    status, _, err = await moorage(*command, environment=environment)
    assert (status, err) == (1, "moorage: Somebody signs in with this address already.\n")


async def test_colleague_is_added_and_gets_another_password(
    database_url: str, owner_url: str, postgres: Server, database_name: str
) -> None:
    environment = {
        "MOORAGE_DATABASE_URL": database_url,
        "MOORAGE_MIGRATION_DATABASE_URL": owner_url,
        "MOORAGE_SECRET_KEYS": KEY,
        "MOORAGE_OWNER_PASSWORD": "a long enough one",
        "MOORAGE_COLLEAGUE_PASSWORD": "another long one",
        "MOORAGE_NEW_PASSWORD": "a third long one",
    }
    owner = ("--email", "bo@harbour.test", "--name", "Bo", "--workspace", "Second Tea")
    assert (await moorage("admin", "create-owner", *owner, environment=environment))[0] == 0
    colleague = ("--email", "cy@harbour.test", "--name", "Cy", "--workspace")
    status, _, err = await moorage("admin", "add-colleague", *colleague, "No Tea", environment=environment)
    assert (status, err) == (
        1,
        "moorage: There is no such object, or the person may not know of it. (what: workspace)\n",
    )
    assert (await moorage("admin", "add-colleague", *colleague, "Second Tea", environment=environment))[0] == 0
    before = _password_hash(postgres, database_name)
    changed = await moorage("admin", "set-password", "--email", "cy@harbour.test", environment=environment)
    assert changed[0] == 0, changed[2]
    assert _password_hash(postgres, database_name) != before


async def test_new_epochs_begin_after_a_restore(database_url: str, postgres: Server, database_name: str) -> None:
    environment = {"MOORAGE_DATABASE_URL": database_url, "MOORAGE_SECRET_KEYS": KEY}
    before = _epochs(postgres, database_name)
    status, out, err = await moorage("admin", "after-restore", environment=environment)
    assert (status, out) == (0, f"Workspaces that begin a new count of events: {len(before)}.\n"), err
    assert not before & _epochs(postgres, database_name)


def _password_hash(postgres: Server, database_name: str) -> str:
    with psycopg.connect(postgres.url(database=database_name, login="postgres")) as connection:
        found = connection.execute("SELECT password_hash FROM persons WHERE email = 'cy@harbour.test'").fetchone()
    assert found is not None
    return str(found[0])


def _epochs(postgres: Server, database_name: str) -> set[str]:
    with psycopg.connect(postgres.url(database=database_name, login="postgres")) as connection:
        return {str(row[0]) for row in connection.execute("SELECT epoch FROM event_counters").fetchall()}


async def test_serve_names_the_unsafe_login_instead_of_starting(owner_url: str) -> None:
    environment = {"MOORAGE_DATABASE_URL": owner_url, "MOORAGE_SECRET_KEYS": KEY, "MOORAGE_PORT": "0"}
    status, _, err = await moorage("serve", environment=environment)
    assert status == 1
    assert "moorage_owner" in err
    assert "Traceback" not in err
