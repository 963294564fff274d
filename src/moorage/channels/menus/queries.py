"""Reading menus: the draft, what was published, and what the provider showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString
from uuid import UUID

from moorage.channels.menus.compiling import Known, items_by_key, own_keys
from moorage.channels.menus.model import Menu, OpenLink, OpenMiniProgram, SubItem, read_key
from moorage.connectors.menus import LiveMenu, MatchRule, ProviderMenu
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx

MOST_VERSIONS = 50

VersionState = Literal["publishing", "published", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class StoredMenu:
    """A channel's menu as it is kept. One that nobody has touched yet has version 0 and an empty draft."""

    channel_id: ChannelId
    draft: Menu
    version: int = 0
    revision: int = 0
    based_on: int | None = None
    changed_at: datetime | None = None
    changed_by_name: str | None = None
    published_number: int | None = None
    leased_until: datetime | None = None
    leased_by: UUID | None = None
    live: LiveMenu | None = None
    live_digest: str | None = None
    live_read_at: datetime | None = None
    live_reason: str | None = None

    def is_leased(self, now: datetime) -> bool:
        """Return whether somebody is changing what is live."""
        return self.leased_until is not None and self.leased_until > now


@dataclass(frozen=True, slots=True)
class MenuVersion:
    """One try to publish. `suspects` are the items that a refusal may be about."""

    number: int
    menu: Menu
    digest: str
    conditional_id: UUID | None
    rule: MatchRule | None
    state: VersionState
    reason: str | None
    details: Mapping[str, object] | None
    suspects: Sequence[str]
    began_at: datetime
    settled_at: datetime | None
    published_by_name: str | None


@dataclass(frozen=True, slots=True)
class StoredConditional:
    """A menu for some customers. `external_menu_id` is set as long as the provider should have it."""

    id: UUID
    name: str
    rule: MatchRule
    menu: Menu
    version: int
    published_number: int | None
    external_menu_id: str | None
    changed_at: datetime
    changed_by_name: str | None


@dataclass(frozen=True, slots=True)
class _MenuRow:
    channel_id: ChannelId
    draft: Mapping[str, object]
    version: int
    revision: int
    based_on: int | None
    changed_at: datetime | None
    changed_by_name: str | None
    published_number: int | None
    leased_until: datetime | None
    leased_by: UUID | None
    live: Mapping[str, object] | None
    live_digest: str | None
    live_read_at: datetime | None
    live_reason: str | None

    def value(self) -> StoredMenu:
        return StoredMenu(
            channel_id=self.channel_id,
            draft=Menu.model_validate(self.draft),
            version=self.version,
            revision=self.revision,
            based_on=self.based_on,
            changed_at=self.changed_at,
            changed_by_name=self.changed_by_name,
            published_number=self.published_number,
            leased_until=self.leased_until,
            leased_by=self.leased_by,
            live=None if self.live is None else LiveMenu.model_validate(self.live),
            live_digest=self.live_digest,
            live_read_at=self.live_read_at,
            live_reason=self.live_reason,
        )


@dataclass(frozen=True, slots=True)
class _VersionRow:
    number: int
    menu: Mapping[str, object]
    digest: str
    conditional_id: UUID | None
    rule: Mapping[str, object] | None
    state: VersionState
    reason: str | None
    details: Mapping[str, object] | None
    suspects: Sequence[str]
    began_at: datetime
    settled_at: datetime | None
    published_by_name: str | None

    def value(self) -> MenuVersion:
        return MenuVersion(
            number=self.number,
            menu=Menu.model_validate(self.menu),
            digest=self.digest,
            conditional_id=self.conditional_id,
            rule=None if self.rule is None else MatchRule.model_validate(self.rule),
            state=self.state,
            reason=self.reason,
            details=self.details,
            suspects=self.suspects,
            began_at=self.began_at,
            settled_at=self.settled_at,
            published_by_name=self.published_by_name,
        )


@dataclass(frozen=True, slots=True)
class _ConditionalRow:
    id: UUID
    name: str
    rule: Mapping[str, object]
    menu: Mapping[str, object]
    version: int
    published_number: int | None
    external_menu_id: str | None
    changed_at: datetime
    changed_by_name: str | None

    def value(self) -> StoredConditional:
        return StoredConditional(
            id=self.id,
            name=self.name,
            rule=MatchRule.model_validate(self.rule),
            menu=Menu.model_validate(self.menu),
            version=self.version,
            published_number=self.published_number,
            external_menu_id=self.external_menu_id,
            changed_at=self.changed_at,
            changed_by_name=self.changed_by_name,
        )


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    menu: Mapping[str, object]


_MENU: LiteralString = """
    SELECT m.channel_id, m.draft, m.version, m.revision, m.based_on, m.changed_at, p.name AS changed_by_name,
           m.published_number, m.leased_until, m.leased_by, m.live, m.live_digest, m.live_read_at, m.live_reason
    FROM channel_menus m LEFT JOIN persons p ON p.id = m.changed_by
    WHERE m.workspace_id = %s AND m.channel_id = %s
"""
_VERSION: LiteralString = """
    SELECT v.number, v.menu, v.digest, v.conditional_id, v.rule, v.state, v.reason, v.details, v.suspects, v.began_at,
           v.settled_at, p.name AS published_by_name
    FROM menu_versions v LEFT JOIN persons p ON p.id = v.published_by
    WHERE v.workspace_id = %s AND v.channel_id = %s
"""
_CONDITIONAL: LiteralString = """
    SELECT c.id, c.name, c.rule, c.menu, c.version, c.published_number, c.external_menu_id, c.changed_at,
           p.name AS changed_by_name
    FROM conditional_menus c LEFT JOIN persons p ON p.id = c.changed_by
    WHERE c.workspace_id = %s AND c.channel_id = %s
"""


async def read_menu(tx: Tx, *, channel_id: ChannelId) -> StoredMenu:
    """Return a channel's menu; an empty one where nobody has made any."""
    row = await tx.row(_MenuRow, _MENU, [tx.workspace_id, channel_id])
    return StoredMenu(channel_id=channel_id, draft=Menu()) if row is None else row.value()


async def lock_menu(tx: Tx, *, channel_id: ChannelId) -> StoredMenu:
    """Return a channel's menu, its row made if it was not there, and locked until the transaction ends."""
    await tx.execute(
        """
        INSERT INTO channel_menus (workspace_id, channel_id, draft) VALUES (%s, %s, '{}')
        ON CONFLICT (workspace_id, channel_id) DO NOTHING
        """,
        [tx.workspace_id, channel_id],
    )
    row = await tx.row(_MenuRow, _MENU + " FOR UPDATE OF m", [tx.workspace_id, channel_id])
    if row is None:
        raise Missing(what="menu")
    return row.value()


async def read_version(tx: Tx, *, channel_id: ChannelId, number: int) -> MenuVersion:
    """Return one version. Raises Missing."""
    row = await tx.row(_VersionRow, _VERSION + " AND v.number = %s", [tx.workspace_id, channel_id, number])
    if row is None:
        raise Missing(what="menu version")
    return row.value()


async def list_versions(tx: Tx, *, channel_id: ChannelId) -> list[MenuVersion]:
    """Return the newest versions of a channel's menus, newest first, those that failed among them."""
    rows = await tx.rows(
        _VersionRow, _VERSION + " ORDER BY v.number DESC LIMIT %s", [tx.workspace_id, channel_id, MOST_VERSIONS]
    )
    return [row.value() for row in rows]


async def newest_try(tx: Tx, *, channel_id: ChannelId) -> MenuVersion | None:
    """Return the newest try to publish the menu for everybody, whatever came of it."""
    row = await tx.row(
        _VersionRow,
        _VERSION + " AND v.conditional_id IS NULL ORDER BY v.number DESC LIMIT 1",
        [tx.workspace_id, channel_id],
    )
    return None if row is None else row.value()


async def list_conditional(tx: Tx, *, channel_id: ChannelId) -> list[StoredConditional]:
    """Return a channel's conditional menus in the order they were made."""
    rows = await tx.rows(_ConditionalRow, _CONDITIONAL + " ORDER BY c.created_at, c.id", [tx.workspace_id, channel_id])
    return [row.value() for row in rows]


async def read_conditional(tx: Tx, *, channel_id: ChannelId, conditional_id: UUID) -> StoredConditional:
    """Return one conditional menu. Raises Missing."""
    row = await tx.row(_ConditionalRow, _CONDITIONAL + " AND c.id = %s", [tx.workspace_id, channel_id, conditional_id])
    if row is None:
        raise Missing(what="conditional menu")
    return row.value()


async def known_items(tx: Tx, *, channel_id: ChannelId, menu: ProviderMenu) -> Known:
    """Return the items of ours that the keys of a provider's menu name, by version and id."""
    numbers = sorted({number for number, _ in own_keys(menu)})
    if not numbers:
        return {}
    rows = await tx.rows(
        _Numbered,
        "SELECT number, menu FROM menu_versions WHERE workspace_id = %s AND channel_id = %s AND number = ANY(%s)",
        [tx.workspace_id, channel_id, numbers],
    )
    return items_by_key((row.number, Menu.model_validate(row.menu)) for row in rows)


async def find_item(tx: Tx, *, channel_id: ChannelId, key: str) -> SubItem | None:
    """Return the item that one of our keys names, whatever has been published since; None for any other key."""
    named = read_key(key)
    if named is None:
        return None
    number, item_id = named
    stored = await tx.row(
        _Numbered,
        "SELECT number, menu FROM menu_versions WHERE workspace_id = %s AND channel_id = %s AND number = %s",
        [tx.workspace_id, channel_id, number],
    )
    if stored is None:
        return None
    items = Menu.model_validate(stored.menu).all_items()
    return next((item for item, _ in items if item.id == item_id), None)


async def find_linked_item(tx: Tx, *, channel_id: ChannelId, key: str) -> SubItem | None:
    """Return the item of the published menu that opens the page or mini program page `key`; None where none does."""
    stored = await tx.row(
        _Numbered,
        """
        SELECT v.number, v.menu FROM channel_menus m
        JOIN menu_versions v ON v.workspace_id = m.workspace_id AND v.channel_id = m.channel_id
                            AND v.number = m.published_number
        WHERE m.workspace_id = %s AND m.channel_id = %s
        """,
        [tx.workspace_id, channel_id],
    )
    if stored is None:
        return None
    for item, _ in Menu.model_validate(stored.menu).all_items():
        action = item.action
        if (isinstance(action, OpenLink) and action.url.strip() == key) or (
            isinstance(action, OpenMiniProgram) and action.path.strip() == key
        ):
            return item
    return None
