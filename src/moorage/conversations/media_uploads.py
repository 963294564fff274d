"""Files that an agent sends: taken, made fit for the channel, stored, and later handed to the connector."""

from dataclasses import dataclass
from uuid import UUID

from moorage.channels.follow_replies.pictures import external_picture_id, keep_external_picture_id
from moorage.connectors.contract import MediaFile
from moorage.connectors.manifest import Manifest, MediaLimits
from moorage.connectors.registry import Connectors
from moorage.conversations.media import FileKind, KeptFile, UploadRefused, UploadTooLarge, UploadUse
from moorage.conversations.media_files import add_file, external_id_of, keep_external_id
from moorage.conversations.queries import read_card
from moorage.core.ids import AgentId, ChannelId, ConversationId, ThreadId, WorkspaceId, new_id
from moorage.infra.blobs import BlobStore, find_blob
from moorage.infra.database import Database
from moorage.media.films import Films, FilmUnusable
from moorage.media.names import safe_name, saved_name
from moorage.media.pictures import Picture, Pictures, PictureUnusable
from moorage.media.recordings import MOST_MEASURED_S, Recordings, SoundUnusable
from moorage.media.sniffing import file_type_of
from moorage.staff.model import Actor
from moorage.staff.rights import Act, require


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """Where an upload is to be sent, and what can be sent there."""

    thread_id: ThreadId
    agent_id: AgentId
    kind: FileKind
    limits: MediaLimits


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of an upload, fit to be sent."""

    content: bytes
    media_type: str
    name: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    poster: Picture | None = None


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes files from agents."""

    database: Database
    connectors: Connectors
    blobs: BlobStore
    pictures: Pictures
    recordings: Recordings
    films: Films

    async def place(self, *, actor: Actor, conversation_id: ConversationId, use: UploadUse) -> UploadPlace:
        """Return where an upload for one's own conversation goes. Raises Missing, Forbidden or UploadRefused."""
        async with self.database.in_workspace(actor.workspace_id) as tx:
            card = await read_card(tx, actor=actor, conversation_id=conversation_id, connectors=self.connectors)
        require(actor, Act.CONVERSATION_WRITE, card.conversation)
        limits = upload_limits(self.connectors[card.around.channel_kind].manifest, use=use)
        kind = "image" if use == "card" else use
        return UploadPlace(thread_id=card.thread_id, agent_id=actor.agent_id, kind=kind, limits=limits)

    async def take(self, *, workspace_id: WorkspaceId, place: UploadPlace, content: bytes, name: str) -> KeptFile:
        """Store a file as it can be sent, and return what is known of it. Raises UploadRefused."""
        most = place.limits.most_upload_bytes
        if len(content) > most:
            raise UploadTooLarge(reason="too_large", bytes=len(content), most_bytes=most)
        made = await self._made(place, content=content, name=name)
        poster = None
        if made.poster is not None:
            picture = _Made(
                content=made.poster.content,
                media_type=made.poster.media_type,
                name="poster.jpg",
                width=made.poster.width,
                height=made.poster.height,
            )
            poster = await self._keep(workspace_id, place, picture, kind="image")
        return await self._keep(workspace_id, place, made, kind=place.kind, poster_id=poster.id if poster else None)

    async def _made(self, place: UploadPlace, *, content: bytes, name: str) -> _Made:
        match place.kind:
            case "image":
                return await self._picture(place.limits, content=content, name=name)
            case "voice":
                return await self._voice(place.limits, content=content, name=name)
            case "video":
                return await self._video(place.limits, content=content, name=name)
            case _:
                return _file(place.limits, content=content, name=name)

    async def _picture(self, limits: MediaLimits, *, content: bytes, name: str) -> _Made:
        try:
            picture = await self.pictures.prepare(content, most_bytes=limits.most_bytes, media_types=limits.media_types)
        except PictureUnusable as unusable:
            raise UploadRefused(reason=unusable.reason, bytes=len(content), most_bytes=limits.most_bytes) from unusable
        return _Made(
            content=picture.content,
            media_type=picture.media_type,
            name=safe_name(name, media_type=picture.media_type, fallback="picture"),
            width=picture.width,
            height=picture.height,
        )

    async def _voice(self, limits: MediaLimits, *, content: bytes, name: str) -> _Made:
        most_s = limits.most_s or MOST_MEASURED_S
        try:
            voice = await self.recordings.prepare(content, most_bytes=limits.most_bytes, most_s=most_s)
        except SoundUnusable as unusable:
            raise UploadRefused(
                reason=unusable.reason,
                bytes=len(content),
                most_bytes=limits.most_bytes,
                seconds=unusable.seconds,
                most_s=most_s,
            ) from unusable
        return _Made(
            content=voice.content,
            media_type=voice.media_type,
            name=safe_name(name, media_type=voice.media_type, fallback="voice"),
            duration_s=voice.duration_s,
        )

    async def _video(self, limits: MediaLimits, *, content: bytes, name: str) -> _Made:
        try:
            film = await self.films.prepare(content, most_bytes=limits.most_bytes)
        except FilmUnusable as unusable:
            raise UploadRefused(
                reason=unusable.reason, bytes=len(content), most_bytes=limits.most_bytes, seconds=unusable.seconds
            ) from unusable
        return _Made(
            content=film.content,
            media_type=film.media_type,
            name=safe_name(name, media_type=film.media_type, fallback="video"),
            width=film.poster.width,
            height=film.poster.height,
            duration_s=film.duration_s,
            poster=film.poster,
        )

    async def _keep(
        self,
        workspace_id: WorkspaceId,
        place: UploadPlace,
        made: _Made,
        *,
        kind: FileKind,
        poster_id: UUID | None = None,
    ) -> KeptFile:
        blob = await self.blobs.keep(
            workspace_id=workspace_id, blob_id=new_id(), content=made.content, media_type=made.media_type
        )
        file = KeptFile(
            id=blob.id,
            thread_id=place.thread_id,
            kind=kind,
            media_type=made.media_type,
            size_bytes=len(made.content),
            width=made.width,
            height=made.height,
            name=made.name,
            uploaded_by=place.agent_id,
            was_sent=False,
            duration_s=made.duration_s,
            poster_id=poster_id,
        )
        async with self.database.in_workspace(workspace_id) as tx:
            await add_file(tx, blob=blob, file=file)
        return file


def upload_limits(manifest: Manifest, *, use: UploadUse) -> MediaLimits:
    """Return what an upload may be on a kind of channel. Raises UploadRefused where it carries no such messages."""
    if use == "card":
        limits = manifest.card_pictures if manifest.news is not None else None
    else:
        limits = manifest.sendable_media.get(use)
    if limits is None:
        raise UploadRefused(reason="kind_not_allowed")
    return limits


def _file(limits: MediaLimits, *, content: bytes, name: str) -> _Made:
    """Return a file that is sent as it is: to be saved, never to be shown."""
    if not content:
        raise UploadRefused(reason="empty")
    if len(content) > limits.most_bytes:
        raise UploadTooLarge(reason="too_large", bytes=len(content), most_bytes=limits.most_bytes)
    return _Made(content=content, media_type=file_type_of(content), name=saved_name(name, fallback="file"))


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
