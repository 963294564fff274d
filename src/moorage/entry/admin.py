"""`moorage admin`: what an operator does by hand."""

import asyncio
import base64
import os
from pathlib import Path
from typing import Annotated

import typer

from moorage.core.ids import PersonId, WorkspaceId
from moorage.entry.container import Container, open_container
from moorage.infra.database import Tx
from moorage.infra.embedded import bundled_binaries
from moorage.infra.events import begin_new_epochs
from moorage.infra.postgres_upgrade import upgrade_cluster
from moorage.infra.secrets import KEY_BYTES
from moorage.infra.settings import Settings
from moorage.staff.model import Locale, Role
from moorage.staff.operations import add_agent, add_operator, add_person, create_workspace
from moorage.staff.operations import set_password as give_password
from moorage.staff.queries import find_workspace

app = typer.Typer(help="People, keys, and what follows an upgrade or a restore.", no_args_is_help=True)


@app.command()
def make_keys() -> None:
    """Print a new key for MOORAGE_SECRET_KEYS. To exchange a key, put the new one before the old ones."""
    print(base64.b64encode(os.urandom(KEY_BYTES)).decode())


@app.command()
def create_owner(
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="How colleagues and customers see them.")],
    workspace: Annotated[str, typer.Option(help="The name of the company.")],
    password: Annotated[
        str,
        typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="MOORAGE_OWNER_PASSWORD"),
    ],
    locale: Annotated[Locale, typer.Option(help="The language customers are greeted in.")] = "zh-CN",
) -> None:
    """Found a workspace with its owner, who also becomes an operator of this installation."""
    asyncio.run(_create_owner(email=email, name=name, workspace=workspace, password=password, locale=locale))
    print(f"{email} owns {workspace}.")


@app.command()
def add_colleague(
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="How colleagues and customers see them.")],
    workspace: Annotated[str, typer.Option(help="The name of the company.")],
    password: Annotated[
        str,
        typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="MOORAGE_COLLEAGUE_PASSWORD"),
    ],
    role: Annotated[Role, typer.Option(help="What they may do.")] = "agent",
) -> None:
    """Let somebody sign in and answer customers of a workspace."""
    asyncio.run(_add_colleague(email=email, name=name, workspace=workspace, password=password, role=role))
    print(f"{email} works for {workspace} as {role}.")


@app.command()
def set_password(
    email: Annotated[str, typer.Option(help="The address they sign in with.")],
    password: Annotated[
        str,
        typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="MOORAGE_NEW_PASSWORD"),
    ],
) -> None:
    """Give a person a new password. Whoever is signed in as them is signed out."""
    asyncio.run(_set_password(email=email, password=password))
    print(f"{email} has a new password.")


@app.command()
def after_restore() -> None:
    """Tell open browsers to read everything anew. Run it once after a database has been restored from a backup."""
    print(f"Workspaces that begin a new count of events: {asyncio.run(_after_restore())}.")


@app.command()
def upgrade_database(
    old_binaries: Annotated[
        Path, typer.Option(help="The `bin` folder of the PostgreSQL that wrote the data, of its major version.")
    ],
    data_dir: Annotated[Path | None, typer.Option(help="Default: MOORAGE_DATA_DIR.")] = None,
) -> None:
    """Carry the embedded database over to this version's PostgreSQL. The old data stays beside the new."""
    folder = (data_dir or Settings().data_dir) / "postgres"
    kept = upgrade_cluster(folder=folder, old_binaries=old_binaries, new_binaries=bundled_binaries())
    print(f"Done. The old data is in {kept}: remove it once you are content.")


async def _create_owner(*, email: str, name: str, workspace: str, password: str, locale: Locale) -> None:
    async with open_container(Settings()) as parts:
        person_id = await add_person(parts.database, parts.passwords, email=email, name=name, password=password)
        workspace_id = await create_workspace(parts.database, name=workspace, locale=locale)
        await _make_owner(parts, workspace_id=workspace_id, person_id=person_id, name=name)


async def _make_owner(parts: Container, *, workspace_id: WorkspaceId, person_id: PersonId, name: str) -> None:
    async def join(tx: Tx) -> None:
        await add_agent(tx, person_id=person_id, name=name, role="owner")

    await parts.database.run(workspace_id, join)
    async with parts.database.in_platform() as tx:
        await add_operator(tx, person_id=person_id)


async def _add_colleague(*, email: str, name: str, workspace: str, password: str, role: Role) -> None:
    async with open_container(Settings()) as parts:
        async with parts.database.in_platform() as tx:
            workspace_id = await find_workspace(tx, name=workspace)
        person_id = await add_person(parts.database, parts.passwords, email=email, name=name, password=password)

        async def join(tx: Tx) -> None:
            await add_agent(tx, person_id=person_id, name=name, role=role)

        await parts.database.run(workspace_id, join)


async def _set_password(*, email: str, password: str) -> None:
    async with open_container(Settings()) as parts:
        await give_password(parts.database, parts.passwords, email=email, password=password)


async def _after_restore() -> int:
    async with open_container(Settings()) as parts:
        return await begin_new_epochs(parts.database)
