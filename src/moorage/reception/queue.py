"""The queue of a skill group: who waits longest gets the next free seat, and nobody is passed over.

The group's row is the queue's lock, held until the transaction ends. In the order of locks it comes after threads and
conversations, and before seats.

- *Shared* by who takes a free seat while nobody waits, and by who stands behind others. So a crowd comes in at once.
- *Held alone* by who enters an empty queue or its head, by who leaves a queue, and for a moment by who looks whom to
  give a seat.

Why nobody is passed over: to take a seat one must have found the queue empty while sharing it. Somebody who looked in
vain and is about to enter holds the queue alone, or shares it and stands behind somebody who cannot leave meanwhile. In
both cases nobody finds it empty before they stand in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from moorage.conversations.model import FIRST
from moorage.core.ids import AgentId, ConversationId, GroupId, ThreadId, WorkspaceId
from moorage.infra.database import Tx
from moorage.reception.model import AgentFound, NobodyFree
from moorage.reception.routing import seat_for, untouched_seat_for


@dataclass(frozen=True, slots=True)
class Place:
    """A customer's place in a queue."""

    conversation_id: ConversationId
    thread_id: ThreadId
    group_id: GroupId
    queue_priority: int


@dataclass(frozen=True, slots=True)
class WaitingQueue:
    """A queue in which somebody waits."""

    workspace_id: WorkspaceId
    group_id: GroupId


@dataclass(frozen=True, slots=True)
class _Group:
    group_id: GroupId


async def find_agent(
    tx: Tx, *, group_id: GroupId, first: bool = False, preferred: Sequence[AgentId] = ()
) -> AgentFound | NobodyFree:
    """Take a seat for a conversation that is new in the group, unless somebody waits there already.

    Of those, `first` has to wait only for others whose agent left them, too. `preferred` agents are asked first.
    Who has found nobody free holds the queue so that they can enter it.
    """
    if first:
        return await _find_agent_alone(tx, group_id=group_id, first=True, preferred=preferred)
    async with tx.attempt() as attempt:
        await _share_queue(tx, group_id=group_id)
        if await first_in_queue(tx, group_id=group_id) is not None:
            return NobodyFree()
        agent_id = await untouched_seat_for(tx, group_id=group_id, preferred=preferred)
        if agent_id is not None:
            return AgentFound(agent_id)
        # Two who share it would wait for each other if both asked to hold it alone: let go of it first.
        attempt.undo()
    return await _find_agent_alone(tx, group_id=group_id, first=False, preferred=preferred)


async def _find_agent_alone(
    tx: Tx, *, group_id: GroupId, first: bool, preferred: Sequence[AgentId]
) -> AgentFound | NobodyFree:
    await lock_queue(tx, group_id=group_id)
    ahead = await first_in_queue(tx, group_id=group_id)
    if ahead is not None and (not first or ahead.queue_priority == FIRST):
        return NobodyFree()
    agent_id = await seat_for(tx, group_id=group_id, preferred=preferred)
    return NobodyFree() if agent_id is None else AgentFound(agent_id)


async def lock_queue(tx: Tx, *, group_id: GroupId) -> None:
    """Hold the queue of a group alone until the transaction ends."""
    await tx.send(
        "SELECT FROM skill_groups WHERE workspace_id = %s AND id = %s FOR NO KEY UPDATE", [tx.workspace_id, group_id]
    )


async def _share_queue(tx: Tx, *, group_id: GroupId) -> None:
    await tx.send("SELECT FROM skill_groups WHERE workspace_id = %s AND id = %s FOR SHARE", [tx.workspace_id, group_id])


async def first_in_queue(tx: Tx, *, group_id: GroupId) -> Place | None:
    """Return who is next in a group's queue: who was left by their agent, then who has waited longest."""
    return await tx.row(
        Place,
        """
        SELECT id AS conversation_id, thread_id, group_id, queue_priority FROM conversations
        WHERE workspace_id = %s AND group_id = %s AND owner_kind = 'queue'
        ORDER BY queue_priority, queued_at, id LIMIT 1
        """,
        [tx.workspace_id, group_id],
    )


async def groups_of(tx: Tx, *, agent_id: AgentId) -> list[GroupId]:
    """Return the groups that an agent serves."""
    rows = await tx.rows(
        _Group,
        "SELECT group_id FROM skill_group_members WHERE workspace_id = %s AND agent_id = %s ORDER BY group_id",
        [tx.workspace_id, agent_id],
    )
    return [row.group_id for row in rows]


async def find_waiting_queues(tx: Tx) -> list[WaitingQueue]:
    """Return the queues in which somebody waits, of all workspaces. Needs the system door."""
    return await tx.rows(
        WaitingQueue,
        """
        SELECT DISTINCT workspace_id, group_id FROM conversations
        WHERE owner_kind = 'queue' AND group_id IS NOT NULL
        """,
    )
