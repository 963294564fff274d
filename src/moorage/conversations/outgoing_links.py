"""What no provider carries goes out by a signed link: files, as a card or in words, and the request for one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from moorage.connectors.content import Content, File, News, Text, UploadRequest
from moorage.connectors.manifest import NewsLimits
from moorage.conversations.file_cards import card_of
from moorage.conversations.link_words import Locale, words_of
from moorage.core.ids import MessageId, ThreadId, WorkspaceId
from moorage.customers.links import page_address
from moorage.infra.links import LastingLink, SignedLink, SignedLinks

FILE_PAGE: Final = "file"
"""Of a link that is about a file, by its id."""
UPLOAD_PAGE: Final = "upload"
"""Of a link that is about a request for a file, by the id of its message."""
CARD_PICTURE: Final = "card-picture"
"""Of a lasting link that is about the picture of a card, by its id."""


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
    """Puts links on cards and into words."""

    links: SignedLinks
    public_url: str

    def address_of(self, link: SignedLink) -> str:
        """Return the address to give to the customer."""
        return page_address(self.links, public_url=self.public_url, link=link)

    def in_words(self, content: Content, *, addressee: Addressee) -> Content:
        """Return `content` as any connector carries it: what goes out by a link as text, all else as it is."""
        if not isinstance(content, File | UploadRequest) or (address := self._address(content, addressee)) is None:
            return content
        return Text(text=words_of(content, address=address, locale=addressee.locale, time_zone=addressee.time_zone))

    def as_card(self, content: Content, *, addressee: Addressee, limits: NewsLimits | None) -> News | None:
        """Return the card that leads to a file, within what the provider takes; None where it is to go in words."""
        if limits is None or not isinstance(content, File) or (address := self._address(content, addressee)) is None:
            return None
        return card_of(
            content,
            address=address,
            pictures_url=self.public_url.rstrip("/"),
            locale=addressee.locale,
            time_zone=addressee.time_zone,
            limits=limits,
        )

    def with_picture(self, card: News, *, workspace_id: WorkspaceId) -> News:
        """Return a card as any connector carries it: with the public address of its picture, where that is ours.

        Whoever has the card sees the picture, for as long as it is kept: cards stand in chats for years.
        """
        if card.picture_blob_id is None:
            return card
        about = UUID(card.picture_blob_id)
        token = self.links.lasting_token(LastingLink(purpose=CARD_PICTURE, workspace_id=workspace_id, about=about))
        address = f"{self.public_url.rstrip('/')}/api/pages/card-picture/{token}"
        return card.model_copy(update={"picture_url": address, "picture_blob_id": None})

    def _address(self, content: File | UploadRequest, addressee: Addressee) -> str | None:
        """Return the address of the page for it; None of a file that no link was made for."""
        match content:
            case File(blob_id=str(blob_id), expires_at=datetime() as expires_at):
                purpose, about = FILE_PAGE, UUID(blob_id).hex
            case UploadRequest(expires_at=expires_at):
                purpose, about = UPLOAD_PAGE, addressee.message_id.hex
            case _:
                return None
        link = SignedLink(
            purpose=purpose,
            workspace_id=addressee.workspace_id,
            thread_id=addressee.thread_id,
            expires_at=expires_at,
            about=about,
        )
        return self.address_of(link)
