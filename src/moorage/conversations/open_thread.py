"""A thread under its lock, with all that one transaction changes in it.

Whoever works on a thread locks it first, changes the value here in memory by the functions of `owners.py`,
`hearing.py`, `charging.py` and `speaking.py`, and writes it at the end by `save`: so a push costs few statements,
however much is decided about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from moorage.connectors.content import Content
from moorage.connectors.manifest import Manifest
from moorage.connectors.registry import Connectors
from moorage.conversations.budgets import Budget, Rules, merge_window, passive_only, rules_of, within_rules
from moorage.conversations.model import (
    Author,
    AuthorKind,
    Conversation,
    DeliveryState,
    FollowState,
    Message,
    NewDelivery,
    OwnerSpan,
    Surroundings,
    Thread,
    Tried,
)
from moorage.conversations.prompts import PROMPT, Prompt
from moorage.core.errors import Missing
from moorage.core.ids import AgentId, ChannelId, ConversationId, CustomerId, GroupId, MessageId, ThreadId, new_id
from moorage.customers.operations import fallback_name
from moorage.infra.database import Asked, Tx

CONVERSATION = TypeAdapter(Conversation)
"""Reads a conversation's row that PostgreSQL gave as JSON."""

BUDGETS = TypeAdapter(list[Budget])


@dataclass(slots=True)
class OpenThread:
    """A locked thread. The first part is what stands in the tables, the second what this transaction adds."""

    now: datetime
    thread: Thread
    around: Surroundings
    newest: Conversation | None
    """The open conversation, or the one that was closed last."""
    budgets: Sequence[Budget]
    rules: Rules
    agent_names: dict[AgentId, str]
    waiting: list[Message]
    """What is to be said when the customer writes again, oldest first; what this transaction adds comes to it."""
    served_by: Sequence[AgentId]
    """Who has had a conversation of the thread, and so may read all of it."""
    prompt: Prompt | None
    """The question that waits for an answer."""

    touched: dict[ConversationId, Conversation] = field(default_factory=dict[ConversationId, Conversation])
    audiences: dict[ConversationId, set[str]] = field(default_factory=dict[ConversationId, set[str]])
    messages: list[Message] = field(default_factory=list[Message])
    delivered: list[Message] = field(default_factory=list[Message])
    """Earlier messages whose delivery has changed."""
    tried: dict[MessageId, Tried] = field(default_factory=dict[MessageId, Tried])
    """How often messages in `delivered` were tried; one that is not here was not, since it was given to the sender."""
    deliveries: list[NewDelivery] = field(default_factory=list[NewDelivery])
    prompts: list[Prompt] = field(default_factory=list[Prompt])
    """Questions that were opened or settled."""
    spans: list[OwnerSpan] = field(default_factory=list[OwnerSpan])
    owners_changed: set[ConversationId] = field(default_factory=set[ConversationId])
    releases_held: bool = False
    """A line that is held to be merged goes out now: something was said that does not join it, or it is over."""

    @property
    def merge_window(self) -> timedelta | None:
        """Return how long an agent's short line waits for others, or None where each goes out at once."""
        if not self.rules or self.around.passive_only:
            return None
        return merge_window(self.around.channel_settings)

    @property
    def conversation(self) -> Conversation | None:
        """Return the open conversation, if there is one."""
        return self.newest if self.newest is not None and self.newest.state == "open" else None


@dataclass(frozen=True, slots=True, order=True)
class Whose:
    """The customer of a channel, as its provider names them."""

    channel_id: ChannelId
    external_customer_id: str

    def as_row(self) -> dict[str, object]:
        """Return the columns' values for JSON."""
        return {"channel_id": self.channel_id, "external_customer_id": self.external_customer_id}


@dataclass(frozen=True, slots=True)
class LockedThread:
    """A thread's row, locked. `made` tells that this transaction made it: its customer is not there yet."""

    id: ThreadId
    channel_id: ChannelId
    customer_id: CustomerId
    external_customer_id: str
    made: bool

    @property
    def whose(self) -> Whose:
        """Return whose thread it is."""
        return Whose(channel_id=self.channel_id, external_customer_id=self.external_customer_id)


@dataclass(frozen=True, slots=True)
class AskedThreads:
    """Threads that have been asked for: their locks, and what is read under them."""

    locks: Asked[LockedThread]
    contents: "Asked[_Contents]"


async def ask_for_threads(tx: Tx, *, customers: Sequence[Whose]) -> AskedThreads:
    """Ask for the threads of customers, made where they are new, and locked in this order until the transaction ends.

    What is asked later in the same transaction is answered under the locks, though they have not been waited for. A
    new thread's `customer_id` is a fresh id; the caller adds the customer before the transaction ends.
    """
    return AskedThreads(
        locks=await _ask_for_locks(tx, customers=customers), contents=await _ask_for_contents(tx, customers=customers)
    )


async def _ask_for_locks(tx: Tx, *, customers: Sequence[Whose]) -> Asked[LockedThread]:
    fresh = [CustomerId(new_id()) for _ in customers]
    return await tx.ask(
        LockedThread,
        """
        INSERT INTO threads AS t (workspace_id, id, channel_id, customer_id, external_customer_id, created_at)
        SELECT %(workspace_id)s, c.id, c.channel_id, c.customer_id, c.external_customer_id, %(now)s
        FROM jsonb_to_recordset(%(customers)s)
             AS c(n int, id uuid, channel_id uuid, customer_id uuid, external_customer_id text)
        ORDER BY c.n
        ON CONFLICT (workspace_id, channel_id, external_customer_id) DO UPDATE SET version = t.version + 1
        RETURNING id, channel_id, customer_id, external_customer_id, customer_id = ANY(%(fresh)s) AS made
        """,
        {
            "workspace_id": tx.workspace_id,
            "now": tx.now,
            "customers": Jsonb(
                [
                    {"n": n, "id": new_id(), "customer_id": customer_id, **customer.as_row()}
                    for n, (customer, customer_id) in enumerate(zip(customers, fresh, strict=True))
                ]
            ),
            "fresh": fresh,
        },
    )


async def lock_known_thread(tx: Tx, *, thread_id: ThreadId) -> LockedThread:
    """Return a thread by its id, locked until the transaction ends. Raises Missing."""
    locked = await tx.row(
        LockedThread,
        """
        UPDATE threads SET version = version + 1 WHERE workspace_id = %s AND id = %s
        RETURNING id, channel_id, customer_id, external_customer_id, false AS made
        """,
        [tx.workspace_id, thread_id],
    )
    if locked is None:
        raise Missing(what="thread")
    return locked


@dataclass(frozen=True, slots=True)
class _Contents:
    thread_id: ThreadId
    seq: int
    follow_state: str
    last_customer_message_at: datetime | None
    last_provider_at: datetime | None
    designated_agent_id: AgentId | None
    designated_until: datetime | None
    conversation: Mapping[str, object] | None
    agent_name: str | None
    agent_is_away: bool | None
    budgets: Sequence[Mapping[str, object]]
    waiting: Sequence[Mapping[str, object]]
    served_by: Sequence[AgentId]
    prompt: Mapping[str, object] | None
    channel_kind: str
    channel_name: str
    channel_state: str
    channel_settings: Mapping[str, object]
    channel_verified: bool | None
    customer_name: str | None
    customer_avatar_id: UUID | None
    profile_due_at: datetime | None
    time_zone: str
    default_group_id: GroupId | None


@dataclass(frozen=True, slots=True)
class _WaitingRow:
    id: MessageId
    seq: int
    conversation_id: ConversationId | None
    author_kind: AuthorKind
    author_agent_id: AgentId | None
    author_name: str | None
    why: str | None
    content: Content
    sent_at: datetime
    created_at: datetime
    version: int

    def message(self) -> Message:
        """Return the message that the row holds."""
        return Message(
            id=self.id,
            seq=self.seq,
            conversation_id=self.conversation_id,
            author=Author(kind=self.author_kind, agent_id=self.author_agent_id, why=self.why),
            content=self.content,
            delivery_state=DeliveryState.WAITING,
            delivery_reason=None,
            arrived_late=False,
            sent_at=self.sent_at,
            created_at=self.created_at,
            version=self.version,
        )


_WAITING = TypeAdapter(list[_WaitingRow])


async def open_thread(tx: Tx, *, locked: LockedThread, connectors: Connectors) -> OpenThread:
    """Return what a transaction works on, read under the lock by one statement that began after it was taken."""
    contents = await _ask_for_contents(tx, customers=[locked.whose])
    row = await contents.row()
    if row is None:
        raise LookupError("a locked thread is gone")
    return _opened(tx, locked=locked, row=row, connectors=connectors)


async def opened_threads(
    tx: Tx, *, asked: AskedThreads, connectors: Connectors
) -> dict[Whose, tuple[OpenThread, LockedThread]]:
    """Return the threads that were asked for, by their customers."""
    locks = {locked.id: locked for locked in await asked.locks.rows()}
    rows = [(row, locks[row.thread_id]) for row in await asked.contents.rows()]
    return {locked.whose: (_opened(tx, locked=locked, row=row, connectors=connectors), locked) for row, locked in rows}


async def _ask_for_contents(tx: Tx, *, customers: Sequence[Whose]) -> "Asked[_Contents]":
    """Ask what stands in the threads of customers. Each is looked up on its own, however many the tables hold."""
    return await tx.ask(
        _Contents,
        """
        SELECT t.id AS thread_id, t.seq, t.follow_state, t.last_customer_message_at, t.last_provider_at,
               t.designated_agent_id, t.designated_until,
               to_jsonb(c) AS conversation, a.name AS agent_name, a.away OR a.status = 'offline' AS agent_is_away,
               coalesce((SELECT jsonb_agg(to_jsonb(b)) FROM budgets b
                         WHERE b.workspace_id = t.workspace_id AND b.thread_id = t.id), '[]') AS budgets,
               coalesce((SELECT jsonb_agg(to_jsonb(m) || jsonb_build_object('author_name', n.name) ORDER BY m.seq)
                         FROM messages m
                         LEFT JOIN agents n ON n.workspace_id = m.workspace_id AND n.id = m.author_agent_id
                         WHERE m.workspace_id = t.workspace_id AND m.thread_id = t.id
                           AND m.delivery_state = 'waiting'), '[]') AS waiting,
               ARRAY(SELECT DISTINCT o.owner_agent_id FROM conversations o
                     WHERE o.workspace_id = t.workspace_id AND o.thread_id = t.id AND o.owner_kind = 'agent'
                    ) AS served_by,
               (SELECT to_jsonb(p) FROM prompts p
                WHERE p.workspace_id = t.workspace_id AND p.thread_id = t.id AND p.state = 'open') AS prompt,
               h.kind AS channel_kind, h.name AS channel_name, h.state AS channel_state, h.settings AS channel_settings,
               h.verified AS channel_verified,
               coalesce(u.remark_name, u.name) AS customer_name, i.avatar_blob_id AS customer_avatar_id,
               i.profile_due_at, w.time_zone, g.id AS default_group_id
        FROM jsonb_to_recordset(%(customers)s) AS whose(channel_id uuid, external_customer_id text)
        CROSS JOIN LATERAL (
          SELECT * FROM threads
          WHERE workspace_id = %(workspace_id)s AND channel_id = whose.channel_id
            AND external_customer_id = whose.external_customer_id
          LIMIT 1
        ) t
        JOIN workspaces w ON w.id = t.workspace_id
        JOIN channels h ON h.workspace_id = t.workspace_id AND h.id = t.channel_id
        LEFT JOIN customers u ON u.workspace_id = t.workspace_id AND u.id = t.customer_id
        LEFT JOIN customer_identities i ON i.workspace_id = t.workspace_id AND i.channel_id = t.channel_id
          AND i.external_customer_id = t.external_customer_id
        LEFT JOIN skill_groups g ON g.workspace_id = t.workspace_id AND g.is_default
        LEFT JOIN LATERAL (
          SELECT * FROM conversations
          WHERE workspace_id = t.workspace_id AND thread_id = t.id
          ORDER BY opened_at DESC, id DESC LIMIT 1
          FOR NO KEY UPDATE
        ) c ON true
        LEFT JOIN agents a ON a.workspace_id = t.workspace_id AND a.id = c.owner_agent_id
        """,
        {"workspace_id": tx.workspace_id, "customers": Jsonb([customer.as_row() for customer in customers])},
    )


def _opened(tx: Tx, *, locked: LockedThread, row: _Contents, connectors: Connectors) -> OpenThread:
    newest = None if row.conversation is None else CONVERSATION.validate_python(row.conversation)
    manifest = connectors[row.channel_kind].manifest
    waiting = _WAITING.validate_python(row.waiting)
    rules = rules_of(manifest, preset=row.channel_settings.get("budget_preset"))
    return OpenThread(
        now=tx.now,
        thread=_thread(locked, row),
        around=_surroundings(locked, row, manifest),
        newest=newest,
        budgets=within_rules(BUDGETS.validate_python(row.budgets), rules=rules),
        rules=rules,
        agent_names=_names(newest, row.agent_name, waiting),
        waiting=[one.message() for one in waiting],
        served_by=row.served_by,
        prompt=None if row.prompt is None else PROMPT.validate_python(row.prompt),
    )


def _thread(locked: LockedThread, row: _Contents) -> Thread:
    return Thread(
        id=locked.id,
        channel_id=locked.channel_id,
        customer_id=locked.customer_id,
        external_customer_id=locked.external_customer_id,
        seq=row.seq,
        follow_state=cast("FollowState", row.follow_state),
        last_customer_message_at=row.last_customer_message_at,
        designated_agent_id=row.designated_agent_id,
        designated_until=row.designated_until,
        last_provider_at=row.last_provider_at,
    )


def _surroundings(locked: LockedThread, row: _Contents, manifest: Manifest) -> Surroundings:
    return Surroundings(
        channel_id=locked.channel_id,
        channel_kind=row.channel_kind,
        channel_name=row.channel_name,
        channel_state=row.channel_state,
        channel_settings=row.channel_settings,
        channel_verified=row.channel_verified,
        passive_only=passive_only(manifest, verified=row.channel_verified),
        most_text_bytes=manifest.max_text_bytes,
        customer_id=locked.customer_id,
        customer_name=row.customer_name
        or fallback_name(channel_name=row.channel_name, external_customer_id=locked.external_customer_id),
        customer_avatar_id=row.customer_avatar_id,
        time_zone=row.time_zone,
        default_group_id=row.default_group_id,
        agent_is_away=row.agent_is_away is True,
        profile_due_at=row.profile_due_at,
    )


def _names(newest: Conversation | None, agent_name: str | None, waiting: Sequence[_WaitingRow]) -> dict[AgentId, str]:
    names = {
        one.author_agent_id: one.author_name
        for one in waiting
        if one.author_agent_id is not None and one.author_name is not None
    }
    if newest is not None and newest.owner_agent_id is not None and agent_name is not None:
        names[newest.owner_agent_id] = agent_name
    return names
