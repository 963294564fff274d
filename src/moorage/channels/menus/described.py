"""Everything about a channel's menu that its page shows, read in one transaction."""

from uuid import UUID

from moorage.channels.menus.checking import Ground, faults_of, faults_of_rule
from moorage.channels.menus.live import differences_of, live_as_ours, standing
from moorage.channels.menus.model import OFFERED, Menu
from moorage.channels.menus.queries import (
    MenuVersion,
    StoredConditional,
    StoredMenu,
    list_conditional,
    newest_try,
    read_menu,
    read_version,
)
from moorage.channels.menus.views import (
    ConditionalMenuView,
    ForeignMenuView,
    LiveMenuView,
    MenuDifferenceView,
    MenuFaultView,
    MenuGroupView,
    MenuLimitsView,
    MenuVersionView,
    MenuView,
    conditional_view,
)
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx
from moorage.staff.queries import list_groups


async def describe_menu(tx: Tx, *, channel_id: ChannelId, ground: Ground) -> MenuView:
    """Return the menu of a channel whose kind has menus."""
    stored = await read_menu(tx, channel_id=channel_id)
    published = await _published(tx, stored)
    last_try = await newest_try(tx, channel_id=channel_id)
    live = await live_as_ours(tx, stored)
    conditional = await list_conditional(tx, channel_id=channel_id)
    should_be = None if published is None else published.menu
    groups = await list_groups(tx)
    return MenuView(
        channel_id=channel_id,
        revision=stored.revision,
        version=stored.version,
        draft=stored.draft,
        based_on=stored.based_on,
        changed_at=stored.changed_at,
        changed_by=stored.changed_by_name,
        changed=bool(stored.draft.items) if should_be is None else stored.draft != should_be,
        changes=_differences(should_be if stored.live is None else live, stored.draft),
        faults=[MenuFaultView.of(fault) for fault in faults_of(stored.draft, ground=ground)],
        published=None if published is None else MenuVersionView.of(published),
        last_try=None if last_try is None or last_try.state == "published" else MenuVersionView.of(last_try),
        busy_until=stored.leased_until if stored.is_leased(tx.now) else None,
        live=_live_view(stored, published, live),
        conditional=[await _conditional(tx, channel_id, one, stored, ground) for one in conditional],
        foreign=_foreign(stored, {one.external_menu_id for one in conditional}),
        limits=MenuLimitsView.of(ground.limits, most_text_bytes=ground.most_text_bytes),
        offered=list(OFFERED),
        groups=[MenuGroupView(id=UUID(str(group.id)), name=group.name) for group in groups],
    )


async def _published(tx: Tx, stored: StoredMenu) -> MenuVersion | None:
    if stored.published_number is None:
        return None
    return await read_version(tx, channel_id=stored.channel_id, number=stored.published_number)


def _live_view(stored: StoredMenu, published: MenuVersion | None, live: Menu | None) -> LiveMenuView:
    how = standing(stored, published=published)
    return LiveMenuView(
        standing=how,
        read_at=stored.live_read_at,
        reason=stored.live_reason,
        shown=stored.live is not None and stored.live.shown,
        menu=live,
        differences=_differences(published.menu, live) if how == "differs" and published is not None else [],
    )


def _differences(before: Menu | None, after: Menu | None) -> list[MenuDifferenceView]:
    return [MenuDifferenceView.of(difference) for difference in differences_of(before, after)]


async def _conditional(
    tx: Tx, channel_id: ChannelId, conditional: StoredConditional, stored: StoredMenu, ground: Ground
) -> ConditionalMenuView:
    published: MenuVersion | None = None
    if conditional.published_number is not None:
        published = await read_version(tx, channel_id=channel_id, number=conditional.published_number)
    at_provider = () if stored.live is None else stored.live.conditional
    # What was published after we last looked cannot be among what we saw.
    seen = stored.live_read_at is not None and published is not None and stored.live_read_at > published.began_at
    unchanged = None if published is None or published.rule != conditional.rule else published.menu
    return conditional_view(
        conditional,
        faults=(*faults_of_rule(conditional.rule, limits=ground.limits), *faults_of(conditional.menu, ground=ground)),
        published=unchanged,
        is_live=not seen or conditional.external_menu_id in {one.external_menu_id for one in at_provider},
    )


def _foreign(stored: StoredMenu, ours: set[str | None]) -> list[ForeignMenuView]:
    at_provider = () if stored.live is None else stored.live.conditional
    return [
        ForeignMenuView(
            external_menu_id=one.external_menu_id,
            rule=one.rule,
            names=[button.name for button in one.menu.buttons],
        )
        for one in at_provider
        if one.external_menu_id not in ours
    ]
