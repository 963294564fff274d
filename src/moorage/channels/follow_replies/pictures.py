"""Pictures that a channel sends by itself: kept for as long as the channel, and known to its provider for some days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.blobs import Blob, record_blob
from moorage.infra.database import Tx


@dataclass(frozen=True, slots=True)
class ChannelPicture:
    """A picture as it can be sent. `id` is its blob's."""

    id: UUID
    media_type: str
    size_bytes: int
    width: int
    height: int
    name: str


async def add_picture(tx: Tx, *, channel_id: ChannelId, blob: Blob, picture: ChannelPicture) -> None:
    """Write down a stored picture of a channel's. It is swept away unless a reply names it within a day."""
    await record_blob(tx, blob)
    await _insert(tx, channel_id=channel_id, picture=picture)


async def pictures_of(tx: Tx, *, channel_id: ChannelId) -> list[ChannelPicture]:
    """Return the pictures of a channel, oldest first."""
    return await tx.rows(
        ChannelPicture,
        """
        SELECT id, media_type, size_bytes, width, height, name FROM channel_pictures
        WHERE workspace_id = %s AND channel_id = %s ORDER BY created_at, id
        """,
        [tx.workspace_id, channel_id],
    )


async def find_picture(tx: Tx, *, picture_id: UUID) -> tuple[ChannelPicture, Blob]:
    """Return a picture of any channel of the workspace, and where it lies. Raises Missing."""
    row = await tx.row(
        _FoundRow,
        """
        SELECT p.id, p.media_type, p.size_bytes, p.width, p.height, p.name, b.path, b.sha256
        FROM channel_pictures p JOIN blobs b ON b.workspace_id = p.workspace_id AND b.id = p.id
        WHERE p.workspace_id = %s AND p.id = %s LIMIT 1
        """,
        [tx.workspace_id, picture_id],
    )
    if row is None:
        raise Missing(what="media")
    return row.picture(), row.blob()


async def use_pictures(tx: Tx, *, channel_id: ChannelId, picture_ids: Sequence[UUID]) -> None:
    """Say that a reply names these pictures: customers will have got them, so they stay."""
    await tx.execute(
        """
        UPDATE channel_pictures SET used_at = coalesce(used_at, %s)
        WHERE workspace_id = %s AND channel_id = %s AND id = ANY(%s)
        """,
        [tx.now, tx.workspace_id, channel_id, list(picture_ids)],
    )


async def share_pictures(tx: Tx, *, source: ChannelId, target: ChannelId, picture_ids: Sequence[UUID]) -> None:
    """Give pictures of one channel to another. Its provider's account has them under a name of its own."""
    for picture in await pictures_of(tx, channel_id=source):
        if picture.id in picture_ids:
            await _insert(tx, channel_id=target, picture=picture)
    await use_pictures(tx, channel_id=target, picture_ids=picture_ids)


async def external_picture_id(
    tx: Tx, *, channel_id: ChannelId, picture_id: UUID, uploaded_after: datetime
) -> str | None:
    """Return what a channel's provider calls a picture, if it was uploaded there after an instant."""
    found = await tx.value(
        """
        SELECT external_media_id FROM channel_pictures
        WHERE workspace_id = %s AND channel_id = %s AND id = %s AND external_uploaded_at > %s
        """,
        [tx.workspace_id, channel_id, picture_id, uploaded_after],
    )
    return found if isinstance(found, str) else None


async def keep_external_picture_id(tx: Tx, *, channel_id: ChannelId, picture_id: UUID, external_media_id: str) -> bool:
    """Write down what a channel's provider calls a picture from now on; False if the channel has no such picture."""
    kept = await tx.execute(
        """
        UPDATE channel_pictures SET external_media_id = %s, external_uploaded_at = %s
        WHERE workspace_id = %s AND channel_id = %s AND id = %s
        """,
        [external_media_id, tx.now, tx.workspace_id, channel_id, picture_id],
    )
    return bool(kept)


@dataclass(frozen=True, slots=True)
class UnusedPicture:
    """A picture that no reply has named."""

    workspace_id: WorkspaceId
    id: UUID


async def unused_pictures(tx: Tx, *, older_than: timedelta, most: int) -> list[UnusedPicture]:
    """Return pictures that were uploaded so long ago and never used. Needs the system door."""
    return await tx.rows(
        UnusedPicture,
        """
        SELECT workspace_id, id FROM channel_pictures
        WHERE used_at IS NULL AND created_at < %s ORDER BY created_at LIMIT %s
        """,
        [tx.now - older_than, most],
    )


async def remove_unused_picture(tx: Tx, *, picture_id: UUID) -> bool:
    """Delete the rows of a picture; False if it was used meanwhile, or somebody else has deleted it."""
    gone = await tx.execute(
        "DELETE FROM channel_pictures WHERE workspace_id = %s AND id = %s AND used_at IS NULL",
        [tx.workspace_id, picture_id],
    )
    if gone:
        await tx.execute("DELETE FROM blobs WHERE workspace_id = %s AND id = %s", [tx.workspace_id, picture_id])
    return bool(gone)


async def _insert(tx: Tx, *, channel_id: ChannelId, picture: ChannelPicture) -> None:
    await tx.execute(
        """
        INSERT INTO channel_pictures
               (workspace_id, channel_id, id, media_type, size_bytes, width, height, name, created_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        [
            tx.workspace_id,
            channel_id,
            picture.id,
            picture.media_type,
            picture.size_bytes,
            picture.width,
            picture.height,
            picture.name,
            tx.now,
        ],
    )


@dataclass(frozen=True, slots=True)
class _FoundRow(ChannelPicture):
    path: str
    sha256: bytes

    def picture(self) -> ChannelPicture:
        """Return the picture that the row tells of."""
        return ChannelPicture(
            id=self.id,
            media_type=self.media_type,
            size_bytes=self.size_bytes,
            width=self.width,
            height=self.height,
            name=self.name,
        )

    def blob(self) -> Blob:
        """Return where the picture lies."""
        return Blob(
            id=self.id, path=self.path, media_type=self.media_type, size_bytes=self.size_bytes, sha256=self.sha256
        )
