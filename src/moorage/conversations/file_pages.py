"""The page on which a customer finds a file that was sent to them: what it is, and the file itself.

The page asks with the link's token in a header. A browser that saves a file can only be given an address, so the page
gets a short-lived one for that, which opens nothing else.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from moorage.conversations.media_answers import Asked, give_out
from moorage.conversations.media_files import SharedFile, find_shared_file
from moorage.conversations.media_routes import BYTES, TheMedia
from moorage.conversations.outgoing_links import FILE_PAGE
from moorage.core.ids import ThreadId, WorkspaceId
from moorage.customers.links import ThePages, link_for
from moorage.infra.blobs import Blob
from moorage.infra.database import Database
from moorage.infra.links import LinkInvalid, SignedLink

router = APIRouter(tags=["customer pages"])

DOWNLOAD: Final = "file-download"
DOWNLOAD_LASTS = timedelta(minutes=10)

FileLink = Annotated[SignedLink, Depends(link_for(FILE_PAGE))]


class FilePageView(BaseModel):
    """A file that somebody sent to the customer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size_bytes: int
    sent_by: str
    """The account's name."""
    sent_at: datetime
    expires_at: datetime


class DownloadView(BaseModel):
    """Where the file can be had from now on, for some minutes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str


@router.get("/pages/file")
async def read_file_page(link: FileLink, door: ThePages) -> FilePageView:
    """Tell what file the link is about."""
    shared, _ = await _shared(door.database, link)
    return FilePageView(
        name=shared.name,
        size_bytes=shared.size_bytes,
        sent_by=shared.channel_name,
        sent_at=shared.sent_at,
        expires_at=link.expires_at,
    )


@router.post("/pages/file/download")
async def open_download(link: FileLink, door: ThePages) -> DownloadView:
    """Make an address that a browser can save the file from."""
    await _shared(door.database, link)
    until = min(link.expires_at, door.database.clock.now() + DOWNLOAD_LASTS)
    ticket = SignedLink(
        purpose=DOWNLOAD,
        workspace_id=link.workspace_id,
        thread_id=link.thread_id,
        expires_at=until,
        about=link.about,
    )
    return DownloadView(path=f"/api/pages/file/download/{door.links.token(ticket)}")


@router.get(
    "/pages/file/download/{ticket}",
    response_class=Response,
    responses={200: {"description": "The file", "content": BYTES}},
)
async def download_file(
    ticket: str,
    door: ThePages,
    media: TheMedia,
    range_: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Give out the file to be saved, whatever it is."""
    link = door.links.read(ticket, purpose=DOWNLOAD, now=door.database.clock.now())
    shared, blob = await _shared(door.database, link)
    asked = Asked(range=range_, if_range=if_range)
    answer = await give_out(media.blobs, blob, name=shared.name, download=True, asked=asked)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


async def _shared(database: Database, link: SignedLink) -> tuple[SharedFile, Blob]:
    """Return the file of a link. Raises LinkInvalid where it was taken back, or is somebody else's."""
    async with database.in_workspace(WorkspaceId(link.workspace_id)) as tx:
        found = await find_shared_file(tx, file_id=_file_id(link), thread_id=ThreadId(link.thread_id))
    if found is None:
        raise LinkInvalid
    return found


def _file_id(link: SignedLink) -> UUID:
    try:
        return UUID(hex=link.about)
    except ValueError as error:
        raise LinkInvalid from error
