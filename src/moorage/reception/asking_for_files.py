"""Asking a customer for a file that they sent by a way on which nobody can fetch it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from moorage.connectors.content import CONTENT, File, UploadRequest
from moorage.connectors.registry import Connectors
from moorage.conversations.model import Message
from moorage.conversations.open_thread import OpenThread, lock_known_thread
from moorage.conversations.queries import thread_of
from moorage.core.errors import DomainError, Missing
from moorage.core.ids import ConversationId, MessageId, ThreadId
from moorage.infra.database import Tx
from moorage.media.names import saved_name
from moorage.reception.operations import agent_replies
from moorage.staff.model import Actor


@dataclass(eq=False)
class NothingToAskFor(DomainError):
    """The message tells of no file that is missing here."""

    code: ClassVar[str] = "conversations.nothing_to_ask_for"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class AlreadyAsked(DomainError):
    """The customer has a link to hand the file in, which still works."""

    code: ClassVar[str] = "conversations.already_asked"
    kind: ClassVar[str] = "conflict"
    expires_at: datetime


async def ask_for_file(
    tx: Tx, *, actor: Actor, conversation_id: ConversationId, message_id: MessageId, connectors: Connectors
) -> tuple[OpenThread, Message]:
    """Send the customer a link to hand in the file that a message tells of, and return that message with its thread.

    Raises Missing, NothingToAskFor or AlreadyAsked, or why nothing can be said now, as `agent_replies`.
    """
    thread_id = await thread_of(tx, conversation_id=conversation_id)
    await lock_known_thread(tx, thread_id=thread_id)
    file = await _file_of(tx, thread_id=thread_id, message_id=message_id)
    if (asked := await _asked(tx, thread_id=thread_id, message_id=message_id)) is not None:
        raise AlreadyAsked(expires_at=asked)
    request = UploadRequest(
        file_name=saved_name(file.name, fallback="file"),
        for_message_id=str(message_id),
        expires_at=tx.now,  # saying it makes it later
    )
    return await agent_replies(tx, actor=actor, conversation_id=conversation_id, content=request, connectors=connectors)


@dataclass(frozen=True, slots=True)
class _Row:
    content: Mapping[str, object]


async def _file_of(tx: Tx, *, thread_id: ThreadId, message_id: MessageId) -> File:
    row = await tx.row(
        _Row,
        """
        SELECT content FROM messages
        WHERE workspace_id = %s AND id = %s AND thread_id = %s AND author_kind = 'customer'
        """,
        [tx.workspace_id, message_id, thread_id],
    )
    if row is None:
        raise Missing(what="message")
    content = CONTENT.validate_python(row.content)
    if not isinstance(content, File) or content.blob_id is not None:
        raise NothingToAskFor
    return content


async def _asked(tx: Tx, *, thread_id: ThreadId, message_id: UUID) -> datetime | None:
    """Return until when a link works that the customer has for the message; None where they have none."""
    found = await tx.value(
        """
        SELECT max((content ->> 'expires_at')::timestamptz) FROM messages
        WHERE workspace_id = %s AND thread_id = %s AND content ->> 'type' = 'upload_request'
          AND content ->> 'for_message_id' = %s AND delivery_state IS DISTINCT FROM 'failed'
          AND (content ->> 'expires_at')::timestamptz > %s
        """,
        [tx.workspace_id, thread_id, str(message_id), tx.now],
    )
    return found if isinstance(found, datetime) else None
