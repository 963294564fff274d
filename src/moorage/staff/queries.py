"""Reads about staff."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, LiteralString

from moorage.core.errors import Malformed, Missing
from moorage.core.ids import AgentId, GroupId, WorkspaceId
from moorage.infra.database import Tx
from moorage.staff.model import Agent, Group, Span

_AGENTS: Final[LiteralString] = """
  SELECT id, person_id, name, role, status, coalesce(connected_until > %(now)s, false) AS connected,
         away, open_conversations, most_conversations, version
  FROM agents WHERE workspace_id = %(workspace_id)s
"""


@dataclass(frozen=True, slots=True)
class _Name:
    id: AgentId
    name: str


@dataclass(frozen=True, slots=True)
class _Workspace:
    id: WorkspaceId


async def find_workspace(tx: Tx, *, name: str) -> WorkspaceId:
    """Return the workspace of this name; `tx` is a platform transaction. Raises Missing, or Malformed for several."""
    found = await tx.rows(_Workspace, "SELECT id FROM workspaces WHERE name = %s LIMIT 2", [name])
    if not found:
        raise Missing(what="workspace")
    if len(found) > 1:
        raise Malformed(field="workspace", reason="several workspaces have this name")
    return found[0].id


async def list_agents(tx: Tx) -> list[Agent]:
    """Return everybody who answers in this workspace, by name."""
    return await tx.rows(
        Agent,
        _AGENTS + "ORDER BY name, id",
        {"now": tx.now, "workspace_id": tx.workspace_id},
    )


async def read_agent(tx: Tx, *, agent_id: AgentId) -> Agent:
    """Return one agent. Raises Missing."""
    agent = await tx.row(
        Agent,
        _AGENTS + "AND id = %(id)s",
        {"now": tx.now, "workspace_id": tx.workspace_id, "id": agent_id},
    )
    if agent is None:
        raise Missing(what="agent")
    return agent


async def agent_names(tx: Tx, *, agent_ids: Iterable[AgentId]) -> dict[AgentId, str]:
    """Return the names of those of `agent_ids` that exist."""
    names = await tx.rows(
        _Name,
        "SELECT id, name FROM agents WHERE workspace_id = %s AND id = ANY(%s)",
        [tx.workspace_id, list(agent_ids)],
    )
    return {name.id: name.name for name in names}


async def list_groups(tx: Tx) -> list[Group]:
    """Return the skill groups of this workspace, the default one first."""
    return await tx.rows(
        Group,
        "SELECT id, name, is_default FROM skill_groups WHERE workspace_id = %s ORDER BY is_default DESC, name, id",
        [tx.workspace_id],
    )


async def find_group(tx: Tx, *, group_id: GroupId) -> GroupId | None:
    """Return `group_id` if there is such a skill group, else None."""
    groups = await list_groups(tx)
    return next((group.id for group in groups if group.id == group_id), None)


async def default_group(tx: Tx) -> GroupId:
    """Return the group that takes what no other is named for. Every workspace has exactly one."""
    groups = await list_groups(tx)
    if not groups or not groups[0].is_default:
        raise Missing(what="default skill group")
    return groups[0].id


async def list_spans(tx: Tx, *, agent_id: AgentId) -> list[Span]:
    """Return an agent's stretches of status and connection, oldest first."""
    return await tx.rows(
        Span,
        """
        SELECT kind, value, started_at, ended_at FROM agent_status_spans
        WHERE workspace_id = %s AND agent_id = %s ORDER BY started_at, id
        """,
        [tx.workspace_id, agent_id],
    )
