"""Founding a workspace and letting people into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from moorage.core.errors import DomainError, Malformed, Missing
from moorage.core.ids import AgentId, GroupId, PersonId, WorkspaceId, new_id
from moorage.infra.audit import write_audit
from moorage.infra.database import Database, Tx
from moorage.staff.model import Locale, Role, normalise_email
from moorage.staff.passwords import Passwords
from moorage.staff.queries import default_group, read_agent
from moorage.staff.views import agent_changed

DEFAULT_GROUP_NAMES: dict[Locale, str] = {"zh-CN": "默认技能组", "en": "Default group"}


@dataclass(eq=False)
class EmailTaken(DomainError):
    """Somebody signs in with this address already."""

    code: ClassVar[str] = "staff.email_taken"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class AlreadyMember(DomainError):
    """The person is an agent of this workspace already."""

    code: ClassVar[str] = "staff.already_member"
    kind: ClassVar[str] = "conflict"


@dataclass(frozen=True, slots=True)
class _Key:
    id: PersonId


async def create_workspace(
    database: Database, *, name: str, locale: Locale = "zh-CN", time_zone: str = "Asia/Shanghai"
) -> WorkspaceId:
    """Found a workspace, with the counter of its event log and its default skill group, and return its id."""
    workspace_id = WorkspaceId(new_id())
    async with database.in_workspace(workspace_id) as tx:
        await tx.execute(
            "INSERT INTO workspaces (id, name, locale, time_zone, created_at) VALUES (%s, %s, %s, %s, %s)",
            [workspace_id, name, locale, time_zone, tx.now],
        )
        await tx.execute("INSERT INTO event_counters (workspace_id, epoch) VALUES (%s, %s)", [workspace_id, new_id()])
        await tx.execute(
            "INSERT INTO skill_groups (workspace_id, id, name, is_default, created_at) VALUES (%s, %s, %s, true, %s)",
            [workspace_id, new_id(), DEFAULT_GROUP_NAMES[locale], tx.now],
        )
    return workspace_id


async def add_person(
    database: Database, passwords: Passwords, *, email: str, name: str, password: str, locale: Locale | None = None
) -> PersonId:
    """Let somebody sign in with `email` and `password` and return their id. They belong to no workspace yet.

    Raises EmailTaken, UnfitPassword, SignInBusy, or Malformed for an address that mail cannot reach.
    """
    address = normalise_email(email)
    if address is None:
        raise Malformed(field="email", reason="not an e-mail address")
    password_hash = await passwords.hash(password)
    person_id = PersonId(new_id())
    async with database.in_platform() as tx:
        added = await tx.execute(
            """
            INSERT INTO persons (id, email, name, password_hash, locale, created_at) VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (email) DO NOTHING
            """,
            [person_id, address, name, password_hash, locale, tx.now],
        )
        if not added:
            raise EmailTaken
    return person_id


async def set_password(database: Database, passwords: Passwords, *, email: str, password: str) -> None:
    """Give a person a new password and end their sessions. Raises Missing, UnfitPassword or SignInBusy."""
    password_hash = await passwords.hash(password)
    async with database.in_platform() as tx:
        person_id = await find_person(tx, email=email)
        if person_id is None:
            raise Missing(what="person")
        await tx.execute("UPDATE persons SET password_hash = %s WHERE id = %s", [password_hash, person_id])
        await tx.execute(
            "UPDATE sessions SET ended_at = %s WHERE person_id = %s AND ended_at IS NULL", [tx.now, person_id]
        )


async def find_person(tx: Tx, *, email: str) -> PersonId | None:
    """Return who signs in with `email`, if anybody does."""
    found = await tx.row(_Key, "SELECT id FROM persons WHERE email = %s", [normalise_email(email)])
    return found.id if found else None


async def add_agent(
    tx: Tx,
    *,
    person_id: PersonId,
    name: str,
    role: Role,
    group_ids: Sequence[GroupId] | None = None,
    most_conversations: int = 10,
    by: PersonId | None = None,
    remote_address: str = "local",
) -> AgentId:
    """Make a person an agent of this workspace, in `group_ids` or else in the default group. Raises AlreadyMember.

    `by` is who lets them in, and None for the command line.
    """
    agent_id = AgentId(new_id())
    added = await tx.execute(
        """
        INSERT INTO agents
               (workspace_id, id, person_id, name, role, most_conversations, created_at, disconnected_at)
        VALUES (%(workspace_id)s, %(id)s, %(person_id)s, %(name)s, %(role)s, %(most)s, %(now)s, %(now)s)
        ON CONFLICT (workspace_id, person_id) DO NOTHING
        """,
        {
            "workspace_id": tx.workspace_id,
            "id": agent_id,
            "person_id": person_id,
            "name": name,
            "role": role,
            "most": most_conversations,
            "now": tx.now,
        },
    )
    if not added:
        raise AlreadyMember
    await tx.execute(
        "INSERT INTO memberships (person_id, workspace_id, agent_id, since) VALUES (%s, %s, %s, %s)",
        [person_id, tx.workspace_id, agent_id, tx.now],
    )
    for group_id in [await default_group(tx)] if group_ids is None else group_ids:
        await _join_group(tx, agent_id=agent_id, group_id=group_id)
    tx.record(agent_changed(await read_agent(tx, agent_id=agent_id)))
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act="staff.agent_added",
        object_kind="agent",
        object_id=agent_id,
        after={"person_id": str(person_id), "role": role},
    )
    return agent_id


async def add_operator(tx: Tx, *, person_id: PersonId) -> None:
    """Let a person run the installation. For a platform transaction; doing it twice changes nothing."""
    await tx.execute(
        "INSERT INTO operators (person_id, since) VALUES (%s, %s) ON CONFLICT (person_id) DO NOTHING",
        [person_id, tx.now],
    )


async def _join_group(tx: Tx, *, agent_id: AgentId, group_id: GroupId) -> None:
    await tx.execute(
        "INSERT INTO skill_group_members (workspace_id, group_id, agent_id) VALUES (%s, %s, %s)",
        [tx.workspace_id, group_id, agent_id],
    )
