"""Taking pictures that a channel will send by itself: made fit for it once, when an admin uploads them."""

from dataclasses import dataclass
from typing import Literal

from moorage.channels.follow_replies.pictures import ChannelPicture, add_picture
from moorage.channels.queries import read_channel
from moorage.connectors.registry import Connectors
from moorage.conversations.media import UploadRefused, UploadTooLarge
from moorage.conversations.media_uploads import upload_limits
from moorage.core.ids import ChannelId, WorkspaceId, new_id
from moorage.infra.blobs import BlobStore
from moorage.infra.database import Database
from moorage.media.names import safe_name
from moorage.media.pictures import Pictures, PictureUnusable


@dataclass(frozen=True, slots=True)
class ChannelPictures:
    """Takes pictures from admins."""

    database: Database
    connectors: Connectors
    blobs: BlobStore
    pictures: Pictures

    async def take(
        self,
        *,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        use: Literal["image", "card"],
        content: bytes,
        name: str,
    ) -> ChannelPicture:
        """Store a picture as a channel can send it, and return what is known of it. Raises Missing or UploadRefused."""
        async with self.database.in_workspace(workspace_id) as tx:
            channel = await read_channel(tx, channel_id=channel_id)
        limits = upload_limits(self.connectors[channel.kind].manifest, use=use)
        if len(content) > limits.most_upload_bytes:
            raise UploadTooLarge(reason="too_large", bytes=len(content), most_bytes=limits.most_upload_bytes)
        try:
            picture = await self.pictures.prepare(content, most_bytes=limits.most_bytes, media_types=limits.media_types)
        except PictureUnusable as unusable:
            raise UploadRefused(reason=unusable.reason, bytes=len(content), most_bytes=limits.most_bytes) from unusable
        blob = await self.blobs.keep(
            workspace_id=workspace_id, blob_id=new_id(), content=picture.content, media_type=picture.media_type
        )
        kept = ChannelPicture(
            id=blob.id,
            media_type=picture.media_type,
            size_bytes=len(picture.content),
            width=picture.width,
            height=picture.height,
            name=safe_name(name, media_type=picture.media_type, fallback="picture"),
        )
        async with self.database.in_workspace(workspace_id) as tx:
            await add_picture(tx, channel_id=channel_id, blob=blob, picture=kept)
        return kept
