"""What everybody in the workspace is told when a channel's menu changes, here or at the provider."""

from moorage.core.ids import ChannelId
from moorage.infra.database import Fact, Tx


async def tell_of_menu(tx: Tx, *, channel_id: ChannelId) -> None:
    """Record that the menu of a channel has changed. Its row must be there; the rest is read anew by who needs it."""
    revision = await tx.value(
        """
        UPDATE channel_menus SET revision = revision + 1 WHERE workspace_id = %s AND channel_id = %s
        RETURNING revision
        """,
        [tx.workspace_id, channel_id],
    )
    if isinstance(revision, int):
        tx.record(
            Fact(
                topic="channel.menu_changed",
                object_id=channel_id,
                version=revision,
                audience=("all",),
                payload={"channel_id": str(channel_id), "revision": revision},
            )
        )
