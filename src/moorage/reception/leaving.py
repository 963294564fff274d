"""Agents who go, on purpose or not: what becomes of the customers they leave behind.

Who waits for an answer goes to the head of the queue. The others stay with the agent until they write: if the agent is
away then, they go there too (`engine.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from moorage.connectors.registry import Connectors
from moorage.conversations.open_thread import lock_known_thread, open_thread
from moorage.conversations.writing import save
from moorage.core.errors import DomainError
from moorage.core.ids import AgentId, ConversationId, ThreadId, WorkspaceId
from moorage.infra.database import Database, DomainEvent, Tx
from moorage.reception.applying import begin_turn, keep_decisions, react, say_words
from moorage.reception.model import AgentLeft
from moorage.staff.sessions import LiveSession
from moorage.staff.sign_in import sign_out

Leaving = Literal["keep", "queue"]
"""What happens to open conversations of who signs out: most stay, or all go to the queue."""

FOUND_AT_ONCE = 500


@dataclass(eq=False)
class OpenConversations(DomainError):
    """Whoever signs out has open conversations: say what shall become of them."""

    code: ClassVar[str] = "staff.open_conversations"
    kind: ClassVar[str] = "conflict"
    count: int
    waiting: int
    """How many of the customers wait for an answer."""


@dataclass(frozen=True, slots=True)
class HandedOver(DomainEvent):
    """An agent who signed out `at` gives all conversations that they had then to the queue.

    React `later`: threads come before the agent's row in the lock order.
    """

    agent_id: AgentId
    at: datetime


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A customer who waits for an agent who is away."""

    workspace_id: WorkspaceId
    thread_id: ThreadId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class _Open:
    count: int
    waiting: int


@dataclass(frozen=True, slots=True)
class _Had:
    id: ConversationId
    thread_id: ThreadId


async def agent_signs_out(tx: Tx, *, live: LiveSession, remote_address: str, leaving: Leaving | None) -> None:
    """End a session of an agent. Raises OpenConversations where `leaving` does not say what to do with those."""
    agent_id = live.actor.agent_id
    had = await _count_open(tx, agent_id=agent_id)
    if had.count and leaving is None:
        raise OpenConversations(count=had.count, waiting=had.waiting)
    signed_out = await sign_out(tx, live=live, remote_address=remote_address)
    if signed_out and leaving == "queue":
        tx.publish(HandedOver(agent_id=agent_id, at=tx.now))


async def find_left_behind(tx: Tx) -> list[LeftBehind]:
    """Return customers who wait for agents who are away, of all workspaces, longest first. Needs the system door."""
    return await tx.rows(
        LeftBehind,
        """
        SELECT c.workspace_id, c.thread_id, c.owner_agent_id AS agent_id
        FROM agents a JOIN conversations c ON c.workspace_id = a.workspace_id AND c.owner_agent_id = a.id
        WHERE a.away AND c.owner_kind = 'agent' AND c.state = 'open' AND c.waiting_since IS NOT NULL
          AND (c.engine_state ->> 'reachable')::boolean IS NOT FALSE
          AND (c.engine_state ->> 'mute')::boolean IS NOT TRUE
        ORDER BY c.waiting_since LIMIT %s
        """,
        [FOUND_AT_ONCE],
    )


async def requeue_left_behind(database: Database, *, connectors: Connectors, left: LeftBehind) -> None:
    """Give one such customer to the head of the queue, or at once to who is free, unless their agent is back."""

    async def requeue(tx: Tx) -> None:
        await _requeue(tx, connectors=connectors, thread_id=left.thread_id, agent_id=left.agent_id, only_if_away=True)

    await database.run(left.workspace_id, requeue)


async def hand_over(
    database: Database, *, connectors: Connectors, workspace_id: WorkspaceId, agent_id: AgentId, at: datetime
) -> int:
    """Give the conversations that an agent had `at` to the queue, who waits longest first; return how many those were.

    What they were given since, because they signed in again, is theirs.
    """
    async with database.in_workspace(workspace_id) as tx:
        had = await tx.rows(
            _Had,
            """
            SELECT id, thread_id FROM conversations
            WHERE workspace_id = %s AND owner_agent_id = %s AND state = 'open' AND assigned_at <= %s
            ORDER BY waiting_since NULLS LAST, last_message_at, id
            """,
            [workspace_id, agent_id, at],
        )
    for one in had:

        async def requeue(tx: Tx, one: _Had = one) -> None:
            await _requeue(tx, connectors=connectors, thread_id=one.thread_id, agent_id=agent_id, only_if_away=False)

        await database.run(workspace_id, requeue)
    return len(had)


async def _count_open(tx: Tx, *, agent_id: AgentId) -> _Open:
    counted = await tx.row(
        _Open,
        """
        SELECT count(*) AS count, count(*) FILTER (WHERE waiting_since IS NOT NULL) AS waiting
        FROM conversations WHERE workspace_id = %s AND owner_agent_id = %s AND state = 'open'
        """,
        [tx.workspace_id, agent_id],
    )
    if counted is None:
        raise LookupError("an aggregate returned no row")
    return counted


async def _requeue(
    tx: Tx, *, connectors: Connectors, thread_id: ThreadId, agent_id: AgentId, only_if_away: bool
) -> None:
    locked = await lock_known_thread(tx, thread_id=thread_id)
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    if only_if_away and not opened.around.agent_is_away:
        return
    turn = begin_turn(tx, opened=opened)
    await react(turn, AgentLeft(agent_id))
    say_words(turn)
    await keep_decisions(turn)
    await save(tx, opened=opened)
