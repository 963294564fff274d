"""Carrying the embedded database over to another major version."""

from pathlib import Path

import psycopg
import pytest

from moorage.infra.embedded import bundled_binaries, running_engine, start_engine
from moorage.infra.migrate import migrate
from moorage.infra.postgres_upgrade import NothingToUpgrade, copy_cluster, upgrade_cluster

pytestmark = pytest.mark.server


def test_copied_cluster_has_the_rows_rights_and_passwords_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    with running_engine(folder=folder) as engine:
        migrate(url=engine.url(login="moorage_owner"))
        with psycopg.connect(engine.url(login="moorage_owner")) as connection:
            connection.execute("CREATE TABLE words (word text)")
            connection.execute("INSERT INTO words VALUES ('茶')")
    kept = copy_cluster(folder=folder, old_binaries=bundled_binaries(), new_binaries=bundled_binaries())
    assert (kept / "PG_VERSION").exists()
    with running_engine(folder=folder) as copied:
        with psycopg.connect(copied.url(login="moorage_owner")) as connection:
            assert connection.execute("SELECT word FROM words").fetchone() == ("茶",)
        with psycopg.connect(copied.url()) as connection:
            assert connection.execute("SELECT count(*) FROM persons").fetchone() == (0,)
            with pytest.raises(psycopg.errors.UndefinedObject, match="workspace_id"):
                connection.execute("SELECT count(*) FROM agents")  # the policies came along
        assert copied.passwords == engine.passwords
        migrate(url=copied.url(login="moorage_owner"))
    assert not (tmp_path / "postgres.upgrading").exists()


def test_cluster_of_this_version_or_none_at_all_needs_no_upgrade(tmp_path: Path) -> None:
    binaries = bundled_binaries()
    with pytest.raises(NothingToUpgrade, match="nothing to do"):
        upgrade_cluster(folder=tmp_path / "none", old_binaries=binaries, new_binaries=binaries)
    start_engine(folder=tmp_path / "postgres").stop()
    with pytest.raises(NothingToUpgrade):
        upgrade_cluster(folder=tmp_path / "postgres", old_binaries=binaries, new_binaries=binaries)
