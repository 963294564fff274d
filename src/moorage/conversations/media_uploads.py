"""Files that an agent sends: taken, made fit for the channel, stored, and later handed to the connector."""

from dataclasses import dataclass
from uuid import UUID

from moorage.channels.follow_replies.pictures import external_picture_id, keep_external_picture_id
from moorage.connectors.contract import MediaFile
from moorage.connectors.manifest import Manifest
from moorage.connectors.registry import Connectors
from moorage.conversations.media import KeptFile, UploadRefused
from moorage.conversations.media_files import add_file, external_id_of, keep_external_id
from moorage.conversations.queries import read_card
from moorage.core.ids import AgentId, ChannelId, ConversationId, ThreadId, WorkspaceId, new_id
from moorage.infra.blobs import BlobStore, find_blob
from moorage.infra.database import Database
from moorage.media.names import safe_name
from moorage.media.pictures import Pictures, PictureUnusable
from moorage.staff.model import Actor
from moorage.staff.rights import Act, require

PICTURE = "image"


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """Where an upload is to be sent, and what can be sent there."""

    thread_id: ThreadId
    agent_id: AgentId
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes files from agents."""

    database: Database
    connectors: Connectors
    blobs: BlobStore
    pictures: Pictures

    async def place(self, *, actor: Actor, conversation_id: ConversationId) -> UploadPlace:
        """Return where an upload for one's own conversation goes. Raises Missing, Forbidden or UploadRefused."""
        async with self.database.in_workspace(actor.workspace_id) as tx:
            card = await read_card(tx, actor=actor, conversation_id=conversation_id, connectors=self.connectors)
        require(actor, Act.CONVERSATION_WRITE, card.conversation)
        manifest = self.connectors[card.around.channel_kind].manifest
        if PICTURE not in manifest.sendable_media:
            raise UploadRefused(reason="kind_not_allowed")
        return UploadPlace(thread_id=card.thread_id, agent_id=actor.agent_id, manifest=manifest)

    async def take_picture(
        self, *, workspace_id: WorkspaceId, place: UploadPlace, content: bytes, name: str
    ) -> KeptFile:
        """Store a picture as it can be sent, and return what is known of it. Raises UploadRefused."""
        limits = place.manifest.sendable_media[PICTURE]
        try:
            picture = await self.pictures.prepare(content, most_bytes=limits.most_bytes, media_types=limits.media_types)
        except PictureUnusable as unusable:
            raise UploadRefused(reason=unusable.reason, bytes=len(content), most_bytes=limits.most_bytes) from unusable
        blob = await self.blobs.keep(
            workspace_id=workspace_id, blob_id=new_id(), content=picture.content, media_type=picture.media_type
        )
        file = KeptFile(
            id=blob.id,
            thread_id=place.thread_id,
            kind=PICTURE,
            media_type=picture.media_type,
            size_bytes=len(picture.content),
            width=picture.width,
            height=picture.height,
            name=safe_name(name, media_type=picture.media_type, fallback="picture"),
            uploaded_by=place.agent_id,
            was_sent=False,
        )
        async with self.database.in_workspace(workspace_id) as tx:
            await add_file(tx, blob=blob, file=file)
        return file


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """A kept file as a connector sees it: a `MediaSource`."""

    database: Database
    blobs: BlobStore
    workspace_id: WorkspaceId
    channel_id: ChannelId
    file_id: UUID
    name: str
    manifest: Manifest

    async def file(self) -> MediaFile:
        """Return the file. Raises BlobMissing where the store has lost it."""
        async with self.database.in_workspace(self.workspace_id) as tx:
            blob = await find_blob(tx, blob_id=self.file_id)
        return MediaFile(content=await self.blobs.read(blob), media_type=blob.media_type, name=self.name)

    async def external_id(self) -> str | None:
        """Return what the provider calls it, with a tenth of its life left for a slow send."""
        kept_for = self.manifest.media_kept_for * 0.9
        async with self.database.in_workspace(self.workspace_id) as tx:
            after = tx.now - kept_for
            return await external_id_of(tx, file_id=self.file_id, uploaded_after=after) or await external_picture_id(
                tx, channel_id=self.channel_id, picture_id=self.file_id, uploaded_after=after
            )

    async def keep_external_id(self, external_media_id: str) -> None:
        """Write down what the provider calls it."""
        async with self.database.in_workspace(self.workspace_id) as tx:
            if not await keep_external_picture_id(
                tx, channel_id=self.channel_id, picture_id=self.file_id, external_media_id=external_media_id
            ):
                await keep_external_id(tx, file_id=self.file_id, external_media_id=external_media_id)
