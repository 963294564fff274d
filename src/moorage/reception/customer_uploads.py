"""Files that customers hand in through a link: each becomes a message of theirs, and is received like any other.

It is no message of the provider's, though: it neither opens nor renews what the provider lets us send.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID, uuid5

from moorage.connectors.content import CONTENT, UploadRequest
from moorage.connectors.registry import Connectors
from moorage.conversations.media import MOST_UPLOAD_BYTES, KeptFile, UploadRefused, UploadTooLarge
from moorage.conversations.media_files import add_file
from moorage.conversations.open_thread import lock_known_thread, open_thread
from moorage.conversations.writing import save
from moorage.core.errors import DomainError
from moorage.infra.blobs import Blob, BlobStore
from moorage.infra.database import Database, Tx
from moorage.infra.links import LinkInvalid, SignedLink
from moorage.reception.applying import Incoming, begin_turn, keep_decisions, react, say_words
from moorage.reception.model import CustomerWrote
from moorage.reception.upload_looking import HandedIn, Part, UploadLooks, request_of

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
    looks: UploadLooks

    async def asked(self, *, link: SignedLink) -> Asked:
        """Return what `link` asks for. Raises LinkInvalid."""
        async with self.database.in_workspace(link.workspace_id) as tx:
            return await _read(tx, link=link)

    async def take(self, *, link: SignedLink, key: UUID, content: bytes, name: str) -> KeptFile:
        """Keep a file and let it be received. The same `key` again adds nothing.

        Raises LinkInvalid, LinkUsedUp, UploadRefused or UploadTooLarge.
        """
        _check_size(content)
        file_id = uuid5(request_of(link), key.hex)
        if (await self.asked(link=link)).left == 0 and not await self._has(link, file_id):
            raise LinkUsedUp(most_files=MOST_FILES)
        handed = await self.looks.look(content, name=name, link=link, file_id=file_id)
        blobs = [await self._store(link, one) for one in handed.parts]

        async def receive(tx: Tx) -> None:
            await _receive(tx, link=link, handed=handed, blobs=blobs, connectors=self.connectors)

        await self.database.run(link.workspace_id, receive)
        return handed.file

    async def _has(self, link: SignedLink, file_id: UUID) -> bool:
        async with self.database.in_workspace(link.workspace_id) as tx:
            return await _is_there(tx, file_id)

    async def _store(self, link: SignedLink, part: Part) -> Blob:
        return await self.blobs.keep(
            workspace_id=link.workspace_id,
            blob_id=part.file.id,
            content=part.content,
            media_type=part.file.media_type,
        )


async def _receive(
    tx: Tx, *, link: SignedLink, handed: HandedIn, blobs: Sequence[Blob], connectors: Connectors
) -> None:
    locked = await lock_known_thread(tx, thread_id=link.thread_id)
    if await _is_there(tx, handed.file.id):
        return
    if (await _read(tx, link=link)).left == 0:
        raise LinkUsedUp(most_files=MOST_FILES)
    for blob, part in zip(blobs, handed.parts, strict=True):
        await add_file(tx, blob=blob, file=part.file)
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    turn = begin_turn(tx, opened=opened)
    content = handed.content
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
        [tx.workspace_id, request_of(link), link.thread_id],
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
