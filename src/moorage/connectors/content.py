"""What a message can hold: one versioned JSON value for every kind of channel, stored, shown and sent alike."""

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    others: dict[str, object] = Field(default_factory=dict[str, object])
    """What the provider told beside the named fields, by its own names. Kept so that nothing is lost."""


class Chosen(BaseModel):
    """The choice that a customer's words mean, of the question that they answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_id: UUID
    choice_id: str
    number: int
    """The choice's place in its question, from 1."""
    text: str


class Text(_Content):
    """Words, in the provider's own notation for emoji."""

    type: Literal["text"] = "text"
    text: str
    choice_id: str | None = None
    """The id of the tapped choice, where the words come from a menu of choices."""
    chosen: Chosen | None = None
    """What the words mean where they answer a question, tapped or typed."""


MediaKind = Literal["image", "voice", "video", "short_video"]
MediaState = Literal["fetching", "kept", "failed", "expired", "refused"]
"""Of a file that somebody sent: on its way to us, ours, or why not. Only what is kept can be shown."""
MediaFlaw = Literal["format", "damaged", "cut_off", "too_long", "converter"]
"""Nothing here reads its format, it is damaged, its end is missing, it is too long to be converted, or the program that
converts is missing or was too slow."""


class Media(_Content):
    """A picture, a voice or a video. `external_media_id` names it at the provider; `blob_id` once it is ours.

    What is `failed` may still come, `refused` did not pass our checks, and `expired` is gone at the provider.
    """

    type: MediaKind
    external_media_id: str | None = None
    external_url: str | None = None
    external_thumb_id: str | None = None
    format: str | None = None
    recognized_text: str | None = None
    state: MediaState = "failed"
    """A message written before there was a state can be fetched again like one that failed."""
    reason: str | None = None
    """A stable word for why it is not kept."""
    blob_id: str | None = None
    media_type: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    name: str | None = None
    poster_blob_id: str | None = None
    """Of a video: the picture that stands for it."""
    playable_blob_id: str | None = None
    """Of a voice: what a browser plays. The file itself where that will do, else what was made of it."""
    duration_s: float | None = None
    flaw: MediaFlaw | None = None
    """Of a voice that is kept: why it cannot be played, or not to its end."""


class Location(_Content):
    """A place, in degrees, with the customer's own label for it."""

    type: Literal["location"] = "location"
    latitude: float
    longitude: float
    scale: int | None = None
    label: str = ""


class Link(_Content):
    """A page that somebody shared."""

    type: Literal["link"] = "link"
    title: str
    description: str = ""
    url: str


class File(_Content):
    """A file of any kind. One that a customer sent may be at the provider only, who does not give it out; one that is
    ours has a `blob_id`. `size_bytes` is None where the provider does not say.
    """

    type: Literal["file"] = "file"
    name: str
    description: str = ""
    size_bytes: int | None = None
    external_file_id: str | None = None
    md5: str | None = None
    blob_id: str | None = None
    media_type: str | None = None
    expires_at: datetime | None = None
    """Of one that we send: until when the customer can open the link to it."""
    playable_blob_id: str | None = None
    """Of a sound that a customer handed in: what a browser plays. The file itself where that will do."""
    duration_s: float | None = None
    sent_as: Literal["text"] | None = None
    """How it went out where no card can be shown: as words with the link."""


class UploadRequest(_Content):
    """We ask the customer for a file: they get a link to a page that takes it."""

    type: Literal["upload_request"] = "upload_request"
    file_name: str
    """What the file is called that they sent by a way on which we cannot fetch it."""
    for_message_id: str
    """The message that told of it."""
    expires_at: datetime


class Choice(BaseModel):
    """One choice of several. Its id comes back when the customer taps it, so it is never given to two questions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    text: str


ChoicesForm = Literal["text", "page"]
"""Of choices that cannot be tapped: a text with numbers, or a link to a page, where that text would be too long."""


class Choices(_Content):
    """A question with its choices: the customer taps one, or types its number where nothing can be tapped."""

    type: Literal["choices"] = "choices"
    text: str
    """The question, above the choices."""
    items: tuple[Choice, ...]
    tail: str = ""
    """What stands below them."""
    prompt_id: UUID | None = None
    """The prompt that an answer answers. None: a tap is a message like any other."""
    chosen_id: str | None = None
    """What the customer chose."""
    sent_as: ChoicesForm | None = None
    """How it went out where nothing can be tapped."""


class News(_Content):
    """A card that leads to a page: a title, some words, perhaps a picture."""

    type: Literal["news"] = "news"
    title: str
    description: str = ""
    url: str
    picture_url: str | None = None
    picture_blob_id: str | None = None
    """Of a picture that is ours. It goes out by a public address, which then stands in `picture_url`."""


_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)


def is_web_address(address: str) -> bool:
    """Return whether an address leads to the web, and not for instance into a script."""
    return _WEB_ADDRESS.fullmatch(address) is not None


class Notice(_Content):
    """A line about the conversation itself, written in the reader's language from `key` and `values`."""

    type: Literal["notice"] = "notice"
    key: str
    values: dict[str, str] = Field(default_factory=dict[str, str])


class Unsupported(_Content):
    """Something the customer sent that we cannot show yet. Nothing of it is lost: `fields` keeps what came."""

    type: Literal["unsupported"] = "unsupported"
    kind: str
    fields: dict[str, object] = Field(default_factory=dict[str, object])


class Erased(_Content):
    """What was erased at the customer's request. `kind` is the type of what stood here."""

    type: Literal["erased"] = "erased"
    kind: str


Content = Annotated[
    Text | Media | Location | Link | File | UploadRequest | Choices | News | Notice | Unsupported | Erased,
    Field(discriminator="type"),
]
CONTENT: TypeAdapter[Content] = TypeAdapter(Content)
