"""Changing what is drafted: menus for everybody and for some. Nothing here reaches the provider."""

from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.channels.menus.facts import tell_of_menu
from moorage.channels.menus.model import Menu
from moorage.channels.menus.queries import (
    StoredConditional,
    StoredMenu,
    list_conditional,
    lock_menu,
    read_conditional,
    read_menu,
    read_version,
)
from moorage.channels.queries import read_channel
from moorage.channels.undocking import ChannelUndocked
from moorage.connectors.menus import MatchRule
from moorage.core.errors import Malformed, StaleVersion
from moorage.core.ids import ChannelId, PersonId, new_id
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx

MOST_NAME_CHARACTERS = 60
MOST_CONDITIONAL = 50


@dataclass(frozen=True, slots=True)
class By:
    """Who asks for something, and from where."""

    person_id: PersonId
    remote_address: str


async def save_draft(
    tx: Tx, *, channel_id: ChannelId, draft: Menu, version: int, by: By, based_on: int | None = None
) -> StoredMenu:
    """Return the menu with `draft` in place of the one that the person saw as `version`, finished or not.

    `based_on` names the version that it was taken from. Raises Missing, ChannelUndocked or StaleVersion.
    """
    await check_docked(tx, channel_id=channel_id)
    before = await lock_menu(tx, channel_id=channel_id)
    if before.version != version:
        raise StaleVersion(version=before.version)
    await tx.execute(
        """
        UPDATE channel_menus
        SET draft = %(draft)s, version = version + 1, based_on = coalesce(%(based_on)s, based_on), changed_at = %(now)s,
            changed_by = %(by)s
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s
        """,
        {
            "draft": Jsonb(draft.model_dump(mode="json")),
            "based_on": based_on,
            "now": tx.now,
            "by": by.person_id,
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
        },
    )
    await audit(tx, channel_id=channel_id, act="drafted", by=by, before=_names(before.draft), after=_names(draft))
    await tell_of_menu(tx, channel_id=channel_id)
    return await read_menu(tx, channel_id=channel_id)


async def restore_version(tx: Tx, *, channel_id: ChannelId, number: int, version: int, by: By) -> StoredMenu:
    """Return the menu with an earlier version as its draft. Raises Missing, ChannelUndocked or StaleVersion."""
    earlier = await read_version(tx, channel_id=channel_id, number=number)
    return await save_draft(
        tx, channel_id=channel_id, draft=earlier.menu, version=version, by=by, based_on=earlier.number
    )


async def add_conditional(
    tx: Tx, *, channel_id: ChannelId, name: str, rule: MatchRule, menu: Menu, by: By
) -> StoredConditional:
    """Add a menu for some customers and return it; nobody sees it before it is published. Raises Malformed."""
    await check_docked(tx, channel_id=channel_id)
    await lock_menu(tx, channel_id=channel_id)
    if len(await list_conditional(tx, channel_id=channel_id)) >= MOST_CONDITIONAL:
        raise Malformed(field="name", reason="too_many")
    conditional_id = new_id()
    await tx.execute(
        """
        INSERT INTO conditional_menus
               (workspace_id, id, channel_id, name, rule, menu, created_at, changed_at, changed_by)
        VALUES (%(workspace_id)s, %(id)s, %(channel_id)s, %(name)s, %(rule)s, %(menu)s, %(now)s, %(now)s, %(by)s)
        """,
        {
            "workspace_id": tx.workspace_id,
            "id": conditional_id,
            "channel_id": channel_id,
            "name": _name(name),
            "rule": Jsonb(rule.model_dump(mode="json")),
            "menu": Jsonb(menu.model_dump(mode="json")),
            "now": tx.now,
            "by": by.person_id,
        },
    )
    await audit(tx, channel_id=channel_id, act="conditional_added", by=by, after={"name": _name(name)})
    await tell_of_menu(tx, channel_id=channel_id)
    return await read_conditional(tx, channel_id=channel_id, conditional_id=conditional_id)


async def change_conditional(
    tx: Tx,
    *,
    channel_id: ChannelId,
    conditional_id: UUID,
    name: str,
    rule: MatchRule,
    menu: Menu,
    version: int,
    by: By,
) -> StoredConditional:
    """Return a conditional menu with what is given; who sees the published one goes on seeing that.

    Raises Missing, Malformed, ChannelUndocked or StaleVersion.
    """
    await check_docked(tx, channel_id=channel_id)
    before = await read_conditional(tx, channel_id=channel_id, conditional_id=conditional_id)
    changed = await tx.execute(
        """
        UPDATE conditional_menus
        SET name = %(name)s, rule = %(rule)s, menu = %(menu)s, version = version + 1, changed_at = %(now)s,
            changed_by = %(by)s
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND version = %(version)s
        """,
        {
            "name": _name(name),
            "rule": Jsonb(rule.model_dump(mode="json")),
            "menu": Jsonb(menu.model_dump(mode="json")),
            "now": tx.now,
            "by": by.person_id,
            "workspace_id": tx.workspace_id,
            "id": conditional_id,
            "version": version,
        },
    )
    if not changed:
        raise StaleVersion(version=before.version)
    await audit(
        tx,
        channel_id=channel_id,
        act="conditional_changed",
        by=by,
        before={"name": before.name, **_names(before.menu)},
        after={"name": _name(name), **_names(menu)},
    )
    await tell_of_menu(tx, channel_id=channel_id)
    return await read_conditional(tx, channel_id=channel_id, conditional_id=conditional_id)


async def check_docked(tx: Tx, *, channel_id: ChannelId) -> None:
    """Return if the channel is docked. Raises Missing or ChannelUndocked."""
    if (await read_channel(tx, channel_id=channel_id)).state == "undocked":
        raise ChannelUndocked


async def audit(
    tx: Tx,
    *,
    channel_id: ChannelId,
    act: str,
    by: By,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    """Write down who did what to a channel's menu."""
    await write_audit(
        tx,
        by=by.person_id,
        remote_address=by.remote_address,
        act=f"channel.menu_{act}",
        object_kind="channel",
        object_id=channel_id,
        before=before,
        after=after,
    )


def _names(menu: Menu) -> dict[str, object]:
    return {"items": [item.name for item, _ in menu.all_items()]}


def _name(name: str) -> str:
    trimmed = name.strip()
    if not trimmed or len(trimmed) > MOST_NAME_CHARACTERS or not trimmed.isprintable():
        raise Malformed(field="name", reason="empty" if not trimmed else "mismatch")
    return trimmed
