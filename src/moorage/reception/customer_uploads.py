"""Files that customers hand in through a link: each becomes a message of theirs, and is received like any other.

It is no message of the provider's, though: it neither opens nor renews what the provider lets us send.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID, uuid5

from moorage.connectors.content import CONTENT, UploadRequest
from moorage.connectors.registry import Connectors
from moorage.conversations.media import MOST_UPLOAD_BYTES, FileKind, KeptFile, UploadRefused, UploadTooLarge
from moorage.conversations.media_files import add_file
from moorage.conversations.open_thread import lock_known_thread, open_thread
from moorage.conversations.writing import save
from moorage.core.errors import DomainError
from moorage.core.ids import MessageId
from moorage.infra.blobs import Blob, BlobStore
from moorage.infra.database import Database, Tx
from moorage.infra.links import LinkInvalid, SignedLink
from moorage.media.names import safe_name, saved_name
from moorage.media.pictures import Picture, Pictures, PictureUnusable
from moorage.media.sniffing import PICTURES, VIDEOS, file_type_of
from moorage.reception.applying import Incoming, begin_turn, keep_decisions, react, say_words
from moorage.reception.model import CustomerWrote

MOST_FILES = 10
"""Of one link. Who needs more is asked again."""


@dataclass(eq=False)
class LinkUsedUp(DomainError):
    """As many files as one link takes were handed in through it."""

    code: ClassVar[str] = "links.used_up"
    kind: ClassVar[str] = "conflict"
    most_files: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link for handing in files asks for, and how many it has brought."""

    file_name: str
    channel_name: str
    used: int

    @property
    def left(self) -> int:
        """Return how many more it takes."""
        return max(0, MOST_FILES - self.used)


@dataclass(frozen=True, slots=True)
class CustomerUploads:
    """Takes files from customers."""

    database: Database
    connectors: Connectors
    blobs: BlobStore
    pictures: Pictures

    async def asked(self, *, link: SignedLink) -> Asked:
        """Return what `link` asks for. Raises LinkInvalid."""
        async with self.database.in_workspace(link.workspace_id) as tx:
            return await _read(tx, link=link)

    async def take(self, *, link: SignedLink, key: UUID, content: bytes, name: str) -> KeptFile:
        """Keep a file and let it be received. The same `key` again adds nothing.

        Raises LinkInvalid, LinkUsedUp, UploadRefused or UploadTooLarge.
        """
        _check_size(content)
        file = await self._file(link, file_id=uuid5(_request_id(link), key.hex), content=content, name=name)
        if (await self.asked(link=link)).left == 0 and not await self._has(link, file.id):
            raise LinkUsedUp(most_files=MOST_FILES)
        blob = await self.blobs.keep(
            workspace_id=link.workspace_id, blob_id=file.id, content=content, media_type=file.media_type
        )

        async def receive(tx: Tx) -> None:
            await _receive(tx, link=link, file=file, blob=blob, connectors=self.connectors)

        await self.database.run(link.workspace_id, receive)
        return file

    async def _has(self, link: SignedLink, file_id: UUID) -> bool:
        async with self.database.in_workspace(link.workspace_id) as tx:
            return await _is_there(tx, file_id)

    async def _file(self, link: SignedLink, *, file_id: UUID, content: bytes, name: str) -> KeptFile:
        """Return what the file really is. A picture that cannot be drawn is a file like any other."""
        media_type, picture = file_type_of(content), None
        if media_type in PICTURES:
            picture = await self._picture(content)
        kind: FileKind = "image" if picture else "video" if media_type in VIDEOS else "file"
        named = saved_name(name, fallback="file")
        return KeptFile(
            id=file_id,
            thread_id=link.thread_id,
            kind=kind,
            media_type=media_type,
            size_bytes=len(content),
            width=picture.width if picture else None,
            height=picture.height if picture else None,
            name=named if kind == "file" else safe_name(name, media_type=media_type, fallback=kind),
            uploaded_by=None,
            was_sent=True,
            asked_by_message_id=_request_id(link),
        )

    async def _picture(self, content: bytes) -> Picture | None:
        try:
            return await self.pictures.look_at(content)
        except PictureUnusable:
            return None


async def _receive(tx: Tx, *, link: SignedLink, file: KeptFile, blob: Blob, connectors: Connectors) -> None:
    locked = await lock_known_thread(tx, thread_id=link.thread_id)
    if await _is_there(tx, file.id):
        return
    if (await _read(tx, link=link)).left == 0:
        raise LinkUsedUp(most_files=MOST_FILES)
    await add_file(tx, blob=blob, file=file)
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    turn = begin_turn(tx, opened=opened)
    content = file.as_content()
    event = CustomerWrote(content.type, agent_is_away=opened.around.agent_is_away)
    await react(turn, event, incoming=Incoming(happened_at=tx.now, content=content))
    say_words(turn)
    await keep_decisions(turn)
    await save(tx, opened=opened)


async def _is_there(tx: Tx, file_id: UUID) -> bool:
    found = await tx.value("SELECT 1 FROM media_files WHERE workspace_id = %s AND id = %s", [tx.workspace_id, file_id])
    return found is not None


@dataclass(frozen=True, slots=True)
class _Row:
    content: Mapping[str, object]
    channel_name: str
    used: int


async def _read(tx: Tx, *, link: SignedLink) -> Asked:
    row = await tx.row(
        _Row,
        """
        SELECT m.content, c.name AS channel_name,
               (SELECT count(*) FROM media_files f
                WHERE f.workspace_id = m.workspace_id AND f.asked_by_message_id = m.id) AS used
        FROM messages m
        JOIN threads t ON t.workspace_id = m.workspace_id AND t.id = m.thread_id
        JOIN channels c ON c.workspace_id = t.workspace_id AND c.id = t.channel_id
        WHERE m.workspace_id = %s AND m.id = %s AND m.thread_id = %s
        """,
        [tx.workspace_id, _request_id(link), link.thread_id],
    )
    content = None if row is None else CONTENT.validate_python(row.content)
    if row is None or not isinstance(content, UploadRequest):
        raise LinkInvalid
    return Asked(file_name=content.file_name, channel_name=row.channel_name, used=row.used)


def _check_size(content: bytes) -> None:
    if not content:
        raise UploadRefused(reason="empty")
    if len(content) > MOST_UPLOAD_BYTES:
        raise UploadTooLarge(reason="too_large", bytes=len(content), most_bytes=MOST_UPLOAD_BYTES)


def _request_id(link: SignedLink) -> MessageId:
    try:
        return MessageId(UUID(hex=link.about))
    except ValueError as error:
        raise LinkInvalid from error
