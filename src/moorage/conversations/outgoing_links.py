"""What no provider carries goes out as words with a signed link: files of any kind, and the request for one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from moorage.connectors.content import Content, File, Text, UploadRequest
from moorage.conversations.link_words import Locale, words_of
from moorage.core.ids import MessageId, ThreadId, WorkspaceId
from moorage.customers.links import page_address
from moorage.infra.links import SignedLink, SignedLinks

FILE_PAGE: Final = "file"
"""Of a link that is about a file, by its id."""
UPLOAD_PAGE: Final = "upload"
"""Of a link that is about a request for a file, by the id of its message."""
LINKS_LAST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a message is for, and how they are spoken to."""

    workspace_id: WorkspaceId
    thread_id: ThreadId
    message_id: MessageId
    locale: Locale
    time_zone: str


@dataclass(frozen=True, slots=True)
class OutgoingLinks:
    """Puts links into words."""

    links: SignedLinks
    public_url: str

    def address_of(self, link: SignedLink) -> str:
        """Return the address to give to the customer."""
        return page_address(self.links, public_url=self.public_url, link=link)

    def in_words(self, content: Content, *, addressee: Addressee) -> Content:
        """Return `content` as a connector carries it: what is said by a link as text, all else as it is."""
        match content:
            case File(blob_id=str(blob_id), expires_at=expires_at) if expires_at is not None:
                link = SignedLink(
                    purpose=FILE_PAGE,
                    workspace_id=addressee.workspace_id,
                    thread_id=addressee.thread_id,
                    expires_at=expires_at,
                    about=UUID(blob_id).hex,
                )
            case UploadRequest(expires_at=expires_at):
                link = SignedLink(
                    purpose=UPLOAD_PAGE,
                    workspace_id=addressee.workspace_id,
                    thread_id=addressee.thread_id,
                    expires_at=expires_at,
                    about=addressee.message_id.hex,
                )
            case _:
                return content
        address = self.address_of(link)
        return Text(text=words_of(content, address=address, locale=addressee.locale, time_zone=addressee.time_zone))
