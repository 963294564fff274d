"""Reading conversations and messages. Lists go by keys on covering indexes, so that they stay fast at any size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString
from uuid import UUID

from moorage.connectors.registry import Connectors
from moorage.conversations.budgets import Standing, passive_only, rules_of, sendable, within_rules
from moorage.conversations.message_rows import MessageRow
from moorage.conversations.model import (
    Conversation,
    FollowState,
    Surroundings,
)
from moorage.conversations.open_thread import BUDGETS, CONVERSATION
from moorage.conversations.views import ConversationView, MessageView, conversation_view, message_view
from moorage.core.errors import Malformed, Missing
from moorage.core.ids import AgentId, ChannelId, ConversationId, CustomerId, GroupId, ThreadId
from moorage.core.paging import Page, decode_cursor, encode_cursor
from moorage.infra.database import Tx
from moorage.staff.model import SUPERVISING, Actor
from moorage.staff.rights import Act, may

Scope = Literal["mine", "queue", "all"]
State = Literal["open", "closed"]

LAST_ID: Final = UUID(int=2**128 - 1)
FIRST_ID: Final = UUID(int=0)
MOST_PRIORITY_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Card:
    """One conversation with what lists and headers show beside it."""

    conversation: Conversation
    thread_id: ThreadId
    around: Surroundings
    agent_name: str | None
    follow_state: FollowState
    budget: Standing
    is_newest: bool

    def view(self, *, event_cursor: str | None = None) -> ConversationView:
        """Return what the API shows of it."""
        return conversation_view(
            self.conversation,
            thread_id=self.thread_id,
            around=self.around,
            agent_name=self.agent_name,
            follow_state=self.follow_state,
            budget=self.budget,
            is_newest=self.is_newest,
            event_cursor=event_cursor,
        )


async def event_cursor(tx: Tx) -> str:
    """Return how far the event log has come. Read it before what it shall stand beside: newer facts come twice."""
    cursor = await tx.value("SELECT epoch || ':' || seq FROM event_counters WHERE workspace_id = %s", [tx.workspace_id])
    if not isinstance(cursor, str):
        raise Missing(what="workspace")
    return cursor


async def thread_of(tx: Tx, *, conversation_id: ConversationId) -> ThreadId:
    """Return the thread of a conversation, read without a lock. Raises Missing."""
    found = await tx.row(
        _Ids,
        "SELECT id, thread_id FROM conversations WHERE workspace_id = %s AND id = %s",
        [tx.workspace_id, conversation_id],
    )
    if found is None:
        raise Missing(what="conversation")
    return found.thread_id


async def read_card(tx: Tx, *, actor: Actor, conversation_id: ConversationId, connectors: Connectors) -> Card:
    """Return one conversation. Raises Missing also where the actor may not know of it."""
    rows = await tx.rows(
        _CardRow,
        _CARDS_HEAD + _ONE + _CARDS_TAIL,
        {"workspace_id": tx.workspace_id, "id": conversation_id},
    )
    cards = [_card(row, connectors=connectors, now=tx.now) for row in rows]
    if not cards or not may(actor, Act.CONVERSATION_READ, cards[0].conversation):
        raise Missing(what="conversation")
    return cards[0]


async def list_cards(
    tx: Tx, *, actor: Actor, scope: Scope, state: State, cursor: str | None, limit: int, connectors: Connectors
) -> Page[Card]:
    """Return a page of the conversations that the actor may see: the queue by arrival, the rest by last message."""
    by_arrival = scope == "queue"
    priority, at, row_id = _start(cursor, by_arrival=by_arrival)
    rows = await tx.rows(
        _CardRow,
        _CARDS_HEAD + _source(actor, scope=scope) + (_QUEUE_TAIL if by_arrival else _RECENT_TAIL),
        {
            "workspace_id": tx.workspace_id,
            "agent_id": actor.agent_id,
            "group_ids": list(actor.group_ids),
            "state": state,
            "priority": priority,
            "at": at,
            "id": row_id,
            "limit": limit + 1,
        },
    )
    cards = [_card(row, connectors=connectors, now=tx.now) for row in rows[:limit]]
    next_cursor = _key(cards[-1].conversation, by_arrival=by_arrival) if len(rows) > limit else None
    return Page(items=cards, next_cursor=next_cursor)


async def read_budget(tx: Tx, *, thread_id: ThreadId, connectors: Connectors) -> Standing:
    """Return what may still be sent to a thread's customer. Raises Missing."""
    row = await tx.row(
        _BudgetRow,
        """
        SELECT t.follow_state, h.kind AS channel_kind, h.state AS channel_state, h.settings AS channel_settings,
               h.verified AS channel_verified,
               (SELECT count(*) FROM messages m WHERE m.workspace_id = t.workspace_id AND m.thread_id = t.id
                  AND m.delivery_state = 'waiting') AS waiting,
               coalesce((SELECT jsonb_agg(to_jsonb(b)) FROM budgets b
                         WHERE b.workspace_id = t.workspace_id AND b.thread_id = t.id), '[]') AS budgets
        FROM threads t JOIN channels h ON h.workspace_id = t.workspace_id AND h.id = t.channel_id
        WHERE t.workspace_id = %s AND t.id = %s
        """,
        [tx.workspace_id, thread_id],
    )
    if row is None:
        raise Missing(what="thread")
    return _standing(row, connectors=connectors, now=tx.now)


async def may_read_thread(tx: Tx, *, actor: Actor, thread_id: ThreadId) -> bool:
    """Return whether the actor may read a thread: any of its conversations opens the whole of it."""
    rows = await tx.rows(
        _OwnedRow,
        """
        SELECT owner_kind, owner_agent_id, group_id FROM conversations
        WHERE workspace_id = %s AND thread_id = %s GROUP BY owner_kind, owner_agent_id, group_id
        """,
        [tx.workspace_id, thread_id],
    )
    return actor.role in SUPERVISING or any(may(actor, Act.CONVERSATION_READ, row) for row in rows)


async def list_messages(
    tx: Tx, *, thread_id: ThreadId, before: int | None, limit: int
) -> tuple[Sequence[MessageView], bool]:
    """Return the newest messages of a thread before the seq `before`, oldest first, and whether there are older."""
    rows = await tx.rows(
        _MessageRow,
        """
        SELECT m.id, m.seq, m.conversation_id, m.author_kind, m.author_agent_id, m.why, m.content, m.delivery_state,
               m.delivery_reason, m.arrived_late, m.sent_at, m.created_at, m.version,
               CASE m.author_kind WHEN 'customer' THEN coalesce(u.remark_name, u.name) ELSE a.name END AS author_name,
               d.attempts,
               CASE WHEN d.attempts > 0 THEN nullif((d.history -> -1) - 'at' - 'outcome', '{}') END AS details
        FROM messages m
        JOIN threads t ON t.workspace_id = m.workspace_id AND t.id = m.thread_id
        LEFT JOIN customers u ON u.workspace_id = t.workspace_id AND u.id = t.customer_id
        LEFT JOIN agents a ON a.workspace_id = m.workspace_id AND a.id = m.author_agent_id
        LEFT JOIN deliveries d ON d.workspace_id = m.workspace_id AND d.message_id = m.id
        WHERE m.workspace_id = %s AND m.thread_id = %s AND m.seq < %s
        ORDER BY m.seq DESC LIMIT %s
        """,
        [tx.workspace_id, thread_id, 2**62 if before is None else before, limit + 1],
    )
    return [_message_view(row, thread_id) for row in reversed(rows[:limit])], len(rows) > limit


async def count_unread(tx: Tx, *, conversation_id: ConversationId, after: int) -> int:
    """Return how many messages of the customer a conversation has after the seq `after`."""
    count = await tx.value(
        """
        SELECT count(*) FROM messages
        WHERE workspace_id = %s AND conversation_id = %s AND seq > %s AND author_kind = 'customer'
        """,
        [tx.workspace_id, conversation_id, after],
    )
    return count if isinstance(count, int) else 0


@dataclass(frozen=True, slots=True)
class _Ids:
    id: ConversationId
    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class _OwnedRow:
    owner_kind: str
    owner_agent_id: AgentId | None
    group_id: GroupId | None


@dataclass(frozen=True, slots=True)
class _BudgetRow:
    follow_state: str
    channel_kind: str
    channel_state: str
    channel_settings: Mapping[str, object]
    channel_verified: bool | None
    waiting: int
    budgets: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class _CardRow:
    conversation: Mapping[str, object]
    thread_id: ThreadId
    follow_state: FollowState
    channel_id: ChannelId
    channel_kind: str
    channel_name: str
    channel_state: str
    channel_settings: Mapping[str, object]
    channel_verified: bool | None
    customer_id: CustomerId
    customer_name: str
    customer_avatar_id: UUID | None
    agent_name: str | None
    is_newest: bool
    waiting: int
    budgets: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class _MessageRow(MessageRow):
    author_name: str | None
    attempts: int | None
    details: Mapping[str, object] | None


# A page's rows are chosen first, by one index; only they are joined with what is shown beside them.
_CARDS_HEAD: Final[LiteralString] = """
  SELECT to_jsonb(c) AS conversation, c.thread_id, t.follow_state, c.channel_id, h.kind AS channel_kind,
         h.name AS channel_name, h.state AS channel_state, h.settings AS channel_settings,
         h.verified AS channel_verified, c.customer_id, coalesce(u.remark_name, u.name) AS customer_name,
         i.avatar_blob_id AS customer_avatar_id, a.name AS agent_name,
         NOT EXISTS (SELECT FROM conversations n WHERE n.workspace_id = c.workspace_id AND n.thread_id = c.thread_id
                       AND (n.opened_at, n.id) > (c.opened_at, c.id)) AS is_newest,
         (SELECT count(*) FROM messages m WHERE m.workspace_id = c.workspace_id AND m.thread_id = c.thread_id
            AND m.delivery_state = 'waiting') AS waiting,
         coalesce((SELECT jsonb_agg(to_jsonb(b)) FROM budgets b
                   WHERE b.workspace_id = c.workspace_id AND b.thread_id = c.thread_id), '[]') AS budgets
  FROM (
"""
_CARDS_TAIL: Final[LiteralString] = """
  ) AS c
  JOIN threads t ON t.workspace_id = c.workspace_id AND t.id = c.thread_id
  JOIN channels h ON h.workspace_id = c.workspace_id AND h.id = c.channel_id
  JOIN customers u ON u.workspace_id = c.workspace_id AND u.id = c.customer_id
  LEFT JOIN customer_identities i ON i.workspace_id = t.workspace_id AND i.channel_id = t.channel_id
    AND i.external_customer_id = t.external_customer_id
  LEFT JOIN agents a ON a.workspace_id = c.workspace_id AND a.id = c.owner_agent_id
"""
_RECENT_TAIL: Final[LiteralString] = _CARDS_TAIL + " ORDER BY c.last_message_at DESC, c.id DESC LIMIT %(limit)s"
_QUEUE_TAIL: Final[LiteralString] = _CARDS_TAIL + " ORDER BY c.queue_priority, c.queued_at, c.id LIMIT %(limit)s"

_ONE: Final[LiteralString] = "SELECT * FROM conversations WHERE workspace_id = %(workspace_id)s AND id = %(id)s"
_MINE: Final[LiteralString] = """
  (SELECT * FROM conversations
   WHERE workspace_id = %(workspace_id)s AND owner_agent_id = %(agent_id)s AND state = %(state)s
     AND (last_message_at, id) < (%(at)s::timestamptz, %(id)s)
   ORDER BY last_message_at DESC, id DESC LIMIT %(limit)s)
"""
_ALL: Final[LiteralString] = """
  (SELECT * FROM conversations
   WHERE workspace_id = %(workspace_id)s AND state = %(state)s
     AND (last_message_at, id) < (%(at)s::timestamptz, %(id)s)
   ORDER BY last_message_at DESC, id DESC LIMIT %(limit)s)
"""
# What waits in a queue is little, and its index holds nothing else.
_WAITING_RECENT: Final[LiteralString] = """
  (SELECT * FROM conversations
   WHERE workspace_id = %(workspace_id)s AND owner_kind = 'queue' AND group_id = ANY(%(group_ids)s)
     AND state = %(state)s AND (last_message_at, id) < (%(at)s::timestamptz, %(id)s)
   ORDER BY last_message_at DESC, id DESC LIMIT %(limit)s)
"""
_MINE_AND_WAITING: Final[LiteralString] = _MINE + " UNION ALL " + _WAITING_RECENT
_WAITING: Final[LiteralString] = """
  (SELECT * FROM conversations
   WHERE workspace_id = %(workspace_id)s AND owner_kind = 'queue' AND group_id = ANY(%(group_ids)s)
     AND state = %(state)s AND (queue_priority, queued_at, id) > (%(priority)s, %(at)s::timestamptz, %(id)s)
   ORDER BY queue_priority, queued_at, id LIMIT %(limit)s)
"""
_ALL_WAITING: Final[LiteralString] = """
  (SELECT * FROM conversations
   WHERE workspace_id = %(workspace_id)s AND owner_kind = 'queue'
     AND state = %(state)s AND (queue_priority, queued_at, id) > (%(priority)s, %(at)s::timestamptz, %(id)s)
   ORDER BY queue_priority, queued_at, id LIMIT %(limit)s)
"""


def _source(actor: Actor, *, scope: Scope) -> LiteralString:
    sees_all = actor.role in SUPERVISING
    match scope:
        case "mine":
            return _MINE
        case "queue":
            return _ALL_WAITING if sees_all else _WAITING
        case "all":
            return _ALL if sees_all else _MINE_AND_WAITING


def _start(cursor: str | None, *, by_arrival: bool) -> tuple[int, str, UUID]:
    """Return the sort key that a page begins after; its first part counts in queues only."""
    if cursor is None:
        return (-1, "-infinity", FIRST_ID) if by_arrival else (0, "infinity", LAST_ID)
    priority, at, row_id = decode_cursor(cursor, parts=3)
    if not priority.isdecimal() or len(priority) > MOST_PRIORITY_DIGITS:
        raise Malformed(field="cursor", reason="not a cursor of this list")
    try:
        return int(priority), datetime.fromisoformat(at).isoformat(), UUID(row_id)
    except ValueError as error:
        raise Malformed(field="cursor", reason="not a cursor of this list") from error


def _key(last: Conversation, *, by_arrival: bool) -> str:
    at = last.queued_at if by_arrival and last.queued_at is not None else last.last_message_at
    return encode_cursor(str(last.queue_priority), at.isoformat(), str(last.id))


def _card(row: _CardRow, *, connectors: Connectors, now: datetime) -> Card:
    manifest = connectors[row.channel_kind].manifest
    around = Surroundings(
        channel_id=row.channel_id,
        channel_kind=row.channel_kind,
        channel_name=row.channel_name,
        channel_state=row.channel_state,
        channel_settings=row.channel_settings,
        channel_verified=row.channel_verified,
        passive_only=passive_only(manifest, verified=row.channel_verified),
        most_text_bytes=manifest.max_text_bytes,
        customer_id=row.customer_id,
        customer_name=row.customer_name,
        customer_avatar_id=row.customer_avatar_id,
    )
    return Card(
        conversation=CONVERSATION.validate_python(row.conversation),
        thread_id=row.thread_id,
        around=around,
        agent_name=row.agent_name,
        follow_state=row.follow_state,
        budget=_standing(row, connectors=connectors, now=now),
        is_newest=row.is_newest,
    )


def _standing(row: _BudgetRow | _CardRow, *, connectors: Connectors, now: datetime) -> Standing:
    manifest = connectors[row.channel_kind].manifest
    rules = rules_of(manifest, preset=row.channel_settings.get("budget_preset"))
    return sendable(
        within_rules(BUDGETS.validate_python(row.budgets), rules=rules),
        rules=rules,
        follow_state=row.follow_state,
        channel_state=row.channel_state,
        answers_only=passive_only(manifest, verified=row.channel_verified),
        waiting=row.waiting,
        now=now,
    )


def _message_view(row: _MessageRow, thread_id: ThreadId) -> MessageView:
    return message_view(
        row.message(),
        thread_id=thread_id,
        author_name=row.author_name,
        attempts=row.attempts or 0,
        details=row.details,
    )
