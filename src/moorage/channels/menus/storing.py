"""Writing down what is live, and what came of a version."""

from psycopg.types.json import Jsonb

from moorage.channels.menus.checking import suspects
from moorage.channels.menus.leasing import Publication
from moorage.channels.menus.outcomes import Outcome
from moorage.connectors.menus import LiveMenu, ProviderMenu
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx


async def settle_version(tx: Tx, publication: Publication, outcome: Outcome) -> None:
    """Write down what came of a version."""
    accused = suspects(publication.menu, at=outcome.at, level=outcome.level)
    await tx.execute(
        """
        UPDATE menu_versions
        SET state = %(state)s, reason = %(reason)s, details = %(details)s, suspects = %(suspects)s,
            settled_at = %(now)s
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s AND number = %(number)s
        """,
        {
            "state": outcome.state,
            "reason": outcome.reason,
            "details": Jsonb(dict(outcome.details)),
            "suspects": Jsonb(list(accused)),
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "channel_id": publication.lease.channel_id,
            "number": publication.number,
        },
    )


async def mark_published(tx: Tx, *, channel_id: ChannelId, number: int) -> None:
    """Say which version should be live for everybody from now on."""
    await tx.execute(
        """
        UPDATE channel_menus SET published_number = %s, based_on = %s WHERE workspace_id = %s AND channel_id = %s
        """,
        [number, number, tx.workspace_id, channel_id],
    )


async def store_published(tx: Tx, *, channel_id: ChannelId, given: ProviderMenu) -> None:
    """Take what was published for what is live; conditional menus are as they were."""
    before = await tx.value(
        "SELECT live FROM channel_menus WHERE workspace_id = %s AND channel_id = %s", [tx.workspace_id, channel_id]
    )
    live = LiveMenu.nothing() if before is None else LiveMenu.model_validate(before)
    await store_live(tx, channel_id=channel_id, live=live.model_copy(update={"shown": True, "menu": given}))


async def store_live(tx: Tx, *, channel_id: ChannelId, live: LiveMenu) -> None:
    """Keep what the provider shows."""
    await tx.execute(
        """
        UPDATE channel_menus
        SET live = %(live)s, live_digest = %(digest)s, live_read_at = %(now)s, live_reason = NULL
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s
        """,
        {
            "live": Jsonb(live.model_dump(mode="json", exclude_defaults=False)),
            "digest": None if live.menu is None else live.menu.digest,
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
        },
    )


async def keep_external(tx: Tx, publication: Publication, external_menu_id: str) -> None:
    """Remember what the provider calls a conditional menu that was published."""
    await tx.execute(
        """
        UPDATE conditional_menus SET external_menu_id = %s, published_number = %s
        WHERE workspace_id = %s AND id = %s
        """,
        [external_menu_id, publication.number, tx.workspace_id, publication.conditional_id],
    )


async def forget_published(tx: Tx, channel_id: ChannelId) -> None:
    """Say that nothing of ours is live any more."""
    await tx.execute(
        "UPDATE channel_menus SET published_number = NULL WHERE workspace_id = %s AND channel_id = %s",
        [tx.workspace_id, channel_id],
    )
    await tx.execute(
        """
        UPDATE conditional_menus SET external_menu_id = NULL, published_number = NULL
        WHERE workspace_id = %s AND channel_id = %s
        """,
        [tx.workspace_id, channel_id],
    )
