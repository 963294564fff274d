"""Blobs: pictures, voices and files, kept outside the database under a path that names the workspace."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, SupportsBytes
from uuid import UUID

from obstore.store import LocalStore, ObjectStore

from moorage.core.errors import DomainError
from moorage.core.ids import WorkspaceId
from moorage.infra.database import Tx

PIECE_BYTES = 256 * 1024
"""At least so much of a blob is read at once."""


@dataclass(eq=False)
class BlobMissing(DomainError):
    """The store has no such blob."""

    code: ClassVar[str] = "infra.blob_missing"
    kind: ClassVar[str] = "missing"
    blob_id: UUID


@dataclass(frozen=True, slots=True)
class Blob:
    """What the database knows of a stored blob."""

    id: UUID
    path: str
    media_type: str
    size_bytes: int
    sha256: bytes


class BlobStore:
    """Keeps blobs in any store that obstore knows; a folder by default."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def keep(self, *, workspace_id: WorkspaceId, blob_id: UUID, content: bytes, media_type: str) -> Blob:
        """Store `content` and return what to record. Call it outside transactions; the same id may be stored again.

        A blob that is stored and never recorded does no harm: nothing refers to it.
        """
        blob = Blob(
            id=blob_id,
            path=f"{workspace_id}/{blob_id}",
            media_type=media_type,
            size_bytes=len(content),
            sha256=await asyncio.to_thread(_digest, content),
        )
        await self._store.put_async(blob.path, content)
        return blob

    async def read(self, blob: Blob) -> bytes:
        """Return the content of `blob`. Raises BlobMissing."""
        try:
            answer = await self._store.get_async(blob.path)
        except FileNotFoundError as error:
            raise BlobMissing(blob_id=blob.id) from error
        return bytes(await answer.bytes_async())

    async def part(self, blob: Blob, *, start: int, end: int) -> AsyncIterator[bytes]:
        """Return the bytes of `blob` from `start` up to but not `end`, piece by piece. Raises BlobMissing at once."""
        try:
            answer = await self._store.get_async(blob.path, options={"range": (start, end)} if end > start else None)
        except FileNotFoundError as error:
            raise BlobMissing(blob_id=blob.id) from error
        return _pieces(answer.stream(min_chunk_size=PIECE_BYTES)) if end > start else _nothing()

    async def remove(self, blob: Blob) -> None:
        """Remove what lies under `blob`; one that is not there is as good as removed."""
        with suppress(FileNotFoundError):
            await self._store.delete_async(blob.path)


async def _pieces(stream: AsyncIterable[SupportsBytes]) -> AsyncIterator[bytes]:
    async for piece in stream:
        yield bytes(piece)


async def _nothing() -> AsyncIterator[bytes]:
    for piece in ():
        yield piece


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def open_blob_folder(folder: Path) -> BlobStore:
    """Return a store in `folder`, which is made if it is missing."""
    return BlobStore(LocalStore(folder, mkdir=True))


async def record_blob(tx: Tx, blob: Blob) -> None:
    """Write down a stored blob, so that rows of its workspace may refer to it."""
    await tx.execute(
        """
        INSERT INTO blobs (workspace_id, id, path, media_type, bytes, sha256, created_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        [tx.workspace_id, blob.id, blob.path, blob.media_type, blob.size_bytes, blob.sha256, tx.now],
    )


async def find_blob(tx: Tx, *, blob_id: UUID) -> Blob:
    """Return what the database knows of a blob of this workspace. Raises BlobMissing."""
    blob = await tx.row(
        Blob, "SELECT id, path, media_type, bytes AS size_bytes, sha256 FROM blobs WHERE id = %s", [blob_id]
    )
    if blob is None:
        raise BlobMissing(blob_id=blob_id)
    return blob
