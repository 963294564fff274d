"""Carrying an embedded cluster over to another major version of PostgreSQL."""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from moorage.core.errors import DomainError
from moorage.infra.embedded import DATABASE, Engine, running_engine
from moorage.infra.postgres_cluster import EngineUnavailable, major_of
from moorage.infra.postgres_process import run_tool


@dataclass(eq=False)
class NothingToUpgrade(DomainError):
    """There is no cluster, or it is of the present version already."""

    code: ClassVar[str] = "infra.nothing_to_upgrade"
    folder: str
    present: int

    def __str__(self) -> str:
        return f"{self.folder} holds no data of another version than PostgreSQL {self.present}: nothing to do."


def upgrade_cluster(*, folder: Path, old_binaries: Path, new_binaries: Path) -> Path:
    """Replace the cluster in `folder` by a copy that `new_binaries` can run, and return where the old one is kept.

    Nothing is touched before the copy is complete, so an interrupted upgrade is simply run again. The old binaries
    must be of the major version that wrote the data. Raises NothingToUpgrade or EngineUnavailable.
    """
    folder = folder.resolve()
    present, version_file = major_of(new_binaries), folder / "data" / "PG_VERSION"
    if not version_file.exists() or int(version_file.read_text()) == present:
        raise NothingToUpgrade(folder=str(folder), present=present)
    return copy_cluster(folder=folder, old_binaries=old_binaries, new_binaries=new_binaries)


def copy_cluster(*, folder: Path, old_binaries: Path, new_binaries: Path) -> Path:
    """Do the work of `upgrade_cluster`, whatever the two versions are."""
    draft = folder.with_name(f"{folder.name}.upgrading")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    shutil.copy2(folder / "logins.json", draft / "logins.json")
    with ExitStack() as engines:
        old = engines.enter_context(running_engine(folder=folder, binaries=old_binaries))
        new = engines.enter_context(running_engine(folder=draft, binaries=new_binaries))
        _copy_database(old=old, new=new, binaries=new_binaries, draft=draft)
    kept = folder / f"data.{(folder / 'data' / 'PG_VERSION').read_text().strip()}"
    (folder / "data").rename(kept)
    (draft / "data").rename(folder / "data")
    (draft / "record.json").replace(folder / "record.json")
    shutil.rmtree(draft)
    return kept


def _copy_database(*, old: Engine, new: Engine, binaries: Path, draft: Path) -> None:
    """Dump with the new version's tools, as PostgreSQL advises, and restore with owners and rights as they were."""
    dump = draft / "database.dump"
    _run(binaries / "pg_dump", "--format=custom", f"--file={dump}", engine=old)
    _run(binaries / "pg_restore", "--exit-on-error", "--clean", "--if-exists", str(dump), engine=new)


def _run(tool: Path, *arguments: str, engine: Engine) -> None:
    where = (f"--host={engine.sockets}", "--username=postgres", f"--dbname={DATABASE}", "--no-password")
    done = run_tool((str(tool), *where, *arguments), password=engine.passwords["postgres"])
    if done.returncode != 0:
        raise EngineUnavailable(reason=f"{tool.name} failed:\n{done.stdout[-2000:]}")
