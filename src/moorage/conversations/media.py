"""Files of conversations: what is known of one, and why one is not accepted. Frozen values; nothing knows a table."""

from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from moorage.connectors.content import File, Media, MediaKind
from moorage.core.errors import DomainError
from moorage.core.ids import AgentId, MessageId, ThreadId
from moorage.infra.database import DomainEvent
from moorage.media.voices import PLAYABLE

MOST_UPLOAD_BYTES = 50 * 1024 * 1024
"""Of anything that is uploaded, before it is made smaller. Each kind of file has its own limit below."""

UploadReason = Literal[
    "too_large",
    "empty",
    "not_a_picture",
    "not_a_sound",
    "not_a_video",
    "animated_too_large",
    "too_many_pixels",
    "too_long",
    "too_slow",
    "converter",
    "damaged",
    "kind_not_allowed",
]
FileKind = MediaKind | Literal["file"]
UploadUse = Literal["image", "voice", "video", "file", "card"]
"""What an upload is for: to be a message of its own, or the picture of a card."""


@dataclass(eq=False)
class UploadRefused(DomainError):
    """The file cannot be sent. `bytes` is what it has, `most_bytes` what would do, where the size is the reason.

    `seconds` is how long it plays, `most_s` what would do, where that is.
    """

    code: ClassVar[str] = "conversations.upload_refused"
    kind: ClassVar[str] = "malformed"
    reason: str
    bytes: int | None = None
    most_bytes: int | None = None
    seconds: float | None = None
    most_s: float | None = None


@dataclass(eq=False)
class UploadTooLarge(UploadRefused):
    """The file is larger than anything that is taken, whatever could be made of it."""

    kind: ClassVar[str] = "too_large"


@dataclass(eq=False)
class NothingToFetch(DomainError):
    """The message has no file that could be fetched from the provider."""

    code: ClassVar[str] = "conversations.nothing_to_fetch"
    kind: ClassVar[str] = "conflict"


@dataclass(frozen=True, slots=True)
class MediaReceived(DomainEvent):
    """A customer's message tells of a file that is to be fetched."""

    message_id: MessageId
    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is ours. `id` is its blob's; `uploaded_by` is None where the customer sent it."""

    id: UUID
    thread_id: ThreadId
    kind: FileKind
    media_type: str
    size_bytes: int
    width: int | None
    height: int | None
    name: str
    uploaded_by: AgentId | None
    was_sent: bool
    duration_s: float | None = None
    poster_id: UUID | None = None
    """Of a video: the file with the picture that stands for it."""
    asked_by_message_id: UUID | None = None
    """The message whose link the customer handed it in through."""

    def as_content(self) -> Media | File:
        """Return the content of a message that this file is."""
        if self.kind == "file":
            return File(name=self.name, size_bytes=self.size_bytes, blob_id=str(self.id), media_type=self.media_type)
        return Media(
            type=self.kind,
            state="kept",
            blob_id=str(self.id),
            media_type=self.media_type,
            size_bytes=self.size_bytes,
            width=self.width,
            height=self.height,
            name=self.name,
            duration_s=self.duration_s,
            poster_blob_id=None if self.poster_id is None else str(self.poster_id),
            playable_blob_id=str(self.id) if self.kind == "voice" and self.media_type in PLAYABLE else None,
        )


def waits_for_file(content: object) -> bool:
    """Return whether `content` is a customer's file that is yet to be fetched."""
    return isinstance(content, Media) and content.state == "fetching"
