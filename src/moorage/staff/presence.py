"""Who is there: the status an agent chose, and whether a workbench of theirs is connected.

A workbench's socket says every few seconds that it lives. An agent stays connected for a grace time after the last
word, so that a lost train of packets moves no customer. Both facts are kept as spans, which statistics need.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import structlog

from moorage.core.errors import Missing
from moorage.core.ids import AgentId, WorkspaceId, new_id
from moorage.infra.database import Database, Tx
from moorage.staff.events import AgentAvailable
from moorage.staff.model import Agent, Status
from moorage.staff.queries import read_agent
from moorage.staff.views import agent_changed

log = structlog.get_logger(__name__)

GRACE: Final = timedelta(seconds=45)
CLOSED_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class _Presence:
    status: Status
    connected_until: datetime | None


@dataclass(frozen=True, slots=True)
class _Lost:
    workspace_id: WorkspaceId
    agent_id: AgentId


async def agent_seen(tx: Tx, *, agent_id: AgentId) -> None:
    """Keep an agent connected for the grace time from now on; one statement unless they were not connected."""
    extended = await tx.execute(
        """
        UPDATE agents SET connected_until = greatest(connected_until, %(until)s)
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND connected_until > %(now)s
        """,
        {"until": tx.now + GRACE, "workspace_id": tx.workspace_id, "id": agent_id, "now": tx.now},
    )
    if not extended:
        await _connect(tx, agent_id)


async def agent_gone(tx: Tx, *, agent_id: AgentId) -> None:
    """End an agent's connection now: they left the workbench on purpose. A socket that merely broke is no such case."""
    presence = await _lock(tx, agent_id)
    if presence.connected_until is not None:
        await _disconnect(tx, agent_id, at=min(tx.now, presence.connected_until))


async def set_status(tx: Tx, *, agent_id: AgentId, status: Status) -> Agent:
    """Give an agent a status and return how they are then. Becoming available is published."""
    presence = await _lock(tx, agent_id)
    if presence.status == status:
        return await read_agent(tx, agent_id=agent_id)
    await _end_span(tx, agent_id, "status", at=tx.now)
    await _begin_span(tx, agent_id, "status", status)
    await tx.execute(
        """
        UPDATE agents SET
          status = %(status)s, version = version + 1,
          idle_since = CASE WHEN %(status)s = 'online' AND open_conversations = 0 THEN %(now)s ELSE idle_since END
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s
        """,
        {"status": status, "now": tx.now, "workspace_id": tx.workspace_id, "id": agent_id},
    )
    return await _tell(tx, agent_id)


async def come_online(tx: Tx, *, agent_id: AgentId) -> None:
    """Put an agent who was offline online; who is busy or on a break stays so."""
    presence = await _lock(tx, agent_id)
    if presence.connected_until is None:  # the time until somebody opens the workbench counts from here
        await tx.execute(
            "UPDATE agents SET disconnected_at = %s, away = false WHERE workspace_id = %s AND id = %s",
            [tx.now, tx.workspace_id, agent_id],
        )
    if presence.status == "offline":
        await set_status(tx, agent_id=agent_id, status="online")


async def close_lost_connections(database: Database) -> int:
    """End the connections whose grace time is over, at the instant it was, and return how many. A loop calls this."""
    async with database.as_system() as tx:
        lost = await tx.rows(
            _Lost,
            """
            SELECT workspace_id, id AS agent_id FROM agents
            WHERE connected_until <= %s ORDER BY connected_until LIMIT %s
            """,
            [tx.now, CLOSED_AT_ONCE],
        )
    for one in lost:
        await database.run(one.workspace_id, lambda tx, agent_id=one.agent_id: _close_if_lost(tx, agent_id))
    return len(lost)


async def mark_away(database: Database) -> int:
    """Call agents away who have not been connected for as long as their workspace allows; return how many.

    A loop calls this. What becomes of their customers is reception's.
    """
    async with database.as_system() as tx:
        lost = await tx.rows(
            _Lost,
            """
            SELECT a.workspace_id, a.id AS agent_id FROM agents a JOIN workspaces w ON w.id = a.workspace_id
            WHERE a.disconnected_at <= %s - w.agent_away_minutes * interval '1 minute' AND NOT a.away
            ORDER BY a.disconnected_at LIMIT %s
            """,
            [tx.now, CLOSED_AT_ONCE],
        )
    for one in lost:
        await database.run(one.workspace_id, lambda tx, agent_id=one.agent_id: _go_away(tx, agent_id))
    return len(lost)


async def leave_work(tx: Tx, *, agent_id: AgentId) -> None:
    """Put an agent offline who says that they go: they are not there from now on, without any grace."""
    presence = await _lock(tx, agent_id)
    if presence.connected_until is not None:
        await _disconnect(tx, agent_id, at=min(tx.now, presence.connected_until))
    await set_status(tx, agent_id=agent_id, status="offline")
    await _go_away(tx, agent_id)


async def _go_away(tx: Tx, agent_id: AgentId) -> None:
    gone = await tx.execute(
        """
        UPDATE agents SET away = true, version = version + 1
        WHERE workspace_id = %s AND id = %s AND connected_until IS NULL AND NOT away
        """,
        [tx.workspace_id, agent_id],
    )
    if gone:
        await _tell(tx, agent_id)
        log.info("agent_away", agent_id=str(agent_id))


async def _close_if_lost(tx: Tx, agent_id: AgentId) -> None:
    presence = await _lock(tx, agent_id)
    if presence.connected_until is not None and presence.connected_until <= tx.now:
        await _disconnect(tx, agent_id, at=presence.connected_until)


async def _connect(tx: Tx, agent_id: AgentId) -> None:
    presence = await _lock(tx, agent_id)
    known = presence.connected_until
    if known is not None and known > tx.now:  # another socket of theirs was quicker
        return
    await _end_span(tx, agent_id, "connection", at=known or tx.now)
    await _begin_span(tx, agent_id, "connection", "workbench")
    await tx.execute(
        """
        UPDATE agents SET connected_until = %s, disconnected_at = NULL, away = false, version = version + 1
        WHERE workspace_id = %s AND id = %s
        """,
        [tx.now + GRACE, tx.workspace_id, agent_id],
    )
    await _tell(tx, agent_id)


async def _disconnect(tx: Tx, agent_id: AgentId, *, at: datetime) -> None:
    await _end_span(tx, agent_id, "connection", at=at)
    await tx.execute(
        """
        UPDATE agents SET connected_until = NULL, disconnected_at = %s, version = version + 1
        WHERE workspace_id = %s AND id = %s
        """,
        [at, tx.workspace_id, agent_id],
    )
    await _tell(tx, agent_id)
    log.info("agent_disconnected", agent_id=str(agent_id))


async def _tell(tx: Tx, agent_id: AgentId) -> Agent:
    """Record how an agent is now, publish it if they became available, and return them."""
    agent = await read_agent(tx, agent_id=agent_id)
    tx.record(agent_changed(agent))
    if agent.available:
        tx.publish(AgentAvailable(agent_id=agent.id))
    return agent


async def _lock(tx: Tx, agent_id: AgentId) -> _Presence:
    presence = await tx.row(
        _Presence,
        "SELECT status, connected_until FROM agents WHERE workspace_id = %s AND id = %s FOR UPDATE",
        [tx.workspace_id, agent_id],
    )
    if presence is None:
        raise Missing(what="agent")
    return presence


async def _begin_span(tx: Tx, agent_id: AgentId, kind: Literal["status", "connection"], value: str) -> None:
    await tx.execute(
        """
        INSERT INTO agent_status_spans (workspace_id, id, agent_id, kind, value, started_at)
        VALUES (%s, %s, %s, %s, %s, %s)
        """,
        [tx.workspace_id, new_id(), agent_id, kind, value, tx.now],
    )


async def _end_span(tx: Tx, agent_id: AgentId, kind: Literal["status", "connection"], *, at: datetime) -> None:
    await tx.execute(
        """
        UPDATE agent_status_spans SET ended_at = greatest(started_at, %s)
        WHERE workspace_id = %s AND agent_id = %s AND kind = %s AND ended_at IS NULL
        """,
        [at, tx.workspace_id, agent_id, kind],
    )
