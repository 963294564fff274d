"""The API of files: uploaded for a conversation, shown to who may see its thread, fetched again."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, status
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import UploadFile
from starlette.requests import HTTPConnection

from moorage.channels.follow_replies.routes import ReplyPictureView
from moorage.channels.routes import ChannelManager
from moorage.conversations.channel_pictures import ChannelPictures
from moorage.conversations.media import (
    MOST_UPLOAD_BYTES,
    FileKind,
    KeptFile,
    UploadRefused,
    UploadTooLarge,
    UploadUse,
)
from moorage.conversations.media_answers import Asked, give_out
from moorage.conversations.media_files import find_file
from moorage.conversations.media_messages import fetch_again
from moorage.conversations.media_uploads import Uploads
from moorage.conversations.routes import TheConversations
from moorage.conversations.views import MessageView
from moorage.core.errors import Malformed
from moorage.core.ids import ChannelId, ConversationId, MessageId
from moorage.infra.blobs import BlobStore
from moorage.infra.database import Tx
from moorage.staff.guard import SignedInActor

router = APIRouter(tags=["media"])

FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
"""Described by hand: the framework would read the whole form before it asks who is there."""


BYTES: dict[str, object] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@dataclass(frozen=True, slots=True)
class MediaDoor:
    """What these routes need of the process; kept as `app.state.media_door`."""

    blobs: BlobStore
    uploads: Uploads
    channel_pictures: ChannelPictures


def media_door(connection: HTTPConnection) -> MediaDoor:
    """Return the door that the application put in its state."""
    door: object = connection.app.state.media_door
    if not isinstance(door, MediaDoor):
        raise TypeError("app.state.media_door must be a MediaDoor")
    return door


TheMedia = Annotated[MediaDoor, Depends(media_door)]


class UploadView(BaseModel):
    """An uploaded file as it can be sent: not the one that came, where that had to be made smaller."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: UUID
    type: FileKind
    media_type: str
    size_bytes: int
    width: int | None
    height: int | None
    duration_s: float | None
    name: str


@router.post("/conversations/{conversation_id}/uploads", status_code=status.HTTP_201_CREATED, openapi_extra=FORM)
async def upload_file(
    conversation_id: UUID,
    request: Request,
    actor: SignedInActor,
    door: TheMedia,
    as_: Annotated[UploadUse, Query(alias="as")] = "image",
) -> UploadView:
    """Take a file for one's own conversation; it is sent by a message that names its id.

    The answer comes when it is ready to be sent: a sound or a video may have to be converted first.
    """
    place = await door.uploads.place(actor=actor, conversation_id=ConversationId(conversation_id), use=as_)
    content, name = await file_of(request)
    file = await door.uploads.take(workspace_id=actor.workspace_id, place=place, content=content, name=name)
    return _upload_view(file)


@router.post("/channels/{channel_id}/follow-reply/pictures", status_code=status.HTTP_201_CREATED, openapi_extra=FORM)
async def upload_reply_picture(
    channel_id: UUID,
    request: Request,
    actor: ChannelManager,
    door: TheMedia,
    as_: Annotated[Literal["image", "card"], Query(alias="as")] = "image",
) -> ReplyPictureView:
    """Take a picture that a channel will send by itself, or on a card; a follow reply names it by its id."""
    content, name = await file_of(request)
    picture = await door.channel_pictures.take(
        workspace_id=actor.workspace_id, channel_id=ChannelId(channel_id), use=as_, content=content, name=name
    )
    return ReplyPictureView.of(picture)


@router.get(
    "/media/{blob_id}",
    response_class=Response,
    responses={
        200: {"description": "The file", "content": BYTES},
        206: {"description": "A part of the file", "content": BYTES},
    },
)
async def read_media(
    *,
    blob_id: UUID,
    actor: SignedInActor,
    conversations: TheConversations,
    door: TheMedia,
    download: Annotated[bool, Query()] = False,
    range_: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Give out a file to who may read its thread."""
    async with conversations.database.in_workspace(actor.workspace_id) as tx:
        name, blob = await find_file(tx, file_id=blob_id, actor=actor)
    asked = Asked(range=range_, none_match=if_none_match, if_range=if_range)
    return await give_out(door.blobs, blob, name=name, download=download, asked=asked)


@router.post("/messages/{message_id}/fetch", status_code=status.HTTP_202_ACCEPTED)
async def fetch_file_again(message_id: UUID, actor: SignedInActor, conversations: TheConversations) -> MessageView:
    """Have the file of a customer's message fetched once more."""

    async def fetch(tx: Tx) -> MessageView:
        return await fetch_again(tx, actor=actor, message_id=MessageId(message_id))

    return await conversations.database.run(actor.workspace_id, fetch)


async def file_of(request: Request) -> tuple[bytes, str]:
    """Return the one file of the form, and what it calls itself. Raises Malformed or UploadRefused."""
    async with request.form(max_files=1, max_fields=0) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Malformed(field="file", reason="missing")
        if (file.size or 0) > MOST_UPLOAD_BYTES:
            raise UploadTooLarge(reason="too_large", bytes=file.size, most_bytes=MOST_UPLOAD_BYTES)
        content = await file.read()
        if not content:
            raise UploadRefused(reason="empty")
        return content, file.filename or ""


def _upload_view(file: KeptFile) -> UploadView:
    return UploadView(
        id=file.id,
        type=file.kind,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        width=file.width,
        height=file.height,
        duration_s=file.duration_s,
        name=file.name,
    )
