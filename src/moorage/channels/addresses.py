"""Where pushes arrive: from a kind and an account to the channel that it is docked as."""

from datetime import timedelta

from moorage.channels.model import Address
from moorage.channels.queries import read_channel
from moorage.channels.views import channel_changed
from moorage.connectors.manifest import Manifest
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId
from moorage.infra.database import Asked, Tx

ASKED_AGAIN = timedelta(seconds=5)
"""Within this time the provider's question is not worth another fact: its back office asks twice now and then."""


def callback_url(manifest: Manifest, *, public_url: str, external_id: str) -> str:
    """Return the address to enter at the provider. It is known before the account is docked."""
    return public_url.rstrip("/") + manifest.push_path.format(external_id=external_id)


async def find_address(tx: Tx, *, kind: str, external_id: str) -> Address:
    """Return where an account's pushes belong; `tx` is a platform transaction. Raises Missing."""
    return await the_address(await ask_for_address(tx, kind=kind, external_id=external_id))


async def ask_for_address(tx: Tx, *, kind: str, external_id: str) -> Asked[Address]:
    """Ask where an account's pushes belong; `tx` is a platform transaction."""
    return await tx.ask(
        Address,
        """
        SELECT workspace_id, channel_id, kind, external_id, verification, verified_at
        FROM channel_addresses WHERE kind = %s AND external_id = %s
        """,
        [kind, external_id],
    )


async def the_address(asked: Asked[Address]) -> Address:
    """Return the address that was asked for. Raises Missing."""
    address = await asked.row()
    if address is None:
        raise Missing(what="channel address")
    return address


async def mark_verified(tx: Tx, *, channel_id: ChannelId) -> None:
    """Remember that the provider has asked whether the address is ours and was answered, and tell the console."""
    marked = await tx.execute(
        """
        UPDATE channel_addresses SET verified_at = %(now)s
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s
          AND (verified_at IS NULL OR verified_at < %(now)s - %(again)s)
        """,
        {"now": tx.now, "workspace_id": tx.workspace_id, "channel_id": channel_id, "again": ASKED_AGAIN},
    )
    if marked:
        await tx.execute(
            "UPDATE channels SET version = version + 1 WHERE workspace_id = %s AND id = %s",
            [tx.workspace_id, channel_id],
        )
        tx.record(channel_changed(await read_channel(tx, channel_id=channel_id)))
