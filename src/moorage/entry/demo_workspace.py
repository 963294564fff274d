"""The demo's company: one owner, two agents, nothing docked yet."""

from pathlib import Path

from moorage.core.ids import PersonId, WorkspaceId
from moorage.entry.container import Container, open_container
from moorage.entry.demo_record import DemoRecord, SignIn, keep_record
from moorage.infra.database import Tx
from moorage.infra.settings import Settings
from moorage.staff.model import Role
from moorage.staff.operations import (
    AlreadyMember,
    EmailTaken,
    add_agent,
    add_operator,
    add_person,
    create_workspace,
    find_person,
)

WORKSPACE_NAME = "码头茶馆 Harbour Tea"
OWNER_NAME = "陈晓"
AGENT_NAMES = ("林悦", "王浩")


async def build_demo_workspace(settings: Settings, *, data_dir: Path, record: DemoRecord) -> DemoRecord:
    """See to it that the workspace and everybody in `record` exist, and return the record with the workspace's id.

    Doing it again adds nothing; an interrupted run is completed. Raises EmailTaken where the database knows these
    people from a demo whose folder, and with it their passwords, is gone.
    """
    async with open_container(settings) as parts:
        workspace_id = WorkspaceId(record.workspace_id) if record.workspace_id is not None else None
        if workspace_id is None or not await _exists(parts, workspace_id):
            await _refuse_strangers(parts, record)
            workspace_id = await create_workspace(parts.database, name=WORKSPACE_NAME)
            record = keep_record(data_dir, record.model_copy(update={"workspace_id": workspace_id}))
        owner_id = await _member(parts, workspace_id, sign_in=record.owner, name=OWNER_NAME, role="owner")
        async with parts.database.in_platform() as tx:
            await add_operator(tx, person_id=owner_id)
        for sign_in, name in zip(record.agents, AGENT_NAMES, strict=True):
            await _member(parts, workspace_id, sign_in=sign_in, name=name, role="agent")
    return record


async def _exists(parts: Container, workspace_id: WorkspaceId) -> bool:
    async with parts.database.in_platform() as tx:
        return bool(await tx.value("SELECT EXISTS (SELECT FROM workspaces WHERE id = %s)", [workspace_id]))


async def _refuse_strangers(parts: Container, record: DemoRecord) -> None:
    async with parts.database.in_platform() as tx:
        if await find_person(tx, email=record.owner.email) is not None:
            raise EmailTaken


async def _member(parts: Container, workspace_id: WorkspaceId, *, sign_in: SignIn, name: str, role: Role) -> PersonId:
    async with parts.database.in_platform() as tx:
        person_id = await find_person(tx, email=sign_in.email)
    if person_id is None:
        person_id = await add_person(
            parts.database, parts.passwords, email=sign_in.email, name=name, password=sign_in.password
        )
    member_id = person_id

    async def join(tx: Tx) -> None:
        await add_agent(tx, person_id=member_id, name=name, role=role)

    try:
        await parts.database.run(workspace_id, join)
    except AlreadyMember:
        return person_id
    return person_id
