"""What an account says to who follows it, as its admins set it. Frozen values, no I/O."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

MOST_MESSAGES = 3
"""Of one variant: no provider lets us send more to who follows."""
MOST_SCENES = 50
MOST_STORED_TEXT = 4000
MOST_STORED_WORDS = 1000
MOST_ITEMS = 20
"""As many choices as a question is kept with; its kind of channel takes fewer."""

Variant = Literal["first", "returning", "scanned", "scene"]
"""Which of an account's replies it is: to everybody, to who had left, to who scanned any code, or one code."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TextReply(_Value):
    """Words with placeholders."""

    type: Literal["text"] = "text"
    text: str = Field(default="", max_length=MOST_STORED_TEXT)


class PictureReply(_Value):
    """A picture of the channel's, by its id."""

    type: Literal["image"] = "image"
    picture_id: UUID | None = None


class ChoicesReply(_Value):
    """A question with choices to tap. Its text can have placeholders."""

    type: Literal["choices"] = "choices"
    text: str = Field(default="", max_length=MOST_STORED_TEXT)
    items: tuple[Annotated[str, Field(max_length=MOST_STORED_WORDS)], ...] = Field(default=(), max_length=MOST_ITEMS)
    tail: str = Field(default="", max_length=MOST_STORED_TEXT)
    """What stands below the choices."""


class NewsReply(_Value):
    """A card that leads to a page. A picture of the channel's, by its id, goes before the address of one."""

    type: Literal["news"] = "news"
    title: str = Field(default="", max_length=MOST_STORED_WORDS)
    description: str = Field(default="", max_length=MOST_STORED_TEXT)
    url: str = Field(default="", max_length=MOST_STORED_TEXT)
    picture_url: str = Field(default="", max_length=MOST_STORED_TEXT)
    picture_id: UUID | None = None


ReplyMessage = Annotated[TextReply | PictureReply | ChoicesReply | NewsReply, Field(discriminator="type")]
Messages = Annotated[tuple[ReplyMessage, ...], Field(max_length=MOST_MESSAGES)]


class SceneReply(_Value):
    """What followers are told who scanned the code of one scene."""

    scene: str = Field(default="", max_length=200)
    messages: Messages = ()


class FollowReply(_Value):
    """Everything that is set. None: those followers get what everybody gets."""

    enabled: bool = False
    first: Messages = ()
    returning: Messages | None = None
    scanned: Messages | None = None
    scenes: tuple[SceneReply, ...] = Field(default=(), max_length=MOST_SCENES)

    def chosen(self, *, scene: str | None, returning: bool) -> tuple[Variant, Sequence[ReplyMessage]] | None:
        """Return what a follower is told, and as which variant; None where nothing is.

        The more is known of why they came, the more that counts: a code's own reply before that to any code, and both
        before that to who comes back.
        """
        if not self.enabled:
            return None
        if scene is not None:
            own = next((one for one in self.scenes if one.scene == scene), None)
            if own is not None:
                return ("scene", own.messages)
            if self.scanned is not None:
                return ("scanned", self.scanned)
        if returning and self.returning is not None:
            return ("returning", self.returning)
        return ("first", self.first) if self.first else None

    def everything(self) -> Iterator[tuple[str, Sequence[ReplyMessage]]]:
        """Yield each variant's messages with the path at which they stand."""
        yield "first", self.first
        if self.returning is not None:
            yield "returning", self.returning
        if self.scanned is not None:
            yield "scanned", self.scanned
        for number, one in enumerate(self.scenes):
            yield f"scenes.{number}.messages", one.messages

    def picture_ids(self) -> frozenset[UUID]:
        """Return the ids of all pictures that are named."""
        return frozenset(
            message.picture_id
            for _, messages in self.everything()
            for message in messages
            if isinstance(message, PictureReply | NewsReply) and message.picture_id is not None
        )
