"""Undocking: the channel falls silent and its account is free; settings and history stay where they are."""

from dataclasses import dataclass
from typing import ClassVar

from moorage.channels.events import AccountUndocked, ChannelStateChanged
from moorage.channels.model import Channel, ChannelState
from moorage.channels.queries import read_channel
from moorage.channels.views import channel_changed
from moorage.core.errors import DomainError, StaleVersion
from moorage.core.ids import ChannelId, PersonId
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx

ENDED_STATES: frozenset[ChannelState] = frozenset({"deauthorized", "undocked"})
"""States from which a channel is brought back by docking its account again."""


@dataclass(eq=False)
class ChannelUndocked(DomainError):
    """The channel is undocked; docking its account again revives it."""

    code: ClassVar[str] = "channels.undocked"
    kind: ClassVar[str] = "conflict"


async def undock_channel(
    tx: Tx, *, channel_id: ChannelId, version: int | None, by: PersonId | None, remote_address: str
) -> Channel:
    """Undock a channel and return it. Its account can be docked anywhere from now on, here as the same channel.

    What becomes of its conversations is for those to decide who hear of the change. Its credentials stay, sealed: the
    provider may not tell them again to an account that only comes back.

    Raises Missing, ChannelUndocked, or StaleVersion where `version` is not the present one (None: any will do).
    """
    before = await read_channel(tx, channel_id=channel_id)
    if before.state == "undocked":
        raise ChannelUndocked
    await _free_account(tx, channel_id=channel_id)
    undocked = await tx.execute(
        """
        UPDATE channels
        SET state = 'undocked', state_reason = NULL, undocked_at = %(now)s, version = version + 1
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND version = %(version)s
        """,
        {
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "id": channel_id,
            "version": before.version if version is None else version,
        },
    )
    if not undocked:
        raise StaleVersion(version=(await read_channel(tx, channel_id=channel_id)).version)
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act="channel.undocked",
        object_kind="channel",
        object_id=channel_id,
        before={"state": before.state, "external_id": before.external_id},
        after={"state": "undocked"},
    )
    channel = await read_channel(tx, channel_id=channel_id)
    tx.record(channel_changed(channel))
    tx.publish(ChannelStateChanged(channel_id=channel_id, state="undocked", reason=None))
    tx.publish(AccountUndocked(channel_id=channel_id, at=tx.now))
    return channel


async def _free_account(tx: Tx, *, channel_id: ChannelId) -> None:
    """Give up the account's address and token."""
    await tx.execute(
        "DELETE FROM channel_addresses WHERE workspace_id = %s AND channel_id = %s", [tx.workspace_id, channel_id]
    )
    await forget_token(tx, channel_id=channel_id)


async def forget_token(tx: Tx, *, channel_id: ChannelId) -> None:
    """Forget a channel's token and how it fared. A renewal under way finds another version and stores nothing."""
    await tx.execute(
        """
        UPDATE channel_tokens
        SET token = NULL, expires_at = NULL, version = version + 1, renewing_until = NULL, renewing_by = NULL,
            failures = 0, circuit_until = NULL, last_error = NULL
        WHERE workspace_id = %s AND channel_id = %s
        """,
        [tx.workspace_id, channel_id],
    )
