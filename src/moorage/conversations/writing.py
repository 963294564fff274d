"""Writing what a transaction changed in a thread, in few statements. What browsers are told of it is in `showing`."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from moorage.conversations.media import waits_for_file
from moorage.conversations.media_messages import want_fetch
from moorage.conversations.model import Message, Thread
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.showing import record_facts
from moorage.infra.database import Tx

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SENDER_CHANNEL = "moorage_deliveries"
"""What a sender listens to."""


async def save(tx: Tx, *, opened: OpenThread) -> None:
    """Write everything that was changed in `opened`, once, at the end of the work on it, and record the facts."""
    await save_all(tx, opened=[opened])


async def save_all(tx: Tx, *, opened: Sequence[OpenThread]) -> None:
    """Write everything that was changed in several threads, once, at the end of the work on them; record the facts.

    Threads, conversations, messages and budgets of all go in one statement, because every message of a customer passes
    here; deliveries, owners and what else is rarer have their own for each thread.
    """
    if opened:
        await _write_threads(tx, opened)
    for thread in opened:
        await _write_rarer(tx, thread)
        record_facts(tx, thread)


async def _write_rarer(tx: Tx, opened: OpenThread) -> None:
    if opened.owners_changed:
        await _write_owners(tx, opened)
    if opened.delivered:
        await _write_delivered(tx, opened)
    if opened.releases_held and opened.merge_window is not None:
        await _release_held(tx, opened)
    if opened.deliveries:
        await _write_deliveries(tx, opened)
    if opened.prompts:
        await _write_prompts(tx, opened)
    for message in opened.messages:
        if waits_for_file(message.content):
            await want_fetch(tx, thread_id=opened.thread.id, message_id=message.id)


async def _write_threads(tx: Tx, opened: Sequence[OpenThread]) -> None:
    await tx.send(
        """
        WITH written_threads AS (
          UPDATE threads t
          SET seq = w.seq, follow_state = w.follow_state, last_provider_at = w.last_provider_at,
              last_customer_message_at = w.last_customer_message_at,
              designated_agent_id = w.designated_agent_id, designated_until = w.designated_until
          FROM jsonb_populate_recordset(NULL::threads, %(threads)s) AS w
          WHERE t.workspace_id = %(workspace_id)s AND t.id = w.id
            AND t.id = ANY(%(thread_ids)s)  -- by the key, whatever the planner believes of a young table
        ), written_budgets AS (
          INSERT INTO budgets AS b
                 (workspace_id, id, thread_id, trigger, most, used, opened_at, ends_at)
          SELECT %(workspace_id)s, id, thread_id, trigger, most, used, opened_at, ends_at
          FROM jsonb_populate_recordset(NULL::budgets, %(budgets)s)
          ON CONFLICT (workspace_id, thread_id, trigger) DO UPDATE
            SET id = excluded.id, most = excluded.most, used = excluded.used, opened_at = excluded.opened_at,
                ends_at = excluded.ends_at
            WHERE (b.id, b.used, b.ends_at) IS DISTINCT FROM (excluded.id, excluded.used, excluded.ends_at)
        ), written_conversations AS (
          INSERT INTO conversations AS c
                 (workspace_id, id, thread_id, channel_id, customer_id, state, owner_kind, owner_agent_id, group_id,
                  engine_state, opened_at, queued_at, queue_priority, queue_reason, assigned_at, closed_at, end_reason,
                  waiting_since, unread, last_message_at, last_message, version)
          SELECT %(workspace_id)s, id, thread_id, channel_id, customer_id, state, owner_kind,
                 owner_agent_id, group_id, engine_state, opened_at, queued_at, queue_priority, queue_reason,
                 assigned_at, closed_at, end_reason, waiting_since, unread, last_message_at, last_message, version
          FROM jsonb_populate_recordset(NULL::conversations, %(conversations)s)
          ON CONFLICT (workspace_id, id) DO UPDATE
            SET state = excluded.state, owner_kind = excluded.owner_kind, owner_agent_id = excluded.owner_agent_id,
                group_id = excluded.group_id, engine_state = excluded.engine_state, queued_at = excluded.queued_at,
                queue_priority = excluded.queue_priority, queue_reason = excluded.queue_reason,
                assigned_at = excluded.assigned_at, closed_at = excluded.closed_at, end_reason = excluded.end_reason,
                waiting_since = excluded.waiting_since, unread = excluded.unread,
                last_message_at = excluded.last_message_at, last_message = excluded.last_message,
                version = excluded.version
        )
        INSERT INTO messages
               (workspace_id, id, thread_id, seq, conversation_id, author_kind, author_agent_id, why, content,
                delivery_state, delivery_reason, arrived_late, sent_at, created_at, version)
        SELECT %(workspace_id)s, id, thread_id, seq, conversation_id, author_kind, author_agent_id, why, content,
               delivery_state, delivery_reason, arrived_late, sent_at, created_at, version
        FROM jsonb_populate_recordset(NULL::messages, %(messages)s)
        """,
        {
            "workspace_id": tx.workspace_id,
            "thread_ids": [one.thread.id for one in opened],
            "threads": Jsonb([_thread_row(one.thread) for one in opened]),
            "budgets": Jsonb([_fields(budget) | _of(one) for one in opened for budget in one.budgets]),
            "conversations": Jsonb(
                [_fields(conversation) | _of(one) for one in opened for conversation in one.touched.values()]
            ),
            "messages": Jsonb([_message_row(message) | _of(one) for one in opened for message in one.messages]),
        },
    )


def _thread_row(thread: Thread) -> dict[str, object]:
    """Return what a transaction may change in a thread's row."""
    return {
        "id": thread.id,
        "seq": thread.seq,
        "follow_state": thread.follow_state,
        "last_provider_at": thread.last_provider_at,
        "last_customer_message_at": thread.last_customer_message_at,
        "designated_agent_id": thread.designated_agent_id,
        "designated_until": thread.designated_until,
    }


def _of(opened: OpenThread) -> dict[str, object]:
    """Return the columns that tell whose a row is; a table takes those that it has."""
    thread = opened.thread
    return {"thread_id": thread.id, "channel_id": thread.channel_id, "customer_id": thread.customer_id}


async def _write_owners(tx: Tx, opened: OpenThread) -> None:
    await tx.send(
        """
        UPDATE assignments SET ended_at = %s
        WHERE workspace_id = %s AND conversation_id = ANY(%s) AND ended_at IS NULL
        """,
        [tx.now, tx.workspace_id, list(opened.owners_changed)],
    )
    if opened.spans:
        await tx.send(
            """
            INSERT INTO assignments
                   (workspace_id, id, conversation_id, owner_kind, agent_id, started_at, ended_at, reason)
            SELECT %s, id, conversation_id, owner_kind, agent_id, started_at, ended_at, reason
            FROM jsonb_populate_recordset(NULL::assignments, %s)
            """,
            [tx.workspace_id, Jsonb([_fields(span) for span in opened.spans])],
        )


async def _write_delivered(tx: Tx, opened: OpenThread) -> None:
    await tx.send(
        """
        UPDATE messages m
        SET delivery_state = told.delivery_state, delivery_reason = told.delivery_reason, content = told.content,
            version = told.version
        FROM jsonb_populate_recordset(NULL::messages, %s) AS told
        WHERE m.workspace_id = %s AND m.id = told.id
        """,
        [Jsonb([_message_row(message) for message in opened.delivered]), tx.workspace_id],
    )


async def _release_held(tx: Tx, opened: OpenThread) -> None:
    """Let what was held until now go out. Of merged lines it touches the leader's row alone, as the sender's claim."""
    await tx.send(
        """
        WITH released AS (
          UPDATE deliveries SET not_before = %(now)s
          WHERE workspace_id = %(workspace_id)s AND thread_id = %(thread_id)s AND state = 'queued' AND attempts = 0
            AND not_before > %(now)s AND merged_into IS NULL
          RETURNING id
        )
        SELECT pg_notify(%(sender)s, '') FROM released
        """,
        {"workspace_id": tx.workspace_id, "thread_id": opened.thread.id, "now": tx.now, "sender": SENDER_CHANNEL},
    )


async def _write_prompts(tx: Tx, opened: OpenThread) -> None:
    """Write what became of questions, the settled ones first: only one of a thread may be open."""
    for prompt in sorted(opened.prompts, key=lambda one: one.state == "open"):
        await tx.send(
            """
            INSERT INTO prompts (workspace_id, id, thread_id, conversation_id, message_id, choices, state, opened_at,
                                 expires_at, settled_at, chosen_id, answered_by)
            VALUES (%(workspace_id)s, %(id)s, %(thread_id)s, %(conversation_id)s, %(message_id)s, %(choices)s,
                    %(state)s, %(opened_at)s, %(expires_at)s, %(settled_at)s, %(chosen_id)s, %(answered_by)s)
            ON CONFLICT (workspace_id, id) DO UPDATE
              SET state = excluded.state, settled_at = excluded.settled_at, chosen_id = excluded.chosen_id,
                  answered_by = excluded.answered_by
            """,
            {
                **_fields(prompt),
                "choices": Jsonb([choice.model_dump() for choice in prompt.choices]),
                "workspace_id": tx.workspace_id,
                "thread_id": opened.thread.id,
            },
        )


async def _write_deliveries(tx: Tx, opened: OpenThread) -> None:
    """Write the deliveries and wake a sender when this transaction commits.

    That of a message that is sent again begins anew, alone, and keeps its history. Its last lease stays written there,
    so that a late word that the message had arrived can still spare the customer the second one.
    """
    await tx.send(
        """
        WITH written AS (
          INSERT INTO deliveries AS d
                 (workspace_id, id, thread_id, channel_id, message_id, seq, budget_id, state, not_before, merged_into,
                  created_at)
          SELECT %(workspace_id)s, id, %(thread_id)s, %(channel_id)s, message_id, seq, budget_id, 'queued', not_before,
                 merged_into, %(now)s
          FROM jsonb_populate_recordset(NULL::deliveries, %(deliveries)s)
          ON CONFLICT (workspace_id, message_id) DO UPDATE
            SET state = 'queued', seq = excluded.seq, budget_id = excluded.budget_id, attempts = 0,
                not_before = excluded.not_before, first_tried_at = NULL, lease_until = NULL, alone = true
            WHERE d.state IN ('failed', 'unconfirmed')
        )
        SELECT pg_notify(%(sender)s, '')
        """,
        {
            "workspace_id": tx.workspace_id,
            "thread_id": opened.thread.id,
            "channel_id": opened.thread.channel_id,
            "now": tx.now,
            "deliveries": Jsonb([_fields(delivery) for delivery in opened.deliveries]),
            "sender": SENDER_CHANNEL,
        },
    )


def _fields(value: "DataclassInstance") -> dict[str, object]:
    """Return a dataclass as a row for `jsonb_populate_recordset`, its names being the columns'."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _message_row(message: Message) -> dict[str, object]:
    row = _fields(message)
    author = message.author
    del row["author"]
    row |= {"author_kind": author.kind, "author_agent_id": author.agent_id, "why": author.why}
    row["content"] = message.content.model_dump(mode="json")
    return row
