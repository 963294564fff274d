"""A channel's menu as its admins make it: items with what each of them does. Frozen values, no I/O."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from moorage.connectors.menus import Button

MOST_STORED_ITEMS = 20
"""Of one level, so that a draft or an imported menu may be larger than the provider allows, and say so."""
MOST_STORED_NAME = 200
MOST_STORED_TEXT = 4000

ItemId = Annotated[str, Field(pattern=r"^[a-z0-9]{4,16}$")]
"""Stable as long as the item lives, whatever is renamed or moved around it."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# ---------------------------------------------------------------- what an item does


class SendText(_Value):
    """Answer with a text."""

    type: Literal["message"] = "message"
    text: str = Field(default="", max_length=MOST_STORED_TEXT)


class OpenLink(_Value):
    """Open a page."""

    type: Literal["link"] = "link"
    url: str = Field(default="", max_length=MOST_STORED_TEXT)


class OpenMobileSite(_Value):
    """Open the channel's mobile site."""

    type: Literal["mobile_site"] = "mobile_site"


class OpenMiniProgram(_Value):
    """Open a page of a mini program; `url` is for phones that cannot."""

    type: Literal["mini_program"] = "mini_program"
    app_id: str = Field(default="", max_length=MOST_STORED_NAME)
    path: str = Field(default="", max_length=MOST_STORED_TEXT)
    url: str = Field(default="", max_length=MOST_STORED_TEXT)


class Scan(_Value):
    """Let the customer scan a code; `waits`: the phone shows that an answer is coming instead of the code's content."""

    type: Literal["scan"] = "scan"
    waits: bool = True


class SendLocation(_Value):
    """Let the customer choose a place."""

    type: Literal["location"] = "location"


class SendPhotos(_Value):
    """Let the customer take or choose photos."""

    type: Literal["photos"] = "photos"
    source: Literal["camera", "camera_or_album", "album"] = "camera_or_album"


class TransferToAgent(_Value):
    """Open a conversation with a person, of one skill group where `group_id` names it."""

    type: Literal["agent"] = "agent"
    group_id: UUID | None = None


class AskBot(_Value):
    """Ask the bot a question in the customer's name."""

    type: Literal["bot"] = "bot"
    question: str = Field(default="", max_length=MOST_STORED_TEXT)


class Evaluate(_Value):
    """Let the customer rate the last conversation."""

    type: Literal["evaluation"] = "evaluation"


class LeaveMessage(_Value):
    """Let the customer fill in the submission form."""

    type: Literal["submission"] = "submission"


class Imported(_Value):
    """Something that another platform made. It is kept as it came; what it does stays with that platform."""

    type: Literal["imported"] = "imported"
    button: Button
    """As the provider has it; its name is the item's."""


Action = Annotated[
    SendText
    | OpenLink
    | OpenMobileSite
    | OpenMiniProgram
    | Scan
    | SendLocation
    | SendPhotos
    | TransferToAgent
    | AskBot
    | Evaluate
    | LeaveMessage
    | Imported,
    Field(discriminator="type"),
]

OFFERED: tuple[str, ...] = ("message", "link", "mini_program", "scan", "location", "photos", "agent")
"""What an item can be made to do now. The others wait for what they would open."""

# ---------------------------------------------------------------- the menu


class SubItem(_Value):
    """One item of a sub-menu. Without an action it is not finished."""

    id: ItemId
    name: str = Field(default="", max_length=MOST_STORED_NAME)
    action: Action | None = None


class Item(SubItem):
    """One item of the menu bar: it does something, or opens `items`."""

    items: tuple[SubItem, ...] = Field(default=(), max_length=MOST_STORED_ITEMS)


class Menu(_Value):
    """A whole menu, finished or not."""

    version: Literal[1] = 1
    items: tuple[Item, ...] = Field(default=(), max_length=MOST_STORED_ITEMS)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Menu":
        ids = [item.id for item, _ in self.all_items()]
        if len(ids) != len(set(ids)):
            raise ValueError("two items have the same id")
        return self

    def all_items(self) -> Iterator[tuple[SubItem, Literal["top", "sub"]]]:
        """Return every item with its level, each followed by those of its sub-menu."""
        for item in self.items:
            yield item, "top"
            for below in item.items:
                yield below, "sub"


# ---------------------------------------------------------------- what an item is called at the provider

_KEY = re.compile(r"mo:([0-9]{1,9}):([a-z0-9]{4,16})", re.ASCII)


def key_of(*, number: int, item_id: str) -> str:
    """Return what an item of version `number` is named by when it is tapped: it says itself where it comes from."""
    return f"mo:{number}:{item_id}"


def read_key(key: str) -> tuple[int, str] | None:
    """Return version and item that one of our keys names, or None for another platform's key."""
    match = _KEY.fullmatch(key)
    return None if match is None else (int(match[1]), match[2])
