"""The API of files that customers hand in: asking for one, and the page behind the link."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, status
from pydantic import BaseModel, ConfigDict
from starlette.requests import HTTPConnection

from moorage.conversations.media import MOST_UPLOAD_BYTES
from moorage.conversations.media_routes import FORM, file_of
from moorage.conversations.outgoing_links import UPLOAD_PAGE
from moorage.conversations.routes import TheConversations
from moorage.conversations.showing import said_view
from moorage.conversations.views import MessageView
from moorage.core.ids import ConversationId, MessageId
from moorage.customers.links import link_for
from moorage.infra.database import Tx
from moorage.infra.limits import UseLimit
from moorage.infra.links import SignedLink
from moorage.reception.asking_for_files import ask_for_file
from moorage.reception.customer_uploads import MOST_FILES, CustomerUploads
from moorage.staff.guard import SignedInActor

router = APIRouter()

UPLOADING = UseLimit(name="customer upload", most=30, window=timedelta(minutes=10))
"""Files from one place."""


def customer_uploads(connection: HTTPConnection) -> CustomerUploads:
    """Return what the application put in its state."""
    uploads: object = connection.app.state.customer_uploads
    if not isinstance(uploads, CustomerUploads):
        raise TypeError("app.state.customer_uploads must be CustomerUploads")
    return uploads


TheUploads = Annotated[CustomerUploads, Depends(customer_uploads)]
UploadLink = Annotated[SignedLink, Depends(link_for(UPLOAD_PAGE))]


class FileRequest(BaseModel):
    """Which file is asked for: the one that a message of the customer's tells of."""

    model_config = ConfigDict(extra="forbid")

    message_id: UUID


class UploadPageView(BaseModel):
    """What the page for handing in files shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_name: str
    asked_by: str
    """The account's name."""
    expires_at: datetime
    most_bytes: int
    most_files: int
    files_left: int


class HandedInView(BaseModel):
    """A file that was handed in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size_bytes: int
    files_left: int


@router.post(
    "/conversations/{conversation_id}/file-requests", status_code=status.HTTP_201_CREATED, tags=["conversations"]
)
async def request_file(
    conversation_id: UUID, asked: FileRequest, actor: SignedInActor, door: TheConversations
) -> MessageView:
    """Send the customer a link through which they can hand in a file that the provider does not give out."""

    async def ask(tx: Tx) -> MessageView:
        opened, message = await ask_for_file(
            tx,
            actor=actor,
            conversation_id=ConversationId(conversation_id),
            message_id=MessageId(asked.message_id),
            connectors=door.connectors,
        )
        return said_view(opened, message)

    return await door.database.run(actor.workspace_id, ask)


@router.get("/pages/upload", tags=["customer pages"])
async def read_upload_page(link: UploadLink, uploads: TheUploads) -> UploadPageView:
    """Tell what file is asked for."""
    asked = await uploads.asked(link=link)
    return UploadPageView(
        file_name=asked.file_name,
        asked_by=asked.channel_name,
        expires_at=link.expires_at,
        most_bytes=MOST_UPLOAD_BYTES,
        most_files=MOST_FILES,
        files_left=asked.left,
    )


@router.post("/pages/upload/files", status_code=status.HTTP_201_CREATED, openapi_extra=FORM, tags=["customer pages"])
async def hand_in_file(
    request: Request,
    link: Annotated[SignedLink, Depends(link_for(UPLOAD_PAGE, limit=UPLOADING))],
    uploads: TheUploads,
    key: Annotated[UUID, Query()],
) -> HandedInView:
    """Take a file from the customer. The same `key` again adds nothing."""
    await uploads.asked(link=link)
    content, name = await file_of(request)
    file = await uploads.take(link=link, key=key, content=content, name=name)
    left = (await uploads.asked(link=link)).left
    return HandedInView(name=file.name, size_bytes=file.size_bytes, files_left=left)
