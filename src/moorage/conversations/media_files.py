"""The rows of files that are ours: who may see one, and what becomes of those that nobody sends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from moorage.channels.follow_replies.pictures import find_picture
from moorage.connectors.content import File, Media
from moorage.conversations.media import FileKind, KeptFile
from moorage.conversations.queries import may_read_thread
from moorage.core.errors import Missing
from moorage.core.ids import AgentId, ThreadId, WorkspaceId
from moorage.infra.blobs import Blob, record_blob
from moorage.infra.database import Tx
from moorage.staff.model import Actor


async def add_file(tx: Tx, *, blob: Blob, file: KeptFile) -> None:
    """Write a stored file down. Running twice adds nothing."""
    await record_blob(tx, blob)
    await tx.execute(
        """
        INSERT INTO media_files
               (workspace_id, id, thread_id, kind, media_type, size_bytes, width, height, name, uploaded_by,
                duration_s, poster_id, asked_by_message_id, created_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        [
            tx.workspace_id,
            file.id,
            file.thread_id,
            file.kind,
            file.media_type,
            file.size_bytes,
            file.width,
            file.height,
            file.name,
            file.uploaded_by,
            file.duration_s,
            file.poster_id,
            file.asked_by_message_id,
            tx.now,
        ],
    )


async def find_file(tx: Tx, *, file_id: UUID, actor: Actor) -> tuple[str, Blob]:
    """Return a file's name and where it lies. Raises Missing also where the actor may not know of it.

    Who may read a thread may see its files; an upload that was not sent yet is for who uploaded it alone. What a
    channel sends by itself is for everybody who may see channels.
    """
    row = await tx.row(
        _FoundRow,
        """
        SELECT f.id, f.thread_id, f.kind, f.media_type, f.size_bytes, f.width, f.height, f.name, f.uploaded_by,
               f.sent_at, f.duration_s, f.poster_id, f.asked_by_message_id, b.path, b.sha256
        FROM media_files f JOIN blobs b ON b.workspace_id = f.workspace_id AND b.id = f.id
        WHERE f.workspace_id = %s AND f.id = %s
        """,
        [tx.workspace_id, file_id],
    )
    if row is None:
        picture, blob = await find_picture(tx, picture_id=file_id)
        return picture.name, blob
    file = row.file()
    unsent = file.uploaded_by is not None and not file.was_sent
    allowed = file.uploaded_by == actor.agent_id if unsent else False
    if not allowed and (unsent or not await may_read_thread(tx, actor=actor, thread_id=file.thread_id)):
        raise Missing(what="media")
    return file.name, row.blob()


async def use_upload(tx: Tx, *, upload_id: UUID, kind: FileKind, thread_id: ThreadId, actor: Actor) -> Media | File:
    """Return the content of a message with a file that the actor has uploaded for a thread. Raises Missing.

    From now on it is part of the thread: it is never swept away, and its readers may see it.
    """
    row = await tx.row(
        _FileRow,
        """
        WITH used AS (
          UPDATE media_files SET sent_at = coalesce(sent_at, %(now)s)
          WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND kind = %(kind)s AND thread_id = %(thread_id)s
            AND uploaded_by = %(agent_id)s
          RETURNING *
        ), poster AS (
          UPDATE media_files f SET sent_at = coalesce(f.sent_at, %(now)s) FROM used
          WHERE f.workspace_id = used.workspace_id AND f.id = used.poster_id
        )
        SELECT id, thread_id, kind, media_type, size_bytes, width, height, name, uploaded_by, sent_at, duration_s,
               poster_id, asked_by_message_id
        FROM used
        """,
        {
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "id": upload_id,
            "kind": kind,
            "thread_id": thread_id,
            "agent_id": actor.agent_id,
        },
    )
    if row is None:
        raise Missing(what="upload")
    return row.file().as_content()


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that a customer has a link to."""

    id: UUID
    name: str
    channel_name: str
    media_type: str
    size_bytes: int
    sent_at: datetime
    path: str
    sha256: bytes


async def find_shared_file(tx: Tx, *, file_id: UUID, thread_id: ThreadId) -> tuple[SharedFile, Blob] | None:
    """Return a file that was sent into a thread as a link, and where it lies; None where there is none."""
    row = await tx.row(
        SharedFile,
        """
        SELECT f.id, f.name, c.name AS channel_name, f.media_type, f.size_bytes, f.sent_at, b.path, b.sha256
        FROM media_files f
        JOIN blobs b ON b.workspace_id = f.workspace_id AND b.id = f.id
        JOIN threads t ON t.workspace_id = f.workspace_id AND t.id = f.thread_id
        JOIN channels c ON c.workspace_id = t.workspace_id AND c.id = t.channel_id
        WHERE f.workspace_id = %s AND f.id = %s AND f.thread_id = %s AND f.kind = 'file'
          AND f.uploaded_by IS NOT NULL AND f.sent_at IS NOT NULL
        """,
        [tx.workspace_id, file_id, thread_id],
    )
    if row is None:
        return None
    blob = Blob(id=row.id, path=row.path, media_type=row.media_type, size_bytes=row.size_bytes, sha256=row.sha256)
    return row, blob


async def find_card_picture(tx: Tx, *, picture_id: UUID) -> Blob | None:
    """Return where the picture of a card lies that has gone out, or that a follow reply sends; None for any other file.

    What a customer sent, or nobody has sent yet, is not for everybody.
    """
    return await tx.row(
        Blob,
        """
        SELECT b.id, b.path, b.media_type, b.bytes AS size_bytes, b.sha256 FROM blobs b
        WHERE b.workspace_id = %(workspace_id)s AND b.id = %(id)s AND (
          EXISTS (SELECT 1 FROM channel_pictures p
                  WHERE p.workspace_id = b.workspace_id AND p.id = b.id AND p.used_at IS NOT NULL)
          OR EXISTS (SELECT 1 FROM media_files f
                     WHERE f.workspace_id = b.workspace_id AND f.id = b.id AND f.kind = 'image'
                       AND f.uploaded_by IS NOT NULL AND f.sent_at IS NOT NULL))
        """,
        {"workspace_id": tx.workspace_id, "id": picture_id},
    )


async def external_id_of(tx: Tx, *, file_id: UUID, uploaded_after: datetime) -> str | None:
    """Return what the provider calls a file, if it was uploaded there after an instant."""
    found = await tx.value(
        """
        SELECT external_media_id FROM media_files
        WHERE workspace_id = %s AND id = %s AND external_uploaded_at > %s
        """,
        [tx.workspace_id, file_id, uploaded_after],
    )
    return found if isinstance(found, str) else None


async def keep_external_id(tx: Tx, *, file_id: UUID, external_media_id: str) -> None:
    """Write down what the provider calls a file from now on."""
    await tx.execute(
        """
        UPDATE media_files SET external_media_id = %s, external_uploaded_at = %s WHERE workspace_id = %s AND id = %s
        """,
        [external_media_id, tx.now, tx.workspace_id, file_id],
    )


@dataclass(frozen=True, slots=True)
class UnsentUpload:
    """An upload that nobody has sent."""

    workspace_id: WorkspaceId
    id: UUID


async def unsent_uploads(tx: Tx, *, older_than: timedelta, most: int) -> list[UnsentUpload]:
    """Return uploads that were made so long ago and never sent. Needs the system door."""
    return await tx.rows(
        UnsentUpload,
        """
        SELECT workspace_id, id FROM media_files
        WHERE uploaded_by IS NOT NULL AND sent_at IS NULL AND created_at < %s ORDER BY created_at LIMIT %s
        """,
        [tx.now - older_than, most],
    )


async def remove_unsent(tx: Tx, *, upload_id: UUID) -> bool:
    """Delete the rows of an upload; False if it was sent meanwhile, or somebody else has deleted it."""
    gone = await tx.execute(
        "DELETE FROM media_files WHERE workspace_id = %s AND id = %s AND sent_at IS NULL AND uploaded_by IS NOT NULL",
        [tx.workspace_id, upload_id],
    )
    if gone:
        await tx.execute("DELETE FROM blobs WHERE workspace_id = %s AND id = %s", [tx.workspace_id, upload_id])
    return bool(gone)


@dataclass(frozen=True, slots=True)
class _FileRow:
    id: UUID
    thread_id: UUID
    kind: str
    media_type: str
    size_bytes: int
    width: int | None
    height: int | None
    name: str
    uploaded_by: UUID | None
    sent_at: datetime | None
    duration_s: float | None
    poster_id: UUID | None
    asked_by_message_id: UUID | None

    def file(self) -> KeptFile:
        """Return the file that the row tells of."""
        return KeptFile(
            id=self.id,
            thread_id=ThreadId(self.thread_id),
            kind=cast("FileKind", self.kind),
            media_type=self.media_type,
            size_bytes=self.size_bytes,
            width=self.width,
            height=self.height,
            name=self.name,
            uploaded_by=None if self.uploaded_by is None else AgentId(self.uploaded_by),
            was_sent=self.sent_at is not None,
            duration_s=self.duration_s,
            poster_id=self.poster_id,
            asked_by_message_id=self.asked_by_message_id,
        )


@dataclass(frozen=True, slots=True)
class _FoundRow(_FileRow):
    path: str
    sha256: bytes

    def blob(self) -> Blob:
        """Return where the file lies."""
        return Blob(
            id=self.id, path=self.path, media_type=self.media_type, size_bytes=self.size_bytes, sha256=self.sha256
        )
