"""What the API says about menus."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from moorage.channels.menus.checking import Fault, FaultField, FaultReason
from moorage.channels.menus.differences import Difference, DifferenceKind
from moorage.channels.menus.live import Standing
from moorage.channels.menus.model import Menu
from moorage.channels.menus.queries import MenuVersion, StoredConditional, VersionState
from moorage.connectors.manifest import MenuLimits
from moorage.connectors.menus import MatchRule


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MenuFaultView(_View):
    """One thing to change, at an item or (None) at the menu as a whole."""

    item_id: str | None
    field: FaultField
    reason: FaultReason
    values: dict[str, int]

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """Return the view of a fault."""
        return cls(item_id=fault.item_id, field=fault.at, reason=fault.reason, values=dict(fault.values))


class MenuFaultsView(_View):
    """What keeps a menu from being published; empty: nothing does."""

    items: list[MenuFaultView]


class MenuDifferenceView(_View):
    """One thing in which two menus differ. `name` is the item's earlier name; empty: the menu bar."""

    kind: DifferenceKind
    name: str
    to: str | None

    @classmethod
    def of(cls, difference: Difference) -> Self:
        """Return the view of a difference."""
        return cls(kind=difference.kind, name=difference.name, to=difference.to)


class MenuVersionView(_View):
    """One try to publish. `suspects` are the items that a refusal may be about."""

    number: int
    menu: Menu
    conditional_id: UUID | None
    rule: MatchRule | None
    state: VersionState
    reason: str | None
    external_code: int | None
    detail: str | None
    suspects: list[str]
    began_at: datetime
    settled_at: datetime | None
    published_by: str | None

    @classmethod
    def of(cls, version: MenuVersion) -> Self:
        """Return the view of a version."""
        details = version.details or {}
        code, detail = details.get("external_code"), details.get("detail")
        return cls(
            number=version.number,
            menu=version.menu,
            conditional_id=version.conditional_id,
            rule=version.rule,
            state=version.state,
            reason=version.reason,
            external_code=code if isinstance(code, int) else None,
            detail=str(detail) if detail else None,
            suspects=list(version.suspects),
            began_at=version.began_at,
            settled_at=version.settled_at,
            published_by=version.published_by_name,
        )


class MenuVersionsView(_View):
    """The newest versions of a channel's menus, newest first."""

    items: list[MenuVersionView]


class LiveMenuView(_View):
    """What the provider showed when we last looked, and in what that differs from what should be live."""

    standing: Standing
    read_at: datetime | None
    reason: str | None
    """Why it could not be read the last time; what is said then is older."""
    shown: bool
    menu: Menu | None
    differences: list[MenuDifferenceView]
    """From what we published to what is live."""


class ConditionalMenuView(_View):
    """A menu for some customers. `standing`: never published, live, changed since, or no longer at the provider."""

    id: UUID
    name: str
    rule: MatchRule
    menu: Menu
    version: int
    standing: Literal["draft", "live", "changed", "gone"]
    published_number: int | None
    changed_at: datetime
    changed_by: str | None
    faults: list[MenuFaultView]


class ForeignMenuView(_View):
    """A conditional menu at the provider that another platform has made."""

    external_menu_id: str
    rule: MatchRule
    names: list[str]


class MenuLimitsView(_View):
    """How large a menu of the kind may be. Bytes are those of UTF-8."""

    most_items: int
    most_sub_items: int
    most_name_bytes: int
    most_sub_name_bytes: int
    most_url_bytes: int
    most_text_bytes: int
    shown_name_characters: int
    shown_sub_name_characters: int
    seen_within_s: int
    platforms: list[str]
    languages: list[str]

    @classmethod
    def of(cls, limits: MenuLimits, *, most_text_bytes: int) -> Self:
        """Return the view of a kind's limits."""
        return cls(
            most_items=limits.most_items,
            most_sub_items=limits.most_sub_items,
            most_name_bytes=limits.most_name_bytes,
            most_sub_name_bytes=limits.most_sub_name_bytes,
            most_url_bytes=limits.most_url_bytes,
            most_text_bytes=most_text_bytes,
            shown_name_characters=limits.shown_name_characters,
            shown_sub_name_characters=limits.shown_sub_name_characters,
            seen_within_s=limits.seen_within_s,
            platforms=list(limits.platforms),
            languages=list(limits.languages),
        )


class MenuGroupView(_View):
    """A skill group that an item can lead to."""

    id: UUID
    name: str


class MenuView(_View):
    """A channel's menu: the draft, what should be live, what is, and what an item can do."""

    channel_id: UUID
    revision: int
    version: int
    draft: Menu
    based_on: int | None
    changed_at: datetime | None
    changed_by: str | None
    changed: bool
    """The draft is another than what should be live."""
    changes: list[MenuDifferenceView]
    """From what customers see now, as far as that is known, to the draft."""
    faults: list[MenuFaultView]
    published: MenuVersionView | None
    last_try: MenuVersionView | None
    """The newest try to publish, where it did not succeed."""
    busy_until: datetime | None
    """Until when at most somebody else is changing what is live."""
    live: LiveMenuView
    conditional: list[ConditionalMenuView]
    foreign: list[ForeignMenuView]
    limits: MenuLimitsView
    offered: list[str]
    """What an item can be made to do."""
    groups: list[MenuGroupView]


class MatchedMenuView(_View):
    """The menu that one customer sees."""

    menu: Menu


def conditional_view(
    conditional: StoredConditional, *, faults: Sequence[Fault], published: Menu | None, is_live: bool
) -> ConditionalMenuView:
    """Return the view of a conditional menu; `published` is its menu as it was published last."""
    standing: Literal["draft", "live", "changed", "gone"] = "draft"
    if conditional.external_menu_id is not None:
        standing = "gone" if not is_live else "live" if published == conditional.menu else "changed"
    return ConditionalMenuView(
        id=conditional.id,
        name=conditional.name,
        rule=conditional.rule,
        menu=conditional.menu,
        version=conditional.version,
        standing=standing,
        published_number=conditional.published_number,
        changed_at=conditional.changed_at,
        changed_by=conditional.changed_by_name,
        faults=[MenuFaultView.of(fault) for fault in faults],
    )
