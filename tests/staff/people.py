"""Builders of people: they set only what a test is about."""

import secrets
from dataclasses import dataclass

from argon2 import PasswordHasher

from moorage.core.ids import AgentId, GroupId, PersonId, WorkspaceId, new_id
from moorage.infra.database import Database, Tx
from moorage.staff.model import Agent, Role
from moorage.staff.operations import add_agent, add_person
from moorage.staff.passwords import Passwords
from moorage.staff.presence import agent_seen, set_status
from moorage.staff.queries import read_agent
from moorage.staff.sessions import NewSession
from moorage.staff.sign_in import sign_in


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who can sign in, and what they are in one workspace."""

    company: WorkspaceId
    person_id: PersonId
    agent_id: AgentId
    email: str
    password: str


def quick_hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def an_address() -> str:
    """Return an IPv4 address nobody else tries from: the tests of a module share the table of tries."""
    return ".".join(str(part) for part in (10, *secrets.token_bytes(3)))


async def a_colleague(
    database: Database,
    passwords: Passwords,
    *,
    company: WorkspaceId,
    role: Role = "agent",
    name: str = "Anna",
    most_conversations: int = 10,
) -> Colleague:
    email, password = f"{secrets.token_hex(8)}@example.org", secrets.token_urlsafe(12)
    person_id = await add_person(database, passwords, email=email, name=name, password=password)
    async with database.in_workspace(company) as tx:
        agent_id = await add_agent(tx, person_id=person_id, name=name, role=role, most_conversations=most_conversations)
    return Colleague(company=company, person_id=person_id, agent_id=agent_id, email=email, password=password)


async def a_group(tx: Tx, *, name: str) -> GroupId:
    """Return a skill group that nobody is in."""
    group_id = GroupId(new_id())
    await tx.execute(
        "INSERT INTO skill_groups (workspace_id, id, name, created_at) VALUES (%s, %s, %s, %s)",
        [tx.workspace_id, group_id, name, tx.now],
    )
    return group_id


async def at_work(database: Database, colleague: Colleague) -> None:
    """Put somebody online, with a workbench that has just been heard from."""
    async with database.in_workspace(colleague.company) as tx:
        await set_status(tx, agent_id=colleague.agent_id, status="online")
        await agent_seen(tx, agent_id=colleague.agent_id)


async def as_now(database: Database, colleague: Colleague) -> Agent:
    async with database.in_workspace(colleague.company) as tx:
        return await read_agent(tx, agent_id=colleague.agent_id)


async def signs_in(
    database: Database,
    passwords: Passwords,
    colleague: Colleague,
    *,
    password: str | None = None,
    remote_address: str | None = None,
) -> NewSession:
    return await sign_in(
        database,
        passwords,
        email=colleague.email,
        password=colleague.password if password is None else password,
        remote_address=remote_address or an_address(),
        user_agent="a browser",
    )


async def topics(tx: Tx) -> list[str]:
    """Return the topics of the workspace's event log, in order."""
    found = await tx.value("SELECT coalesce(array_agg(topic ORDER BY seq), '{}') FROM event_log")
    assert isinstance(found, list)
    return [str(topic) for topic in found]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- an array of text
