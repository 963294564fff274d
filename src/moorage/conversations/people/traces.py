"""Copies of what a customer said and is called, beside the messages themselves: all are erased together.

The event log keeps each fact with its number and version, without the words: who catches up over it hears the same as
before, and reads what everybody reads now. `docs/explanation/what-is-erased.md` lists every table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from moorage.core.ids import CustomerId, ThreadId
from moorage.infra.database import Tx
from moorage.infra.kept_answers import forget_answers


@dataclass(frozen=True, slots=True)
class Gone:
    """Who is forgotten. `name` is what staff calls them from now on."""

    customer_id: CustomerId
    thread_id: ThreadId
    blob_ids: Sequence[UUID]
    name: str


async def erase_words(tx: Tx, *, gone: Gone) -> None:
    """Erase what else repeats a customer's words. Their messages are empty already, their thread is locked."""
    await _forget_choices(tx, gone)
    await _forget_provider_words(tx, gone)
    await _forget_what_was_decided_about(tx, gone)
    await _empty_facts_of_messages(tx, gone)
    await _empty_facts_of_conversations(tx, gone)


async def erase_names(tx: Tx, *, gone: Gone) -> None:
    """Have the customer called `name` wherever what was told or answered repeats an older one."""
    await _rename_in_facts_of_messages(tx, gone)
    await _rename_in_facts_of_conversations(tx, gone)
    await _rename_in_facts_of_customer(tx, gone)
    await forget_answers(tx, mentioning=[gone.customer_id, gone.thread_id, *gone.blob_ids])


async def _forget_choices(tx: Tx, gone: Gone) -> None:
    """Leave of each question when it was asked and how it ended. An open one waits for nothing any more."""
    await tx.execute(
        """
        UPDATE prompts
        SET choices = '[]', settled_at = coalesce(settled_at, %s),
            state = CASE state WHEN 'open' THEN 'expired' ELSE state END
        WHERE workspace_id = %s AND thread_id = %s
        """,
        [tx.now, tx.workspace_id, gone.thread_id],
    )


async def _forget_provider_words(tx: Tx, gone: Gone) -> None:
    """Leave of each try to deliver when it was made and what came of it; a provider's refusal may repeat the words."""
    await tx.execute(
        """
        UPDATE deliveries d
        SET history = (SELECT coalesce(jsonb_agg(try - 'detail' ORDER BY n), '[]')
                       FROM jsonb_array_elements(d.history) WITH ORDINALITY AS tries(try, n))
        WHERE workspace_id = %s AND thread_id = %s AND history <> '[]'
        """,
        [tx.workspace_id, gone.thread_id],
    )


async def _forget_what_was_decided_about(tx: Tx, gone: Gone) -> None:
    """Leave of each decision which rule made it, when, and what kinds of things it was about and led to."""
    await tx.execute(
        """
        UPDATE decisions d
        SET event = jsonb_build_object('kind', d.event -> 'kind'),
            effects = (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', effect -> 'kind') ORDER BY n), '[]')
                       FROM jsonb_array_elements(d.effects) WITH ORDINALITY AS effects(effect, n))
        WHERE workspace_id = %s AND thread_id = %s
        """,
        [tx.workspace_id, gone.thread_id],
    )


async def _empty_facts_of_messages(tx: Tx, gone: Gone) -> None:
    await tx.execute(
        """
        UPDATE event_log l
        SET payload = l.payload
          || jsonb_build_object('content', m.content)
          || CASE jsonb_typeof(l.payload -> 'delivery') WHEN 'object'
               THEN jsonb_build_object('delivery', l.payload -> 'delivery' || '{"details": null}')
               ELSE '{}' END
        FROM messages m
        WHERE l.workspace_id = %s AND m.workspace_id = l.workspace_id AND m.thread_id = %s AND l.object_id = m.id
        """,
        [tx.workspace_id, gone.thread_id],
    )


async def _empty_facts_of_conversations(tx: Tx, gone: Gone) -> None:
    await tx.execute(
        """
        UPDATE event_log l
        SET payload = jsonb_set(l.payload, '{last_message}',
                                l.payload -> 'last_message' || '{"preview": "", "type": "erased"}')
        FROM conversations c
        WHERE l.workspace_id = %s AND c.workspace_id = l.workspace_id AND c.thread_id = %s AND l.object_id = c.id
          AND jsonb_typeof(l.payload -> 'last_message') = 'object'
        """,
        [tx.workspace_id, gone.thread_id],
    )


async def _rename_in_facts_of_messages(tx: Tx, gone: Gone) -> None:
    await tx.execute(
        """
        UPDATE event_log l SET payload = jsonb_set(l.payload, '{author,name}', to_jsonb(%s::text))
        FROM messages m
        WHERE l.workspace_id = %s AND m.workspace_id = l.workspace_id AND m.thread_id = %s AND l.object_id = m.id
          AND m.author_kind = 'customer'
        """,
        [gone.name, tx.workspace_id, gone.thread_id],
    )


async def _rename_in_facts_of_conversations(tx: Tx, gone: Gone) -> None:
    await tx.execute(
        """
        UPDATE event_log l SET payload = jsonb_set(l.payload, '{customer}', l.payload -> 'customer'
          || jsonb_build_object('name', %s::text, 'avatar_url', null))
        FROM conversations c
        WHERE l.workspace_id = %s AND c.workspace_id = l.workspace_id AND c.thread_id = %s AND l.object_id = c.id
        """,
        [gone.name, tx.workspace_id, gone.thread_id],
    )


async def _rename_in_facts_of_customer(tx: Tx, gone: Gone) -> None:
    await tx.execute(
        """
        UPDATE event_log SET payload = payload || jsonb_build_object('name', %s::text, 'avatar_url', null)
        WHERE workspace_id = %s AND object_id = %s
        """,
        [gone.name, tx.workspace_id, gone.customer_id],
    )
