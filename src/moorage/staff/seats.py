"""Seats: how many conversations each agent has, and who may be given one more.

The row of the agent is the lock. Threads and conversations are locked before seats, budgets after them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from moorage.core.errors import Missing
from moorage.core.ids import AgentId, GroupId
from moorage.infra.database import Tx
from moorage.staff.events import AgentAvailable
from moorage.staff.model import Agent
from moorage.staff.views import agent_changed

_TAKE: Final[LiteralString] = """
  UPDATE agents SET
    open_conversations = open_conversations + 1, last_assigned_at = %(now)s, idle_since = NULL, version = version + 1
  WHERE workspace_id = %(workspace_id)s AND id =
"""
_IF_UNTOUCHED: Final[LiteralString] = """
  (SELECT id FROM agents
   WHERE workspace_id = %(workspace_id)s AND id = %(id)s
     AND status = 'online' AND connected_until > %(now)s AND open_conversations < most_conversations
     AND open_conversations = %(open)s
   FOR NO KEY UPDATE SKIP LOCKED)
"""
_RETURNED: Final[LiteralString] = """
  RETURNING id, person_id, name, role, status, coalesce(connected_until > %(now)s, false) AS connected,
            away, open_conversations, most_conversations, version
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent who can take a conversation, with what a choice among several needs.

    `idle_since` is when they came to have no conversation, or came online without one; None while they have any.
    """

    agent_id: AgentId
    open: int
    most: int
    idle_since: datetime | None
    last_assigned_at: datetime | None


async def eligible_agents(tx: Tx, *, group_id: GroupId) -> list[Candidate]:
    """Return, without locking, the agents of a group who are online, connected and below their cap."""
    return await tx.rows(
        Candidate,
        """
        SELECT a.id AS agent_id, a.open_conversations AS open, a.most_conversations AS most, a.idle_since,
               a.last_assigned_at
        FROM skill_group_members m JOIN agents a ON a.workspace_id = m.workspace_id AND a.id = m.agent_id
        WHERE m.workspace_id = %s AND m.group_id = %s
          AND a.status = 'online' AND a.connected_until > %s AND a.open_conversations < a.most_conversations
        ORDER BY a.id
        """,
        [tx.workspace_id, group_id, tx.now],
    )


async def take_seat(tx: Tx, *, agent_id: AgentId) -> bool:
    """Take one seat of an agent who is online, connected and below their cap; False if they are not, or no longer.

    The conditions stand in the one statement that takes it, so two customers never get the last seat.
    """
    agent = await tx.row(
        Agent,
        _TAKE
        + """
        %(id)s
          AND status = 'online' AND connected_until > %(now)s AND open_conversations < most_conversations
        """
        + _RETURNED,
        {"now": tx.now, "workspace_id": tx.workspace_id, "id": agent_id},
    )
    if agent is None:
        return False
    tx.record(agent_changed(agent))
    return True


async def take_untouched_seat(tx: Tx, *, candidate: Candidate) -> bool:
    """Take one seat of an agent who is as `candidate` was seen; False if they are not, or somebody holds their row."""
    agent = await tx.row(
        Agent,
        _TAKE + _IF_UNTOUCHED + _RETURNED,
        {"now": tx.now, "workspace_id": tx.workspace_id, "id": candidate.agent_id, "open": candidate.open},
    )
    if agent is None:
        return False
    tx.record(agent_changed(agent))
    return True


async def take_seat_beyond_cap(tx: Tx, *, agent_id: AgentId) -> None:
    """Take a seat for an agent who asks for a conversation themselves: neither cap nor status holds them back."""
    agent = await tx.row(
        Agent,
        _TAKE + "%(id)s" + _RETURNED,
        {"now": tx.now, "workspace_id": tx.workspace_id, "id": agent_id},
    )
    if agent is None:
        raise Missing(what="agent")
    tx.record(agent_changed(agent))


async def release_seat(tx: Tx, *, agent_id: AgentId) -> None:
    """Give back a seat that was taken, and publish that the agent is available if they are.

    Giving back more than was taken breaks a CHECK of the table, so that the defect shows where it is.
    """
    agent = await tx.row(
        Agent,
        """
        UPDATE agents SET
          open_conversations = open_conversations - 1, version = version + 1,
          idle_since = CASE WHEN open_conversations = 1 THEN %(now)s ELSE idle_since END
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s
        """
        + _RETURNED,
        {"now": tx.now, "workspace_id": tx.workspace_id, "id": agent_id},
    )
    if agent is None:
        raise Missing(what="agent")
    tx.record(agent_changed(agent))
    if agent.available:
        tx.publish(AgentAvailable(agent_id=agent.id))
