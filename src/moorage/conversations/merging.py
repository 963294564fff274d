"""An agent's short lines, held for a moment and handed over as one message, which costs one of the budget.

Each line stays a message and a delivery of its own. The first one, the *leader*, is charged and held for the channel's
window; lines that come within it are *led*: not charged, and never claimed by themselves. Whoever claims the leader
takes along what it leads, and what became of it became of all. None of this is in memory alone: a crash loses no line.

A line joins by changing the leader's row, which the sender's claim locks too: so it either joins before the claim and
goes along, or finds the leader on its way and is held anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from moorage.connectors.content import Text
from moorage.conversations.charging import check_reachable
from moorage.conversations.model import Author, Message
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.speaking import add_led, say
from moorage.core.ids import AgentId, ConversationId, DeliveryId
from moorage.infra.database import Tx

BETWEEN = "\n"


@dataclass(frozen=True, slots=True)
class Leader:
    """A held line that others may join. `bytes` is what it and those that joined already have together."""

    id: DeliveryId
    budget_id: UUID | None
    agent_id: AgentId | None
    conversation_id: ConversationId | None
    bytes: int


def merged(texts: Sequence[str]) -> str:
    """Return lines as the one text that the customer gets."""
    return BETWEEN.join(texts)


def joins(
    leader: Leader, *, text: str, author: Author, conversation_id: ConversationId | None, most_bytes: int
) -> bool:
    """Return whether a line goes along with `leader`: the same agent's, in the same conversation, and it still fits."""
    same = leader.agent_id == author.agent_id and leader.conversation_id == conversation_id
    return same and leader.bytes + len(f"{BETWEEN}{text}".encode("utf-8", "replace")) <= most_bytes


async def say_to_merge(tx: Tx, *, opened: OpenThread, author: Author, content: Text, most_bytes: int) -> Message:
    """Add an agent's text, held to be merged with what follows, or led by what is held already.

    Raises what `say` raises.
    """
    check_reachable(opened)
    leader = await _find_leader(tx, opened)
    conversation_id = None if opened.conversation is None else opened.conversation.id
    if (
        leader is not None
        and joins(leader, text=content.text, author=author, conversation_id=conversation_id, most_bytes=most_bytes)
        and await _lead(tx, leader)
    ):
        return add_led(opened, author=author, content=content, leader_id=leader.id, budget_id=leader.budget_id)
    return say(opened, author=author, content=content, held=True)


async def _find_leader(tx: Tx, opened: OpenThread) -> Leader | None:
    """Return the thread's held line. There is at most one, and nothing was said after it and what it leads."""
    return await tx.row(
        Leader,
        """
        SELECT d.id, d.budget_id, m.author_agent_id AS agent_id, m.conversation_id,
               (SELECT sum(octet_length(x.content ->> 'text') + 1)::int
                FROM deliveries f JOIN messages x ON x.workspace_id = f.workspace_id AND x.id = f.message_id
                WHERE f.workspace_id = d.workspace_id AND f.thread_id = d.thread_id
                  AND f.state = 'queued' AND (f.id = d.id OR f.merged_into = d.id)) AS bytes
        FROM deliveries d JOIN messages m ON m.workspace_id = d.workspace_id AND m.id = d.message_id
        WHERE d.workspace_id = %(workspace_id)s AND d.thread_id = %(thread_id)s AND d.state = 'queued'
          AND d.attempts = 0 AND d.not_before > %(now)s AND d.merged_into IS NULL
        ORDER BY d.seq DESC LIMIT 1
        """,
        {"workspace_id": tx.workspace_id, "thread_id": opened.thread.id, "now": tx.now},
    )


async def _lead(tx: Tx, leader: Leader) -> bool:
    """Mark that a held line leads others; False if a sender has claimed it meanwhile."""
    return bool(
        await tx.execute(
            """
            UPDATE deliveries SET leads = true
            WHERE workspace_id = %s AND id = %s AND state = 'queued' AND attempts = 0
            """,
            [tx.workspace_id, leader.id],
        )
    )
