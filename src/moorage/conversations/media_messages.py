"""What a message says of its file, changed under the thread's lock, and which files are due to be tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from psycopg.types.json import Jsonb

from moorage.connectors.content import CONTENT, Media
from moorage.conversations.audiences import audience_of_thread
from moorage.conversations.media import MediaReceived, NothingToFetch
from moorage.conversations.message_rows import MessageRow
from moorage.conversations.open_thread import CONVERSATION, lock_known_thread
from moorage.conversations.queries import may_read_thread
from moorage.conversations.views import MessageView, message_changed, message_view
from moorage.core.errors import Missing
from moorage.core.ids import AgentId, MessageId, ThreadId, WorkspaceId
from moorage.infra.database import Tx
from moorage.staff.model import Actor


async def change_media(tx: Tx, *, thread_id: ThreadId, message_id: MessageId, told: Mapping[str, object]) -> bool:
    """Change what a message says of its file and tell browsers; False if its file is kept, or it says so already."""
    await lock_known_thread(tx, thread_id=thread_id)
    row = await tx.row(
        _Row,
        _CHANGED + _SHOWN,
        {"workspace_id": tx.workspace_id, "id": message_id, "told": Jsonb(dict(told))},
    )
    if row is None:
        return False
    tx.record(message_changed(row.view(), audience=row.audience()))
    return True


async def fetch_again(tx: Tx, *, actor: Actor, message_id: MessageId) -> MessageView:
    """Have the file of a message fetched once more and return the message. Raises Missing or NothingToFetch.

    Of a file that is kept, or just being fetched, nothing changes.
    """
    thread_id = await _thread_of(tx, message_id=message_id)
    if not await may_read_thread(tx, actor=actor, thread_id=thread_id):
        raise Missing(what="message")
    await lock_known_thread(tx, thread_id=thread_id)
    row = await _read(tx, message_id=message_id)
    media = CONTENT.validate_python(row.content)
    if not isinstance(media, Media) or row.author_kind != "customer":
        raise NothingToFetch
    if media.state not in ("kept", "fetching"):
        told = {"state": "fetching", "reason": None}
        await change_media(tx, thread_id=thread_id, message_id=message_id, told=told)
        await want_fetch(tx, thread_id=thread_id, message_id=message_id)
    return (await _read(tx, message_id=message_id)).view()


async def want_fetch(tx: Tx, *, thread_id: ThreadId, message_id: MessageId) -> None:
    """Write down that a message's file is to be fetched, and have a job do it at once."""
    await tx.execute(
        """
        INSERT INTO media_fetches (workspace_id, message_id, thread_id, next_at, created_at)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (workspace_id, message_id) DO UPDATE SET attempts = 0, next_at = excluded.next_at
        """,
        [tx.workspace_id, message_id, thread_id, tx.now + JOB_HAS, tx.now],
    )
    tx.publish(MediaReceived(message_id=message_id, thread_id=thread_id))


async def end_fetch(tx: Tx, *, message_id: MessageId) -> None:
    """Forget that a file is to be fetched: it is here, or will never be."""
    await tx.execute(
        "DELETE FROM media_fetches WHERE workspace_id = %s AND message_id = %s", [tx.workspace_id, message_id]
    )


async def put_off_fetch(tx: Tx, *, message_id: MessageId, until: datetime) -> None:
    """Have a file tried again at an instant."""
    await tx.execute(
        "UPDATE media_fetches SET next_at = %s, lease_until = NULL WHERE workspace_id = %s AND message_id = %s",
        [until, tx.workspace_id, message_id],
    )


JOB_HAS = timedelta(minutes=2)
"""How long a job that was written may take to begin, before another one is written."""


@dataclass(frozen=True, slots=True)
class DueFetch:
    """A file that is to be tried again, or whose job was lost."""

    workspace_id: WorkspaceId
    message_id: MessageId
    thread_id: ThreadId


async def due_fetches(tx: Tx, *, most: int) -> list[DueFetch]:
    """Return what is due, the longest first. Needs the system door."""
    return await tx.rows(
        DueFetch,
        """
        SELECT workspace_id, message_id, thread_id FROM media_fetches
        WHERE next_at <= %(now)s AND (lease_until IS NULL OR lease_until < %(now)s) ORDER BY next_at LIMIT %(most)s
        """,
        {"now": tx.now, "most": most},
    )


async def write_due_job(tx: Tx, *, due: DueFetch) -> None:
    """Have a job try what is due, unless somebody else has seen to it."""
    taken = await tx.execute(
        "UPDATE media_fetches SET next_at = %s WHERE workspace_id = %s AND message_id = %s AND next_at <= %s",
        [tx.now + JOB_HAS, tx.workspace_id, due.message_id, tx.now],
    )
    if taken:
        tx.publish(MediaReceived(message_id=due.message_id, thread_id=due.thread_id))


async def _thread_of(tx: Tx, *, message_id: MessageId) -> ThreadId:
    found = await tx.row(
        _ThreadRow, "SELECT thread_id FROM messages WHERE workspace_id = %s AND id = %s", [tx.workspace_id, message_id]
    )
    if found is None:
        raise Missing(what="message")
    return found.thread_id


async def _read(tx: Tx, *, message_id: MessageId) -> "_Row":
    row = await tx.row(_Row, _ONE + _SHOWN, {"workspace_id": tx.workspace_id, "id": message_id})
    if row is None:
        raise Missing(what="message")
    return row


@dataclass(frozen=True, slots=True)
class _ThreadRow:
    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class _Row(MessageRow):
    thread_id: ThreadId
    author_name: str | None
    newest: Mapping[str, object] | None
    served_by: Sequence[AgentId]

    def view(self) -> MessageView:
        """Return the message as it is shown."""
        return message_view(self.message(), thread_id=self.thread_id, author_name=self.author_name)

    def audience(self) -> frozenset[str]:
        """Return who is told of a change: those who may read the thread."""
        newest = None if self.newest is None else CONVERSATION.validate_python(self.newest)
        return frozenset(audience_of_thread(newest=newest, served_by=self.served_by))


_CHANGED: Final[LiteralString] = """
  WITH m AS (
    UPDATE messages SET content = content || %(told)s, version = version + 1
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
      AND content ->> 'state' IS DISTINCT FROM 'kept' AND NOT content @> %(told)s
    RETURNING *
  )
"""
_ONE: Final[LiteralString] = """
  WITH m AS (SELECT * FROM messages WHERE workspace_id = %(workspace_id)s AND id = %(id)s)
"""
_SHOWN: Final[LiteralString] = """
  SELECT m.id, m.thread_id, m.seq, m.conversation_id, m.author_kind, m.author_agent_id, m.why, m.content,
         m.delivery_state, m.delivery_reason, m.arrived_late, m.sent_at, m.created_at, m.version,
         CASE m.author_kind WHEN 'customer' THEN coalesce(u.remark_name, u.name) ELSE a.name END AS author_name,
         to_jsonb(c) AS newest,
         ARRAY(SELECT DISTINCT o.owner_agent_id FROM conversations o
               WHERE o.workspace_id = m.workspace_id AND o.thread_id = m.thread_id AND o.owner_kind = 'agent'
              ) AS served_by
  FROM m
  JOIN threads t ON t.workspace_id = m.workspace_id AND t.id = m.thread_id
  LEFT JOIN customers u ON u.workspace_id = t.workspace_id AND u.id = t.customer_id
  LEFT JOIN agents a ON a.workspace_id = m.workspace_id AND a.id = m.author_agent_id
  LEFT JOIN LATERAL (
    SELECT * FROM conversations o
    WHERE o.workspace_id = m.workspace_id AND o.thread_id = m.thread_id
    ORDER BY o.opened_at DESC, o.id DESC LIMIT 1
  ) c ON true
"""
