"""Where pushes arrive: from a kind and an account to the channel that it is docked as."""

from collections.abc import Sequence
from datetime import timedelta

from moorage.channels.model import Address
from moorage.channels.queries import read_channel
from moorage.channels.views import channel_changed
from moorage.connectors.manifest import Manifest
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId
from moorage.infra.database import Asked, Database, Tx
from moorage.infra.rounds import RoundFailed, Rounds

MOST_AT_ONCE = 100
ASKED_AGAIN = timedelta(seconds=5)
"""Within this time the provider's question is not worth another fact: its back office asks twice now and then."""


def callback_url(manifest: Manifest, *, public_url: str, external_id: str) -> str:
    """Return the address to enter at the provider. It is known before the account is docked."""
    return public_url.rstrip("/") + manifest.push_path.format(external_id=external_id)


class AddressBook:
    """Where pushes of many accounts arrive. Those who ask at the same moment share one read, which begins later."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rounds = Rounds(self._read, most=MOST_AT_ONCE)

    async def find(self, *, kind: str, external_id: str) -> Address:
        """Return where an account's pushes belong. Raises Missing."""
        try:
            address = await self._rounds.join((kind, external_id))
        except RoundFailed:
            [address] = await self._read([(kind, external_id)])
        if address is None:
            raise Missing(what="channel address")
        return address

    async def _read(self, wanted: Sequence[tuple[str, str]]) -> list[Address | None]:
        async with self._database.in_platform() as tx:
            asked = {one: await _ask_for_address(tx, kind=one[0], external_id=one[1]) for one in set(wanted)}
        found = {one: await question.row() for one, question in asked.items()}
        return [found[one] for one in wanted]


async def find_address(tx: Tx, *, kind: str, external_id: str) -> Address:
    """Return where an account's pushes belong; `tx` is a platform transaction. Raises Missing."""
    address = await (await _ask_for_address(tx, kind=kind, external_id=external_id)).row()
    if address is None:
        raise Missing(what="channel address")
    return address


async def _ask_for_address(tx: Tx, *, kind: str, external_id: str) -> Asked[Address]:
    return await tx.ask(
        Address,
        """
        SELECT workspace_id, channel_id, kind, external_id, verification, verified_at
        FROM channel_addresses WHERE kind = %s AND external_id = %s
        """,
        [kind, external_id],
    )


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
