"""The menu that an account shows its customers, as every kind with menus knows it: typed and comparable.

An optional power, joined to a connector as its `menus`. How large a menu may be stands in the manifest.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field

from moorage.connectors.contract import Endpoint
from moorage.connectors.failures import Refused

# ---------------------------------------------------------------- a menu


class ButtonKind(StrEnum):
    """What happens when an item is tapped, in words of every kind. `other` is something only the provider knows."""

    TAP = "tap"
    LINK = "link"
    MINI_PROGRAM = "mini_program"
    SCAN = "scan"
    SCAN_AND_WAIT = "scan_and_wait"
    LOCATION = "location"
    CAMERA = "camera"
    CAMERA_OR_ALBUM = "camera_or_album"
    ALBUM = "album"
    OTHER = "other"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Button(_Value):
    """One item as the provider has it. `kind` None: it opens `buttons`."""

    name: str
    kind: ButtonKind | None = None
    key: str | None = None
    """What the provider names the item by when it is tapped."""
    url: str | None = None
    """The page; for a mini program, the page for phones that cannot open it."""
    app_id: str | None = None
    path: str | None = None
    external_kind: str | None = None
    """The provider's own name of the kind, where `kind` is `other`."""
    fields: dict[str, object] = Field(default_factory=dict[str, object])
    """What belongs to such a kind, by the provider's own names."""
    buttons: tuple["Button", ...] = ()


class ProviderMenu(_Value):
    """A menu as the provider has it."""

    buttons: tuple[Button, ...]

    @property
    def digest(self) -> str:
        """Return the same text for menus that are the same to customers and to us, another for any two others."""
        whole = json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(whole.encode()).hexdigest()

    def all_buttons(self) -> Iterator[Button]:
        """Return every item, each followed by those of its sub-menu."""
        for button in self.buttons:
            yield button
            yield from button.buttons


Platform = Literal["ios", "android", "other"]


class MatchRule(_Value):
    """Whom a conditional menu is for. All that is given must hold; nothing given is no rule."""

    tag_id: str | None = None
    """A tag of customers at the provider."""
    language: str | None = None
    platform: Platform | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether the rule says nothing."""
        return self.tag_id is None and self.language is None and self.platform is None


class ConditionalMenu(_Value):
    """A menu for some customers, as the provider has it. The newest one that matches is shown."""

    external_menu_id: str
    rule: MatchRule
    menu: ProviderMenu


class LiveMenu(_Value):
    """What the provider shows now. `menu` is None where there is none."""

    shown: bool
    """The account has its menu switched on."""
    menu: ProviderMenu | None
    conditional: tuple[ConditionalMenu, ...] = ()

    @classmethod
    def nothing(cls) -> Self:
        """Return the live menu of an account without one."""
        return cls(shown=False, menu=None)


# ---------------------------------------------------------------- how publishing fails


MenuField = Literal["items", "name", "key", "url", "kind", "media", "app_id", "path", "rule"]
MenuLevel = Literal["top", "sub"]


@dataclass(eq=False)
class MenuRefused(Refused):
    """The provider does not accept the menu. What it tells of the place is in `at` and `level`; None: it does not."""

    at: MenuField | None = None
    level: MenuLevel | None = None


class MenuReason(StrEnum):
    """Reasons of a refusal about menus that features act on. A kind may have more of its own."""

    API_NOT_ALLOWED = "menu_api_not_allowed"
    """The account lacks the right to have menus: the channel is restricted."""
    PERMISSION_MISSING = "set_missing_menu"
    """The account has not granted us its menu: the channel is restricted."""
    GONE = "menu_gone"
    """There is no such conditional menu any more."""


class PublishesMenus(Protocol):
    """The power itself. Every method may raise a provider failure."""

    async def publish_menu(self, endpoint: Endpoint, *, menu: ProviderMenu, deadline: float) -> None:
        """Replace the menu that all customers see who match no conditional one. Raises MenuRefused among others."""
        ...

    async def read_menus(self, endpoint: Endpoint, *, deadline: float) -> LiveMenu:
        """Return what is live, whoever has published it."""
        ...

    async def delete_menus(self, endpoint: Endpoint, *, deadline: float) -> None:
        """Delete the menu and all conditional ones. None being there is no failure."""
        ...

    async def add_conditional_menu(
        self, endpoint: Endpoint, *, menu: ProviderMenu, rule: MatchRule, deadline: float
    ) -> str:
        """Add a menu for those whom `rule` describes, and return what the provider calls it."""
        ...

    async def delete_conditional_menu(self, endpoint: Endpoint, *, external_menu_id: str, deadline: float) -> None:
        """Delete one conditional menu. Raises MenuRefused with `menu_gone` where it is not there."""
        ...

    async def try_match(self, endpoint: Endpoint, *, customer: str, deadline: float) -> ProviderMenu:
        """Return the menu that one customer sees; `customer` is their id or their name at the provider."""
        ...
